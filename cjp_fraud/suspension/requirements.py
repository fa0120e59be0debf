"""What the gate requires, at which moment each of it is asked, and what the gate answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

POINTS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9)
"""The design's points."""


class Basis(StrEnum):
    """What lets a measure begin.

    An approval; a reviewer's order in an emergency, which is approved afterwards; what the customer has signed before.
    """

    APPROVAL = "approval"
    EMERGENCY = "emergency"
    STANDING_CONSENT = "standing_consent"


STANDS_FOR: Final[Mapping[Basis, frozenset[int]]] = {
    Basis.APPROVAL: frozenset(),
    Basis.EMERGENCY: frozenset({3}),
    Basis.STANDING_CONSENT: frozenset({2, 3, 5}),
}
"""Basis of a measure → the design's points that it meets in its own way."""


class Requirement(Enum):
    """What the gate requires, each with the design's point that it belongs to.

    ``RECORD`` belongs to the first point: all the others are judged by what is on record.
    """

    RECORD = (1, "record")
    FLAGS = (1, "flags")
    EVIDENCE = (1, "evidence")
    DETERMINATION = (2, "determination")
    PROPOSAL = (3, "proposal")
    MODE = (3, "mode")
    APPROVAL = (3, "approval")
    IN_TIME = (3, "approval in time")
    CONTRACT = (4, "contract")
    CONFIRMATION = (4, "confirmation")
    TERMS = (5, "notice terms")
    NOTICE = (5, "notice")
    WINDOW = (5, "enforcement window")
    STOPS = (6, "stops")
    END = (7, "end")
    STATED_END = (7, "stated end")
    NEED = (8, "need")
    FIT = (9, "fit")
    CONSENT = (9, "consent")

    @property
    def point(self) -> int:
        """The design's point that it belongs to."""
        return self.value[0]


BEFORE_MEASURE: Final = frozenset(Requirement)
"""What is asked before a measure: everything."""

BEFORE_NOTICE: Final = BEFORE_MEASURE - {
    Requirement.IN_TIME,
    Requirement.NOTICE,
    Requirement.WINDOW,
    Requirement.NEED,
}
"""What must hold already when a notice is sent: all but the notice itself and what is counted from it.

The notice of a measure that was ordered in an emergency follows it, however long that takes.
"""

BEFORE_APPROVAL: Final = BEFORE_NOTICE - {
    Requirement.MODE,
    Requirement.APPROVAL,
    Requirement.CONSENT,
    Requirement.CONFIRMATION,
    Requirement.TERMS,
}
"""What must hold when a person approves, in either mode; that person's own faults are asked beside it."""


BEFORE_REAFFIRMATION: Final = frozenset(
    {
        *(Requirement.RECORD, Requirement.FLAGS, Requirement.EVIDENCE, Requirement.MODE),
        *(Requirement.CONTRACT, Requirement.CONFIRMATION, Requirement.STOPS, Requirement.END),
        *(Requirement.FIT, Requirement.CONSENT),
    }
)
"""What is asked before a measure is kept past its review date; who reaffirms, and a fresh look, are asked beside it."""


BEFORE_PROPOSAL: Final = frozenset({Requirement.CONTRACT})
"""What is asked when a proposal is drawn up; the rest is asked by the time that it is approved."""


BEFORE_EMERGENCY: Final = BEFORE_NOTICE - {Requirement.STATED_END}
"""What is asked of a proposal before anybody orders it in an emergency; its notice is planned with the order."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why one requirement is not met."""

    requirement: Requirement
    sentence: str

    @property
    def point(self) -> int:
        """The design's point of it."""
        return self.requirement.point


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether the gate is open, and if not, everything that keeps it shut; ``basis``: on what it would open."""

    obstacles: tuple[Obstacle, ...]
    basis: Basis = Basis.APPROVAL

    @property
    def is_open(self) -> bool:
        """Whether nothing keeps it shut."""
        return not self.obstacles

    @property
    def sentences(self) -> tuple[str, ...]:
        """What keeps it shut, each with the number of its point."""
        return tuple(f"gate point {obstacle.point}: {obstacle.sentence}" for obstacle in self.obstacles)
