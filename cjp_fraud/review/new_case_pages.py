"""Whom to page about cases that have just been opened: chosen and put on record before the page leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.people.languages import language_chosen
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.oncall_rules import TRIED_FOR, next_on_call
from cjp_fraud.people.roster import turn_of, turns_on_roster
from cjp_fraud.people.tables import OncallTurn, User
from cjp_fraud.people.users import actor_of
from cjp_fraud.review.case_reach import roles_reaching
from cjp_fraud.review.model import CaseState, PageOutcome
from cjp_fraud.review.queue_tables import OncallPage
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id

FRESH: Final = timedelta(hours=24)
"""A case whose last flag is older is of old traffic: nobody is woken for it."""


@dataclass(frozen=True, slots=True)
class NewCases:
    """A message about new cases for one person; its pages are on record and have yet to leave.

    Parameters
    ----------
    id : by which receivers know it if it comes twice.
    cases : their numbers, ascending.
    opened_at : when the first of them was opened.
    language : of the pages, as who is paged chose it; None: they did not.
    """

    id: str
    cases: tuple[int, ...]
    opened_at: datetime
    webhook: str | None
    mail: str | None
    language: str | None = None


def new_cases_wait(session: Session, at: datetime) -> bool:
    """Whether there is a new case about which a page may have to leave."""
    return session.execute(_waiting(session, at).limit(1)).first() is not None


def choose_new_case_pages(decision: Decision) -> list[NewCases]:
    """Put on record who is paged about each new case that nobody has claimed; return a message a person.

    The first reviewer on call whose roles reach the case. A case is paged once; what failed is tried again with the
    next one on call, half an hour at most; where nobody is on call, whoever comes is paged; what a killed run left is
    sent again under the same id. The caller lets nobody else do so meanwhile.
    """
    session, at = decision.session, decision.at
    waiting = session.execute(_waiting(session, at)).all()
    if not waiting:
        return []
    rows = {row.id: row for row in turns_on_roster(session)}
    turns = [turn_of(row) for row in rows.values()]
    users = {row.user_id: session.get_one(User, row.user_id) for row in rows.values()}
    actors = {user_id: actor_of(session, user) for user_id, user in users.items()}
    messages: dict[str, list[tuple[Case, OncallTurn]]] = {}
    message_of: dict[str, str] = {}
    for case, page in waiting:
        if page is not None and page.outcome is PageOutcome.SENDING and page.turn_id is not None:
            messages.setdefault(page.message_id, []).append((case, rows[page.turn_id]))
            continue
        able = {
            user_id
            for user_id, actor in actors.items()
            if Role.REVIEWER in roles_reaching(session, actor, case)
        }
        tried = {rows[page.turn_id].user_id} if page is not None and page.turn_id in rows else set()
        turn = next_on_call(turns, at, able, tried)
        if page is not None and turn is None and page.outcome is PageOutcome.NOBODY:
            continue
        message = message_of.setdefault(turn.id if turn is not None else "", new_id())
        _put_on_record(decision, case, page, rows[turn.id] if turn is not None else None, message)
        if turn is not None:
            messages.setdefault(message, []).append((case, rows[turn.id]))
    return [_message(session, message, parts) for message, parts in messages.items()]


def record_new_case_pages(decision: Decision, message_id: str, outcome: PageOutcome, detail: str) -> None:
    """Put on record whether a message left."""
    session = decision.session
    pages = session.scalars(
        select(OncallPage)
        .where(OncallPage.message_id == message_id)
        .order_by(OncallPage.id)
        .with_for_update()
    ).all()
    for page in pages:
        page.outcome, page.detail, page.at = outcome, detail[:500], decision.at
    session.flush()
    for page in pages:
        about = {"outcome": outcome, "turn_id": page.turn_id}
        append(decision, "oncall.paged", "oncall_pages", page.id, about)


def _waiting(session: Session, at: datetime) -> Select[Case, OncallPage]:
    """Select new cases that nobody has claimed, with their page where one was tried; the oldest first.

    While nobody is on the roster, those that nobody could be paged about are left out.
    """
    settled = {PageOutcome.SENT} if turns_on_roster(session) else {PageOutcome.SENT, PageOutcome.NOBODY}
    return (
        select(Case, OncallPage)
        .outerjoin(OncallPage, (OncallPage.case_id == Case.id) & OncallPage.proposal_id.is_(None))
        .where(
            Case.state == CaseState.OPEN,
            Case.claimed_by.is_(None),
            Case.opened_at > at - TRIED_FOR,
            Case.last_flag_at > at - FRESH,
            OncallPage.id.is_(None) | OncallPage.outcome.not_in(sorted(settled)),
        )
        .order_by(Case.opened_at, Case.number)
    )


def _put_on_record(
    decision: Decision, case: Case, page: OncallPage | None, turn: OncallTurn | None, message_id: str
) -> None:
    session = decision.session
    if page is None:
        page = OncallPage(id=new_id(), case_id=case.id, proposal_id=None, step=0)
        session.add(page)
    page.message_id, page.at = message_id, decision.at
    page.turn_id = turn.id if turn is not None else None
    page.outcome = PageOutcome.SENDING if turn is not None else PageOutcome.NOBODY
    page.detail = "" if turn is not None else "no reviewer on call reaches it"
    session.flush()
    content = {
        "case_id": case.id,
        "step": page.step,
        "turn_id": page.turn_id,
        "user_id": turn.user_id if turn is not None else None,
    }
    append(decision, "oncall.paging", "oncall_pages", page.id, content)


def _message(session: Session, message_id: str, parts: Sequence[tuple[Case, OncallTurn]]) -> NewCases:
    turn = parts[0][1]
    numbers = tuple(sorted(case.number for case, _ in parts))
    opened_at = min(case.opened_at for case, _ in parts)
    language = language_chosen(session, turn.user_id)
    return NewCases(message_id, numbers, opened_at, turn.webhook, turn.mail, language)
