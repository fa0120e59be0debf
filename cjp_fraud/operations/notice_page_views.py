"""What the customer's notice page shows, and to whom: the door of a link, and the letter behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode, Settings
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.documents import from_document
from cjp_fraud.notices.model import MAY_HAVE_LEFT, NoticeKind, NoticeState
from cjp_fraud.notices.page_links import PageKey
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.served_text import ServedText, served_text
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.dispute import can_be_disputed, upheld_dispute
from cjp_fraud.review.model import CaseState, DisputeState
from cjp_fraud.review.tables import Case


class Door(StrEnum):
    """How a link answers a step."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown link"
    EXPIRED = "expired link"
    TOO_MANY = "too many codes"
    WRONG_CODE = "wrong code"
    SPENT_CODE = "spent code"
    NO_VISIT = "no visit"


class Standing(StrEnum):
    """Where the restriction stands that a letter tells of."""

    ANNOUNCED = "announced"
    IN_FORCE = "in_force"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


_STANDINGS: Final = {
    CaseState.APPROVED: Standing.ANNOUNCED,
    CaseState.NOTICED: Standing.ANNOUNCED,
    CaseState.NOTICE_FAILED: Standing.ANNOUNCED,
    CaseState.SUSPENDING: Standing.ANNOUNCED,
    CaseState.SUSPENDED: Standing.IN_FORCE,
    CaseState.LIFTING: Standing.IN_FORCE,
    CaseState.REINSTATED: Standing.ENDED,
    CaseState.LAPSED: Standing.ENDED,
    CaseState.WITHDRAWN: Standing.WITHDRAWN,
}

_NOTHING_TO_DISPUTE: Final = (NoticeKind.WITHDRAWAL, NoticeKind.REINSTATEMENT)


@dataclass(frozen=True, slots=True)
class DisputeOnPage:
    """A dispute as its customer sees it.

    Parameters
    ----------
    decide_by : by when the letter says that it is decided; None: no letter says so.
    answer : the letter that answers it; None: it has not left, or is not there as text.
    """

    state: DisputeState
    received_at: datetime
    decide_by: datetime | None
    decided_at: datetime | None
    answer: ServedText | None


@dataclass(frozen=True, slots=True)
class LetterOnPage:
    """A letter as its page shows it to a contact.

    Parameters
    ----------
    text : None: it is not there as text (it was mailed as a document, or erased).
    erased_at : when the letter was erased; None: it is there.
    reply_to : where a dispute is taken: the address that the letter's statement of reasons names.
    dispute_until : until when it may be disputed; None: there is nothing to dispute in it.
    may_dispute : whether a dispute can be written on the page now.
    standing : where the restriction stands; None: the case is being looked at again, or is not on record.
    dispute : the newest one; None: there is none.
    acknowledged_at : when a contact first acknowledged it; None: nobody has.
    """

    language: str
    time_zone: str
    dated: datetime
    text: ServedText | None
    erased_at: datetime | None
    dispute_until: datetime | None
    reply_to: str
    standing: Standing | None
    dispute: DisputeOnPage | None
    may_dispute: bool
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticePage:
    """What a visitor sees.

    Parameters
    ----------
    language : of the letter (BCP 47 or Babel's); English where the link is not ours.
    contact : where the provider is reached; None: the settings name nothing.
    letter : None: no code opened the page, so nothing of the customer is shown.
    """

    door: Door
    language: str
    provider: str
    contact: str | None
    letter: LetterOnPage | None = None


def door_of(session: Session, key: PageKey, token: str, now: datetime) -> tuple[Door, Notice | None]:
    """Return how a link answers before any code, and the notice that it names; None: the link is not ours."""
    linked = key.linked(token)
    notice = notice_with_page(session, linked.notice_id) if linked is not None else None
    if linked is None or notice is None:
        return Door.UNKNOWN, None
    return (Door.EXPIRED if now >= linked.expires_at else Door.CLOSED), notice


def notice_with_page(session: Session, notice_id: str) -> Notice | None:
    """Return the notice with this id; None: it has no page, for nothing of it left, or it was only observed."""
    return session.scalar(
        select(Notice)
        .join(NoticePlan, NoticePlan.id == Notice.plan_id)
        .where(
            Notice.id == notice_id,
            Notice.dispatched_at.is_not(None),
            NoticePlan.mode == PlatformMode.ACT,
            select(NoticeAttempt.id)
            .where(
                NoticeAttempt.notice_id == Notice.id,
                or_(NoticeAttempt.outcome.is_(None), NoticeAttempt.outcome.in_(MAY_HAVE_LEFT)),
            )
            .exists(),
        )
    )


