"""Detection on real and on wild traffic: what is found, and how often it errs, by the product's own flags."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

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
    assert len(episodes(others[others["flagged"]])) / series_weeks(others) <= 1.0


@pytest.mark.parametrize("with_peak", [True, False])
def test_wild_series_do_not_flood_the_queue(social: pd.DataFrame, with_peak: bool) -> None:
    wild = synthetic.gridded(synthetic.wild(55), start=social["interval_start"].min(), with_peak=with_peak)
    scores = scored(pd.concat([social, wild], ignore_index=True))
    weeks = (scores["interval_start"].max() - scores["interval_start"].min()) / pd.Timedelta(days=7)
    rates = episodes(scores[scores["flagged"]])["tenant_id"].value_counts() / weeks
    assert rates.max() < 2, rates
    assert rates.sum() / scores["tenant_id"].nunique() < 1, rates
