"""What was sent on a case before the notice of its measure: warnings, notices of breach, what they bind to; pure.

Whatever such a letter states as the first moment of a restriction binds. Whether a conditional warning is the notice
that the measure needs is for the contract to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cjp_fraud.contracts.contract_terms import ConditionalNotice, ContractTerms
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.notices.model import NoticeKind


@dataclass(frozen=True, slots=True)
class EarlierNotice:
    """A warning or a notice of breach on a case; moments are aware.

    Parameters
    ----------
    cancelled : withdrawn: it binds to nothing, and counts for nothing.
    dispatched_at : when it first left, with the bytes on record; None: it has not, or its bytes are not as they were.
    not_before : the first moment of a restriction that its letters state; None: none has left.
    complete_at : when it is served and its periods are over; None: not yet known.
    failed : no permitted method can complete it any more.
    contradicted : a report that it did not arrive waits for a person.
    everywhere : it went to every address of the contract.
    measure, scope, lasts : what it announces, and for how long at most.
    """

    plan_id: str
    kind: NoticeKind
    cancelled: bool
    dispatched_at: datetime | None
    not_before: datetime | None
    complete_at: datetime | None
    failed: bool
    contradicted: bool
    everywhere: bool
    measure: MeasureKind
    scope: Scope
    lasts: timedelta

    @property
    def in_words(self) -> str:
        """How a sentence names it."""
        sent = f" of {self.dispatched_at:%Y-%m-%d %H:%MZ}" if self.dispatched_at is not None else ""
        return f"the {self.kind.replace('_', ' ')}{sent}"


@dataclass(frozen=True, slots=True)
class Announcing:
    """The measure that is to rest on a warning; what is None is not known, and not compared."""

    kind: MeasureKind
    scope: Scope | None
    duration: timedelta | None
    determined_at: datetime | None
    account_taken_over: bool


def conditional_notice(terms: ContractTerms | None) -> ConditionalNotice:
    """Return what a contract says of notices on condition; where it says nothing, none is allowed."""
    said = terms.conditional_notice if terms is not None else None
    return said if isinstance(said, ConditionalNotice) else ConditionalNotice(False, False)


def sufficing(
    terms: ContractTerms | None, earlier: Iterable[EarlierNotice], measure: Announcing
) -> EarlierNotice | None:
    """Return the warning that is the notice which a measure needs; None: there is none.

    The contract says that it suffices; it went out before the determination and is served; and it announced this very
    measure, for as long at least.
    """
    said = conditional_notice(terms)
    if said.allowed is not True or said.suffices is not True:
        return None
    fitting = [
        each
        for each in earlier
        if each.kind is NoticeKind.CONDITIONAL_WARNING
        and not (each.cancelled or each.failed or each.contradicted)
        and each.complete_at is not None
        and each.dispatched_at is not None
        and (measure.determined_at is None or each.dispatched_at <= measure.determined_at)
        and each.measure is measure.kind
        and (measure.scope is None or _announces(each.scope, measure.scope))
        and (measure.duration is None or measure.duration <= each.lasts)
        and (each.everywhere or not measure.account_taken_over)
    ]
    return min(fitting, key=lambda each: (each.complete_at, each.plan_id), default=None)


def held_by(earlier: Iterable[EarlierNotice]) -> tuple[tuple[EarlierNotice, datetime], ...]:
    """Return the letters that bind, each with the first moment of a restriction that it states."""
    return tuple(
        (each, _binds_until(each, each.not_before))
        for each in earlier
        if not each.cancelled and each.not_before is not None
    )


def _binds_until(notice: EarlierNotice, stated: datetime) -> datetime:
    """Return until when a letter binds: to what it states, and a notice of breach to the end of its cure period."""
    if notice.kind is NoticeKind.BREACH and notice.complete_at is not None:
        return max(stated, notice.complete_at)
    return stated


def held_until(earlier: Iterable[EarlierNotice]) -> datetime | None:
    """Return before when nothing may be restricted, as the letters that went out state; None: none states it."""
    return max((moment for _, moment in held_by(earlier)), default=None)


def why_not_allowed(terms: ContractTerms | None) -> str | None:
    """Return why no conditional notice may go out before the determination; None: it may."""
    if terms is None:
        return "the notice terms of the contract are not on record"
    said = terms.conditional_notice
    allowed = said.allowed if isinstance(said, ConditionalNotice) else said
    if allowed is True:
        return None
    if isinstance(allowed, Unstated):
        return (
            f"whether a conditional notice may go out before the determination is {allowed.replace('_', ' ')}"
        )
    return "the contract allows no conditional notice before the determination"


def _announces(announced: Scope, taken: Scope) -> bool:
    """Whether a measure restricts what was announced; to which numbers calls are cut follows the flags until then."""
    return replace(announced, cut_calls_to=()) == replace(taken, cut_calls_to=())
