"""What notebooks open can be read and not changed: the database and the lake refuse it themselves."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cjp_fraud.analysis import Analysis
from cjp_fraud.analysis.columns import FRAMES
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import StorageError
from cjp_fraud.operations import cases
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.lake import Where
from cjp_fraud.traffic.schema import TRAFFIC
from tests.queue_pages import QueueUnderTest, a_queue

pytestmark = pytest.mark.both_databases


@pytest.fixture
def queue(engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with one flagged case, and a lake without traffic."""
    queue = a_queue(engine, tmp_path, lake=True)
    queue.flagged()
    return queue


def refused() -> AbstractContextManager[object]:
    """The refusal of a write, in our words or the database's own: in tests, engines share a dialect and its events."""
    return pytest.raises((StorageError, DBAPIError), match=r"read-?only|reading alone")


def opened(queue: QueueUnderTest) -> Analysis:
    """The same deployment as notebooks open it."""
    return Analysis(Deployment(queue.deployment.settings, reads_only=True))


def test_a_notebook_cannot_change_a_case_by_any_way_and_reads_it_all_the_same(queue: QueueUnderTest) -> None:
    demo, before = opened(queue), queue.newest_entry()
    deployment = demo.deployment
    with refused():
        cases.claim(deployment, "rita", deployment.now, "1")
    with refused(), transaction(deployment.engine) as session:
        session.execute(text("UPDATE cases SET state = 'dismissed'"))
    with refused(), deployment.engine.connect() as connection:
        connection.execute(text("DELETE FROM flags"))
    if deployment.engine.dialect.name == "sqlite":
        with deployment.engine.connect() as connection:
            connection.execute(text("PRAGMA query_only = OFF"))
            with refused():
                connection.execute(text("DELETE FROM flags"))
    assert queue.newest_entry() == before
    assert demo.cases()["state"].tolist() == ["open"]
    assert len(demo.flags()) == 1
    deployment.engine.dispose()


def test_a_notebook_cannot_change_the_lake(queue: QueueUnderTest) -> None:
    lake = opened(queue).deployment.lake
    version = lake.version(TRAFFIC)
    everything = Where(equal={"tenant_id": ["acme"]})
    rows = TRAFFIC.schema.empty_table()
    for change in (
        lambda: lake.replace(TRAFFIC, rows, where=everything),
        lambda: lake.append(TRAFFIC, rows),
        lambda: lake.delete(TRAFFIC, where=everything),
        lambda: lake.create([TRAFFIC], buckets=2),
    ):
        with pytest.raises(StorageError, match="nothing was changed"):
            change()
    assert lake.version(TRAFFIC) == version


def test_the_frames_of_a_case_have_the_columns_and_dtypes_that_are_documented(queue: QueueUnderTest) -> None:
    demo = opened(queue)
    frames: dict[str, pd.DataFrame] = {
        "tenants": demo.tenants(),
        "traffic": demo.traffic("acme"),
        "flags": demo.flags("acme"),
        "known_events": demo.known_events("acme"),
        "joint_events": demo.joint_events(),
        "versions": demo.versions(),
        "cases": demo.cases(),
        "precision": demo.precision(),
        **{
            name: getattr(demo, name)(1)
            for name in (
                *("case_events", "determinations", "proposals", "measures"),
                *("deliveries", "deemed_receipt", "past_slots"),
            )
        },
    }
    for name, frame in frames.items():
        documented = {column.name: column.dtype for column in FRAMES[name]}
        assert {str(column): str(dtype) for column, dtype in frame.dtypes.items()} == documented, name
    assert frames["flags"]["case"].tolist() == [1]
    assert frames["precision"]["undecided"].tolist() == [1, 1]
    demo.deployment.engine.dispose()


def test_a_home_that_is_only_read_keeps_its_clock(queue: QueueUnderTest) -> None:
    settings = queue.deployment.settings.model_copy(update={"now": queue.deployment.now.replace(year=2040)})
    demo = Analysis(Deployment(settings, now_is_ordered=True, reads_only=True))
    assert demo.now.year != 2040
    demo.deployment.engine.dispose()
