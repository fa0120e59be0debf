"""Serve what is due of a plan: the attempt's row first, then the delivery, then its outcome.

A process may die anywhere. Before the row: nothing happened. After it: the row has no outcome, the next
run closes it as unknown and serves the same bytes under the same reference again. A letter of which nothing was
handed over is built anew for the next attempt, and once more where the server let it wait before it took the
content, so that its date and what is counted from it are those of its dispatch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from cjp_fraud.audit.recording import home_clock
from cjp_fraud.audit.row_digests import salted_digest
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import Clock
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.tables import Address, Tenant
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.errors import CjpFraudError, NotFoundError, refuse_unless
from cjp_fraud.notices.announced import notice_number
from cjp_fraud.notices.delivery_record import log_notice, plan_facts, record_event
from cjp_fraud.notices.letter_rows import letter_row_faults
from cjp_fraud.notices.letters import fill_at_dispatch, finished_body, values_at_dispatch
from cjp_fraud.notices.methods.interface import Delivery, NoticeMethod, NoticeMethods, WrittenLetter
from cjp_fraud.notices.model import DeliveryEvidence, NoticeState, Outcome
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.progress import PlanProgress, letters_due, progress_of
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan
from cjp_fraud.people.model import Actor, Decision, machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock

DISPATCHER = machine("dispatch")

_STATE_AFTER = {
    Outcome.SENT: NoticeState.SENT,
    Outcome.FAILED: NoticeState.FAILED,
    Outcome.DEFERRED: NoticeState.DEFERRED,
    Outcome.UNKNOWN: NoticeState.DEFERRED,
}

DATED_ANEW_AFTER: Final = timedelta(seconds=5)
"""How long a letter may wait for the server to take its content before it is dated anew."""

_INTERRUPTED = "interrupted: the process ended before the outcome was recorded"


@dataclass(frozen=True, slots=True)
class _Begun:
    """An attempt on record, ready to be carried out.

    Parameters
    ----------
    dated : aware; the letter's date. None: the same bytes must go again, whatever their date.
    """

    attempt_id: str
    method: NoticeMethod[Any, Any]
    prepared: Any
    message: bytes
    dated: datetime | None


def dispatch_due(
    engine: Engine, methods: NoticeMethods, plan_id: str, clock: Clock, *, by: Actor = DISPATCHER
) -> PlanProgress:
    """Serve the letters of a plan that are due, each at most once, and return how far the plan is.

    A letter refused for good falls to the contract's next method within the same call. A plan approved in
    ``observe`` has its letters built and stored, and nothing leaves.

    Parameters
    ----------
    clock : dates the letters, and tells when each attempt begins and ends.
    by : the machine that carries out the standing approval.

    Raises
    ------
    Refused
        If the plan was approved in ``act`` and the settings now say ``observe``: then nothing leaves.
    NotFoundError
        If there is no such plan, or the deployment does not serve by a method that is due.
    """
    with process_lock(engine, f"dispatch:{plan_id}"):
        mode = _approved_mode(engine, plan_id)
        refuse_unless(
            (
                mode is PlatformMode.OBSERVE or methods.mode is PlatformMode.ACT,
                "the plan was approved in act and CJP_FRAUD_PLATFORM_MODE is observe: nothing leaves",
            ),
            action=f"dispatch notice plan {plan_id}",
        )
        tried: set[str] = set()
        while due := _due(engine, plan_id, clock.now(), tried):
            for notice_id, due_at in due:
                tried.add(notice_id)
                if mode is PlatformMode.OBSERVE:
                    with transaction(engine) as session:
                        _observe(Decision(session, by, clock.now()), methods, notice_id, due_at)
                else:
                    _serve(engine, methods, notice_id, due_at, clock, by)
        with reading(engine) as session:
            return progress_of(plan_facts(session, plan_id), clock.now())


def _approved_mode(engine: Engine, plan_id: str) -> PlatformMode:
    with reading(engine) as session:
        mode = session.scalar(select(NoticePlan.mode).where(NoticePlan.id == plan_id))
    if mode is None:
        raise NotFoundError(f"no notice plan {plan_id} is on record")
    return mode


def _due(engine: Engine, plan_id: str, at: datetime, tried: set[str]) -> list[tuple[str, datetime]]:
    with reading(engine) as session:
        due = letters_due(plan_facts(session, plan_id), at)
    return [(notice_id, due_at) for notice_id, due_at in due if notice_id not in tried]


def _serve(
    engine: Engine, methods: NoticeMethods, notice_id: str, due_at: datetime, clock: Clock, by: Actor
) -> None:
    """Make one attempt: put it on record, hand the letter over, record the outcome."""
    with transaction(engine) as session:
        begun = _begin(Decision(session, by, clock.now()), methods, notice_id, due_at)
    if begun is None:
        return
    delivery = begun.method.deliver(begun.prepared, lambda: _content(engine, begun, clock, by), clock)
    with transaction(engine) as session:
        _finish(Decision(session, by, clock.now()), begun, delivery)


def _content(engine: Engine, begun: _Begun, clock: Clock, by: Actor) -> bytes:
    """Return the bytes that leave now: those of the attempt, or where they have waited, the letter dated anew."""
    now = clock.now()
    if begun.dated is None or now - begun.dated < DATED_ANEW_AFTER:
        return begun.message
    with transaction(engine) as session:
        return _date_anew(Decision(session, by, now), begun)


def _date_anew(decision: Decision, begun: _Begun) -> bytes:
    """Write the letter of an attempt again, nothing of which was handed over, and put it on record.

    Raises
    ------
    CjpFraudError
        If it may not leave any more: its rows were changed, or its address is gone. The attempt stays open, and the
        next run asks again.
    """
    session = decision.session
    attempt = session.get_one(NoticeAttempt, begun.attempt_id)
    notice = _locked(session, attempt.notice_id)
    _refuse_changed_rows(session, notice)
    _forget_words(notice)
    if _write(decision, begun.method, notice, number=attempt.number) is None:
        raise CjpFraudError(f"notice {notice.id} is not sent: its address was erased while the server waited")
    assert notice.message is not None, "a letter that was written has its bytes"
    assert notice.message_sha256 is not None, "and their digest"
    attempt.message, attempt.message_sha256 = notice.message, notice.message_sha256
    # Within one minute the bytes may be the same; the log names the row all the same.
    flag_modified(attempt, "message")
    content = {"attempt_id": attempt.id, "message_sha256": notice.message_sha256}
    log_notice(decision, notice.id, "notice.dated_anew", content)
    return notice.message


def _refuse_changed_rows(session: Session, notice: Notice) -> None:
    changed = letter_row_faults(session, notice)
    if changed:
        raise CjpFraudError(
            f"notice {notice.id} is not sent: its bytes, or the facts in it, do not match their digest in the audit "
            f"log: {'; '.join(changed)}; cjp-fraud audit verify names what else was changed"
        )


def _forget_words(notice: Notice) -> None:
    """Let a letter be written anew; its attempts keep the bytes of before."""
    notice.message = notice.message_sha256 = notice.dispatched_at = notice.states_end_at = None


def _observe(decision: Decision, methods: NoticeMethods, notice_id: str, due_at: datetime) -> None:
    notice = _locked(decision.session, notice_id)
    notice.due_at = due_at
    if _write(decision, methods.named(notice.method), notice, number=1) is not None:
        notice.state = NoticeState.OBSERVED
        log_notice(decision, notice.id, "notice.observed", {"message_sha256": notice.message_sha256})


def _begin(decision: Decision, methods: NoticeMethods, notice_id: str, due_at: datetime) -> _Begun | None:
    """Put an attempt on record before anything leaves; None where there is nothing to attempt."""
    session = decision.session
    notice = _locked(session, notice_id)
    if notice.state not in (NoticeState.PLANNED, NoticeState.DEFERRED):
        return None
    plan = session.get_one(NoticePlan, notice.plan_id, with_for_update=True)
    if plan.cancelled_at is not None:
        return None  # cancelled since the plan was read
    _refuse_changed_rows(session, notice)
    notice.due_at = due_at
    _close_interrupted(decision, notice)
    if _has_left(decision, notice):
        return None
    if decision.at - due_at >= methods.give_up_after:
        _fail(decision, notice, f"not handed over within {methods.give_up_after} of falling due")
        return None
    method = methods.named(notice.method)
    attempts = session.scalars(
        select(NoticeAttempt.outcome).where(NoticeAttempt.notice_id == notice_id)
    ).all()
    same_bytes = Outcome.UNKNOWN in attempts
    if (
        not same_bytes
    ):  # a letter is dated when it leaves: built anew until its content may have been handed over
        _forget_words(notice)
    address = _write(decision, method, notice, number=len(attempts) + 1)
    if address is None or notice.message is None or notice.message_sha256 is None:
        return None
    attempt = NoticeAttempt(
        notice_id=notice_id,
        number=len(attempts) + 1,
        method=notice.method,
        message=notice.message,
        message_sha256=notice.message_sha256,
        started_at=decision.at,
    )
    session.add(attempt)
    session.flush()
    prepared = method.begin(session, attempt, address)
    content = {"attempt_id": attempt.id, "message_sha256": notice.message_sha256}
    log_notice(decision, notice.id, "notice.attempted", content)
    return _Begun(attempt.id, method, prepared, notice.message, None if same_bytes else decision.at)


def _finish(decision: Decision, begun: _Begun, delivery: Delivery) -> None:
    attempt = decision.session.get_one(NoticeAttempt, begun.attempt_id)
    notice = _locked(decision.session, attempt.notice_id)
    attempt.finished_at = delivery.finished_at
    attempt.outcome = delivery.outcome
    attempt.evidence = delivery.evidence
    attempt.evidence_sha256 = sha256_hex(delivery.evidence.encode())
    begun.method.finish(decision.session, attempt, delivery)
    notice.state = _STATE_AFTER[delivery.outcome]
    content = {
        "attempt_id": attempt.id,
        "outcome": delivery.outcome,
        "evidence_sha256": attempt.evidence_sha256,
    }
    log_notice(decision, notice.id, f"notice.{delivery.outcome}", content)
    if delivery.outcome not in (Outcome.SENT, Outcome.FAILED):
        return
    evidence = DeliveryEvidence(
        status=delivery.status,
        negative=delivery.outcome is Outcome.FAILED,
        authenticated=True,
        source=delivery.source,
        raw=delivery.evidence,
        attempt_id=attempt.id,
    )
    record_event(decision, notice.id, evidence)


def _close_interrupted(decision: Decision, notice: Notice) -> None:
    """Close attempts that a killed process left open: under the lock nobody else can be holding them."""
    for attempt in decision.session.scalars(
        select(NoticeAttempt).where(NoticeAttempt.notice_id == notice.id, NoticeAttempt.outcome.is_(None))
    ):
        attempt.outcome = Outcome.UNKNOWN
        attempt.finished_at = decision.at
        attempt.evidence = _INTERRUPTED
        attempt.evidence_sha256 = sha256_hex(_INTERRUPTED.encode())
        log_notice(decision, notice.id, "notice.unknown", {"attempt_id": attempt.id})


def _has_left(decision: Decision, notice: Notice) -> bool:
    """Whether what came back proves that the letter left, although the reply to it was lost; then it is *sent*.

    It does not leave again: the customer has it, or nobody knows better what became of it.
    """
    proofs = decision.session.scalars(
        select(DeliveryEvent).where(
            DeliveryEvent.notice_id == notice.id,
            DeliveryEvent.authenticated.is_(True),
            DeliveryEvent.negative.is_(False),
        )
    )
    proof = next((event for event in proofs if event.status.reaches(DeliveryStatus.SENT)), None)
    if proof is None:
        return False
    notice.state = NoticeState.SENT
    log_notice(decision, notice.id, "notice.found_sent", {"event_id": proof.id})
    return True


def _write(decision: Decision, method: NoticeMethod[Any, Any], notice: Notice, *, number: int) -> str | None:
    """Write the letter, unless it is written already, and return its address; None where it cannot be served.

    Parameters
    ----------
    number : of the attempt that it is written for; a letter that is written again says so in its number.
    """
    plan = decision.session.get_one(NoticePlan, notice.plan_id)
    draft = from_document(PlanDraft, plan.document)
    address = _approved_address(decision.session, draft, notice)
    if address is None:
        _fail(decision, notice, "the address was erased or is not the one that was approved")
        return None
    if notice.message is None:
        dates = draft.dates(decision.at, notice.step)
        values = values_at_dispatch(
            dates,
            customer_name=_customer_name(decision.session, draft),
            notice_number=notice_number(notice, number),
            time_zone=draft.time_zone,
            language=draft.locale or draft.language,
            step=notice.step,
            steps=len(draft.terms.steps),
            unless_approved_by=plan.unless_approved_by,
        )
        simulated = home_clock(decision.session).simulated
        composed = method.compose(
            WrittenLetter(
                notice_id=notice.id,
                address=address,
                language=draft.language,
                subject=fill_at_dispatch(draft.subject, values),
                body=finished_body(draft.body, values, draft.language, simulated_clock=simulated),
                dated=decision.at,
                figures=draft.figures,
            )
        )
        notice.dispatched_at = decision.at
        notice.states_end_at = dates.ends_at
        notice.reference = composed.reference
        notice.message = composed.content
        notice.message_sha256 = sha256_hex(composed.content)
    return address


def _customer_name(session: Session, draft: PlanDraft) -> str:
    """Return the customer's name on record, or where there is none the reference; what was approved binds the name."""
    name = session.scalar(select(Tenant.name).where(Tenant.id == draft.tenant_id))
    return name or draft.tenant_id


def _approved_address(session: Session, draft: PlanDraft, notice: Notice) -> str | None:
    """Return the address, if it is still there and is what the approved digest says."""
    approved = {recipient.address_id: recipient.sha256 for recipient in draft.recipients}
    text = session.scalar(
        select(PersonalText)
        .join(Address, Address.text_id == PersonalText.id)
        .where(Address.id == notice.address_id)
    )
    if text is None or text.body is None or text.salt is None:
        return None
    return text.body if salted_digest(text.salt, text.body) == approved.get(notice.address_id) else None


def _fail(decision: Decision, notice: Notice, why: str) -> None:
    notice.state = NoticeState.FAILED
    evidence = DeliveryEvidence(
        DeliveryStatus.QUEUED, negative=True, authenticated=True, source="dispatch", raw=why
    )
    record_event(decision, notice.id, evidence)


def _locked(session: Session, notice_id: str) -> Notice:
    return session.get_one(Notice, notice_id, with_for_update=True)
