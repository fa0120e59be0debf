"""Days with determined fraud do not raise a series' bar: from the midnight after the determination, while it stands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Engine

from cjp_fraud.clock import day_of
from cjp_fraud.config import PlatformMode
from cjp_fraud.detection import baseline
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.fraud_days import FOR_EVER, Determined, read_determined
from cjp_fraud.detection.lake_tables import BASELINE
from cjp_fraud.detection.series import series_table
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.review.approval import return_
from cjp_fraud.review.claim import claim
from cjp_fraud.review.determination import leave_undetermined
from cjp_fraud.storage.database import make_engine
from cjp_fraud.traffic.series_identity import series_id
from tests.case_builders import START as NOON
from tests.case_builders import StaffedDeployment, a_flag, flag, open_staffed
from tests.integration.detection.deployments import DATABASE, START, SmallDeployment, traffic

SERIES = {
    "tenant_id": ["acme"],
    "channel": ["voice"],
    "direction": ["outbound"],
    "application_id": pa.array([None], pa.string()),
    "interval_seconds": [300],
}


@pytest.fixture
def staffed(engine: Engine, tmp_path: Path) -> StaffedDeployment:
    """A staffed deployment with a case of one flag, of the 15 minutes up to 12:05, claimed by rita."""
    made = open_staffed(engine, tmp_path, NoticeMethods(PlatformMode.ACT, {}))
    flag(engine, a_flag(NOON, span_seconds=900))
    made.do(claim, "rita")
    return made


def left_out(engine: Engine, zone: str, on: date) -> list[int]:
    """Local days that the snapshot of a day leaves out, of acme's only series."""
    table, _ = series_table(pa.table(SERIES), {"acme": zone})
    found = (
        read_determined(engine).of_series(table).left_out(pd.array([0]).to_numpy("int64"), zone, day_of(on))
    )
    return [] if found is None else found[1].tolist()


def test_a_flag_that_nobody_determined_counts_as_any_other(staffed: StaffedDeployment) -> None:
    assert read_determined(staffed.engine).flags.empty


def test_a_determination_counts_from_the_next_local_midnight_on(staffed: StaffedDeployment) -> None:
    staffed.wait(hours=1)
    staffed.determine()
    today = NOON.date()
    assert left_out(staffed.engine, "Etc/UTC", today) == []
    assert left_out(staffed.engine, "Etc/UTC", today + timedelta(days=1)) == [day_of(today)]
    assert left_out(staffed.engine, "Asia/Tokyo", today + timedelta(days=1)) == [day_of(today)]
    (row,) = read_determined(staffed.engine).flags.itertuples(index=False)
    end = NOON + timedelta(minutes=5)
    assert row.series_id == series_id("acme", "voice", "outbound", None, 300)
    assert (row.first, row.last) == (end.timestamp() - 900, end.timestamp() - 1)
    assert (row.since, row.until) == ((NOON + timedelta(hours=1)).timestamp(), FOR_EVER)


def test_a_flag_across_midnight_leaves_both_days_out(engine: Engine, tmp_path: Path) -> None:
    staffed = open_staffed(engine, tmp_path, NoticeMethods(PlatformMode.ACT, {}))
    midnight = datetime.combine(NOON.date(), datetime.min.time(), NOON.tzinfo)
    flag(engine, a_flag(midnight + timedelta(minutes=5), span_seconds=900))
    staffed.do(claim, "rita")
    staffed.determine()
    today = day_of(NOON.date())
    assert left_out(engine, "Etc/UTC", NOON.date() + timedelta(days=1)) == [today - 1, today]


def test_a_finding_that_is_taken_back_counts_no_longer(staffed: StaffedDeployment) -> None:
    staffed.determine()
    staffed.wait(hours=2)
    staffed.do(return_, "adam", "look again")
    staffed.do(leave_undetermined, "rita", reasons="it may have been a campaign")
    assert left_out(staffed.engine, "Etc/UTC", NOON.date() + timedelta(days=1)) == []


def test_the_baseline_is_refreshed_without_the_determined_day(
    tmp_path: Path, sqlite_template: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = {}
    attacked = START + timedelta(days=9, hours=12)
    event = (
        series_id("loo", "voice", "outbound", None, 900),
        *(int((attacked + timedelta(hours=hours)).timestamp()) for hours in (0, 1, 3)),
        FOR_EVER,
    )
    for name, rows in (("as it is", []), ("determined", [event])):
        home = tmp_path / name
        home.mkdir()
        (home / DATABASE).write_bytes(sqlite_template)
        small = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), {"loo": "Etc/UTC"})
        small.ingest(
            traffic(11, tenants=small.zones, seconds=900, burst=lambda tenant: [(9 * 96 + 48, 4, 900)])
        )
        determined = Determined(pd.DataFrame(rows, columns=Determined.nothing().flags.columns))
        monkeypatch.setattr(baseline, "read_determined", lambda engine, found=determined: found)
        refresh(small.lake, small.engine, small.zones, START + timedelta(days=11))
        snapshots = small.lake.read(BASELINE).to_pandas().set_index("day")["rare"].map(max)
        bars[name] = snapshots[(START + timedelta(days=10)).date()]
    assert bars["as it is"] > 5 * bars["determined"] > 0
