"""A tenant's time zone changes: its past is folded again, and the next day is judged by the right hours."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from cjp_fraud.cli.baseline import app
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.tables import ZoneChange
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.baseline import days_left_out, refresh
from cjp_fraud.detection.lake_tables import BASELINE, PROFILE
from cjp_fraud.operations.baseline import refresh_baseline, show_baseline
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import TRAFFIC
from features.columns import SERIES_KEY
from tests import processes
from tests.integration.detection.deployments import DATABASE, START, SmallDeployment
from tests.processes import die

DAYS = 16
CHANGED = START + timedelta(days=DAYS)
BEFORE = {"mover": "America/New_York", "stayer": "Europe/Paris"}
AFTER = {**BEFORE, "mover": "Asia/Tokyo"}


def shaped_traffic() -> pd.DataFrame:
    """Eighteen days of two tenants, silent at night and busy by day."""
    random = np.random.default_rng(0)
    intervals = (DAYS + 2) * 96
    busy = np.clip(np.sin(np.arange(intervals) / 96 * 2 * np.pi), 0, None) ** 2
    starts = pd.date_range(START, periods=intervals, freq="15min")
    rows = {"interval_start": starts, "interval_seconds": 900, "channel": "voice", "direction": "inbound"}
    frames = [
        pd.DataFrame({"tenant_id": tenant, **rows, "contacts_offered": random.poisson(1 + 400 * busy)})
        for tenant in BEFORE
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Both tenants with sixteen days folded."""
    home = tmp_path_factory.mktemp("settled")
    (home / DATABASE).write_bytes(sqlite_template)
    made = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), BEFORE)
    made.ingest(shaped_traffic())
    refresh(made.lake, made.engine, BEFORE, CHANGED)
    return made


def move(small: SmallDeployment) -> None:
    """Load a tenants file that says another zone of one tenant."""
    file = small.home / "moved.csv"
    file.write_text("tenant_id,time_zone\n" + "".join(f"{name},{zone}\n" for name, zone in AFTER.items()))
    with transaction(small.engine) as session:
        load_tenants(session, file, machine("test"), CHANGED)
    small.zones = AFTER


def flags_of_the_next_day(small: SmallDeployment) -> int:
    day = CHANGED + timedelta(days=1)
    small.detect(day, day + timedelta(days=1))
    scores = small.scores()
    return int(scores["flagged"].sum())


def sorted_rows(small: SmallDeployment, table: object) -> pd.DataFrame:
    frame = small.lake.read(table).to_pandas()  # type: ignore[arg-type]
    frame["application_id"] = frame["application_id"].astype(object)
    return frame.sort_values([*SERIES_KEY, "day"], ignore_index=True)


def test_a_changed_zone_floods_no_flags(settled: SmallDeployment, tmp_path: Path) -> None:
    stayed, moved = settled.copy(tmp_path / "stayed"), settled.copy(tmp_path / "moved")
    move(moved)
    assert flags_of_the_next_day(moved) <= flags_of_the_next_day(stayed)
    scores = moved.scores()
    assert scores["score"].notna().all(), "the mover is judged by the past that was folded again"
    with reading(moved.engine) as session:
        change = session.scalars(select(ZoneChange)).one()
    assert (change.tenant_id, change.before, change.time_zone) == (
        "mover",
        *(z["mover"] for z in (BEFORE, AFTER)),
    )
    assert change.changed_at == CHANGED


def test_loading_the_same_zone_again_is_no_change(settled: SmallDeployment, tmp_path: Path) -> None:
    moved = settled.copy(tmp_path / "moved")
    move(moved)
    move(moved)
    with reading(moved.engine) as session:
        assert session.scalar(select(func.count()).select_from(ZoneChange)) == 1


