"""The operating point of a window, and the version that a Monday gets from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cjp_fraud.detection.model_fit import fit_version
from cjp_fraud.detection.operating_point import PointCounts, Spikes, SpikeWindow
from cjp_fraud.detection.registry import initial_version
from cjp_fraud.detection.rules import Budgets, DetectionRules
from features.counting_clocks import DAYS_A_SCORE, INITIAL_THRESHOLD, LEAST_THRESHOLD, LONG_CLOCKS, Clock
from features.local_grid import DAY, HOUR

MONDAY = 4 + 7 * 100
SERIES = 10


def of_day(
    day: int, *rows: tuple[str, int, float], series: int = SERIES, clock: Clock = Clock.MINUTE
) -> Spikes:
    """Spikes of a day: tenant, seconds after its midnight, score."""
    return Spikes(
        np.array([row[0] for row in rows], dtype=object),
        np.array([day * DAY + row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=float),
        series,
        clock,
    )


def a_window(
    *, first: int = MONDAY - 28, rows: Sequence[tuple[str, int, float]] = ()
) -> dict[int, list[Spikes]]:
    """Days up to the Monday, each with the same rows."""
    return {day: [of_day(day, *rows)] for day in range(first, MONDAY)}


def rules(cases_per_day: float = 20.0, episodes: float = 0.5) -> DetectionRules:
    return DetectionRules(budgets=Budgets(episodes, cases_per_day))


def test_before_there_are_28_days_with_scores_the_initial_threshold_counts() -> None:
    assert fit_version(MONDAY, a_window(first=MONDAY - 27), rules()).threshold == 2.4
    assert fit_version(MONDAY, a_window(), rules()).threshold == 1.5


def test_a_version_knows_how_many_quarters_of_an_hour_are_usually_flagged() -> None:
    """Two tenants at the same time, one of them for twenty minutes: three quarters a day of its 96 × 10."""
    rows = [("acme", 0, 3.0), ("acme", 300, 3.0), ("acme", 1200, 3.0), ("other", 0, 3.0), ("third", 0, 1.4)]
    version = fit_version(MONDAY, a_window(rows=rows), rules(episodes=99, cases_per_day=99))
    assert version.metrics["flagged_quarters"] == 28 * 3
    assert version.usual_share == pytest.approx(3 / (96 * SERIES))
    assert initial_version(rules()).usual_share == 0


def test_a_day_without_any_score_does_not_count_among_the_28() -> None:
    days = a_window() | {MONDAY - 28: [of_day(MONDAY - 28, series=0)]}
    version = fit_version(MONDAY, days, rules())
    assert (version.threshold, version.metrics["days"], version.metrics["scored_days"]) == (2.4, 28, 27)


def test_the_budget_of_cases_alone_raises_the_threshold() -> None:
    """Each of three tenants once in two days: 42 cases; one of them, stronger, 14."""
    days = {
        day: [of_day(day, ("strong", 0, 5.0), ("weak", 0, 3.0), ("other", 0, 3.0))]
        if day % 2
        else [of_day(day)]
        for day in range(MONDAY - 28, MONDAY)
    }
    assert fit_version(MONDAY, days, rules(cases_per_day=42 / 28, episodes=9)).threshold == 1.5
    tighter = fit_version(MONDAY, days, rules(cases_per_day=41 / 28, episodes=9))
    assert tighter.threshold == np.nextafter(3.0, np.inf)
    assert (tighter.metrics["flags"], tighter.metrics["episodes"], tighter.metrics["cases"]) == (14, 14, 14)


def test_the_budget_of_episodes_alone_raises_the_threshold() -> None:
    """Two episodes a day of one tenant are one case of four weeks, and 56 episodes in 40 series-weeks."""
    days = a_window(rows=[("acme", 0, 3.0), ("acme", 12 * HOUR, 2.0)])
    assert fit_version(MONDAY, days, rules(episodes=56 / 40)).threshold == 1.5
    tighter = fit_version(MONDAY, days, rules(episodes=55 / 40))
    assert tighter.threshold == np.nextafter(2.0, np.inf)
    assert (tighter.metrics["episodes"], tighter.metrics["cases"]) == (28, 1)


def test_a_version_keeps_the_budgets_that_it_was_chosen_for() -> None:
    assert fit_version(MONDAY, a_window(), rules(7.0, 0.25)).budgets == Budgets(0.25, 7.0)


def test_the_same_window_in_other_pieces_gives_the_same_bits() -> None:
    random = np.random.default_rng(5)
    rows = [
        (f"t{random.integers(5)}", int(random.integers(DAY)), float(score))
        for score in random.exponential(1.0, 40) + 1.5
    ]
    whole = {day: [of_day(day, *rows)] for day in range(MONDAY - 28, MONDAY)}
    cut = {
        day: [of_day(day, *rows[20:], series=4), of_day(day, *rows[:20], series=6)]
        for day in range(MONDAY - 28, MONDAY)
    }
    of_whole, of_cut = (fit_version(MONDAY, days, rules(2.0)) for days in (whole, cut))
    assert of_whole.threshold > 1.5
    assert (of_whole.threshold, of_whole.metrics) == (of_cut.threshold, of_cut.metrics)


@pytest.mark.parametrize("clock", LONG_CLOCKS)
def test_a_longer_clock_has_a_threshold_of_its_own_for_its_share_of_the_budgets(clock: Clock) -> None:
    """28 episodes in 40 series-weeks, of the week 4: of the budget a longer clock may have a tenth."""
    rows, every = [("acme", 0, 3.0)], DAYS_A_SCORE[clock]
    days = {day: [of_day(day)] for day in range(MONDAY - 28, MONDAY)}
    for day in range(MONDAY - every, MONDAY - 29, -every):
        days[day].append(of_day(day, *rows, clock=clock))
    episodes = 28 // every
    version = fit_version(MONDAY, days, rules(episodes=episodes / 40 / 0.11))
    assert version.clock_thresholds[clock] == np.nextafter(3.0, np.inf)
    assert version.metrics["flags"] == 0
    looser = fit_version(MONDAY, days, rules(episodes=episodes / 40 / 0.09))
    assert looser.clock_thresholds[clock] == LEAST_THRESHOLD[clock]


def test_the_minute_clock_has_what_the_longer_ones_leave_and_the_same_episode_counts_once() -> None:
    """Each day one episode of the hour; the minute clock's are the same one, and another in the evening."""
    hour = [("acme", 0, 9.0)]
    minute = [("acme", 300, 4.0), ("acme", 20 * HOUR, 3.0)]
    days = {
        day: [of_day(day, *minute), of_day(day, *hour, series=10 * SERIES, clock=Clock.HOUR)]
        for day in range(MONDAY - 28, MONDAY)
    }
    version = fit_version(MONDAY, days, rules(episodes=55 / 40))
    assert version.clock_thresholds[Clock.HOUR] == 1.5
    assert version.threshold == np.nextafter(3.0, np.inf)
    assert version.metrics["episodes"] == 28
    assert fit_version(MONDAY, days, rules(episodes=56 / 40)).threshold == 1.5


def test_a_longer_clock_with_too_few_days_keeps_its_initial_threshold() -> None:
    days = {day: [of_day(day), of_day(day, clock=Clock.DAY)] for day in range(MONDAY - 28, MONDAY)}
    days[MONDAY - 1] = [of_day(MONDAY - 1)]
    version = fit_version(MONDAY, days, rules())
    assert version.clock_thresholds[Clock.DAY] == INITIAL_THRESHOLD[Clock.DAY]
    assert version.threshold == 1.5


@pytest.mark.parametrize(("hours", "cases"), [(24, 1), (25, 2)])
def test_an_episode_within_a_day_of_the_last_flag_is_no_new_case(hours: int, cases: int) -> None:
    days = {0: [of_day(0, ("acme", 0, 3.0), ("acme", hours * HOUR, 3.0))]}
    assert SpikeWindow.of_days(days, 0, 1).at({Clock.MINUTE: 2.4}) == PointCounts(2, 2, cases)
