"""The weekly clock through detection: a drip that no minute shows is flagged, in every way of running it the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from cjp_fraud.clock import day_of
from cjp_fraud.detection.backtest import backtest_rows, traffic_table
from cjp_fraud.detection.daily_sums import sums_by_day
from cjp_fraud.detection.lake_tables import CLOCK_SCORES
from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.run import DetectionRun
from cjp_fraud.detection.series import arrange
from cjp_fraud.detection.window import mark_scored, next_window
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.traffic.ingest import ingest_source
from cjp_fraud.traffic.model import TenantTraffic
from cjp_fraud.traffic.schema import TRAFFIC
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.store import Delivery
from features.counting_clocks import Clock
from tests.integration.detection.deployments import RULES, START, SmallDeployment

WEEKS = 4
HOURS = 168 * WEEKS
END = START + timedelta(weeks=WEEKS)
NOW = END + timedelta(days=2)
EVE = END - timedelta(days=2)
DRIP_FROM = 24 * 23
ZONES = {"acme": "America/New_York", "zenith": "Asia/Tokyo", "loo": "Etc/UTC"}


def hourly(tenant: str, seed: int) -> pa.Table:
    """60 calls an hour at 2 cents, 2 % to a neighbour; at acme two more an hour to the Maldives from day 23 on.

    Loo's office is closed at weekends: its source sends no rows then.
    """
    rng = np.random.default_rng(seed)
    usual = rng.poisson(60, HOURS)
    abroad = rng.binomial(usual, 0.02)
    drip = np.where((np.arange(HOURS) >= DRIP_FROM) & (tenant == "acme"), 2, 0)
    countries = [
        [("US", int(all_calls - far)), ("CA", int(far))] + ([("MV", int(few))] if few else [])
        for all_calls, far, few in zip(usual, abroad, drip, strict=True)
    ]
    stamps = [START + timedelta(hours=hour) for hour in range(HOURS)]
    table = pa.table(
        {
            "tenant_id": [tenant] * HOURS,
            "channel": ["voice"] * HOURS,
            "direction": ["outbound"] * HOURS,
            "interval_seconds": pa.array([3600] * HOURS, pa.int32()),
            "interval_start": pa.array(stamps, pa.timestamp("us", tz="UTC")),
            "contacts_offered": pa.array(usual + drip, pa.int64()),
            "contacts_international": pa.array(abroad + drip, pa.int64()),
            "invalid_destinations": pa.array(rng.binomial(usual, 0.01) + drip // 2, pa.int64()),
            "charge_cents": pa.array(2 * usual + 30 * drip, pa.int64()),
            "countries": pa.array(countries, pa.map_(pa.string(), pa.int64())),
        }
    )
    works = np.array([tenant != "loo" or stamp.weekday() < 5 for stamp in stamps])
    return table.filter(pa.array(works))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    home = tmp_path_factory.mktemp("delivered")
    made = SmallDeployment.new(home, sqlite_template, ZONES, buckets=2)
    pq.write_table(
        pa.concat_tables([hourly(tenant, seed) for seed, tenant in enumerate(ZONES)]),
        home / "traffic.parquet",
    )
    made.put_tenants_on_record(START)
    tenants = {tenant: TenantTraffic(tenant, zone, True) for tenant, zone in ZONES.items()}
    ingest_source(FileSource(home / "traffic.parquet"), Delivery(made.lake, made.engine, tenants, NOW))
    return made


@pytest.fixture(scope="module")
def eve(delivered: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """Detected from the fourth week's eve on, but for the last two days; these wait."""
    made = delivered.copy(tmp_path_factory.mktemp("eve") / "home")
    closed = EVE + timedelta(minutes=10)
    made.detect(START + timedelta(days=20), EVE, closed)
    while (window := next_window(made.engine, closed)) is not None:
        with transaction(made.engine) as session:
            mark_scored(session, window, closed)
    return made


