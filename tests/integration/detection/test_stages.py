"""Detection in stages, as a scheduler runs it: the same as one detection, and no change of traffic is overlooked."""

from __future__ import annotations

from datetime import datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from cjp_fraud.detection import run
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.window import next_window
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.tables import TrafficChange
from features.columns import INTERVAL_START, TENANT
from features.counting_clocks import CLOCKS
from tests.integration.detection.cloud import BEGIN, DAYS, EVE, NOW, TENANTS
from tests.integration.detection.deployments import SmallDeployment, traffic
from tests.integration.detection.test_detect import assert_same
from tests.processes import FORKS

LAST_DAY = EVE + timedelta(days=1)
BEFORE_MIDNIGHT = LAST_DAY - timedelta(minutes=10)


@pytest.fixture
def done(staged: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: all is detected in stages."""
    return staged.copy(tmp_path / "done")


def late(minutes: int, offered: int, at: datetime = BEFORE_MIDNIGHT) -> pd.DataFrame:
    """Rows of one tenant that say something else, from ``at`` on."""
    rows = traffic(DAYS, begin=BEGIN, tenants={"loo": "Etc/UTC"})
    first, last = pd.Timestamp(at), pd.Timestamp(at + timedelta(minutes=minutes))
    rows = rows[(rows[INTERVAL_START] >= first) & (rows[INTERVAL_START] < last)]
    return rows.assign(contacts_offered=offered)


def assert_same_detections(detected: SmallDeployment, staged: SmallDeployment) -> None:
    """Both have the same scores, flags and calibrations on every clock."""
    assert_same(detected, staged)
    assert {"acme", "zenith", "trickle"} <= {tenant for tenant, *_ in staged.flag_keys()}
    pools = [small.calibrations() for small in (detected, staged)]
    assert set(pools[0]["clock"]) == set(CLOCKS)
    pd.testing.assert_frame_equal(*pools, check_exact=True)


def test_stages_give_the_scores_flags_and_calibrations_of_one_detection(
    detected: SmallDeployment, staged: SmallDeployment
) -> None:
    assert_same_detections(detected, staged)


@pytest.mark.slow
def test_stages_from_the_first_day_on_give_the_same(
    detected: SmallDeployment, trained: SmallDeployment, tmp_path: Path
) -> None:
    whole = trained.copy(tmp_path / "whole")
    assert whole.run_stages(NOW)[0].begin == BEGIN
    assert_same_detections(detected, whole)


def test_an_hour_is_scored_once_it_is_closed(eve: SmallDeployment, tmp_path: Path) -> None:
    small = eve.copy(tmp_path / "hourly")
    hour = EVE + timedelta(hours=7)
    windows = small.run_stages(hour + timedelta(minutes=9))
    assert windows[-1].end == hour - timedelta(hours=1)
    assert [(one.begin, one.end) for one in small.run_stages(hour + timedelta(minutes=10))] == [
        (hour - timedelta(hours=1), hour)
    ]


def test_rows_that_come_while_a_window_is_scored_stay_for_the_next(done: SmallDeployment) -> None:
    at = LAST_DAY + timedelta(hours=3)
    done.ingest(late(5, 30, at), "first.parquet", now=NOW)
    window = next_window(done.engine, NOW)
    assert window is not None
    done.score(window, NOW)
    done.ingest(late(10, 500, at), "second.parquet", now=NOW)
    run.close_hours(done.detection(window.begin, window.end), window, NOW)
    assert next_window(done.engine, NOW) is not None
    done.run_stages(NOW)
    scores = done.scores()
    mine = scores[(scores[TENANT] == "loo") & (scores[INTERVAL_START] == pd.Timestamp(at))]
    assert mine["observed"].tolist() == [500]


def test_a_late_row_before_midnight_is_felt_in_the_hour_after_it(done: SmallDeployment) -> None:
    before = done.scores()
    done.ingest(late(10, 90), "late.parquet", now=NOW)
    done.run_stages(NOW)
    midnight = pd.Timestamp(LAST_DAY)
    echo = (before[TENANT] == "loo") & (before[INTERVAL_START] >= midnight)
    echo &= before[INTERVAL_START] < midnight + timedelta(hours=1)
    assert (before.loc[echo, "strength"] != done.scores().loc[echo, "strength"]).any()


def _look(url: str, what: str, looking: Event, looked: Event) -> None:
    engine = make_engine(url)
    looking.set()
    if what == "window":
        next_window(engine, NOW)
    else:
        small = SmallDeployment(Path(engine.url.database or "").parent, engine, TENANTS, buckets=2)
        refresh(small.lake, engine, small.zones, NOW)
    looked.set()


@pytest.mark.parametrize("what", ["window", "refresh"])
def test_changes_are_not_looked_at_while_an_ingest_is_storing(done: SmallDeployment, what: str) -> None:
    looking, looked = FORKS.Event(), FORKS.Event()
    url = done.engine.url.render_as_string(hide_password=False)
    other = FORKS.Process(target=_look, args=(url, what, looking, looked))
    with process_lock(done.engine, TRAFFIC_LOCK):
        other.start()
        assert looking.wait(60)
        assert not looked.wait(1)
    other.join(60)
    assert looked.is_set()


def test_every_change_is_marked_in_the_end(staged: SmallDeployment) -> None:
    with reading(staged.engine) as session:
        assert not session.scalars(select(TrafficChange).where(TrafficChange.scored_at.is_(None))).all()
