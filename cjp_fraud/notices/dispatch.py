"""Send what is due of a plan: the attempt's row first, then the dialogue, then its outcome.

A process may die anywhere. Before the row: nothing happened. After it: the row has no outcome, the next
run closes it as unknown and sends the same bytes with the same Message-ID again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import salted_digest
from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.delivery_status import DeliveryStatus
from cjp_fraud.contracts.receipt import earliest_measure, in_words
from cjp_fraud.contracts.tables import Address
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.notices.evidence import plan_facts, record_event
from cjp_fraud.notices.letters import fill_at_dispatch
from cjp_fraud.notices.message import build_message, message_id_of
from cjp_fraud.notices.methods.email import Envelope, MailServer, Submission, submit
from cjp_fraud.notices.model import NoticeState, Outcome
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.progress import PlanProgress, letters_due, progress_of
from cjp_fraud.notices.tables import Notice, NoticeAttempt, NoticePlan
from cjp_fraud.people.model import Actor, Decision, machine
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock

DISPATCHER = machine("dispatch")

_STATE_AFTER = {
    Outcome.SENT: NoticeState.SENT,
    Outcome.FAILED: NoticeState.FAILED,
    Outcome.DEFERRED: NoticeState.DEFERRED,
    Outcome.UNKNOWN: NoticeState.DEFERRED,
}


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt on record, ready to be carried out."""

    id: str
    notice_id: str
    envelope: Envelope
    message: bytes


def dispatch_due(
    engine: Engine, mail: MailServer, plan_id: str, at: datetime, *, by: Actor = DISPATCHER
) -> PlanProgress:
    """Send the letters of a plan that are due, each at most once, and return how far the plan is.

    A letter refused for good falls to the contract's next method within the same call. A plan approved in
    ``observe`` has its letters built and stored, and nothing leaves.

    Parameters
    ----------
    at : aware; Date of the letters and moment of what happens to them.
    by : the machine that carries out the standing approval.

    Raises
    ------
    Refused
        If the plan was approved in ``act`` and the settings now say ``observe``: then nothing leaves.
    """
    moment = aware(at)
    with process_lock(engine, f"dispatch:{plan_id}"):
        mode = _mode(engine, plan_id)
        refuse_unless(
            (
                mode is PlatformMode.OBSERVE or mail.mode is PlatformMode.ACT,
                "the plan was approved in act and CJP_FRAUD_PLATFORM_MODE is observe: nothing leaves",
            ),
            action=f"dispatch notice plan {plan_id}",
        )
        tried: set[str] = set()
        while due := _due(engine, plan_id, moment, tried):
            for notice_id, due_at in due:
                tried.add(notice_id)
                if mode is PlatformMode.OBSERVE:
                    _observe(engine, mail, notice_id, due_at, moment, by)
                else:
                    _send(engine, mail, notice_id, due_at, moment, by)
        with reading(engine) as session:
            return progress_of(plan_facts(session, plan_id), moment)


def _mode(engine: Engine, plan_id: str) -> PlatformMode:
    with reading(engine) as session:
        mode = session.scalar(select(NoticePlan.mode).where(NoticePlan.id == plan_id))
    if mode is None:
        raise NotFoundError(f"no notice plan {plan_id} is on record")
    return mode


def _due(engine: Engine, plan_id: str, at: datetime, tried: set[str]) -> list[tuple[str, datetime]]:
    with reading(engine) as session:
        due = letters_due(plan_facts(session, plan_id), at)
    return [(notice_id, due_at) for notice_id, due_at in due if notice_id not in tried]


def _send(
    engine: Engine, mail: MailServer, notice_id: str, due_at: datetime, at: datetime, by: Actor
) -> None:
    with transaction(engine) as session:
        attempt = _begin(session, mail, notice_id, due_at, at, by)
    if attempt is None:
        return
    submission = submit(mail, attempt.envelope, attempt.message, at)
    with transaction(engine) as session:
        _finish(session, mail, attempt, submission, at, by)


def _observe(
    engine: Engine, mail: MailServer, notice_id: str, due_at: datetime, at: datetime, by: Actor
) -> None:
    with transaction(engine) as session:
        notice = _locked(session, notice_id)
        notice.due_at = due_at
        if _built(session, mail, notice, at, by) is not None:
            notice.state = NoticeState.OBSERVED
            _audit(session, notice, "notice.observed", by, at, {"message_sha256": notice.message_sha256})


def _begin(
    session: Session, mail: MailServer, notice_id: str, due_at: datetime, at: datetime, by: Actor
) -> _Attempt | None:
    """Put an attempt on record before anything leaves; None where there is nothing to attempt."""
    notice = _locked(session, notice_id)
    if notice.state not in (NoticeState.PLANNED, NoticeState.DEFERRED):
        return None
    plan = session.get(NoticePlan, notice.plan_id, with_for_update=True)
    if plan is None or plan.cancelled_at is not None:
        return None  # cancelled since the plan was read
    notice.due_at = due_at
    _close_interrupted(session, notice, at, by)
    if at - due_at >= mail.give_up_after:
        _fail(session, notice, by, at, f"not handed over within {mail.give_up_after} of falling due")
        return None
    recipient = _built(session, mail, notice, at, by)
    if recipient is None or notice.message is None:
        return None
    number = session.scalar(
        select(func.count()).select_from(NoticeAttempt).where(NoticeAttempt.notice_id == notice_id)
    )
    attempt = NoticeAttempt(
        id=new_id(),
        notice_id=notice_id,
        number=(number or 0) + 1,
        envelope_from=f"bounce+{secrets.token_hex(20)}@{mail.domain}".lower(),
        envid=new_id(),
        host=mail.host,
        port=mail.port,
        started_at=at,
    )
    session.add(attempt)
    session.flush()
    content = {"attempt_id": attempt.id, "message_sha256": notice.message_sha256}
    _audit(session, notice, "notice.attempted", by, at, content)
    envelope = Envelope(attempt.envelope_from, recipient, attempt.envid)
    return _Attempt(attempt.id, notice_id, envelope, notice.message)


