"""The rule of promotion: a version replaces the standing one only where no trial says that it is worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

MOST_RECALL_LOST: Final = 0.02
MOST_FALSE_EPISODES_GAINED: Final = 0.1
"""As a share of the standing version's."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a threshold finds where the truth is known; ``recall`` is None where there is no fraud to be found."""

    recall: float | None
    false_episodes: int


class Trial(Protocol):
    """Traffic of which the truth is known, scored once: a back-test on a simulation, or the decided cases."""

    @property
    def name(self) -> str:
        """What it is, as a reason names it."""
        ...

    def result(self, threshold: float) -> TrialResult:
        """What a version with this threshold finds; the forest is no factor of the score."""
        ...


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What a version and the standing one find in a trial."""

    trial: str
    recall: float | None
    standing_recall: float | None
    false_episodes: int
    standing_false_episodes: int

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the version is worse, a sentence each; none: it is not."""
        said = []
        recall, standing = self.recall, self.standing_recall
        if recall is not None and standing is not None and recall < standing - MOST_RECALL_LOST - _ROUNDING:
            said.append(
                f"on the {self.trial} it finds {recall:.0%} of the frauds, the version in force {standing:.0%}"
            )
        if self.false_episodes > self.standing_false_episodes * (1 + MOST_FALSE_EPISODES_GAINED) + _ROUNDING:
            said.append(
                f"on the {self.trial} it has {self.false_episodes} false episodes, the version in force "
                f"{self.standing_false_episodes}"
            )
        return tuple(said)


def compare(trials: Sequence[Trial], threshold: float, standing: float) -> tuple[TrialOutcome, ...]:
    """Try a version's threshold and the standing one's in all trials."""
    outcomes = []
    for trial in trials:
        one, other = trial.result(threshold), trial.result(standing)
        outcomes.append(
            TrialOutcome(trial.name, one.recall, other.recall, one.false_episodes, other.false_episodes)
        )
    return tuple(outcomes)


def faults_of(outcomes: Sequence[TrialOutcome]) -> tuple[str, ...]:
    """Why a version must wait; none: it may replace the standing one."""
    return tuple(fault for outcome in outcomes for fault in outcome.faults)
