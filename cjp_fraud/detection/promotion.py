"""The rule of promotion: a version replaces the standing one only where no trial says that it is worse.

A threshold follows from what people can read, so on a simulation, where everything is known, two things are no fault:
more false episodes, as long as they stay within the budget; and fewer frauds, where the standing threshold flags more
of the version's own four weeks than people can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from features.counting_clocks import Thresholds

MOST_RECALL_LOST: Final = 0.02
MOST_FALSE_EPISODES_GAINED: Final = 0.1
"""As a share of the standing version's."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What thresholds find where the truth is known; ``recall`` is None where there is no fraud to be found."""

    recall: float | None
    false_episodes: int


class Trial(Protocol):
    """Traffic of which the truth is known, scored once: a back-test on a simulation, or the decided cases."""

    @property
    def name(self) -> str:
        """Its name, as the reasons of a version that waits say it."""
        ...

    @property
    def budget(self) -> float | None:
        """False episodes that the budget allows in it; None: there the budgets are no excuse."""
        ...

    def result(self, thresholds: Thresholds) -> TrialResult:
        """What a version with these thresholds finds; the forest is no factor of the score."""
        ...


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What a version and the standing one find in a trial.

    Parameters
    ----------
    budget : false episodes that the budget allows in it; None: there the budgets are no excuse.
    standing_over_budget : whether the standing threshold exceeds a budget in the version's own window.
    """

    trial: str
    recall: float | None
    standing_recall: float | None
    false_episodes: int
    standing_false_episodes: int
    budget: float | None = None
    standing_over_budget: bool = False

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the version is worse, a sentence each; none: it is not."""
        faults = []
        recall, standing = self.recall, self.standing_recall
        forced = self.budget is not None and self.standing_over_budget
        fewer = (
            recall is not None and standing is not None and recall < standing - MOST_RECALL_LOST - _ROUNDING
        )
        if fewer and not forced:
            faults.append(
                f"on the {self.trial} it finds {recall:.0%} of the frauds, the version in force {standing:.0%}"
            )
        more = self.standing_false_episodes * (1 + MOST_FALSE_EPISODES_GAINED)
        if self.false_episodes > max(more, self.budget or 0.0) + _ROUNDING:
            allowed = "" if self.budget is None else f"; the budget allows {self.budget:.0f}"
            faults.append(
                f"on the {self.trial} it has {self.false_episodes} false episodes, the version in force "
                f"{self.standing_false_episodes}{allowed}"
            )
        return tuple(faults)


def compare(
    trials: Sequence[Trial],
    thresholds: Thresholds,
    standing: Thresholds,
    *,
    standing_over_budget: bool = False,
) -> tuple[TrialOutcome, ...]:
    """Try a version's thresholds and the standing one's in all trials."""
    outcomes = []
    for trial in trials:
        own, standing_result = trial.result(thresholds), trial.result(standing)
        outcomes.append(
            TrialOutcome(
                trial.name,
                own.recall,
                standing_result.recall,
                own.false_episodes,
                standing_result.false_episodes,
                trial.budget,
                standing_over_budget,
            )
        )
    return tuple(outcomes)


def faults_of(outcomes: Sequence[TrialOutcome]) -> tuple[str, ...]:
    """Why a version must wait; none: it may replace the standing one."""
    return tuple(fault for outcome in outcomes for fault in outcome.faults)
