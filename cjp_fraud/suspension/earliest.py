"""The earliest lawful minute of each measure, what is missing until then, and the fastest path: the gate's own answer.

Pure. Nothing here has rules of its own: a minute is lawful where :func:`cjp_fraud.suspension.gate.check` says so, of
the facts as they are, or as they will be if every letter still to come is served the moment that it is due.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.contracts.terms_in_words import beside_the_notice
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.progress import PlanProgress
from cjp_fraud.notices.projection import hypothetical_plan, projected
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.model import ContractFact, GateFacts, NoticeFact, ProposalFact
from cjp_fraud.suspension.notice_gate import (
    held_moments,
    next_permitted,
    timing_faults,
    without_prior_notice,
)
from cjp_fraud.suspension.requirements import BEFORE_MEASURE, Requirement

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Earliest:
    """When a measure may be taken at the earliest.

    Parameters
    ----------
    kind : the measure.
    proposed : whether it is the one that is proposed; another one needs a determination and a notice of its own.
    at : the earliest minute that the notice provisions allow, aware, UTC; None: they never allow it as things stand.
    missing : what the gate answers now; empty: it is open.
    missing_then : what the gate will still answer at that minute, all else held: what people must do until then;
        empty: it opens. Where ``at`` is None, what it answers now.
    path : the fastest lawful path, a sentence a step.
    binds : what the contract says of measures beside their notice, a sentence each.
    """

    kind: MeasureKind
    proposed: bool
    at: datetime | None
    missing: tuple[str, ...]
    missing_then: tuple[str, ...]
    path: tuple[str, ...]
    binds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Coming:
    """The facts as they will be, and how; ``supposed``: no notice is planned yet, and one was supposed."""

    facts: GateFacts
    path: tuple[str, ...]
    supposed: bool


def earliest_measures(facts: GateFacts, at: datetime) -> tuple[Earliest, ...]:
    """Return the earliest lawful minute of every kind of measure, the narrowest first; ``at`` is aware."""
    now = aware(at)
    fastest = _fastest(facts.contract, now)  # the same for every kind
    return tuple(_earliest(facts, kind, now, fastest) for kind in MeasureKind)


def earliest(facts: GateFacts, kind: MeasureKind, at: datetime) -> Earliest:
    """Return the earliest lawful minute of a measure, from ``at`` (aware) on.

    The gate is asked at that minute about the facts as they will be; a minute before it is shut, unless it is open now.
    """
    now = aware(at)
    return _earliest(facts, kind, now, _fastest(facts.contract, now))


def _earliest(facts: GateFacts, kind: MeasureKind, now: datetime, fastest: PlanProgress | None) -> Earliest:
    proposed = facts.proposal is not None and facts.proposal.kind is kind
    known = facts if proposed else replace(facts, proposal=None, approvals=(), notice=None)
    timed = known if proposed else replace(known, proposal=_named(kind))
    coming = _coming(timed, now, fastest)
    minute = _first_minute(coming.facts, now)
    missing = check(known, now).sentences
    terms = facts.contract.terms if facts.contract is not None else None
    binds = beside_the_notice(terms) if terms is not None else ()
    if minute is None:
        return Earliest(kind, proposed, None, missing, missing, coming.path, binds)
    asked = BEFORE_MEASURE - {Requirement.NOTICE} if coming.supposed else BEFORE_MEASURE
    then = replace(known, notice=coming.facts.notice)
    return Earliest(kind, proposed, minute, missing, check(then, minute, asked).sentences, coming.path, binds)


def _coming(facts: GateFacts, at: datetime, fastest: PlanProgress | None) -> _Coming:
    """Return the facts with the notice complete by its fastest path from ``at`` on."""
    provision = without_prior_notice(facts)
    words = (f"no notice is needed beforehand: {provision}",) if provision is not None else ()
    notice = facts.notice
    if notice is None:
        supposed = _supposed(facts, at, fastest)
        if supposed is None:
            return _Coming(facts, words, supposed=False)
        return _Coming(replace(facts, notice=supposed), words or supposed.path, supposed=True)
    if notice.complete_at is None and notice.projected_at is not None:
        served = replace(
            notice,
            complete_at=notice.projected_at,
            dispatched_at=notice.dispatched_at or at,
            states_end_at=notice.states_end_at or _end(facts, notice.projected_at),
        )
        return _Coming(replace(facts, notice=served), words or notice.path, supposed=False)
    return _Coming(facts, words or notice.path, supposed=False)


def _fastest(contract: ContractFact | None, at: datetime) -> PlanProgress | None:
    """Return how the notice that the contract wants would go if it were sent at ``at``; None: its terms say nothing."""
    terms = _notice_terms(contract)
    if contract is None or terms is None or contract.terms_faults != ():
        return None
    try:
        return projected(hypothetical_plan(terms, contract.calendars or Calendars("UTC"), at), at)
    except BadInputError:
        return None


def _notice_terms(contract: ContractFact | None) -> NoticeTerms | None:
    if contract is None or contract.terms is None:
        return None
    return contract.terms.notices("suspension")


def _supposed(facts: GateFacts, at: datetime, fastest: PlanProgress | None) -> NoticeFact | None:
    """Return the notice that the contract wants, as if it were sent at ``at``; None: its terms are not known."""
    contract, terms = facts.contract, _notice_terms(facts.contract)
    if contract is None or terms is None or fastest is None or fastest.complete_at is None:
        return None
    return NoticeFact(
        mode=PlatformMode.ACT,
        plan_sha256=facts.proposal.plan_sha256 if facts.proposal is not None else None,
        cancelled=False,
        language=contract.language,
        planned_at=at,
        dispatched_at=at,
        complete_at=fastest.complete_at,
        states_end_at=_end(facts, max(fastest.complete_at, *held_moments(facts), fastest.complete_at)),
        contradictions=(),
        terms=terms,
        calendars=contract.calendars or Calendars("UTC"),
        failed=False,
        path=fastest.explanation,
        everywhere=True,
    )


def _end(facts: GateFacts, begin: datetime) -> datetime:
    """Return the end that a letter will state: that of the measure, if it begins at ``begin``."""
    duration = facts.proposal.duration if facts.proposal is not None else None
    return begin + (duration or timedelta(days=1))


def _named(kind: MeasureKind) -> ProposalFact:
    """Return a proposal of which only the measure's kind is known."""
    return ProposalFact(
        sha256="",
        actual_sha256=None,
        mode=None,
        evidence_sha256=None,
        actual_evidence_sha256=None,
        plan_sha256=None,
        versions=None,
        kind=kind,
        scope=None,
        duration=None,
        review_after=None,
        drawn_at=None,
    )


def _first_minute(facts: GateFacts, now: datetime) -> datetime | None:
    """Return the first whole minute, at ``now`` or later, at which time stands in the way no more; None: none comes."""
    notice = facts.notice
    if notice is None and without_prior_notice(facts) is None:
        return None
    minute = _whole_minute(now)
    if not timing_faults(facts, minute):
        return minute
    waits = (
        [notice.complete_at, notice.dispatched_at]
        if notice is not None and without_prior_notice(facts) is None
        else []
    )
    known = [moment for moment in waits if moment is not None]
    if len(known) < len(waits):
        return None
    # Rounded first: a moment in the last minute before a window closes would else be rounded out of it.
    begin = next_permitted(facts, _whole_minute(max(minute, *known, *held_moments(facts))))
    if begin is None:
        return None
    later = _whole_minute(begin)
    return later if not timing_faults(facts, later) else None


def _whole_minute(at: datetime) -> datetime:
    """Return ``at``, or the next whole minute."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + _MINUTE
