"""A version replaces the standing one only where no trial says that it is worse."""

from __future__ import annotations

import numpy as np
import pytest

from cjp_fraud.detection.operating_point import Spikes, SpikeWindow
from cjp_fraud.detection.precision import DecidedCase
from cjp_fraud.detection.promotion import TrialOutcome, TrialResult, compare, faults_of
from cjp_fraud.detection.rules import Budgets
from cjp_fraud.detection.trials import Event, KnownTruth, decided_trial
from cjp_fraud.review.model import Finding
from features.counting_clocks import Clock, Thresholds
from features.local_grid import HOUR

WINDOW = SpikeWindow.of_days(
    {
        0: [
            Spikes(
                np.array(["a", "a", "a", "b", "b", "c"], dtype=object),
                np.array([0, HOUR, 9 * HOUR, 0, 5 * HOUR, 7 * HOUR], dtype=np.int64),
                np.array([5.0, 2.0, 3.0, 4.0, 3.0, 2.0]),
                3,
            )
        ]
    },
    0,
    1,
)
"""Episodes: a at 0 to 1 h, a at 9 h, b at 0 h, b at 5 h, c at 7 h."""


def at(threshold: float) -> Thresholds:
    """The minute clock's threshold."""
    return {Clock.MINUTE: threshold}


@pytest.mark.parametrize(
    ("recall", "false_episodes", "worse"),
    [(0.8, 100, 0), (0.78, 110, 0), (0.779, 100, 1), (0.8, 111, 1), (0.5, 200, 2), (1.0, 0, 0)],
)
def test_worse_is_a_recall_lower_by_more_than_2_points_or_a_tenth_more_false_episodes(
    recall: float, false_episodes: int, worse: int
) -> None:
    outcome = TrialOutcome("simulation", recall, 0.8, false_episodes, 100)
    assert len(outcome.faults) == worse
    assert all("simulation" in fault for fault in outcome.faults)


def test_within_its_budget_a_version_may_have_more_false_episodes_on_a_simulation() -> None:
    assert TrialOutcome("simulation", 0.8, 0.7, 235, 60, budget=235.0).faults == ()
    (why,) = TrialOutcome("simulation", 0.8, 0.7, 236, 60, budget=235.0).faults
    assert why.endswith("236 false episodes, the version in force 60; the budget allows 235")
    assert TrialOutcome("simulation", 0.8, 0.8, 109, 100, budget=10.0).faults == ()


def test_a_version_may_find_less_on_a_simulation_only_where_the_standing_one_is_over_a_budget() -> None:
    def outcome(budget: float | None, *, over: bool) -> TrialOutcome:
        return TrialOutcome("simulation", 0.6, 0.8, 10, 20, budget, over)

    assert outcome(100.0, over=True).faults == ()
    assert len(outcome(100.0, over=False).faults) == 1
    assert len(outcome(None, over=True).faults) == 1, "what people decided knows no such excuse"


def test_a_flag_long_after_the_cost_began_touches_a_fraud_and_does_not_find_it() -> None:
    late, soon = (Event("a", 0, 9 * HOUR, found_until=until) for until in (-1, HOUR))
    assert KnownTruth("simulation", WINDOW, (soon,)).result(at(1.5)) == TrialResult(1.0, 3)
    assert KnownTruth("simulation", WINDOW, (late,)).result(at(1.5)) == TrialResult(0.0, 3)


def test_a_window_says_whether_a_threshold_exceeds_a_budget() -> None:
    """Five episodes and three cases in three sevenths of a series-week, all on one day."""
    assert not WINDOW.exceeds(at(1.5), Budgets(5 / (3 / 7), 3))
    assert WINDOW.exceeds(at(1.5), Budgets(4.9 / (3 / 7), 3))
    assert WINDOW.exceeds(at(1.5), Budgets(5 / (3 / 7), 2))
    assert not WINDOW.exceeds(at(9.0), Budgets(0.1, 0.1))


def test_without_frauds_only_false_episodes_count() -> None:
    assert TrialOutcome("decided cases", None, None, 1, 1).faults == ()
    assert len(TrialOutcome("decided cases", None, None, 1, 0).faults) == 1


def test_without_trials_nothing_speaks_against_a_version() -> None:
    assert faults_of(compare([], at(9.0), at(2.4))) == ()


def test_an_episode_that_touches_no_fraud_is_false() -> None:
    truth = KnownTruth(
        "simulation", WINDOW, (Event("a", HOUR, HOUR), Event("b", 0, HOUR), Event("z", 0, HOUR))
    )
    assert truth.result(at(1.5)) == TrialResult(2 / 3, 3)
    assert truth.result(at(3.0)) == TrialResult(1 / 3, 3)
    assert truth.result(at(6.0)) == TrialResult(0.0, 0)


def test_of_decided_cases_only_those_found_not_fraudulent_are_false() -> None:
    trial = decided_trial(
        WINDOW,
        (
            DecidedCase("a", 0, HOUR, Finding.FRAUDULENT),
            DecidedCase("b", 0, 6 * HOUR, Finding.NOT_FRAUDULENT),
            DecidedCase("c", 7 * HOUR, 7 * HOUR, Finding.UNDETERMINED),
        ),
    )
    assert trial is not None
    assert trial.result(at(1.5)) == TrialResult(1.0, 2)
    assert trial.result(at(3.5)) == TrialResult(1.0, 1)
    assert faults_of(compare([trial], at(3.5), at(1.5))) == ()
    assert len(faults_of(compare([trial], at(1.5), at(3.5)))) == 1


def test_what_nobody_decided_is_no_trial() -> None:
    assert decided_trial(WINDOW, (DecidedCase("c", 0, HOUR, Finding.UNDETERMINED),)) is None
