from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance import retention
from cjp_fraud.compliance.retention import apply_retention
from cjp_fraud.errors import StorageError
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.schema import INTAKE, TRAFFIC, TRAFFIC_TABLES

NOW = datetime(2026, 3, 20, 3, 20, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(str(tmp_path / "lake"))
    made.create(TRAFFIC_TABLES, buckets=2)
    return made


def came(lake: Lake, day: date, at: datetime, tenant: str = "acme") -> None:
    """Put one row of that day into the intake, as if it had come at that time."""
    row = {
        "tenant_id": tenant,
        "channel": "voice",
        "direction": "outbound",
        "interval_seconds": 300,
        "interval_start": datetime(day.year, day.month, day.day, tzinfo=UTC),
        "contacts_offered": 7,
        "implied": False,
        "source": "a.csv",
        "line": 2,
        "ingested_at": at,
        "day": day,
        "bucket": 0,
    }
    lake.append(INTAKE, pa.Table.from_pylist([row], INTAKE.schema))


def parts_on_disk(lake: Lake) -> int:
    return len(list(Path(lake.url, INTAKE.name).rglob("*.parquet")))


def test_delivered_rows_are_gone_from_table_and_disk_after_14_days(sqlite_engine: Engine, lake: Lake) -> None:
    came(lake, date(2026, 3, 1), NOW - timedelta(days=15))
    came(lake, date(2026, 3, 19), NOW - timedelta(days=1))
    assert apply_retention(sqlite_engine, lake, NOW) == {"intake_partitions": 1}
    assert lake.read(INTAKE)["day"].to_pylist() == [date(2026, 3, 19)]
    assert parts_on_disk(lake) == 1


def test_the_days_count_back_from_the_clock_that_is_given(sqlite_engine: Engine, lake: Lake) -> None:
    came(lake, date(2026, 3, 1), NOW - timedelta(days=15))
    assert apply_retention(sqlite_engine, lake, NOW - timedelta(days=2))["intake_partitions"] == 0
    assert len(lake.read(INTAKE)) == 1


def test_applying_it_again_drops_nothing_and_writes_nothing(sqlite_engine: Engine, lake: Lake) -> None:
    came(lake, date(2026, 3, 1), NOW - timedelta(days=15))
    apply_retention(sqlite_engine, lake, NOW)
    assert set(apply_retention(sqlite_engine, lake, NOW).values()) == {0}
    with reading(sqlite_engine) as session:
        entries = session.scalars(select(AuditEntry)).all()
    assert [entry.action for entry in entries] == ["home.made", "retention.applied"]
    assert entries[1].content["intake_partitions"] == 1


def test_traffic_itself_is_not_touched(sqlite_engine: Engine, lake: Lake) -> None:
    came(lake, date(2026, 3, 1), NOW - timedelta(days=15))
    before = lake.version(TRAFFIC)
    apply_retention(sqlite_engine, lake, NOW)
    assert lake.version(TRAFFIC) == before


def test_a_lake_that_is_not_there_is_an_error_that_says_what_to_run(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="cjp-fraud init"):
        apply_retention(sqlite_engine, Lake(str(tmp_path / "nowhere")), NOW)


def test_a_database_held_by_another_transaction_is_an_error_in_words(
    sqlite_engine: Engine, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(lake, date(2026, 3, 1), NOW - timedelta(days=15))

    def held(*_given: object, **_named: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(retention, "append", held)
    with pytest.raises(StorageError, match="another transaction holds the database"):
        apply_retention(sqlite_engine, lake, NOW)
