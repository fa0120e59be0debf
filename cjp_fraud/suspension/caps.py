"""Cap a customer's traffic as they have signed beforehand: the one restriction that a machine begins.

Each minute, and after each delivery and detection, :func:`run_caps` looks for breaches. On one it opens a case, or
joins the open one, freezes the traffic, asks the gate (:mod:`cjp_fraud.suspension.cap_gate`) and puts the cap on record
with the plan of its letter, in one transaction; then the platform is called with a key that follows from the cap, and
read back. Whatever a kill left undone, the next run does with the same key. A cap ends by itself, at the platform too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.contracts.consent_entry import consent_of, consents_in_force
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.standing_consent import LOOKED_AT, Breach, ChargedInterval, charge_in_hour
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.documents import to_document
from cjp_fraud.errors import CjpFraudError, Refused
from cjp_fraud.notices.model import NoticeKind, NoticeState
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.plans_on_record import create_plan
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.case_opening import case_for
from cjp_fraud.review.cases import lock_case, move, note
from cjp_fraud.review.drafted_notice import letter_faults
from cjp_fraud.review.evidence_store import store_frozen
from cjp_fraud.review.model import CaseState, EvidenceOccasion
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.stops_on_record import standing_stops
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.cap_facts import cap_facts, facts_of_new_cap
from cjp_fraud.suspension.cap_gate import check_cap
from cjp_fraud.suspension.cap_letter import cap_letter
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.model import UNFINISHED, MeasureState
from cjp_fraud.suspension.notification import dispatch_plan
from cjp_fraud.suspension.platform import PlatformError, ReadBack
from cjp_fraud.suspension.tables import Cap

CAPPER: Final = machine("standing-consent")
"""Who begins and ends caps."""

ReadTraffic = Callable[[str, datetime, datetime], Sequence[ChargedInterval]]
"""Reads a tenant's outgoing traffic that begins in [start, end); given by the caller, who knows the lake."""


@dataclass(frozen=True, slots=True)
class CapReport:
    """What a run did.

    Parameters
    ----------
    begun : numbers of the cases in which a cap was put on record.
    ended : ids of caps that ended.
    waiting : breaches that were not capped, caps that the platform does not confirm, letters that are not sent yet; a
        sentence each.
    faults : a sentence for each consent or cap in which something broke.
    """

    begun: tuple[int, ...] = ()
    ended: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def run_caps(enforcement: Enforcement, read_traffic: ReadTraffic) -> CapReport:
    """Begin what is breached, go on with what was interrupted, end what has ended; may run twice at once."""
    with reading(enforcement.engine) as session:
        consents = [row.id for row in consents_in_force(session, enforcement.now)]
    begun: list[int] = []
    waiting: list[str] = []
    faults: list[str] = []
    for consent_id in consents:
        try:
            number, why_not = _begin_if_breached(enforcement, consent_id, read_traffic)
        except (CjpFraudError, OSError) as error:
            faults.append(f"standing consent {consent_id}: {error}")
            continue
        begun += [number] if number is not None else []
        waiting += why_not
    with reading(enforcement.engine) as session:
        unfinished = session.execute(
            select(Cap.id, Cap.case_id).where(Cap.state.in_(UNFINISHED)).order_by(Cap.id)
        ).all()
    ended: list[str] = []
    for cap_id, case_id in unfinished:
        try:
            with enforcement.case_lock(case_id):
                why_not = _advance(enforcement, cap_id)
        except (CjpFraudError, OSError) as error:
            faults.append(f"cap {cap_id}: {error}")
            continue
        waiting += why_not
        with reading(enforcement.engine) as session:
            ended += [cap_id] if session.get_one(Cap, cap_id).state not in UNFINISHED else []
    waiting += _tell_customers(enforcement, faults)
    return CapReport(tuple(begun), tuple(ended), tuple(waiting), tuple(faults))


def _tell_customers(enforcement: Enforcement, faults: list[str]) -> list[str]:
    """Send the letters of caps that are, or were, in force; return which are not sent yet."""
    left = exists().where(
        Notice.plan_id == NoticePlan.id, Notice.state.in_([NoticeState.PLANNED, NoticeState.DEFERRED])
    )
    with reading(enforcement.engine) as session:
        plans = session.execute(
            select(NoticePlan.id, NoticePlan.case_id)
            .join(Cap, Cap.id == NoticePlan.occasion_id)
            .where(NoticePlan.kind == NoticeKind.CAP, Cap.in_force_at.is_not(None), left)
            .order_by(NoticePlan.id)
        ).all()
    waiting = []
    for plan_id, case_id in plans:
        try:
            with enforcement.case_lock(case_id):
                due_at = dispatch_plan(enforcement, plan_id).next_due_at
        except (CjpFraudError, OSError) as error:
            faults.append(f"letter of case {case_id}: {error}")
            continue
        if due_at is not None and due_at <= enforcement.now:
            waiting.append(f"the letter about a cap of case {case_id} is not sent yet; it is tried again")
    return waiting


