"""Letters that a person orders and that carry out no approval: a conditional warning, and a notice of breach.

A warning leaves only before the determination, and where the contract allows it; whether it then is the notice that the
measure needs, the gate asks (:mod:`cjp_fraud.review.earlier_notice`). A notice of breach follows the determination, and
gives time to put it right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import exists, select, true
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.documents import to_document
from cjp_fraud.errors import refuse_unless
from cjp_fraud.notices.letter_facts import Letter
from cjp_fraud.notices.model import NoticeKind, NoticeState
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans_on_record import cancel_plan, create_plan
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.case_letters import seen
from cjp_fraud.review.cases import flags_in_force, in_words, lock_case, note
from cjp_fraud.review.decision_tables import Determination, DeterminationFlag, LetterOrder
from cjp_fraud.review.determination import latest_determination
from cjp_fraud.review.drafted_notice import letter_faults
from cjp_fraud.review.earlier_notice import why_not_allowed
from cjp_fraud.review.evidence import ReadRows, rows_to_freeze
from cjp_fraud.review.frozen_traffic import flagged_traffic
from cjp_fraud.review.measure_fit import PlannedMeasure, measure_faults
from cjp_fraud.review.measure_proposal import proposed_measure
from cjp_fraud.review.model import CLOSED_STATES, CaseState, Finding
from cjp_fraud.review.principals import frozen_principals
from cjp_fraud.review.proposal import document_of, latest_proposal, measure_of
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.requests import BreachWanted, MeasureWanted, WarningWanted
from cjp_fraud.review.tables import Case, Flag

BEFORE_THE_DETERMINATION = (CaseState.OPEN, CaseState.CAPPED, CaseState.IN_REVIEW)
"""States in which a conditional warning may leave; it says that nothing has been determined."""


@dataclass(frozen=True, slots=True)
class _Ordered:
    """An order of a letter before it is on record: what it says, and how it is served."""

    letter: Letter
    measure: PlannedMeasure
    terms: NoticeTerms
    taken_over: bool
    reasons: str


def order_warning(
    decision: Decision, case_id: str, wanted: WarningWanted, policy: ProviderPolicy, read_rows: ReadRows
) -> NoticePlan:
    """Order a conditional warning on an open case before its determination; return its plan, of which nothing left yet.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    flags = flags_in_force(session, case.id, lock=True)
    position = contract_at(session, case.tenant_id, at)
    rows = rows_to_freeze(case.tenant_id, flags, read_rows)
    principals = frozen_principals(session, case.id, flags)
    flagged = flagged_traffic(flags, rows, principals.rows, principals.usual)
    asked = wanted.measure or MeasureWanted()
    measure = proposed_measure(asked, flagged, policy.measure_review)
    terms = position.terms.warning if position.terms is not None else None
    not_allowed = why_not_allowed(position.terms)
    refuse_unless(
        (
            case.state in BEFORE_THE_DETERMINATION,
            f"it is {case.state}; a conditional warning goes out before the determination",
        ),
        (by.may(Role.REVIEWER, Role.APPROVER), f"{by} is neither a reviewer nor an approver"),
        (bool(wanted.reasons.strip()), "give the reasons"),
        (not_allowed is None, not_allowed or ""),
        (terms is not None, "it is not known how a conditional warning is served"),
        (bool(flags), "no flag is in force; there is nothing to warn of"),
        (asked.is_named, "say the kind of measure too"),
        *((False, fault) for fault in (measure_faults(measure, flagged) if flags else ())),
        *_contract_checks(position, policy),
        action=f"warn the customer of {in_words(case)}",
    )
    assert measure is not None, "measure_faults says so otherwise"
    assert terms is not None, "it was refused otherwise"
    lasts = min(measure.duration, position.longest_measure or measure.duration)
    letter = Letter(
        kind=NoticeKind.CONDITIONAL_WARNING,
        case_reference=str(case.number),
        sender=policy.sender,
        measure=measure.kind,
        scope=measure.scope,
        seen=seen(flags),
        lasts=lasts,
    )
    ordered = _Ordered(letter, replace(measure, duration=lasts), terms, wanted.taken_over, wanted.reasons)
    return _put_on_record(decision, case, position, ordered, policy)