@pytest.fixture(scope="module")
def detected(eve: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """The last two days detected at once; for reading only."""
    made = eve.copy(tmp_path_factory.mktemp("detected") / "home")
    made.detect(EVE, END, NOW)
    return made


def weeks(small: SmallDeployment) -> pd.DataFrame:
    """Stored rows of the weekly clock, by series and start."""
    frame = small.lake.read(CLOCK_SCORES).to_pandas()
    frame = frame[frame["clock"] == "week"].drop(columns="model_version")
    return frame.sort_values(["tenant_id", "interval_start"], ignore_index=True)


def flags(small: SmallDeployment) -> list[Flag]:
    with reading(small.engine) as session:
        query = select(Flag).where(Flag.superseded_at.is_(None), Flag.clock == Clock.WEEK)
        return list(session.scalars(query.order_by(Flag.interval_start)))


def test_a_drip_of_three_per_cent_is_flagged_once_with_where_it_went(detected: SmallDeployment) -> None:
    (flag,) = flags(detected)
    assert flag.tenant_id == "acme"
    assert flag.interval_start == START + timedelta(weeks=4) - timedelta(hours=1)
    assert flag.span_seconds == 7 * 86_400
    assert (flag.observed, flag.baseline) == (5 * 48, 0)
    assert flag.reasons["country"] == "MV"
    assert "contacts to MV: 240 in the 7 days until 2026-03-30 00:00 UTC" in flag.reasons["words"][1]
    assert flag.episode_id is not None


def test_a_week_is_scored_as_of_each_monday_from_three_weeks_on(detected: SmallDeployment) -> None:
    stored = weeks(detected)
    for tenant in ZONES:
        starts = stored.loc[stored["tenant_id"] == tenant, "interval_start"].dt.to_pydatetime().tolist()
        assert starts == [START + timedelta(weeks=week) - timedelta(hours=1) for week in range(3, WEEKS + 1)]


def assert_same_weeks(detected: SmallDeployment, staged: SmallDeployment) -> None:
    """Both have the same scores, flags and calibrations of the weekly clock."""
    assert next_window(staged.engine, NOW) is None
    pd.testing.assert_frame_equal(weeks(detected), weeks(staged), check_exact=True)
    assert [(flag.tenant_id, flag.score, flag.reasons) for flag in flags(detected)] == [
        (flag.tenant_id, flag.score, flag.reasons) for flag in flags(staged)
    ]
    pools = [
        small.calibrations().query("clock == 'week'").reset_index(drop=True) for small in (detected, staged)
    ]
    assert len(pools[0])
    pd.testing.assert_frame_equal(*pools, check_exact=True)


def test_stages_give_the_same_weeks_flags_and_calibrations(
    detected: SmallDeployment, eve: SmallDeployment, tmp_path: Path
) -> None:
    staged = eve.copy(tmp_path / "staged")
    assert len(staged.run_stages(NOW)) >= 2
    assert_same_weeks(detected, staged)


@pytest.mark.slow
def test_stages_from_the_first_day_on_give_the_same_weeks(
    detected: SmallDeployment, delivered: SmallDeployment, tmp_path: Path
) -> None:
    staged = delivered.copy(tmp_path / "staged")
    staged.run_stages(NOW)
    assert_same_weeks(detected, staged)


def test_a_back_test_gives_the_same_scores_to_the_bit(detected: SmallDeployment) -> None:
    rows = detected.lake.read(TRAFFIC)
    arranged = arrange(rows, ZONES)
    store = MemoryStore(arranged, RULES, sums=sums_by_day(rows))
    first = day_of(START.date())
    done = DetectionRun(store, RULES).days(first * 86_400, (first + 7 * WEEKS) * 86_400)
    parts = [part for _, of_day in done for part in of_day if part.clock is Clock.WEEK and len(part)]
    tenants = arranged.table.keys["tenant_id"].to_numpy()
    made = pd.DataFrame(
        {
            "tenant_id": np.concatenate([tenants[part.series] for part in parts]),
            "start": np.concatenate([part.start for part in parts]),
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in ("statistic", "score", "observed", "baseline", "where", "cost", "flagged")
            },
        }
    ).sort_values(["tenant_id", "start"], ignore_index=True)
    stored = weeks(detected)
    assert made["start"].tolist() == [int(at.timestamp()) for at in stored["interval_start"]]
    for name in ("tenant_id", "statistic", "score", "observed", "baseline", "where", "cost", "flagged"):
        np.testing.assert_array_equal(made[name].to_numpy(), stored[name].to_numpy(), err_msg=name)


def test_a_back_test_of_files_with_countries_flags_the_week(detected: SmallDeployment) -> None:
    scores = backtest_rows(detected.lake.read(TRAFFIC).to_pandas(), ZONES, RULES).to_pandas()
    by_week = scores[scores["flagged_by"].fillna("").str.contains("week")]
    assert by_week["tenant_id"].tolist() == ["acme"]
    assert by_week["excess"].tolist() == [5 * 48]


def test_a_frame_keeps_its_countries_as_a_table(delivered: SmallDeployment) -> None:
    rows = delivered.lake.read(TRAFFIC)
    assert traffic_table(rows.to_pandas())["countries"].equals(rows["countries"])
