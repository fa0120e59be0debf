"""Whom to write to about a mention: chosen and put on record before the mail leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.people.languages import language_chosen
from cjp_fraud.people.model import Decision, IdentityKind
from cjp_fraud.people.reach import CASE_READERS
from cjp_fraud.people.tables import Identity, OncallTurn, User
from cjp_fraud.people.users import actor_of
from cjp_fraud.review.case_reach import roles_reaching
from cjp_fraud.review.mention_rules import MAILED_FOR, MailOutcome, mail_is_due
from cjp_fraud.review.queue_tables import CaseMention
from cjp_fraud.review.tables import Case


@dataclass(frozen=True, slots=True)
class MentionToMail:
    """A mail about a mention that is on record and has yet to leave.

    Parameters
    ----------
    id : by which receivers know it if it comes twice.
    case : the case's number.
    by : name of who wrote the comment.
    at : when (aware).
    language : of the pages, as the reader chose it; None: they did not.
    """

    id: str
    case: int
    by: str
    at: datetime
    address: str
    language: str | None


def unmailed_mentions(session: Session, now: datetime) -> Sequence[str]:
    """Return the ids of the mentions about which a mail is to be sent at ``now`` (aware), the oldest first."""
    rows = session.scalars(
        select(CaseMention)
        .join(User, User.id == CaseMention.user_id)
        .where(
            CaseMention.at > now - MAILED_FOR,
            CaseMention.seen_at.is_(None),
            or_(CaseMention.mail_outcome.is_(None), CaseMention.mail_outcome != MailOutcome.SENT),
            User.disabled_at.is_(None),
            _has_an_address(),
        )
        .order_by(CaseMention.at, CaseMention.id)
    )
    return [row.id for row in rows if mail_is_due(row.at, _failed_at(row), now)]


def choose_mail(decision: Decision, mention_id: str) -> MentionToMail | None:
    """Put on record that somebody is written to about a mention now, and return the mail; None: nobody is.

    Who has opened the case since, may not see it any more, or was sent the mail is not written to. The caller lets
    nobody else do so for the same mention meanwhile.
    """
    session = decision.session
    if mention_id not in unmailed_mentions(session, decision.at):
        return None
    row = session.get_one(CaseMention, mention_id, with_for_update=True, populate_existing=True)
    case, person = session.get_one(Case, row.case_id), session.get_one(User, row.user_id)
    if not roles_reaching(session, actor_of(session, person), case) & CASE_READERS:
        return None
    address = _address_of(session, person.id)
    assert address is not None, "who has none is not among them"
    row.mail_at, row.mail_outcome = decision.at, MailOutcome.SENDING
    session.flush()
    content = {"case_id": case.id, "user_id": person.id}
    append(decision, "mention.mailing", "case_mentions", row.id, content)
    return MentionToMail(
        id=row.id,
        case=case.number,
        by=session.get_one(User, row.by_user_id).name,
        at=row.at,
        address=address,
        language=language_chosen(session, person.id),
    )


def record_mail(decision: Decision, mention_id: str, outcome: MailOutcome, detail: str) -> None:
    """Put on record whether a mail about a mention left, and in ``detail`` what the server answered."""
    row = decision.session.get_one(CaseMention, mention_id, with_for_update=True, populate_existing=True)
    row.mail_outcome, row.mail_at = outcome, decision.at
    decision.session.flush()
    content = {"outcome": outcome, "user_id": row.user_id, "detail": detail[:200]}
    append(decision, "mention.mailed", "case_mentions", row.id, content)


def _failed_at(row: CaseMention) -> datetime | None:
    """Return when the mail was not taken the last time; None: it was not tried, or a killed run was about to."""
    return row.mail_at if row.mail_outcome is MailOutcome.FAILED else None


def _has_an_address() -> ColumnElement[bool]:
    known = select(Identity.user_id).where(Identity.kind == IdentityKind.MAIL)
    on_call = select(OncallTurn.user_id).where(OncallTurn.removed_at.is_(None), OncallTurn.mail.is_not(None))
    return or_(User.id.in_(known), User.id.in_(on_call))


def _address_of(session: Session, user_id: str) -> str | None:
    """Return where to write to somebody: by which address they are known, else where they are paged."""
    known = select(Identity.value).where(Identity.user_id == user_id, Identity.kind == IdentityKind.MAIL)
    on_call = select(OncallTurn.mail).where(
        OncallTurn.user_id == user_id, OncallTurn.removed_at.is_(None), OncallTurn.mail.is_not(None)
    )
    address = session.scalar(known.order_by(Identity.id).limit(1))
    return address or session.scalar(on_call.order_by(OncallTurn.id).limit(1))