def page_before_code(settings: Settings, door: Door, notice: Notice | None) -> NoticePage:
    """Return what everybody may see who has the link."""
    provider = settings.provider_legal_name or settings.provider_name
    language = notice.language if notice is not None else "en"
    return NoticePage(door, language, provider, settings.contact)


def letter_on_page(
    session: Session, settings: Settings, page: NoticePage, notice: Notice, now: datetime
) -> NoticePage:
    """Return the page with its letter, for a contact whose code opened it."""
    plan = session.get_one(NoticePlan, notice.plan_id)
    draft = from_document(PlanDraft, plan.document)
    dated = notice.dispatched_at
    assert dated is not None, "a page is of a letter that was written"
    until = until_when(session, notice)
    letter = LetterOnPage(
        language=(draft.locale or draft.language).replace("_", "-"),
        time_zone=draft.time_zone,
        dated=dated,
        text=served_text(notice.message) if notice.message is not None else None,
        erased_at=notice.erased_at,
        dispute_until=until,
        reply_to=draft.statement.redress.internal if draft.statement is not None else settings.mail_from,
        standing=_standing(session, plan.case_id),
        dispute=_newest_dispute(session, plan.case_id),
        may_dispute=until is not None
        and now < until
        and is_disputable(session, plan.case_id)
        and open_from_page(session, plan.case_id) is None,
        acknowledged_at=session.scalar(
            select(func.min(DeliveryEvent.at)).where(
                DeliveryEvent.notice_id == notice.id,
                DeliveryEvent.status == DeliveryStatus.ACKNOWLEDGED,
                DeliveryEvent.authenticated.is_(True),
                DeliveryEvent.negative.is_(False),
            )
        ),
    )
    return replace(page, door=Door.OPEN, language=draft.locale or draft.language, letter=letter)


def until_when(session: Session, notice: Notice) -> datetime | None:
    """Return the moment from which a letter can be disputed no more, as the letter states it; None: it never can."""
    if notice.kind in _NOTHING_TO_DISPUTE or notice.dispatched_at is None:
        return None
    draft = from_document(PlanDraft, session.get_one(NoticePlan, notice.plan_id).document)
    return draft.dates(notice.dispatched_at, notice.step).dispute_until


def is_disputable(session: Session, case_id: str) -> bool:
    """Whether a case has a finding of fraud that no dispute has overturned yet."""
    return can_be_disputed(session, case_id) and upheld_dispute(session, case_id) is None


def open_from_page(session: Session, case_id: str) -> Dispute | None:
    """Return the dispute of a case that a customer entered on the page and that nobody has decided; None: none."""
    return session.scalar(
        select(Dispute)
        .where(Dispute.case_id == case_id, Dispute.state == DisputeState.OPEN, Dispute.notice_id.is_not(None))
        .limit(1)
    )


def _newest_dispute(session: Session, case_id: str) -> DisputeOnPage | None:
    newest = session.scalar(
        select(Dispute)
        .where(Dispute.case_id == case_id)
        .order_by(Dispute.opened_at.desc(), Dispute.id.desc())
        .limit(1)
    )
    if newest is None:
        return None
    message = session.scalar(
        select(Notice.message)
        .join(NoticePlan, NoticePlan.id == Notice.plan_id)
        .where(
            NoticePlan.occasion_id == newest.id,
            NoticePlan.kind == NoticeKind.DISPUTE_ANSWER,
            Notice.state == NoticeState.SENT,
            Notice.message.is_not(None),
        )
        .order_by(Notice.id)
        .limit(1)
    )
    return DisputeOnPage(
        state=newest.state,
        received_at=newest.opened_at,
        decide_by=newest.decide_by,
        decided_at=newest.decided_at,
        answer=served_text(message) if message is not None else None,
    )


def _standing(session: Session, case_id: str) -> Standing | None:
    state = session.scalar(select(Case.state).where(Case.id == case_id))
    return _STANDINGS.get(state) if state is not None else None
