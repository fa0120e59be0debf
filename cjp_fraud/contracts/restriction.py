"""Kinds of measures, from a block of single destinations up to all access, and what exactly one restricts.

Under every one of them emergency calls stay possible, and the notice page, disputes and billing stay
reachable: the one field that names them takes no other value.
"""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, Literal

from pydantic import ConfigDict, SerializerFunctionWrapHandler, StrictInt, model_serializer
from pydantic.dataclasses import dataclass

from cjp_fraud.contracts.numbering import PREFIX, breadth
from cjp_fraud.contracts.origins import origin_faults

Reachable = tuple[Literal["emergency_calls"], Literal["notice_page"], Literal["dispute"], Literal["billing"]]
"""The only list that a document may give of what stays reachable."""

ALWAYS_REACHABLE: Final[Reachable] = ("emergency_calls", "notice_page", "dispute", "billing")
"""What no measure restricts."""

CHANNELS: Final = ("voice", "chat", "email", "sms", "social")
"""Channels of the traffic schema."""

DIRECTIONS: Final = ("inbound", "outbound")
"""Directions of the traffic schema."""

NO_NARROW_MEASURE: Final = Fraction(1, 2)
"""From this part of all numbers on, ranges of numbers are no narrow measure, whatever anybody consents to."""

BROAD: Final = Fraction(1, 20)
"""From this part of all numbers on, half a world zone, ranges of numbers need counsel's consent as all access does."""


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


class CallsInProgress(StrEnum):
    """What becomes of calls that are in progress when a measure begins; emergency calls always go on."""

    KEEP = "keep"
    CUT_FLAGGED = "cut_flagged"
    CUT = "cut"


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
    origins : number ranges, networks, domains or addresses that calls or messages come from.
    contacts_per_hour : rate that is still let through.
    calls_in_progress : what becomes of the calls that the measure meets; None: not said, and they go on.
    cut_calls_to : beginnings of the numbers of flagged destinations, to which calls in progress are cut.
    keeps : what stays reachable; it is the same for every measure.
    """

    channels: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    principal_ids: tuple[str, ...] = ()
    application_ids: tuple[str, ...] = ()
    destination_prefixes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    contacts_per_hour: StrictInt | None = None
    calls_in_progress: CallsInProgress | None = None
    cut_calls_to: tuple[str, ...] = ()
    keeps: Reachable = ALWAYS_REACHABLE

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave calls in progress out where nothing is said of them, as in documents from before they were named."""
        document: dict[str, Any] = serialize(self)
        return {name: value for name, value in document.items() if name not in _CALLS or value}


_CALLS: Final = ("calls_in_progress", "cut_calls_to")
_LISTS: Final = tuple(
    field.name for field in fields(Scope) if field.name not in ("contacts_per_hour", "keeps", *_CALLS)
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
        if not PREFIX.fullmatch(prefix):
            faults.append(f"destination prefix {prefix!r} must be + and 1 to 15 digits, country code first")
    faults += origin_faults(scope.origins, scope.channels)
    faults += _call_faults(kind, scope)
    if _breadth(scope) >= NO_NARROW_MEASURE:
        faults.append(
            f"the ranges of numbers are {float(_breadth(scope)):.0%} of all numbers, which is no {kind}; name those "
            "that the flagged traffic went to or came from, or choose the kind that restricts the whole channel"
        )
    if scope.contacts_per_hour is not None and scope.contacts_per_hour < 1:
        faults.append(f"contacts_per_hour is {scope.contacts_per_hour}; it must be at least 1")
    return tuple(faults)


def _call_faults(kind: MeasureKind, scope: Scope) -> list[str]:
    """Return what is wrong with what a scope says of calls in progress."""
    said = scope.calls_in_progress
    flagged = said is CallsInProgress.CUT_FLAGGED
    wrong = [prefix for prefix in scope.cut_calls_to if not PREFIX.fullmatch(prefix)]
    checks = (
        (said is None or not scope.channels or "voice" in scope.channels, "there are calls in voice only"),
        (
            kind is not MeasureKind.LIMIT_RATE or said in (None, CallsInProgress.KEEP),
            "a limit on the rate ends no call in progress",
        ),
        (
            not flagged or bool(scope.cut_calls_to),
            "it is not known to which destinations the flagged calls went; keep the calls in progress, or cut all",
        ),
        (flagged or not scope.cut_calls_to, f"cut_calls_to goes with {CallsInProgress.CUT_FLAGGED} only"),
        (not wrong, f"calls to {', '.join(wrong)}: name numbers by + and 1 to 15 digits, country code first"),
    )
    return [sentence for holds, sentence in checks if not holds]


def in_words(scope: Scope) -> str:
    """Return what a scope restricts in a few words: ``voice, outbound, +371``."""
    limit = (f"{scope.contacts_per_hour} contacts an hour",) if scope.contacts_per_hour is not None else ()
    return ", ".join((*(value for name in _LISTS for value in getattr(scope, name)), *limit))


FORMER_ADDRESS_ERASED: Final = (
    "the address for notices was entered in the last 30 days, and the one before it was erased, so that nobody can be "
    "served there: it needs counsel's consent"
)
"""Why a measure of any kind needs counsel's consent where the former address is not known any more."""


def consent_reasons(
    kind: MeasureKind, scope: Scope, *, critical: bool, former_address_erased: bool
) -> tuple[str, ...]:
    """Return why a measure needs counsel's consent beside the approval (gate, point 9); empty: it does not.

    All access always does, and so do number ranges of half a world zone (``+3``) or more; against a critical tenant
    (hospital, crisis line) everything but a block of destinations. Which of a tenant's own numbers were flooded is not
    on record, so a block of inbound destinations does as well.

    Parameters
    ----------
    critical : whether the tenant is marked critical.
    former_address_erased : whether the address for notices was entered lately, and the one before it was erased.
    """
    reasons = [FORMER_ADDRESS_ERASED] if former_address_erased else []
    if kind is MeasureKind.SUSPEND_ALL_ACCESS:
        reasons.append(f"{kind} restricts more than what spiked: it needs counsel's consent")
    if _breadth(scope) >= BROAD:
        reasons.append(
            "the ranges of numbers are as wide as half a world zone or wider: they need counsel's consent"
        )
    if kind is MeasureKind.BLOCK_DESTINATIONS and "inbound" in scope.directions:
        reasons.append(
            "nothing on record shows which of the tenant's own numbers were flooded: to block any of them needs "
            "counsel's consent"
        )
    if critical and kind.broader_than(MeasureKind.BLOCK_DESTINATIONS):
        reasons.append(f"the tenant is marked critical: {kind} needs counsel's consent")
    return tuple(reasons)


def _breadth(scope: Scope) -> Fraction:
    """Return which part of all numbers a scope names, as destinations or as origins."""
    return max(breadth(scope.destination_prefixes), breadth(scope.origins))
