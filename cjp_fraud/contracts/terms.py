"""How a contract wants notices served: steps in sequence, methods in each, what counts, how long to wait.

Stored as JSON (:mod:`cjp_fraud.documents`), entered by counsel. What is not understood is refused, never
guessed: an unknown key, method, basis or unit makes the terms unreadable, and unreadable terms shut the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cjp_fraud.contracts.methods import EMAIL, require_method
from cjp_fraud.contracts.model import BASES, DeliveryStatus
from cjp_fraud.errors import BadInputError

PLAIN_ROLE = "notice"
"""Role of the one address that the tenants file gives."""


class Combine(StrEnum):
    """Whether all methods of a step are needed, or one after the other until one succeeds."""

    ALL_OF = "all_of"
    ANY_OF = "any_of"


class WaitUnit(StrEnum):
    """Units of waiting; business days come with the calendars."""

    HOURS = "hours"
    CALENDAR_DAYS = "calendar_days"


@dataclass(frozen=True, slots=True)
class Wait:
    """How long after a step is received the next one, or the measure, may follow."""

    amount: int
    unit: WaitUnit

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 10_000:
            raise BadInputError(f"a wait of {self.amount} {self.unit} is not a whole number from 0 to 10000")


@dataclass(frozen=True, slots=True)
class MethodRule:
    """One method of a step: what makes it count as received, and at which addresses (all of them)."""

    method: str
    basis: DeliveryStatus
    address_roles: tuple[str, ...]

    def __post_init__(self) -> None:
        require_method(self.method)
        if self.basis not in BASES:
            raise BadInputError(f"basis {self.basis} proves too little; write {' or '.join(BASES)}")
        if not self.address_roles or not all(self.address_roles):
            raise BadInputError("a method names no address role; name at least one, for example 'notice'")


@dataclass(frozen=True, slots=True)
class NoticeStep:
    """One step of the sequence."""

    number: int
    combine: Combine
    methods: tuple[MethodRule, ...]
    wait: Wait

    def __post_init__(self) -> None:
        if not self.methods:
            raise BadInputError(f"step {self.number} names no method")


@dataclass(frozen=True, slots=True)
class NoticeTerms:
    """The notice provisions of a contract, for a suspension.

    Parameters
    ----------
    steps : in the order of serving, numbered 1, 2, 3 ...
    clause : where they stand in the governing document; None where nobody said.
    """

    steps: tuple[NoticeStep, ...]
    clause: str | None = None

    def __post_init__(self) -> None:
        if [step.number for step in self.steps] != list(range(1, len(self.steps) + 1)) or not self.steps:
            raise BadInputError("steps must be numbered 1, 2, 3 ... and there must be one at least")

    @property
    def address_roles(self) -> tuple[str, ...]:
        """All roles whose addresses some method serves, each once, in order."""
        roles = (role for step in self.steps for rule in step.methods for role in rule.address_roles)
        return tuple(dict.fromkeys(roles))


def plain_terms() -> NoticeTerms:
    """Return the terms that a complete row of the tenants file means: notice by email, counted once it is sent."""
    rule = MethodRule(EMAIL, DeliveryStatus.SENT, (PLAIN_ROLE,))
    return NoticeTerms((NoticeStep(1, Combine.ANY_OF, (rule,), Wait(0, WaitUnit.HOURS)),))
