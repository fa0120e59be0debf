"""Find, lock and move a case; what every transition shares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.digests import canonical_json
from cjp_fraud.errors import NotFoundError
from cjp_fraud.people.model import Decision
from cjp_fraud.review.model import CLOSED_STATES, MOVES, CaseState, CommentKind
from cjp_fraud.review.tables import Case, CaseComment


def case_id_of(session: Session, reference: str) -> str:
    """Return the id of the case that a person named by number (``7``) or by id.

    Raises
    ------
    NotFoundError
        If there is no such case.
    """
    named = reference.strip().removeprefix("#")
    column = Case.number == int(named) if named.isdecimal() and len(named) < 10 else Case.id == named
    found = session.scalar(select(Case.id).where(column))
    if found is None:
        raise NotFoundError(f"no case {reference!r} is on record; cjp-fraud cases list shows those that are")
    return found


def lock_case(session: Session, case_id: str) -> Case:
    """Return the case, fresh and locked until the end of the transaction."""
    case = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise NotFoundError(f"no case {case_id!r} is on record; cjp-fraud cases list shows those that are")
    return case


def move(
    decision: Decision, case: Case, to: CaseState, action: str, content: Mapping[str, Any] | None = None
) -> None:
    """Move a locked case to another state and write the entry of the log that says so."""
    if (case.state, to) not in MOVES:
        raise ValueError(f"no case moves from {case.state} to {to}")
    before, case.state = case.state, to
    case.closed_at = decision.at if to in CLOSED_STATES else None
    if to is CaseState.OPEN or to in CLOSED_STATES:
        case.claimed_by = case.claimed_at = None
    decision.session.flush()
    note(decision, case, action, {"from": before, "to": to, **(content or {})})


def note(decision: Decision, case: Case, action: str, content: Mapping[str, Any]) -> None:
    """Write an entry of the log about a case; times in it become text, as they are hashed."""
    plain = json.loads(canonical_json(content))
    append(decision, action, "cases", case.id, plain, case_id=case.id)


def in_words(case: Case) -> str:
    """Name a case in a sentence."""
    return f"case {case.number}"


def write_comment(decision: Decision, case: Case, kind: CommentKind, text: str) -> PersonalText:
    """Store what a person wrote on a case; the caller writes the log."""
    by = decision.by.user_id
    if by is None:
        raise ValueError("a machine writes no comments")
    words = keep_text(decision.session, text.strip(), decision.at)
    decision.session.add(
        CaseComment(case_id=case.id, kind=kind, by_user_id=by, at=decision.at, text_id=words.id)
    )
    decision.session.flush()
    return words
