"""The longer clocks on a real lake: what trickles is flagged, and detection, stages and back-test agree to the bit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from cjp_fraud.detection import run
from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.lake_tables import CALIBRATION, CLOCK_SCORES
from cjp_fraud.detection.window import next_window
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.traffic.grid import grid_rows
from features.clocks import CLOCKS, HOURLY_CLOCKS, Clock
from features.columns import CLOCK_SCORE, INTERVAL_START, SERIES_KEY
from tests.integration.detection.deployments import (
    DATABASE,
    RULES,
    START,
    ZONES,
    SmallDeployment,
    traffic,
)

TENANTS = {**ZONES, **{f"sparse-{number:02}": "Etc/UTC" for number in range(24)}}
"""So many that two days of their hours are a pool of their own."""
DAYS = 13
END = START + timedelta(days=DAYS)
NOW = END + timedelta(days=1)
DRIP = START + timedelta(days=11, hours=9)


def sparse() -> pd.DataFrame:
    """Tenants with about two calls a day, but for three; acme has, once, 48 more that trickle in over four hours."""
    rows = traffic(DAYS, tenants=TENANTS)
    random = np.random.default_rng(1)
    acme = rows["tenant_id"] == "acme"
    few = acme | rows["tenant_id"].str.startswith("sparse")
    rows.loc[few, "contacts_offered"] = random.poisson(2 / 288, few.sum())
    rows["contacts_peak"] = None
    since = rows[INTERVAL_START].between(DRIP, DRIP + timedelta(hours=4), inclusive="left")
    rows.loc[acme & since, "contacts_offered"] += 1
    return rows


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Ingested, nothing more."""
    home = tmp_path_factory.mktemp("delivered")
    (home / DATABASE).write_bytes(sqlite_template)
    made = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), TENANTS)
    made.ingest(sparse())
    return made


@pytest.fixture(scope="module")
def detected(delivered: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """Detected over all of it at once; for reading only."""
    made = delivered.copy(tmp_path_factory.mktemp("detected") / "home")
    made.detect(START, END, NOW)
    return made


def spans(small: SmallDeployment) -> pd.DataFrame:
    """All stored scores of the longer clocks, sorted; without the model's id, in which two deployments differ."""
    frame = small.lake.read(CLOCK_SCORES).to_pandas().drop(columns="model_version")
    return frame.sort_values([*SERIES_KEY, "clock", INTERVAL_START], ignore_index=True)


def flags(small: SmallDeployment) -> set[tuple[str, pd.Timestamp, str, float]]:
    with reading(small.engine) as session:
        rows = session.scalars(select(Flag).where(Flag.superseded_at.is_(None)))
        return {(row.tenant_id, pd.Timestamp(row.interval_start), str(row.clock), row.excess) for row in rows}


def test_what_trickles_is_flagged_by_the_longer_clocks_and_not_by_the_minutes(
    detected: SmallDeployment,
) -> None:
    by_clock = {clock: [flag for flag in flags(detected) if flag[2] == clock] for clock in CLOCKS}
    during = {
        clock: [start for tenant, start, *_ in of_clock if tenant == "acme" and start >= DRIP]
        for clock, of_clock in by_clock.items()
    }
    assert during[Clock.HOUR]
    assert during[Clock.DAY]
    assert not during[Clock.MINUTE]
    assert max(during[Clock.DAY]) < DRIP + timedelta(hours=24)


def test_detection_equals_the_back_test_to_the_bit_on_every_clock(detected: SmallDeployment) -> None:
    rows = sparse().assign(application_id=None)
    tested = backtest_rows(grid_rows(rows), TENANTS, RULES).to_pandas()
    for clock in HOURLY_CLOCKS:
        stored = spans(detected)
        both = stored[stored["clock"] == clock].merge(tested, on=[*SERIES_KEY, INTERVAL_START])
        assert len(both) == (stored["clock"] == clock).sum() > 0
        pd.testing.assert_series_equal(
            both["score_x"], both[CLOCK_SCORE[clock]], check_exact=True, check_names=False
        )
        by_it = both["flagged_by"].fillna("").str.split(",").apply(lambda names, clock=clock: clock in names)
        assert (both["flagged_x"] == by_it).all()
    assert tested["flagged"].sum() == len({flag[:2] for flag in flags(detected)})


def test_stages_give_the_scores_flags_and_calibration_of_one_detection(
    delivered: SmallDeployment, detected: SmallDeployment, tmp_path: Path
) -> None:
    staged = delivered.copy(tmp_path / "staged")
    while (window := next_window(staged.engine, NOW)) is not None:
        detection = staged.detection(window.begin, window.end)
        for bucket in reversed(run.prepare(detection, window, NOW)):
            run.score_bucket(detection, window, bucket)
        run.close_hours(detection, window, NOW)
    pd.testing.assert_frame_equal(spans(detected), spans(staged), check_exact=True)
    assert flags(detected) == flags(staged)
    pools = [
        small.lake.read(CALIBRATION)
        .to_pandas()
        .query("day < @END.date()")
        .sort_values(["day", "tenant_bucket", "clock"], ignore_index=True)
        for small in (detected, staged)
    ]
    assert set(pools[0]["clock"]) == set(CLOCKS)
    pd.testing.assert_frame_equal(*pools, check_exact=True)


def test_an_hour_alone_gives_the_spans_of_the_whole(
    delivered: SmallDeployment, detected: SmallDeployment, tmp_path: Path
) -> None:
    hourly = delivered.copy(tmp_path / "hourly")
    hour = DRIP + timedelta(hours=3)
    hourly.detect(hour, hour + timedelta(hours=1), NOW)
    whole = spans(detected)
    whole = whole[whole[INTERVAL_START].between(hour, hour + timedelta(hours=1), inclusive="left")]
    assert len(whole)
    pd.testing.assert_frame_equal(whole.reset_index(drop=True), spans(hourly), check_exact=True)