def order_breach(
    decision: Decision, case_id: str, wanted: BreachWanted, policy: ProviderPolicy
) -> NoticePlan:
    """Order a notice of breach with a cure period on a case whose traffic was found fraudulent; return its plan.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    position = contract_at(session, case.tenant_id, at)
    determination = latest_determination(session, case)
    proposal = latest_proposal(session, case)
    found = determination if determination and determination.finding is Finding.FRAUDULENT else None
    terms = position.terms.breach_notice if position.terms is not None else None
    stated = terms is not None and not isinstance(terms.cure, Unstated)
    refuse_unless(
        (case.state not in CLOSED_STATES, f"it is {case.state}; a notice of breach is about an open case"),
        (found is not None and proposal is not None, "no determination of fraud is on record"),
        (by.may(Role.APPROVER, Role.COUNSEL), f"{by} is neither an approver nor counsel"),
        (
            found is None or found.by_user_id != by.user_id,
            f"{by} determined the fraud; another person orders the notice of breach",
        ),
        (bool(wanted.reasons.strip()), "give the reasons"),
        (bool(wanted.term.strip()), "name the term of the contract that is not met"),
        (terms is not None, "it is not known how a notice of breach is served"),
        (
            stated or wanted.cure_days is not None,
            "the contract states no cure period; say how many days the customer has (--cure-days)",
        ),
        (
            not stated or wanted.cure_days is None,
            "the contract states the cure period; leave --cure-days out",
        ),
        (wanted.cure_days is None or 1 <= wanted.cure_days <= 366, "the cure period is of 1 to 366 days"),
        *_contract_checks(position, policy),
        action=f"send a notice of breach in {in_words(case)}",
    )
    assert terms is not None, "it was refused otherwise"
    assert found is not None, "it was refused otherwise"
    assert proposal is not None, "it was refused otherwise"
    if wanted.cure_days is not None:
        terms = replace(terms, cure=Wait(wanted.cure_days, WaitUnit.CALENDAR_DAYS))
    kind, scope, duration = measure_of(document_of(proposal))
    letter = Letter(
        kind=NoticeKind.BREACH,
        case_reference=str(case.number),
        sender=policy.sender,
        measure=kind,
        scope=scope,
        seen=seen(_named_flags(session, found)),
        grounds=tuple(found.grounds),
        determined_at=found.at,
        lasts=duration,
        term_concerned=wanted.term.strip(),
    )
    measure = PlannedMeasure(kind, scope, duration)
    ordered = _Ordered(letter, measure, terms, found.account_taken_over, wanted.reasons)
    return _put_on_record(decision, case, position, ordered, policy)


def withdraw_letter(decision: Decision, case_id: str, plan_id: str, reasons: str) -> NoticePlan:
    """Withdraw a warning or a notice of breach: nothing more of it leaves, and the customer is told.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    plan = session.scalar(
        select(NoticePlan)
        .join(LetterOrder, LetterOrder.id == NoticePlan.occasion_id)
        .where(NoticePlan.id == plan_id, NoticePlan.case_id == case.id, NoticePlan.kind == LetterOrder.kind)
    )
    refuse_unless(
        (plan is not None, "no warning or notice of breach of it has that id"),
        (plan is None or plan.cancelled_at is None, "it was withdrawn already"),
        (
            by.may(Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither reviewer, approver nor counsel",
        ),
        (bool(reasons.strip()), "give the reasons"),
        action=f"withdraw a letter of {in_words(case)}",
    )
    assert plan is not None, "it was refused otherwise"
    _cancel(decision, case, plan, reasons)
    return plan


def withdraw_warnings(decision: Decision, case_id: str, reasons: str) -> None:
    """Withdraw every warning and notice of breach that stands on a case which was found not fraudulent."""
    session = decision.session
    case = lock_case(session, case_id)
    plans = session.scalars(
        select(NoticePlan)
        .join(LetterOrder, LetterOrder.id == NoticePlan.occasion_id)
        .where(
            NoticePlan.case_id == case.id,
            NoticePlan.kind == LetterOrder.kind,
            NoticePlan.cancelled_at.is_(None),
        )
    ).all()
    for plan in plans:
        _cancel(decision, case, plan, reasons)


def ordered_letters_due(session: Session, case_id: str | None = None) -> list[tuple[str, str]]:
    """Return case and plan of each ordered letter of which something is still to be sent, of one case or of all.

    Nothing more of a warning leaves once something was determined: it says that nothing was.
    """
    left = exists().where(
        Notice.plan_id == NoticePlan.id, Notice.state.in_([NoticeState.PLANNED, NoticeState.DEFERRED])
    )
    rows = session.execute(
        select(NoticePlan.case_id, NoticePlan.id)
        .join(LetterOrder, LetterOrder.id == NoticePlan.occasion_id)
        .join(Case, Case.id == NoticePlan.case_id)
        .where(
            NoticePlan.kind == LetterOrder.kind,
            NoticePlan.cancelled_at.is_(None),
            left,
            (NoticePlan.kind == NoticeKind.BREACH) | Case.state.in_(BEFORE_THE_DETERMINATION),
            NoticePlan.case_id == case_id if case_id is not None else true(),
        )
        .order_by(NoticePlan.created_at, NoticePlan.id)
    )
    return [(case, plan) for case, plan in rows]


def _contract_checks(position: Contract, policy: ProviderPolicy) -> list[tuple[bool, str]]:
    """Return what must be known of the contract and of the sender before a letter leaves."""
    fault = position.notice_terms_fault
    faults = [*([fault] if fault is not None else []), *letter_faults(policy, position)]
    return [(False, sentence) for sentence in faults]


def _named_flags(session: Session, determination: Determination) -> list[Flag]:
    named = (
        select(Flag)
        .join(DeterminationFlag, DeterminationFlag.flag_id == Flag.id)
        .where(DeterminationFlag.determination_id == determination.id)
    )
    return list(session.scalars(named))


def _put_on_record(
    decision: Decision, case: Case, position: Contract, ordered: _Ordered, policy: ProviderPolicy
) -> NoticePlan:
    """Put an order and the plan of its letter on record; in ``observe`` nothing of it ever leaves."""
    session, by, at = decision.session, decision.by, decision.at
    assert by.user_id is not None, "only persons have roles"
    letter, everywhere = ordered.letter, ordered.taken_over
    roles = None if everywhere else ordered.terms.address_roles
    draft = draft_plan(
        position,
        recipients(session, case.tenant_id, roles, at),
        letter,
        policy.methods,
        everywhere=everywhere,
        terms=ordered.terms,
    )
    words = keep_text(session, ordered.reasons.strip(), at)
    order = LetterOrder(
        case_id=case.id,
        kind=letter.kind,
        by_user_id=by.user_id,
        at=at,
        reasons_text_id=words.id,
        measure=ordered.measure.kind,
        scope=to_document(ordered.measure.scope),
        hours=int(ordered.measure.duration / timedelta(hours=1)),
        term_concerned=letter.term_concerned,
        account_taken_over=everywhere,
    )
    session.add(order)
    record_part(session, by, Part.ORDERED_LETTER, case.tenant_id, at, case_id=case.id)
    session.flush()
    note(decision, case, "case.letter_ordered", {"order_id": order.id, "kind": order.kind}, words)
    return create_plan(
        decision,
        draft,
        case_id=case.id,
        occasion_id=order.id,
        approved_at=at,
        mode=policy.mode,
    )


def _cancel(decision: Decision, case: Case, plan: NoticePlan, reasons: str) -> None:
    session = decision.session
    words = keep_text(session, reasons.strip(), decision.at)
    cancel_plan(decision, plan.id)
    record_part(session, decision.by, Part.WITHDREW, case.tenant_id, decision.at, case_id=case.id)
    session.flush()
    note(decision, case, "case.letter_withdrawn", {"plan_id": plan.id, "kind": plan.kind}, words)
