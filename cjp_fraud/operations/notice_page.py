"""The customer's notice page: look at it, ask for a code, open it with the code, acknowledge the letter.

Looking changes nothing and is on no record; every other step is in the audit log, and so is every one that was refused.
A step takes the link's token and, as ``client``, the network address that it came from, kept as a keyed digest.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import StandingClock, utc_text
from cjp_fraud.contracts.contacts import Contact
from cjp_fraud.contracts.methods import PUBLICATION
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import canonical_json, digest, sha256_hex
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.notices.delivery_record import record_event
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import WrittenLetter
from cjp_fraud.notices.methods.mail_server import mail_server
from cjp_fraud.notices.methods.smtp_dialogue import submit
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.model import DeliveryEvidence, NoticeState
from cjp_fraud.notices.page_codes import (
    CODE_VALID_FOR,
    CODES_OF_A_CLIENT,
    CODES_OF_A_LINK,
    MOST_TRIES,
    SESSION_VALID_FOR,
    code_digest,
    code_fits,
    new_code,
)
from cjp_fraud.notices.page_key import page_key, page_links
from cjp_fraud.notices.page_words import code_mail
from cjp_fraud.notices.tables import DeliveryEvent, Notice, PageCode
from cjp_fraud.operations.notice_page_views import (
    Door,
    NoticePage,
    door_of,
    letter_on_page,
    notice_with_page,
    page_before_code,
)
from cjp_fraud.operations.notice_page_visits import (
    PAGE,
    client_of,
    contact_of,
    contact_with,
    deny_step,
    log_step,
    visit_of,
)
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import named_lock

_SOURCE: Final = "notice page, "


@dataclass(frozen=True, slots=True)
class CodeToSend:
    """A code that is to be mailed, once its row is on record; it is nowhere else."""

    code_id: str
    notice_id: str
    language: str
    address: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeAsked:
    """What came of asking for a code.

    Parameters
    ----------
    door : ``CLOSED``: it was asked for; else why it was not.
    code_id : which the code is typed for; None: none was made.
    to_send : to be passed to :func:`send_code`; None: the address is no contact's, of which the visitor is not told.
    """

    door: Door
    code_id: str | None = None
    to_send: CodeToSend | None = None


@dataclass(frozen=True, slots=True)
class FreshLink:
    """A link to a notice's page that staff made.

    Parameters
    ----------
    notice : id of the notice.
    expires_at : UTC; from then on the link opens nothing.
    """

    notice: str
    link: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of a step; ``session``: what the browser keeps for the visit; None: the page was not opened."""

    door: Door
    session: str | None = None


def look(deployment: Deployment, now: datetime, token: str, visit: str | None = None) -> NoticePage:
    """Return what a visitor may see: without a visit that a code opened, no more than that a notice exists.

    Parameters
    ----------
    visit : what the browser kept of :class:`Opened`.
    """
    key = page_key(deployment.settings)
    with reading(deployment.engine) as session:
        door, notice = door_of(session, key, token, now)
        page = page_before_code(deployment.settings, door, notice)
        if door is not Door.CLOSED or notice is None:
            return page
        opened = visit_of(session, notice, visit, now)
        return page if opened is None else letter_on_page(session, deployment.settings, page, notice, now)


def ask_code(deployment: Deployment, now: datetime, token: str, address: str, client: str) -> CodeAsked:
    """Make a code for the contact whose address was typed; the caller has it mailed by :func:`send_code`.

    For an address that is no contact's everything happens alike, except that nothing is mailed.
    """
    key = page_key(deployment.settings)
    with transaction(deployment.engine) as session:
        decision, who = Decision(session, PAGE, now), client_of(deployment, client)
        door, notice = door_of(session, key, token, now)
        if door is not Door.CLOSED or notice is None:
            return CodeAsked(deny_step(decision, notice, who, door, f"code asked for: {door}"))
        named_lock(session, f"notice page {notice.id}")
        named_lock(session, f"notice page client {who}")
        if _too_many(session, notice.id, who, now):
            return CodeAsked(deny_step(decision, notice, who, Door.TOO_MANY, "code asked for too often"))
        contact = contact_with(session, notice, address, now)
        code, salt = new_code(), secrets.token_hex(32)
        row = PageCode(
            id=new_id(),
            notice_id=notice.id,
            address_id=contact.address_id if contact is not None else None,
            client=who,
            requested_at=now,
            expires_at=now + CODE_VALID_FOR,
            salt=salt,
            code_sha256=code_digest(key, salt, code),
            tries=0,
        )
        session.add(row)
        session.flush()
        if contact is None:
            deny_step(
                decision, notice, who, Door.CLOSED, "code asked for: no contact's address", code_id=row.id
            )
            return CodeAsked(Door.CLOSED, row.id)
        log_step(
            decision,
            notice,
            "notice_page.code_asked",
            {"code_id": row.id, "role": contact.role, "client": who},
        )
        to_send = CodeToSend(row.id, notice.id, notice.language, contact.address, code)
        return CodeAsked(Door.CLOSED, row.id, to_send)


