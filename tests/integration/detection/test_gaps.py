"""Intervals in gaps: detection lists those that a back-test lists, with the same baseline, however it is cut."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from cjp_fraud.detection import run
from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.window import next_window
from cjp_fraud.storage.database import make_engine
from cjp_fraud.traffic.grid import grid_rows
from features.columns import INTERVAL_START, SERIES_KEY, TENANT
from tests.integration.detection.deployments import (
    DATABASE,
    RULES,
    START,
    ZONES,
    SmallDeployment,
    traffic,
)
from tests.small_forests import small_forests

DAYS = 12
END = START + timedelta(days=DAYS)
NOW = END + timedelta(days=1)


def gappy() -> pd.DataFrame:
    """Twelve days of four tenants; some hours are missing, some days, and an interval is only partly covered."""
    rows = traffic(DAYS)
    start = rows[INTERVAL_START]

    def between(tenant: str, first: timedelta, last: timedelta) -> pd.Series:
        return (rows[TENANT] == tenant) & (start >= START + first) & (start < START + last)

    missing = between("acme", timedelta(days=4, hours=3), timedelta(days=4, hours=5, minutes=10))
    missing |= between("zenith", timedelta(days=3, hours=13), timedelta(days=8, hours=2, minutes=35))
    missing |= between("kiwi", timedelta(0), timedelta(days=2, hours=7))
    missing |= between("loo", timedelta(days=9, hours=20), timedelta(days=20))
    partly = between("acme", timedelta(days=6), timedelta(days=6, minutes=5))
    minute = rows[partly].assign(interval_seconds=60, contacts_offered=1, contacts_peak=None)
    return pd.concat([rows[~(missing | partly)], minute], ignore_index=True)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    home = tmp_path_factory.mktemp("gappy")
    (home / DATABASE).write_bytes(sqlite_template)
    made = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"))
    made.ingest(gappy())
    return made


@pytest.fixture(scope="module")
def tested() -> pd.DataFrame:
    """A back-test of the same rows."""
    with small_forests():
        scores = backtest_rows(grid_rows(gappy().assign(application_id=None)), ZONES, RULES).to_pandas()
    return scores.sort_values([*SERIES_KEY, INTERVAL_START], ignore_index=True)


def assert_same(small: SmallDeployment, tested: pd.DataFrame) -> None:
    scores = small.scores()
    for name in (TENANT, INTERVAL_START, "observed", "baseline", "excess", "score", "p_value"):
        pd.testing.assert_series_equal(scores[name], tested[name], check_exact=True)
    assert scores["flagged"].astype(bool).tolist() == tested["flagged"].tolist()
    gaps = scores[scores["observed"].isna()]
    assert gaps.groupby(TENANT).size().to_dict() == {"acme": 27, "zenith": 1315}
    assert gaps["baseline"].notna().all()
    assert gaps["threshold"].isna().all()


def test_detection_lists_the_intervals_that_a_back_test_lists(
    delivered: SmallDeployment, tested: pd.DataFrame, tmp_path: Path
) -> None:
    small = delivered.copy(tmp_path / "whole")
    small.detect(START, END, NOW)
    assert_same(small, tested)


def test_a_window_cut_anywhere_lists_the_same_gaps(
    delivered: SmallDeployment, tested: pd.DataFrame, tmp_path: Path
) -> None:
    small = delivered.copy(tmp_path / "cut")
    hours = [0, 4 * 24 + 4, 4 * 24 + 5, 5 * 24 + 6, 5 * 24 + 9, 8 * 24 + 2, DAYS * 24]
    for begin, end in itertools.pairwise(START + timedelta(hours=hour) for hour in hours):
        small.detect(begin, end, NOW)
    assert_same(small, tested)


def test_stages_list_the_same_gaps(delivered: SmallDeployment, tested: pd.DataFrame, tmp_path: Path) -> None:
    small = delivered.copy(tmp_path / "staged")
    while (hours := next_window(small.engine, NOW)) is not None:
        detection = small.detection(hours.begin, hours.end)
        for bucket in run.prepare(detection, hours, NOW):
            run.score_bucket(detection, hours, bucket)
        run.close_hours(detection, hours, NOW)
    assert_same(small, tested)


@pytest.mark.parametrize("now", [NOW, END + timedelta(hours=1)])
def test_an_hour_detected_again_lists_its_gaps_again(
    delivered: SmallDeployment, tested: pd.DataFrame, tmp_path: Path, now: datetime
) -> None:
    small = delivered.copy(tmp_path / "again")
    small.detect(START, END, now)
    begin = START + timedelta(days=6, hours=3)
    small.detect(begin, begin + timedelta(hours=1), now)
    assert_same(small, tested)
