"""Value types of measures and platform commands; they know no database."""

from __future__ import annotations

from enum import StrEnum


class MeasureState(StrEnum):
    """Where a measure stands."""

    ORDERED = "ordered"
    IN_FORCE = "in_force"
    LIFTING = "lifting"
    ENDED = "ended"
    NEVER_IN_FORCE = "never_in_force"
    OBSERVED = "observed"


class Ending(StrEnum):
    """How a measure ended, or is about to."""

    REINSTATED = "reinstated"
    LAPSED = "lapsed"


class CommandKind(StrEnum):
    """What the platform is told."""

    APPLY = "apply"
    LIFT = "lift"


class CommandOutcome(StrEnum):
    """What became of a command, by read-back."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    OBSERVED = "observed"