def _finish(
    session: Session, mail: MailServer, attempt: _Attempt, submission: Submission, at: datetime, by: Actor
) -> None:
    notice = _locked(session, attempt.notice_id)
    row = session.get(NoticeAttempt, attempt.id)
    assert row is not None, "it was put on record before anything left"
    row.finished_at = submission.finished_at
    row.outcome = submission.outcome
    row.reply_code = submission.reply_code
    row.dialogue = submission.dialogue
    notice.state = _STATE_AFTER[submission.outcome]
    content = {
        "attempt_id": row.id,
        "outcome": submission.outcome,
        "reply_code": submission.reply_code,
        "dialogue_sha256": sha256_hex(submission.dialogue.encode()),
    }
    _audit(session, notice, f"notice.{submission.outcome}", by, at, content)
    if submission.outcome not in (Outcome.SENT, Outcome.FAILED):
        return
    own = mail.is_the_recipients_own(attempt.envelope.recipient)
    sent = submission.outcome is Outcome.SENT
    # The event carries the clock of the dispatch: what follows in the same run is judged by the same clock.
    record_event(
        session,
        notice.id,
        (DeliveryStatus.ACCEPTED if own else DeliveryStatus.SENT) if sent else DeliveryStatus.ATTEMPTED,
        by,
        at,
        source=f"smtp {mail.host}:{mail.port}",
        raw=submission.dialogue,
        negative=not sent,
        authenticated=True,
        attempt_id=row.id,
    )


def _close_interrupted(session: Session, notice: Notice, at: datetime, by: Actor) -> None:
    """Close attempts that a killed process left open: under the lock nobody else can be holding them."""
    for attempt in session.scalars(
        select(NoticeAttempt).where(NoticeAttempt.notice_id == notice.id, NoticeAttempt.outcome.is_(None))
    ):
        attempt.outcome = Outcome.UNKNOWN
        attempt.finished_at = at
        attempt.dialogue = "interrupted: the process ended before the outcome was recorded"
        _audit(session, notice, "notice.unknown", by, at, {"attempt_id": attempt.id})


def _built(session: Session, mail: MailServer, notice: Notice, at: datetime, by: Actor) -> str | None:
    """Return the recipient, with the message built and stored; None where the letter cannot be written."""
    plan = session.get(NoticePlan, notice.plan_id)
    assert plan is not None, "the foreign key holds it"
    draft = from_document(PlanDraft, plan.document)
    recipient = _address(session, draft, notice)
    if recipient is None:
        _fail(session, notice, by, at, "the address was erased or is not the one that was approved")
        return None
    if notice.message is None:
        number = f"{notice.id[-12:]}-{notice.number}"
        values = {
            "dispatched_on": in_words(at, draft.time_zone),
            "effective_from": in_words(
                _effective_from(draft.terms, notice, at, draft.time_zone), draft.time_zone
            ),
            "notice_number": number,
        }
        notice.dispatched_at = at
        notice.message_id = message_id_of(notice.id, mail.domain)
        notice.message = build_message(
            sender_name=mail.sender_name,
            sender=mail.mail_from,
            recipient=recipient,
            subject=fill_at_dispatch(draft.subject, values),
            body=fill_at_dispatch(draft.body, values),
            language=draft.language,
            message_id=notice.message_id,
            at=at,
        )
        notice.message_sha256 = sha256_hex(notice.message)
    return recipient


def _effective_from(terms: NoticeTerms, notice: Notice, at: datetime, time_zone: str) -> datetime:
    """Return the earliest moment of the measure, counted from the step that this letter belongs to."""
    return earliest_measure(at, terms, time_zone, from_step=notice.step).at


def _address(session: Session, draft: PlanDraft, notice: Notice) -> str | None:
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


def _fail(session: Session, notice: Notice, by: Actor, at: datetime, why: str) -> None:
    notice.state = NoticeState.FAILED
    record_event(
        session,
        notice.id,
        DeliveryStatus.QUEUED,
        by,
        at,
        source="dispatch",
        raw=why,
        negative=True,
        authenticated=True,
    )


def _locked(session: Session, notice_id: str) -> Notice:
    notice = session.get(Notice, notice_id, with_for_update=True)
    assert notice is not None, "notices are never deleted"
    return notice


def _audit(
    session: Session, notice: Notice, action: str, by: Actor, at: datetime, content: Mapping[str, object]
) -> None:
    case_id = session.scalar(select(NoticePlan.case_id).where(NoticePlan.id == notice.plan_id))
    append(Decision(session, by, at), action, "notices", notice.id, content, case_id=case_id)
