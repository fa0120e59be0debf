"""How far a role reaches that is narrowed to channels or countries, and which role an act needs; a pure rule."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from cjp_fraud.people.model import Actor, Reach, Role

CASE_READERS: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL, Role.AUDITOR})
"""Roles that read cases: all but who only administers."""

_WORKS: Final = frozenset({Role.ANALYST, Role.REVIEWER})
_DECIDES: Final = frozenset({Role.REVIEWER})
_APPROVES: Final = frozenset({Role.APPROVER})
_RETURNS: Final = frozenset({Role.APPROVER, Role.COUNSEL})
_STOPS: Final = frozenset({Role.COUNSEL})
_COMMENTS: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL})
_WITHDRAWS: Final = frozenset({Role.REVIEWER, Role.APPROVER})
_RULES: Final = frozenset({Role.REVIEWER, Role.APPROVER, Role.COUNSEL})

READS_CASES: Final = frozenset(Role) - {Role.ADMIN}
"""Roles that read cases; an admin reads none, so that role reaches none."""

NEVER_NARROWED: Final[Mapping[Role, str]] = {
    Role.ADMIN: "an admin decides no case, so the role is not narrowed",
    Role.AUDITOR: "an auditor reads everything, so the role is not narrowed",
}
"""Roles that are given whole or not at all → why."""

ROLES_FOR_ACT: Final[Mapping[str, frozenset[Role]]] = {
    "case.claimed": _WORKS,
    "case.released": _WORKS,
    "case.handed_over": _WORKS,
    "case.put_aside": _WORKS,
    "case.customer_asked": _WORKS,
    "case.customer_answered": _WORKS,
    "case.commented": _COMMENTS,
    "case.attached": _COMMENTS,
    "case.determined": _DECIDES,
    "case.emergency_ordered": _DECIDES,
    "case.undetermined": _DECIDES,
    "case.dismissed": _DECIDES,
    "case.reopened": _DECIDES,
    "case.taken_back": _DECIDES,
    "case.letter_ordered": _RULES,  # each kind of letter: ROLES_FOR_LETTER
    "case.letter_withdrawn": _RULES,
    "case.contradiction_resolved": _RULES,
    "case.returned": _RETURNS,
    "case.refused": _RETURNS,
    "case.withdrawn": _WITHDRAWS,
    "case.need_stated": _WITHDRAWS,
    "case.stopped": _STOPS,
    "case.stop_cleared": _STOPS,
    "case.reinstating": _APPROVES,
    "measure.looked_at": _APPROVES,
    "measure.reaffirmed": _APPROVES,
    "measure.narrowing": _RULES,
    "measure.found_wrong": _RULES,
    "measure.assessed": _RULES,
    "measure.corrected": _RULES,
    "dispute.opened": _COMMENTS,
    "dispute.decided": _RULES,
    "measure.stages_ordered": _APPROVES,
    "measure.stages_held": _APPROVES,
    "measure.stages_resumed": _APPROVES,
}
"""Action of the log → roles of which one must reach the case; any that reads it, for actions not named here."""

ROLES_FOR_LETTER: Final[Mapping[str, frozenset[Role]]] = {
    "conditional_warning": _WITHDRAWS,
    "breach": _RETURNS,
}
"""Kind of a letter that a person orders → roles of which one must reach the case."""


def roles_for(action: str, content: Mapping[str, Any]) -> Collection[Role]:
    """Return the roles of which one must reach the case on which a person acts.

    An approval names its capacity, and an ordered letter its kind.
    """
    capacity = content.get("capacity")
    if capacity is not None:
        return frozenset({Role(capacity)})
    roles = ROLES_FOR_ACT.get(action, READS_CASES)
    return ROLES_FOR_LETTER.get(content.get("kind", ""), roles) if action == "case.letter_ordered" else roles


def reaches(by: Actor, roles: Collection[Role], channel: str | None, country: str | None) -> bool:
    """Whether one of the actor's roles among ``roles`` reaches a case; machines reach all.

    Parameters
    ----------
    channel : of the case's flag with the highest score; None: its flags were taken back.
    country : the tenant's, ISO 3166-1; None: not known.
    """
    if not by.narrowed:
        return True
    return any(by.reach(role).covers(channel, country) for role in by.roles & frozenset(roles))


def reach_for(by: Actor, roles: Collection[Role] = READS_CASES) -> tuple[Reach, ...] | None:
    """Return how far the actor's roles among ``roles`` reach together; None: to every case."""
    held = by.roles & frozenset(roles)
    if not by.narrowed or any(by.reach(role).is_everything for role in held):
        return None
    return tuple(by.reach(role) for role in sorted(held))
