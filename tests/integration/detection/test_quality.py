"""Detection on real and on wild traffic: what is found, and how often it errs, by the product's own flags."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import synthetic
from benchmarks.quality import episodes, real_social, scored, series_weeks, summary
from cjp_fraud.detection.backtest import backtest
from cjp_fraud.traffic.sample import sample_traffic_path

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def social() -> pd.DataFrame:
    return real_social(sample_traffic_path().parent)[0]


def test_the_labelled_windows_of_the_sample_are_found_at_few_false_episodes(social: pd.DataFrame) -> None:
    _, windows, _ = real_social(sample_traffic_path().parent)
    scores = scored(social)
    result = summary(scores[scores["flagged"]], scores, windows, windows)
    assert result["tenants"] == "10 of 10", result
    assert float(str(result["false per series-week"])) <= 0.5, result


def test_twelve_real_tenants_of_three_years_and_two_resolutions(shared_data: Path) -> None:
    folder = shared_data / "real"
    result = backtest([folder / "traffic.csv.gz"], folder / "tenants.csv", now=NOW)
    assert not result.traffic.rejected
    scores = result.scores.to_pandas()
    assert scores["tenant_id"].nunique() == 12
    assert scores["observed"].notna().sum() == len(pd.read_csv(folder / "traffic.csv.gz"))
    _, windows, _ = real_social(folder)
    is_social = scores["tenant_id"].str.startswith("social")
    social, others = scores[is_social], scores[~is_social]
    found = summary(social[social["flagged"]], social, windows, windows)
    assert found["tenants"] == "10 of 10", found
    assert float(str(found["false per series-week"])) <= 0.5, found
    rest = others[others["flagged"]]
    of_minute = rest[rest["flagged_by"].str.contains("minute")]
    assert len(episodes(of_minute)) / series_weeks(others) <= 1.0
    assert len(episodes(rest)) / series_weeks(others) <= 1.1, "with the hour's and the day's flags"


@pytest.mark.parametrize("with_peak", [True, False])
def test_wild_series_do_not_flood_the_queue(social: pd.DataFrame, with_peak: bool) -> None:
    wild = synthetic.gridded(synthetic.wild(55), start=social["interval_start"].min(), with_peak=with_peak)
    scores = scored(pd.concat([social, wild], ignore_index=True))
    weeks = (scores["interval_start"].max() - scores["interval_start"].min()) / pd.Timedelta(days=7)
    rates = episodes(scores[scores["flagged"]])["tenant_id"].value_counts() / weeks
    assert rates.max() < 2, rates
    assert rates.sum() / scores["tenant_id"].nunique() < 1, rates


def a_noisy_day(days: int) -> np.ndarray:
    """Contacts per minute: over-dispersed from eight to eighteen, next to none by night, a job at two or so."""
    rng = np.random.default_rng(5)
    hour = np.arange(days * synthetic.MINUTES_A_DAY) / 60 % 24
    mean = np.where((hour >= 8) & (hour < 18), 10.0, 0.005)
    minutes = rng.poisson(mean * np.repeat(rng.gamma(2.0, 0.5, size=len(mean) // 5), 5))
    for day in range(days):
        at = day * synthetic.MINUTES_A_DAY + 120 + int(rng.integers(-30, 31))
        minutes[at : at + 8] += rng.poisson(20.0, size=8)
    return minutes


def test_a_burst_of_the_night_is_found_on_a_tenant_with_noisy_days_and_a_nightly_job(
    social: pd.DataFrame,
) -> None:
    minutes = a_noisy_day(21)
    burst = 20 * synthetic.MINUTES_A_DAY + 23 * 60  # a third of the busy hours' rate
    minutes[burst : burst + 15] += np.random.default_rng(6).poisson(4.0, size=15)
    traffic = synthetic.gridded({"noisy": minutes}, start=social["interval_start"].min())
    scores = scored(pd.concat([social, traffic], ignore_index=True))
    flags = scores[scores["flagged"] & (scores["tenant_id"] == "noisy")]
    begin = social["interval_start"].min() + pd.Timedelta(minutes=burst)
    assert flags["interval_start"].between(begin, begin + pd.Timedelta(minutes=20)).any()
    settled = flags[flags["interval_start"] > social["interval_start"].min() + pd.Timedelta(days=10)]
    assert len(episodes(settled)) == 1, settled