def send_code(deployment: Deployment, now: datetime, to_send: CodeToSend) -> None:
    """Mail a code, and put on record what the mail server said; a code that was not mailed can be asked for anew."""
    server = mail_server(deployment.settings)
    minutes = int(CODE_VALID_FOR.total_seconds() // 60)
    subject, body = code_mail(to_send.language, server.sender_name, to_send.code, minutes)
    letter = WrittenLetter(to_send.code_id, to_send.address, to_send.language, subject, body, now)
    message = EmailMethod(server).compose(letter).content
    envelope = Envelope(server.mail_from, to_send.address, envid=None)
    delivery = submit(server, envelope, lambda: message, StandingClock(now))
    with transaction(deployment.engine) as session:
        decision, notice = Decision(session, PAGE, now), session.get_one(Notice, to_send.notice_id)
        content = {"code_id": to_send.code_id, "outcome": delivery.outcome, "server": delivery.source}
        log_step(decision, notice, "notice_page.code_mailed", content)


def open_page(
    deployment: Deployment, now: datetime, token: str, code_id: str, code: str, client: str
) -> Opened:
    """Open the page with a code: five tries at most, once, within ten minutes; the letter then counts as displayed."""
    key = page_key(deployment.settings)
    with transaction(deployment.engine) as session:
        decision, who = Decision(session, PAGE, now), client_of(deployment, client)
        door, notice = door_of(session, key, token, now)
        if door is not Door.CLOSED or notice is None:
            return Opened(deny_step(decision, notice, who, door, f"code tried: {door}"))
        row = session.get(PageCode, code_id, with_for_update=True)
        if row is None or row.notice_id != notice.id:
            return Opened(
                deny_step(decision, notice, who, Door.WRONG_CODE, "code tried: it was never asked for")
            )
        if row.tries >= MOST_TRIES or row.used_at is not None or now >= row.expires_at:
            why = (
                "used"
                if row.used_at is not None
                else "tried too often"
                if now < row.expires_at
                else "expired"
            )
            return Opened(
                deny_step(decision, notice, who, Door.SPENT_CODE, f"code tried: {why}", code_id=row.id)
            )
        row.tries += 1
        fits = code_fits(key, row.salt, code, row.code_sha256)
        contact = contact_of(session, notice, row, now)
        if not fits or contact is None:
            door = Door.SPENT_CODE if row.tries >= MOST_TRIES else Door.WRONG_CODE
            return Opened(deny_step(decision, notice, who, door, "code tried: wrong", code_id=row.id))
        visit = secrets.token_urlsafe(32)
        row.used_at, row.session_ends_at = now, now + SESSION_VALID_FOR
        row.session_sha256 = sha256_hex(visit.encode())
        session.flush()
        log_step(
            decision, notice, "notice_page.opened", {"code_id": row.id, "role": contact.role, "client": who}
        )
        _record_once(decision, notice, row, contact, DeliveryStatus.DISPLAYED)
        return Opened(Door.OPEN, visit)


def acknowledge(deployment: Deployment, now: datetime, token: str, visit: str | None, client: str) -> Opened:
    """Put on record that a contact who opened the page with a code confirms to have read the letter.

    It is the letter's delivery event of the highest rank, with the contact's role and the code's proof, and that of
    the copies of the same letter that are published. A contact counts once, however often this is called.
    """
    key = page_key(deployment.settings)
    with transaction(deployment.engine) as session:
        decision, who = Decision(session, PAGE, now), client_of(deployment, client)
        door, notice = door_of(session, key, token, now)
        if door is not Door.CLOSED or notice is None:
            return Opened(deny_step(decision, notice, who, door, f"acknowledged: {door}"))
        session.get_one(Notice, notice.id, with_for_update=True)
        row = visit_of(session, notice, visit, now)
        contact = contact_of(session, notice, row, now) if row is not None else None
        if row is None or contact is None:
            return Opened(deny_step(decision, notice, who, Door.NO_VISIT, "acknowledged without a code"))
        for letter in (notice, *_published_copies(session, notice)):
            _record_once(decision, letter, row, contact, DeliveryStatus.ACKNOWLEDGED)
        return Opened(Door.OPEN, visit)


def deny(deployment: Deployment, now: datetime, token: str, client: str, why: str) -> None:
    """Put on record that the page itself refused a step, for example a form that is not ours."""
    with transaction(deployment.engine) as session:
        _, notice = door_of(session, page_key(deployment.settings), token, now)
        deny_step(Decision(session, PAGE, now), notice, client_of(deployment, client), Door.NO_VISIT, why)


def form_proof(deployment: Deployment, visit: str, token: str) -> str:
    """Return what a form on a page bears, so that a form of another site or of another visit is known as such."""
    return page_key(deployment.settings).code_of("form", visit, token).hex()


def new_link(deployment: Deployment, now: datetime, notice_id: str, by: str) -> FreshLink:
    """Return a fresh link to a notice's page, for a customer whose link has expired; it is on record that it was made.

    Raises
    ------
    BadInputError
        If customers cannot reach the page.
    NotFoundError
        If there is no such notice, or nobody named ``by``.
    Refused
        If ``by`` may not, or the notice has no page.
    """
    links = page_links(deployment.settings)
    if links is None:
        raise BadInputError(
            "customers cannot reach the notice page; set CJP_FRAUD_PUBLIC_URL to where it is served"
        )
    with deployment.deciding(by, now) as decision:
        notice = decision.session.get_one(
            Notice, id_of(decision.session, Notice.id, notice_id, "notice", "cjp-fraud notices list")
        )
        refuse_unless(
            (
                decision.by.may(Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
                f"{decision.by} is neither analyst, reviewer, approver nor counsel",
            ),
            (
                notice_with_page(decision.session, notice.id) is not None,
                "it has no page: nothing of it has left, or it was only observed",
            ),
            action=f"make a link to notice {notice.id}",
        )
        expires_at = now + links.valid_for
        log_step(decision, notice, "notice_page.link_made", {"expires_at": expires_at})
        return FreshLink(notice.id, links.link(notice.id, now), expires_at)


def _record_once(
    decision: Decision, notice: Notice, row: PageCode, contact: Contact, status: DeliveryStatus
) -> None:
    """Record what a contact did with a letter, unless it is on record already."""
    statement = {"address_id": contact.address_id, "notice_id": notice.id, "status": status}
    counted_as = digest(statement)
    known = select(DeliveryEvent.id).where(
        DeliveryEvent.notice_id == notice.id, DeliveryEvent.report_sha256 == counted_as
    )
    if decision.session.scalar(known) is not None:
        return
    assert row.used_at is not None, "the code opened the page"
    proof = statement | {
        "role": contact.role,
        "at": utc_text(decision.at),
        "message_sha256": notice.message_sha256,
        "letter_shown": row.notice_id,
        "code_id": row.id,
        "code_sha256": row.code_sha256,
        "code_used_at": utc_text(row.used_at),
    }
    evidence = DeliveryEvidence(
        status=status,
        negative=False,
        authenticated=True,
        source=f"{_SOURCE}{contact.role}",
        raw=canonical_json(proof).decode(),
        report_sha256=counted_as,
    )
    record_event(decision, notice.id, evidence)


def _published_copies(session: Session, notice: Notice) -> list[Notice]:
    """Return the published letters with the same approved words: those of the same step of the plan."""
    return list(
        session.scalars(
            select(Notice)
            .where(
                Notice.plan_id == notice.plan_id,
                Notice.step == notice.step,
                Notice.method == PUBLICATION,
                Notice.state == NoticeState.SENT,
                Notice.id != notice.id,
            )
            .order_by(Notice.id)
            .with_for_update()
        )
    )


def _too_many(session: Session, notice_id: str, client: str, now: datetime) -> bool:
    """Whether so many codes were asked for at this link, or by this client, that no more is made for now."""
    limits = [(PageCode.notice_id == notice_id, *limit) for limit in CODES_OF_A_LINK]
    limits += [(PageCode.client == client, *limit) for limit in CODES_OF_A_CLIENT]
    return any(
        (
            session.scalar(select(func.count(PageCode.id)).where(whose, PageCode.requested_at > now - span))
            or 0
        )
        >= most
        for whose, span, most in limits
    )
