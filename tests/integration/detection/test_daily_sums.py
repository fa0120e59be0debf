"""Sums by day: what the weekly clock reads is what the traffic says, also after late rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cjp_fraud.clock import day_of
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.daily_sums import (
    arranged_sums,
    read_daily_sums,
    refresh_daily_sums,
    sums_by_day,
)
from cjp_fraud.detection.lake_tables import DAILY_SUMS
from cjp_fraud.detection.series import series_table
from cjp_fraud.storage.database import make_engine
from cjp_fraud.traffic.ingest import ingest_source
from cjp_fraud.traffic.model import TenantTraffic
from cjp_fraud.traffic.schema import TRAFFIC
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.store import Delivery
from features.weekly_statistic import HISTORY_DAYS
from tests.integration.detection.deployments import DATABASE, ZONES, SmallDeployment

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 3
NOW = START + timedelta(days=DAYS)
END = day_of(NOW.date())
MAPS = pa.map_(pa.string(), pa.int64())


def rows(tenants: tuple[str, ...] = ("acme", "zenith"), days: int = DAYS) -> pa.Table:
    """Outbound voice of 5 minutes with countries and charges; each third row without contacts, and unknown there."""
    size = 288 * days
    parts = []
    for number, tenant in enumerate(tenants):
        rng = np.random.default_rng(number)
        contacts = rng.poisson(3, size) * (np.arange(size) % 3 > 0)
        abroad = np.minimum(rng.poisson(0.2, size), contacts)
        countries = [
            None if not total else [("US", int(total - far)), ("MV", int(far))]
            for total, far in zip(contacts, abroad, strict=True)
        ]
        parts.append(
            pa.table(
                {
                    "tenant_id": [tenant] * size,
                    "channel": ["voice"] * size,
                    "direction": ["outbound"] * size,
                    "interval_seconds": pa.array([300] * size, pa.int32()),
                    "interval_start": pa.array(
                        [START + timedelta(minutes=5 * at) for at in range(size)],
                        pa.timestamp("us", tz="UTC"),
                    ),
                    "contacts_offered": pa.array(contacts, pa.int64()),
                    "contacts_international": pa.array(abroad, pa.int64(), mask=contacts == 0),
                    "charge_cents": pa.array(2 * contacts + 30 * abroad, pa.int64(), mask=contacts == 0),
                    "countries": pa.array(countries, MAPS),
                }
            )
        )
    return pa.concat_tables(parts)


@pytest.fixture
def small(tmp_path: Path, sqlite_template: bytes) -> SmallDeployment:
    (tmp_path / DATABASE).write_bytes(sqlite_template)
    made = SmallDeployment(tmp_path, make_engine(f"sqlite:///{tmp_path / DATABASE}"))
    ingest(made, rows())
    return made


def ingest(small: SmallDeployment, table: pa.Table, name: str = "traffic.parquet") -> None:
    pq.write_table(table, small.home / name)
    tenants = {tenant: TenantTraffic(tenant, zone, True) for tenant, zone in small.zones.items()}
    ingest_source(FileSource(small.home / name), Delivery(small.lake, small.engine, tenants, NOW))


def by_day(table: pa.Table, tenant: str, column: str) -> list[int]:
    frame = table.drop_columns("countries").to_pandas()
    frame = frame[frame["tenant_id"] == tenant]
    return frame.groupby(frame["interval_start"].dt.date)[column].sum().astype(int).tolist()


def test_a_refresh_adds_up_each_ended_day(small: SmallDeployment) -> None:
    refresh(small.lake, small.engine, small.zones, NOW)
    stored = read_daily_sums(small.lake, END, small.zones).to_pandas()
    for tenant in ("acme", "zenith"):
        of_tenant = stored[stored["tenant_id"] == tenant]
        assert of_tenant["contacts"].tolist() == by_day(rows(), tenant, "contacts_offered")
        assert of_tenant["international"].tolist() == by_day(rows(), tenant, "contacts_international")
        assert of_tenant["charge"].tolist() == by_day(rows(), tenant, "charge_cents")
        abroad = [dict(countries)["MV"] for countries in of_tenant["countries"]]
        assert abroad == of_tenant["international"].tolist()
        assert of_tenant["invalid"].isna().all()


def test_a_day_that_has_not_ended_is_left_out(small: SmallDeployment) -> None:
    refresh_daily_sums(small.lake, small.zones, NOW - timedelta(minutes=1))
    assert len(read_daily_sums(small.lake, END, small.zones)) == 2 * (DAYS - 1)


def test_a_second_refresh_makes_nothing_and_late_rows_make_their_day_again(small: SmallDeployment) -> None:
    refresh_daily_sums(small.lake, small.zones, NOW)
    version = small.lake.version(DAILY_SUMS)
    assert refresh_daily_sums(small.lake, small.zones, NOW) == 0
    assert small.lake.version(DAILY_SUMS) == version
    late = rows(("acme",), 1).slice(100, 1)
    late = late.set_column(
        late.column_names.index("contacts_offered"), "contacts_offered", pa.array([1000], pa.int64())
    )
    late = late.set_column(
        late.column_names.index("countries"), "countries", pa.array([[("US", 1000)]], MAPS)
    )
    before = read_daily_sums(small.lake, END, small.zones).to_pandas()
    ingest(small, late, "late.parquet")
    assert refresh_daily_sums(small.lake, small.zones, NOW) == 1
    after = read_daily_sums(small.lake, END, small.zones).to_pandas()
    changed = after["contacts"] - before["contacts"]
    assert (changed != 0).sum() == 1
    assert changed[(after["tenant_id"] == "acme").to_numpy()].iloc[0] > 900


def test_memory_and_lake_give_the_same_arrays(small: SmallDeployment) -> None:
    refresh_daily_sums(small.lake, small.zones, NOW)
    stored = read_daily_sums(small.lake, END, small.zones)
    made = sums_by_day(small.lake.read(TRAFFIC))
    assert stored.column_names == made.column_names
    arrays = []
    for table in (stored, made):
        series, code = series_table(table, ZONES)
        arrays.append(arranged_sums(table, code, len(series), END))
    (one, names), (other, others) = arrays
    assert names == others == ["MV", "US"] * 2
    for name in ("contacts", "charge", "international", "invalid", "of_country", "country_series"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.contacts.shape == (2, HISTORY_DAYS)
    assert np.isnan(one.contacts[:, :-DAYS]).all()
    np.testing.assert_array_equal(one.of_country[::2, -DAYS:], one.international[:, -DAYS:])


def test_a_number_that_one_row_with_contacts_does_not_know_is_unknown_that_day() -> None:
    table = rows(("acme",))
    first = int(np.flatnonzero(table["contacts_offered"].to_numpy())[0])
    charges = table["charge_cents"].to_pylist()
    charges[first] = None
    table = table.set_column(
        table.column_names.index("charge_cents"), "charge_cents", pa.array(charges, pa.int64())
    )
    table = table.append_column("application_id", pa.nulls(len(table), pa.string()))
    charge = sums_by_day(table)["charge"].to_pylist()
    assert charge[0] is None
    assert charge[1] == by_day(rows(), "acme", "charge_cents")[1]


def test_no_traffic_has_no_sums() -> None:
    assert len(sums_by_day(TRAFFIC.schema.empty_table())) == 0