def test_days_are_folded_again_as_if_the_zone_had_always_been_the_new_one(
    settled: SmallDeployment, tmp_path: Path, sqlite_template: bytes
) -> None:
    moved = settled.copy(tmp_path / "moved")
    move(moved)
    done = refresh(moved.lake, moved.engine, AFTER, CHANGED + timedelta(days=1))
    assert done.left_out == 0
    assert refresh(moved.lake, moved.engine, AFTER, CHANGED + timedelta(days=1)).folded == 0
    (tmp_path / "always").mkdir()
    (tmp_path / "always" / DATABASE).write_bytes(sqlite_template)
    always = SmallDeployment(
        tmp_path / "always", make_engine(f"sqlite:///{tmp_path / 'always' / DATABASE}"), AFTER
    )
    always.ingest(shaped_traffic())
    refresh(always.lake, always.engine, AFTER, CHANGED + timedelta(days=1))
    for table in (PROFILE, BASELINE):
        pd.testing.assert_frame_equal(
            sorted_rows(moved, table), sorted_rows(always, table), check_exact=True, obj=table.name
        )


def test_days_that_the_lake_no_longer_has_are_left_out_and_said(
    settled: SmallDeployment, tmp_path: Path
) -> None:
    moved = settled.copy(tmp_path / "moved")
    gone = START + timedelta(days=5)
    moved.lake.delete(TRAFFIC, where=Where(days=(START.date(), gone.date())))
    move(moved)
    now = CHANGED + timedelta(days=1)
    done = refresh(moved.lake, moved.engine, AFTER, now)
    left_out = days_left_out(moved.lake, AFTER, {"mover", "stayer"}, now)
    assert list(left_out) == ["mover"]
    assert left_out["mover"][0] < START.date() + timedelta(days=1) < left_out["mover"][-1] < gone.date()
    assert done.left_out == len(left_out["mover"])
    assert moved.scores().empty
    assert flags_of_the_next_day(moved) == 0


def test_right_after_the_change_days_wait_to_be_folded_again_and_are_not_called_lost(
    settled: SmallDeployment, tmp_path: Path
) -> None:
    moved = settled.copy(tmp_path / "moved")
    gone = START + timedelta(days=5)
    moved.lake.delete(TRAFFIC, where=Where(days=(START.date(), gone.date())))
    move(moved)
    now = CHANGED + timedelta(days=1)
    opened = Deployment(load_settings(home=moved.home, now=now))
    before = show_baseline(opened, now, "mover")
    assert before.series == ()
    lost = before.days_left_out
    assert lost[-1] < gone.date() <= before.days_waiting[-1] < CHANGED.date()
    assert before.days_waiting[0] == lost[-1] + timedelta(days=1)
    said = CliRunner().invoke(app, ["show", "mover"], obj=opened).stdout
    assert "no baseline in its new time zone Asia/Tokyo yet" in said
    assert (
        f"from {before.days_waiting[0]} to {before.days_waiting[-1]} were folded in a former time zone"
        in said
    )
    refresh_baseline(opened, now)
    after = show_baseline(opened, now, "mover")
    assert (after.days_waiting, after.days_left_out) == ((), lost)
    assert show_baseline(opened, now, "stayer").days_waiting == ()


def refresh_killed_at(step: int, home: Path) -> None:
    """Refresh, killed before the ``step``-th replacement in the lake."""
    numbers, replace = count(1), Lake.replace

    def replace_or_die(*args: Any, **kwargs: Any) -> Any:
        return die() if next(numbers) == step else replace(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "replace", replace_or_die)
        small = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), AFTER)
        refresh(small.lake, small.engine, AFTER, CHANGED + timedelta(days=1))


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_killed_in_the_middle_and_run_again_gives_the_same(
    settled: SmallDeployment, tmp_path: Path, step: int
) -> None:
    whole, killed = settled.copy(tmp_path / "whole"), settled.copy(tmp_path / "killed")
    for small in (whole, killed):
        move(small)
    killed.engine.dispose()
    processes.killed(refresh_killed_at, step, killed.home)
    for small in (whole, killed):
        refresh(small.lake, small.engine, AFTER, CHANGED + timedelta(days=1))
    for table in (PROFILE, BASELINE):
        pd.testing.assert_frame_equal(
            sorted_rows(whole, table), sorted_rows(killed, table), check_exact=True, obj=table.name
        )
