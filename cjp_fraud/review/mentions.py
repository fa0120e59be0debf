"""Mentions in comments: who is named may see the case, and has it before them until they open it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.orm import Session, aliased

from cjp_fraud.errors import NotFoundError, OutOfReach
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.people.reach import CASE_READERS
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.case_reach import require_reach
from cjp_fraud.review.cases import in_words
from cjp_fraud.review.mention_rules import names_mentioned
from cjp_fraud.review.queue_tables import CaseMention
from cjp_fraud.review.tables import Case, CaseComment

_AUTHOR: Final = aliased(User)
_WAITING: Final = (
    select(Case.number, Case.tenant_id, _AUTHOR.name, CaseMention.at)
    .join(Case, Case.id == CaseMention.case_id)
    .join(User, User.id == CaseMention.user_id)
    .join(_AUTHOR, _AUTHOR.id == CaseMention.by_user_id)
    .where(User.name == bindparam("name"), CaseMention.seen_at.is_(None))
    .order_by(CaseMention.at.desc(), CaseMention.id.desc())
)
_IS_MENTIONED: Final = (
    select(CaseMention.id)
    .where(
        CaseMention.case_id == bindparam("case_id"),
        CaseMention.user_id == bindparam("user_id"),
        CaseMention.seen_at.is_(None),
    )
    .limit(1)
)

_MOST_NAMES: Final = 20
"""Each is looked up; no comment is for more."""


@dataclass(frozen=True, slots=True)
class WaitingMention:
    """A comment that names somebody who has not opened the case since; ``by`` wrote it ``at`` (aware)."""

    case: int
    tenant_id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a comment names, and a sentence for each name that nobody answers to here."""

    people: tuple[Actor, ...]
    faults: tuple[str, ...]

    @property
    def user_ids(self) -> list[str]:
        """Who is named, as the log says it."""
        return [person.reference for person in self.people]


def mentions_in(session: Session, case: Case, text: str) -> Mentions:
    """Return whom a comment on a case names; whoever is named must be able to see the case."""
    people, faults = list[Actor](), list[str]()
    names = names_mentioned(text)
    if len(names) > _MOST_NAMES:
        return Mentions((), (f"it names {len(names)} people with @, and {_MOST_NAMES} is the most",))
    for name in names:
        try:
            person = actor_named(session, name)
            require_reach(session, person, case, CASE_READERS)
        except NotFoundError:
            faults.append(f"nobody is called @{name}; write the name of a user, or leave the @ out")
            continue
        except OutOfReach:
            faults.append(f"@{name} may not see {in_words(case)}: their roles are narrowed to others")
            continue
        if not person.may(*CASE_READERS):
            faults.append(f"@{name} may not see {in_words(case)}: no role of theirs reads cases")
        people.append(person)
    return Mentions(tuple(people), tuple(faults))


def keep_mentions(decision: Decision, comment: CaseComment, people: Collection[Actor]) -> None:
    """Keep whom a comment names, but for whoever wrote it; the comment's entry of the log names them too."""
    decision.session.add_all(
        CaseMention(
            case_id=comment.case_id,
            user_id=person.user_id,
            comment_id=comment.id,
            by_user_id=comment.by_user_id,
            at=decision.at,
        )
        for person in people
        if person.user_id != comment.by_user_id
    )
    decision.session.flush()


def mentioning(name: str) -> ColumnElement[bool]:
    """Return the condition that a case has a comment that names this user, who has not opened the case since."""
    return Case.id.in_(
        select(CaseMention.case_id)
        .join(User, User.id == CaseMention.user_id)
        .where(User.name == name, CaseMention.seen_at.is_(None))
    )


def mentions_waiting(session: Session, name: str) -> Sequence[WaitingMention]:
    """Return the comments that name a user who has not opened their cases since, the newest first."""
    return [WaitingMention(*row) for row in session.execute(_WAITING, {"name": name})]


def is_mentioned(session: Session, case_id: str, user_id: str | None) -> bool:
    """Whether a comment on the case names the user, who has not opened it since."""
    if user_id is None:
        return False
    return session.scalar(_IS_MENTIONED, {"case_id": case_id, "user_id": user_id}) is not None


def see_mentions(session: Session, case_id: str, user_id: str | None, now: datetime) -> None:
    """Keep that a user opened the case at ``now`` (aware): no comment on it waits for them any more."""
    session.execute(update(CaseMention).where(*_unseen(case_id, user_id)).values(seen_at=now))


def _unseen(case_id: str, user_id: str | None) -> Iterator[ColumnElement[bool]]:
    yield CaseMention.case_id == case_id
    yield CaseMention.user_id == user_id
    yield CaseMention.seen_at.is_(None)
