"""The detection benchmark scores as a back-test does, and its tables count what happened."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.detection.bursts import LEAST_CONTACTS, burst_tenants, injections
from benchmarks.detection.cloud_run import CloudRun, run_cloud
from benchmarks.detection.figures import BUDGETS, DEFAULT, RECIPE, Figures, figures_of
from benchmarks.detection.measures import INTERVAL
from benchmarks.detection.report import BEGIN, END, Setup, write_page
from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.simulation.cloud import DAY_INTERVALS, Cloud
from cjp_fraud.simulation.generate import COUNTS_ONLY, simulate_tenants

WEEKS = 4
TENANTS = range(8)
FIRST = 14 * DAY_INTERVALS
FIRST_BURST = 18
"""Day of the earliest burst."""
CLOUD = Cloud(seed=5, weeks=WEEKS, one_series=True, event_share=1.0)
CLEAN = Cloud(seed=5, weeks=WEEKS, one_series=True, event_share=1.0, events=False)


@pytest.fixture(scope="module")
def events() -> CloudRun:
    return run_cloud(CLOUD, TENANTS, DetectionRules(), first=FIRST, jobs=2, detectors=True)


@pytest.fixture(scope="module")
def bursts() -> CloudRun:
    attacked = burst_tenants(CLEAN, 4)
    inject, _ = injections(CLEAN, attacked, FIRST_BURST)
    return run_cloud(CLEAN, attacked, DetectionRules(), first=FIRST, jobs=1, inject=inject)


@pytest.fixture(scope="module")
def figures(events: CloudRun, bursts: CloudRun) -> Figures:
    clean = run_cloud(CLEAN, TENANTS, DetectionRules(), first=FIRST, jobs=1)
    _, kinds = injections(CLEAN, burst_tenants(CLEAN, 4), FIRST_BURST)
    return figures_of(events, clean, bursts, kinds)


def test_scores_and_flags_are_those_of_a_back_test(events: CloudRun) -> None:
    simulated = simulate_tenants(CLOUD, TENANTS, columns=COUNTS_ONLY)
    expected = backtest_rows(simulated.traffic.to_pandas(), simulated.zones, DetectionRules()).to_pandas()
    number = {profile.tenant_id: row for row, profile in enumerate(simulated.tenants)}
    begin = pd.Timestamp(CLOUD.begin)
    interval = ((expected["interval_start"] - begin) / pd.Timedelta(seconds=INTERVAL)).astype(int)
    cell = expected["tenant_id"].map(number).to_numpy(), interval.to_numpy()
    assert np.array_equal(events.scores.score[cell], expected["score"].to_numpy(), equal_nan=True)
    assert np.array_equal(events.scores.flagged[cell], expected["flagged"].to_numpy(dtype=bool))
    assert events.scores.flagged.sum() == expected["flagged"].sum() > 0
    assert len(events.scores.versions) > 0


def test_bursts_come_in_pairs_of_the_size_asked_for(figures: Figures, bursts: CloudRun) -> None:
    attacked = burst_tenants(CLEAN, 4)
    inject, kinds = injections(CLEAN, attacked, FIRST_BURST)
    assert len(bursts.labels) == 2 * len(attacked) == len(inject)
    assert [kinds[label.tenant][label.begin].split()[0] for label in bursts.labels].count("night") == 4
    assert min(label.contacts for label in bursts.labels) >= LEAST_CONTACTS - 1
    counted = figures.bursts["bursts"].drop("false episodes a series-week")
    assert counted.sum() == len(inject)


def test_tables_agree_with_each_other(figures: Figures, events: CloudRun) -> None:
    assert figures.detectors.index[0] == RECIPE
    assert figures.detectors.loc[RECIPE, "own flags"] == figures.operating.loc[DEFAULT, "frauds found"]
    false = figures.detectors.loc[RECIPE, "own false"]
    assert false == figures.operating.loc[DEFAULT, "false episodes a series-week"]
    assert figures.twins["cases"].drop("all").sum() == figures.twins.loc["all", "cases"]
    sizes = figures.tenants.filter(like="contacts a day", axis="index")
    assert sizes["tenants"].sum() == len(TENANTS)
    for budget in BUDGETS:
        if f"{budget:g} a week" in figures.operating.index:
            assert figures.operating.loc[f"{budget:g} a week", "false episodes a series-week"] <= budget
    assert events.series_weeks == pytest.approx(len(TENANTS) * (WEEKS - 2), rel=0.4)


def test_the_page_gets_the_figures_between_its_marks(figures: Figures, tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n{BEGIN}\nold\n{END}\nwords after\n")
    write_page(page, {5: figures, 6: figures}, Setup(8, WEEKS, 4, 1, 0.5, "abc1234"))
    text = page.read_text()
    assert text.startswith("# Page\n")
    assert text.endswith("words after\n")
    assert "\nold\n" not in text
    assert "| seed 5 | seed 6 |" in text
    assert f"| {RECIPE} |" in text
    assert "commit `abc1234`" in text
