"""How a contract wants notices served: steps in sequence, methods in each, what counts, how long to wait.

Stored as JSON, entered by counsel. What is not understood is refused, never guessed: an unknown key,
method, basis or unit makes the terms unreadable, and unreadable terms shut the gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from cjp_fraud.contracts.delivery_status import BASES, DeliveryStatus
from cjp_fraud.contracts.model import Method
from cjp_fraud.errors import BadInputError

PLAIN_ROLE = "notice"
"""Role of the one address that the tenants file gives."""

_Kind = TypeVar("_Kind", bound=StrEnum)


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
        if (
            isinstance(self.amount, bool)
            or not isinstance(self.amount, int)
            or not 0 <= self.amount <= 10_000
        ):
            raise BadInputError(
                f"a wait of {self.amount!r} {self.unit} is not a whole number from 0 to 10000"
            )


@dataclass(frozen=True, slots=True)
class MethodRule:
    """One method of a step: what makes it count as received, and at which addresses (all of them)."""

    method: Method
    basis: DeliveryStatus
    address_roles: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.basis not in BASES:
            raise BadInputError(f"basis {self.basis} is not one of {', '.join(BASES)}")
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

    @property
    def document(self) -> dict[str, Any]:
        """The terms as JSON; :func:`parse_terms` reads them back."""
        return {
            "clause": self.clause,
            "steps": [
                {
                    "number": step.number,
                    "combine": str(step.combine),
                    "methods": [
                        {
                            "method": str(rule.method),
                            "basis": str(rule.basis),
                            "address_roles": list(rule.address_roles),
                        }
                        for rule in step.methods
                    ],
                    "wait": {"amount": step.wait.amount, "unit": str(step.wait.unit)},
                }
                for step in self.steps
            ],
        }


def plain_terms() -> NoticeTerms:
    """Return the terms that a complete row of the tenants file stands for: by email, once sent."""
    rule = MethodRule(Method.EMAIL, DeliveryStatus.SENT, (PLAIN_ROLE,))
    return NoticeTerms((NoticeStep(1, Combine.ANY_OF, (rule,), Wait(0, WaitUnit.HOURS)),))


def parse_terms(document: object) -> NoticeTerms:
    """Read terms back from JSON.

    Raises
    ------
    BadInputError
        For whatever is not understood, naming the place.
    """
    fields = _fields(document, "the notice terms", {"steps"}, {"clause"})
    clause = fields.get("clause")
    if clause is not None and not isinstance(clause, str):
        raise BadInputError("clause must be text or null")
    steps = _sequence(fields["steps"], "steps")
    return NoticeTerms(tuple(_step(step, f"step {place}") for place, step in enumerate(steps, 1)), clause)


def _step(document: object, where: str) -> NoticeStep:
    fields = _fields(document, where, {"number", "combine", "methods", "wait"})
    wait = _fields(fields["wait"], f"{where}, wait", {"amount", "unit"})
    rules = _sequence(fields["methods"], f"{where}, methods")
    return NoticeStep(
        number=fields["number"],
        combine=_member(Combine, fields["combine"], f"{where}, combine"),
        methods=tuple(_rule(rule, f"{where}, method {place}") for place, rule in enumerate(rules, 1)),
        wait=Wait(wait["amount"], _member(WaitUnit, wait["unit"], f"{where}, wait, unit")),
    )


def _rule(document: object, where: str) -> MethodRule:
    fields = _fields(document, where, {"method", "basis", "address_roles"})
    roles = _sequence(fields["address_roles"], f"{where}, address_roles")
    if not all(isinstance(role, str) for role in roles):
        raise BadInputError(f"{where}: address_roles must be texts")
    return MethodRule(
        method=_member(Method, fields["method"], f"{where}, method"),
        basis=_member(DeliveryStatus, fields["basis"], f"{where}, basis"),
        address_roles=tuple(roles),
    )


def _fields(
    document: object, where: str, needed: set[str], optional: set[str] | None = None
) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise BadInputError(f"{where}: expected named fields ({', '.join(sorted(needed))})")
    missing = needed - set(document)
    unknown = set(document) - needed - (optional or set())
    if missing or unknown:
        said = [f"{', '.join(sorted(missing))} missing"] if missing else []
        said += [f"{', '.join(sorted(map(str, unknown)))} not known"] if unknown else []
        raise BadInputError(f"{where}: {'; '.join(said)}")
    return document


def _sequence(document: object, where: str) -> Sequence[Any]:
    if not isinstance(document, list | tuple):
        raise BadInputError(f"{where}: expected a list")
    return document


def _member(kind: type[_Kind], value: object, where: str) -> _Kind:
    try:
        return kind(str(value))
    except ValueError:
        raise BadInputError(f"{where}: {value!r} is not served; known are {', '.join(kind)}") from None