def _begin_if_breached(
    enforcement: Enforcement, consent_id: str, read_traffic: ReadTraffic
) -> tuple[int | None, tuple[str, ...]]:
    """Put a cap on record if a consent is breached and none stands; return its case's number, and why not."""
    now = enforcement.now
    with reading(enforcement.engine) as session:
        row = session.get_one(SignedConsent, consent_id)
        tenant = session.get_one(Tenant, row.tenant_id)
        if _stands(session, consent_id):
            return None, ()
        last_end = session.scalar(select(func.max(Cap.ended_at)).where(Cap.consent_id == consent_id))
        says, tenant_id, zone = consent_of(row), tenant.id, ZoneInfo(tenant.time_zone)
    traffic = [
        each
        for each in read_traffic(tenant_id, now - 2 * LOOKED_AT, now)
        if each.end <= now and (last_end is None or each.start >= last_end)
    ]
    newest = max((each.end for each in traffic), default=None)
    breach = charge_in_hour(says, traffic, newest, zone) if newest is not None else None
    if breach is None or not now - LOOKED_AT < breach.end:
        return None, ()
    try:
        with transaction(enforcement.engine) as session:
            return _begin(Decision(session, CAPPER, now), consent_id, breach, traffic, enforcement.policy), ()
    except Refused as refused:
        what = f"tenant {tenant_id} breached standing consent {consent_id[:8]}, and is not capped"
        return None, tuple(f"{what}: {sentence}" for sentence in refused.missing)


def _begin(
    decision: Decision,
    consent_id: str,
    breach: Breach,
    traffic: Sequence[ChargedInterval],
    policy: ProviderPolicy,
) -> int | None:
    """Put a cap on record; return its case's number, or None where another run was faster.

    Raises
    ------
    Refused
        With everything that keeps the gate shut; nothing is on record then.
    """
    session, at = decision.session, decision.at
    row = session.get(SignedConsent, consent_id, with_for_update=True, populate_existing=True)
    assert row is not None, "no consent is ever deleted"
    if _stands(session, consent_id):
        return None
    case = case_for(decision, row.tenant_id, (breach.start, breach.end))
    says = consent_of(row)
    time_zone = session.get_one(Tenant, row.tenant_id).time_zone
    content: dict[str, Any] = {
        "consent_sha256": row.sha256,
        "time_zone": time_zone,
        "traffic": [to_document(each) for each in traffic if each.start >= breach.start],
    }
    evidence = store_frozen(
        session, case, EvidenceOccasion.CAPPED, content, at, row_count=len(content["traffic"])
    )
    cap = Cap(
        id=new_id(),
        case_id=case.id,
        tenant_id=row.tenant_id,
        consent_id=row.id,
        evidence_set_id=evidence.id,
        breach_from=breach.start,
        breach_to=breach.end,
        cents=breach.cents,
        mode=policy.mode,
        kind=says.kind,
        scope=to_document(says.scope),
        state=MeasureState.ORDERED,
        ordered_at=at,
        ends_at=at + says.lasts,
    )
    gate = check_cap(facts_of_new_cap(session, case, cap, row, evidence, policy, at), at)
    if not gate.is_open:
        raise Refused(gate.sentences, action=f"cap tenant {row.tenant_id}")
    session.add(cap)
    session.flush()
    draft = _letter_of(session, case, cap, row, policy, at)
    said = {
        "basis": gate.basis,
        "cap_id": cap.id,
        "consent_id": row.id,
        "consent_sha256": row.sha256,
        "evidence_sha256": evidence.sha256,
        "cents": cap.cents,
        "ends_at": cap.ends_at,
    }
    if case.state is CaseState.OPEN:
        move(decision, case, CaseState.CAPPED, "case.capped", said)
    else:
        note(decision, case, "case.capped", {"state": case.state, **said})
    create_plan(decision, draft, case_id=case.id, occasion_id=cap.id, approved_at=at, mode=policy.mode)
    return case.number


def _letter_of(
    session: Session, case: Case, cap: Cap, row: SignedConsent, policy: ProviderPolicy, at: datetime
) -> PlanDraft:
    """Draft the letter that tells the customer of a cap.

    Raises
    ------
    Refused
        Where nobody could be told: then nothing is capped.
    """
    position, says = contract_at(session, case.tenant_id, at), consent_of(row)
    in_the_way = letter_faults(policy, position)
    if in_the_way:
        raise Refused(in_the_way, action=f"cap tenant {case.tenant_id}")
    letter = cap_letter(str(case.number), policy.sender, says, cap.breach_to, cap.ends_at)
    return draft_plan(position, recipients(session, case.tenant_id, None, at), letter, policy.methods)


