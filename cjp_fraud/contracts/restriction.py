"""Kinds of measures, from a block of single destinations up to all access, and what exactly one restricts.

Under every one of them emergency calls stay possible, and the notice page, disputes and billing stay
reachable: the one field that names them takes no other value.
"""

from __future__ import annotations

import re
from dataclasses import fields
from enum import StrEnum
from typing import Final, Literal

from pydantic import ConfigDict, StrictInt
from pydantic.dataclasses import dataclass

Reachable = tuple[Literal["emergency_calls"], Literal["notice_page"], Literal["dispute"], Literal["billing"]]
"""The only list that a document may give of what stays reachable."""

ALWAYS_REACHABLE: Final[Reachable] = ("emergency_calls", "notice_page", "dispute", "billing")
"""What no measure restricts."""

CHANNELS: Final = ("voice", "chat", "email", "sms", "social")
"""Channels of the traffic schema."""

DIRECTIONS: Final = ("inbound", "outbound")
"""Directions of the traffic schema."""

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
"""International numbers (E.164); emergency short codes never begin with ``+``, so no prefix covers one."""


class MeasureKind(StrEnum):
    """Kinds of measures, the narrowest first."""

    BLOCK_DESTINATIONS = "block_destinations"
    LIMIT_ORIGINS = "limit_origins"
    LIMIT_RATE = "limit_rate"
    SUSPEND_PRINCIPAL = "suspend_principal"
    SUSPEND_APPLICATION = "suspend_application"
    SUSPEND_CHANNEL = "suspend_channel"
    SUSPEND_ALL_ACCESS = "suspend_all_access"

    def broader_than(self, other: MeasureKind) -> bool:
        """Whether this kind restricts more than ``other``."""
        order = list(MeasureKind)
        return order.index(self) > order.index(other)


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Scope:
    """What exactly a measure restricts; an empty field does not narrow it.

    Its JSON is made and read by :mod:`cjp_fraud.documents`.

    Parameters
    ----------
    channels, directions : of the traffic schema.
    principal_ids : keyed hashes of users, credentials or keys.
    application_ids : third-party applications or bots.
    destination_prefixes : international numbers' beginnings, ``+`` and digits.
    origins : number ranges, networks or addresses that calls or messages come from.
    contacts_per_hour : rate that is still let through.
    keeps : what stays reachable; it is the same for every measure.
    """

    channels: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    principal_ids: tuple[str, ...] = ()
    application_ids: tuple[str, ...] = ()
    destination_prefixes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    contacts_per_hour: StrictInt | None = None
    keeps: Reachable = ALWAYS_REACHABLE


_LISTS: Final = tuple(
    field.name for field in fields(Scope) if field.name not in ("contacts_per_hour", "keeps")
)

_NEEDED: Final = {
    MeasureKind.BLOCK_DESTINATIONS: "destination_prefixes",
    MeasureKind.LIMIT_ORIGINS: "origins",
    MeasureKind.LIMIT_RATE: "contacts_per_hour",
    MeasureKind.SUSPEND_PRINCIPAL: "principal_ids",
    MeasureKind.SUSPEND_APPLICATION: "application_ids",
    MeasureKind.SUSPEND_CHANNEL: "channels",
}
"""What each kind cannot do without."""

_ALLOWED: Final[dict[MeasureKind, frozenset[str]]] = {
    kind: frozenset({needed, "channels", "directions"}) for kind, needed in _NEEDED.items()
} | {MeasureKind.SUSPEND_ALL_ACCESS: frozenset()}
"""What may narrow each kind; all access cannot be narrowed, or it would be another kind."""
_MAY_BE_NARROWED_BY_APPLICATION: Final = frozenset({MeasureKind.LIMIT_RATE, MeasureKind.BLOCK_DESTINATIONS})


def scope_faults(kind: MeasureKind, scope: Scope) -> tuple[str, ...]:
    """Return one sentence for each fault of a scope for a kind of measure; empty: it fits."""
    faults = []
    needed = _NEEDED.get(kind)
    if needed is not None and getattr(scope, needed) in ((), None):
        faults.append(f"{kind} needs {needed}")
    allowed = _ALLOWED[kind] | ({"application_ids"} if kind in _MAY_BE_NARROWED_BY_APPLICATION else set())
    given = [name for name in (*_LISTS, "contacts_per_hour") if getattr(scope, name) not in ((), None)]
    faults += [f"{kind} has no {name}; choose the kind that has" for name in given if name not in allowed]
    for name, known in (("channels", CHANNELS), ("directions", DIRECTIONS)):
        wrong = [value for value in getattr(scope, name) if value not in known]
        faults += [f"{name}: {value!r} is not one of {', '.join(known)}" for value in wrong]
    for name in _LISTS:
        values = getattr(scope, name)
        if len(set(values)) != len(values):
            faults.append(f"{name} names something twice")
        if any(not value.strip() or not value.isprintable() for value in values):
            faults.append(f"{name} holds something that is empty or not plain text")
    for prefix in scope.destination_prefixes:
        if not _PREFIX.fullmatch(prefix):
            faults.append(f"destination prefix {prefix!r} must be + and 1 to 15 digits, country code first")
    if scope.contacts_per_hour is not None and scope.contacts_per_hour < 1:
        faults.append(f"contacts_per_hour is {scope.contacts_per_hour}; it must be at least 1")
    return tuple(faults)


def counsel_is_needed(kind: MeasureKind, *, critical: bool) -> bool:
    """Whether a measure needs counsel's consent beside the approval (gate, point 9).

    All access always does; against a critical tenant (hospital, crisis line) everything but a block of destinations.
    """
    return kind is MeasureKind.SUSPEND_ALL_ACCESS or (
        critical and kind.broader_than(MeasureKind.BLOCK_DESTINATIONS)
    )


def consent_faults(kind: MeasureKind, *, critical: bool, counsel_consents: bool) -> tuple[str, ...]:
    """Return why a measure must not be taken without counsel's consent; empty: it may.

    Parameters
    ----------
    critical : whether the tenant is marked critical.
    counsel_consents : whether counsel approved this very version.
    """
    if counsel_consents or not counsel_is_needed(kind, critical=critical):
        return ()
    if kind is MeasureKind.SUSPEND_ALL_ACCESS:
        return (f"{kind} restricts more than what spiked: it needs counsel's consent",)
    return (f"the tenant is marked critical: {kind} needs counsel's consent",)
