"""Training reads its window alone, a bounded number of rows at a time, and makes the same version however it is cut."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cjp_fraud.clock import day_of
from cjp_fraud.detection import training
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.fraud_days import Determined
from cjp_fraud.detection.model_fit import WindowFit
from cjp_fraud.detection.operating_point import WINDOW_DAYS
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.training import LakeWindow
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.schema import TRAFFIC
from features.counting_clocks import CLOCKS
from features.local_grid import DAY
from models.forest import PooledForest
from models.shipped import shipped_calibration
from tests.integration.detection.deployments import (
    RULES,
    START,
    SmallDeployment,
    traffic,
)
from tests.small_forests import small_forests

DAYS = 11
MONDAY = day_of((START + timedelta(days=DAYS)).date())
LATER = 400
"""Days from the first traffic to that of another year."""
NOW = START + timedelta(days=DAYS, hours=15)
PLACES = ("America/New_York", "Asia/Tokyo", "Pacific/Auckland", "Etc/UTC")
TENANTS = {f"tenant-{number:02}": PLACES[number % 4] for number in range(23)} | {"acme": "Asia/Tokyo"}


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Eleven days of 24 tenants in four zones, one with peaks and one with two resolutions; folded."""
    made = SmallDeployment.new(tmp_path_factory.mktemp("folded"), sqlite_template, TENANTS)
    coarse = traffic(5, tenants={"tenant-03": TENANTS["tenant-03"]}, seconds=1800, seed=1)
    made.ingest(traffic(DAYS, tenants=TENANTS, seconds=900))
    made.ingest(coarse.assign(channel="chat"), "coarse.parquet")
    refresh(made.lake, made.engine, TENANTS, NOW)
    return made


def fitted(small: SmallDeployment) -> FittedVersion:
    window = LakeWindow(small.lake, TENANTS, MONDAY - WINDOW_DAYS, MONDAY, Determined.nothing())
    fit = WindowFit(RULES)
    with small_forests():
        for _, arranged, blocks, spans in window.pieces():
            fit.add(arranged, blocks, spans, {clock: shipped_calibration(clock) for clock in CLOCKS})
        return fit.version(MONDAY)


def test_a_window_in_pieces_makes_the_version_of_the_whole_to_the_bit(
    folded: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(folded)
    held: list[int] = []
    real = training.open_window

    def counted(*args: object) -> object:
        window = real(*args)  # type: ignore[arg-type]
        held.append(sum(len(group.starts) for group in window.arranged.groups))
        return window

    monkeypatch.setattr(training, "MOST_ROWS", 2000)
    monkeypatch.setattr(training, "open_window", counted)
    pieces = fitted(folded)
    assert 5 * max(held) < len(folded.lake.read(TRAFFIC)), "pieces are small"
    assert max(held) < 2 * 2000, "two hours of context come with each day"
    assert whole.metrics["series_weeks"] >= 24
    assert (whole.threshold, whole.metrics) == (pieces.threshold, pieces.metrics)
    for one, other in (
        (whole.model.with_peak, pieces.model.with_peak),
        (whole.model.without_peak, pieces.model.without_peak),
    ):
        assert isinstance(one, PooledForest) == isinstance(other, PooledForest)
        if isinstance(one, PooledForest) and isinstance(other, PooledForest):
            for mine, theirs in zip(one.leaf_depths_, other.leaf_depths_, strict=True):
                np.testing.assert_array_equal(mine, theirs)
    assert isinstance(whole.model.without_peak, PooledForest)


def test_no_row_is_read_where_every_monday_has_its_version(
    folded: SmallDeployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = folded.copy(tmp_path / "small")
    small.register_bare_versions(weeks=3)

    def refused(*args: object, **kwargs: object) -> None:
        raise AssertionError("the lake was read")

    monkeypatch.setattr(Lake, "read", refused)
    assert small.train(START + timedelta(days=21)) == []


def test_days_before_the_window_are_not_read(
    folded: SmallDeployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = folded.copy(tmp_path / "small")
    small.register_bare_versions(weeks=6)
    later = traffic(12, begin=START + timedelta(days=LATER), tenants={"acme": TENANTS["acme"]}, seconds=1800)
    small.ingest(later, "later.parquet", NOW + timedelta(days=500))
    refresh(small.lake, small.engine, TENANTS, NOW + timedelta(days=420))
    first_days: list[int] = []
    real = Lake.read

    def noted(self: Lake, table: object, **kwargs: object) -> object:
        days = kwargs.get("days")
        assert days is not None or table is not training.TRAFFIC
        if table is training.TRAFFIC:
            first_days.append(day_of(days[0]))  # type: ignore[index]
        return real(self, table, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Lake, "read", noted)
    assert len(small.train(START + timedelta(days=LATER + 15))) == 1
    assert min(first_days) > int(START.timestamp()) // DAY + LATER - WINDOW_DAYS - 3