def _advance(enforcement: Enforcement, cap_id: str) -> tuple[str, ...]:
    """Command, confirm or end one cap; the caller holds its case's lock. Return what it waits for."""
    with transaction(enforcement.engine) as session:
        decision = Decision(session, CAPPER, enforcement.now)
        cap, case = _locked(session, cap_id)
        if cap.state not in UNFINISHED:
            return ()
        why_over = _why_over(session, cap, case, enforcement.policy, decision.at)
        is_new, order = cap.state is MeasureState.ORDERED, cap.order
        if not why_over and not is_new:
            _show_capped(decision, case, cap)
            return ()
    try:
        if why_over:
            enforcement.platform.lift(order, f"{cap_id}:lift", enforcement.now)
        else:
            enforcement.platform.apply(order, f"{cap_id}:apply", enforcement.now)
    except PlatformError:
        pass  # only the read-back says what is in force
    try:
        answer = enforcement.platform.read_back(cap_id, enforcement.now)
    except PlatformError as error:
        return (f"cap {cap_id[:8]}: the platform does not say what is in force ({error}); it is asked again",)
    with transaction(enforcement.engine) as session:
        decision = Decision(session, CAPPER, enforcement.now)
        cap, case = _locked(session, cap_id)
        if why_over:
            return _record_end(decision, case, cap, answer, why_over)
        return _record_beginning(decision, case, cap, answer)


def _why_over(
    session: Session, cap: Cap, case: Case, policy: ProviderPolicy, at: datetime
) -> tuple[str, ...]:
    """Return why nothing of a cap may be in force any more; none: it stands.

    One that is not commanded yet is asked everything again; one in force ends with its end, with a stop, where its
    consent was ended, and where the case was found not fraudulent.
    """
    if cap.state is MeasureState.ORDERED:
        return check_cap(cap_facts(session, cap, policy, at), at).sentences
    row = session.get_one(SignedConsent, cap.consent_id)
    reasons = (
        (cap.state is MeasureState.LIFTING, "it is being lifted"),
        (cap.is_past_its_end(at), "its end has come"),
        (row.ended_at is not None, "the standing consent was ended"),
        (case.state is CaseState.DISMISSED, "the case was found not fraudulent"),
        (bool(standing_stops(session, case.id)), "a stop stands"),
    )
    return tuple(sentence for holds, sentence in reasons if holds)


def _record_beginning(decision: Decision, case: Case, cap: Cap, answer: ReadBack) -> tuple[str, ...]:
    cap.read_back = to_document(answer)
    if not answer.is_as_ordered(cap.order):
        decision.session.flush()
        note(decision, case, "case.cap_not_in_force", {"cap_id": cap.id, "state": case.state})
        return (f"cap {cap.id[:8]}: read-back does not show what was ordered; it is tried again",)
    cap.state, cap.in_force_at = MeasureState.IN_FORCE, decision.at
    decision.session.flush()
    note(decision, case, "case.cap_in_force", {"cap_id": cap.id, "ends_at": cap.ends_at, "state": case.state})
    return ()


def _record_end(
    decision: Decision, case: Case, cap: Cap, answer: ReadBack, why: tuple[str, ...]
) -> tuple[str, ...]:
    cap.read_back = to_document(answer)
    if answer.restricted:
        decision.session.flush()
        return (f"cap {cap.id[:8]}: the platform still restricts it; it is lifted again",)
    was_in_force = cap.in_force_at is not None
    cap.state = MeasureState.ENDED if was_in_force else MeasureState.NEVER_IN_FORCE
    cap.ended_at = min(decision.at, cap.ends_at) if was_in_force else decision.at
    decision.session.flush()
    content = {"cap_id": cap.id, "why": list(why), "ended_at": cap.ended_at}
    if case.state is CaseState.CAPPED:
        move(decision, case, CaseState.OPEN, "case.cap_ended", content)
    else:
        note(decision, case, "case.cap_ended", {"state": case.state, **content})
    return ()


def _show_capped(decision: Decision, case: Case, cap: Cap) -> None:
    """Say of a case that came back to the queue, with a cap in force, that it is capped."""
    if case.state is CaseState.OPEN and cap.state is MeasureState.IN_FORCE:
        move(decision, case, CaseState.CAPPED, "case.capped_still", {"cap_id": cap.id})


def _locked(session: Session, cap_id: str) -> tuple[Cap, Case]:
    case = lock_case(session, session.get_one(Cap, cap_id).case_id)
    return session.get_one(Cap, cap_id, populate_existing=True), case


def _stands(session: Session, consent_id: str) -> bool:
    """Whether a cap of a consent is not on record as ended."""
    unfinished = select(Cap.id).where(Cap.consent_id == consent_id, Cap.state.in_(UNFINISHED))
    return session.scalar(unfinished.limit(1)) is not None
