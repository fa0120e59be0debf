"""Cases: find, lock and move them, and write on them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.digests import canonical_json
from cjp_fraud.errors import NotFoundError
from cjp_fraud.people.model import Decision
from cjp_fraud.people.reach import roles_for
from cjp_fraud.review.case_reach import require_reach
from cjp_fraud.review.expected_loss import FlaggedSpan
from cjp_fraud.review.model import CLOSED_STATES, MOVES, CaseState, CommentKind
from cjp_fraud.review.tables import Case, CaseComment, Episode, Flag
from cjp_fraud.storage.database import read_once
from cjp_fraud.storage.read_rows import rows_kept

_FoundT = TypeVar("_FoundT")

# Made once: to make a statement takes longer than to run it.
_NUMBERED: Final = select(Case.id).where(Case.number == bindparam("number"))
_CASE_NUMBERED: Final = select(Case).where(Case.number == bindparam("number"))
_FLAGS_IN_FORCE: Final = (
    select(Flag)
    .join(Episode, Episode.id == Flag.episode_id)
    .where(Episode.case_id == bindparam("case_id"), Flag.superseded_at.is_(None))
    .order_by(Flag.interval_start, Flag.id)
)
_FLAGS_LOCKED: Final = _FLAGS_IN_FORCE.with_for_update(of=Flag).execution_options(populate_existing=True)


def case_id_of(session: Session, reference: str) -> str:
    """Return the id of the case that a person named by number (``7``) or by id.

    Raises
    ------
    NotFoundError
        If there is no such case.
    """
    number, case_id = _named(reference)
    found = (
        session.scalar(select(Case.id).where(Case.id == case_id))
        if number is None
        else session.scalar(_NUMBERED, {"number": number})
    )
    return _there(found, reference)


def case_named(session: Session, reference: str) -> Case:
    """Return the case that a person named so, as :func:`case_id_of` says.

    Raises
    ------
    NotFoundError
        If there is no such case.
    """
    number, case_id = _named(reference)
    found = (
        session.get(Case, case_id) if number is None else session.scalar(_CASE_NUMBERED, {"number": number})
    )
    return _there(found, reference)


def _named(reference: str) -> tuple[int | None, str]:
    """Return the number that a person gave of a case, None: they gave its id, and the text without its sign."""
    named = reference.strip().removeprefix("#")
    return (int(named) if named.isdecimal() and len(named) < 10 else None), named


def _there(found: _FoundT | None, reference: str) -> _FoundT:
    if found is None:
        raise NotFoundError(f"no case {reference!r} is on record; cjp-fraud cases list shows those that are")
    return found


def numbers_of(session: Session, case_ids: Collection[str]) -> dict[str, int]:
    """Return the number of each case by its id."""
    rows = session.execute(select(Case.id, Case.number).where(Case.id.in_(set(case_ids))))
    return {row.id: row.number for row in rows}


def lock_case(session: Session, case_id: str) -> Case:
    """Return the case, fresh and locked until the end of the transaction."""
    case = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise NotFoundError(f"no case {case_id!r} is on record; cjp-fraud cases list shows those that are")
    return case


def move(
    decision: Decision,
    case: Case,
    to: CaseState,
    action: str,
    content: Mapping[str, Any] | None = None,
    words: PersonalText | None = None,
) -> None:
    """Move a locked case to another state and write the entry of the log that says so, as :func:`note` does."""
    if (case.state, to) not in MOVES:
        raise ValueError(f"no case moves from {case.state} to {to}")
    waits = to not in CLOSED_STATES
    # A case that comes back into the queue (reopen, which holds the openers' order) is at its end for who reads pages.
    revision = next_revision(decision.session) if waits and not case.in_queue else case.queue_revision
    before, case.state = case.state, to
    case.closed_at = None if waits else decision.at
    case.in_queue, case.queue_revision = waits, revision
    if to is CaseState.OPEN or to in CLOSED_STATES:
        case.claimed_by = case.claimed_at = None
    decision.session.flush()
    note(decision, case, action, {"from": before, "to": to, **(content or {})}, words)


def note(
    decision: Decision,
    case: Case,
    action: str,
    content: Mapping[str, Any],
    words: PersonalText | None = None,
) -> None:
    """Write an entry of the log about a case: every act on a case does, so here a role that is narrowed is asked for.

    Parameters
    ----------
    content : times in it become text, as they are hashed.
    words : what the person wrote; the entry holds its id and digest, never the text.

    Raises
    ------
    OutOfReach
        If none of the person's roles that the act needs reaches the case.
    """
    require_reach(decision.session, decision.by, case, roles_for(action, content))
    text = {"text_id": words.id, "text_sha256": words.sha256} if words is not None else {}
    plain = json.loads(canonical_json({**content, **text}))
    append(decision, action, "cases", case.id, plain, case_id=case.id)


def in_words(case: Case) -> str:
    """Name a case in a sentence."""
    return f"case {case.number}"


def cases_flagged(session: Session, start: datetime, end: datetime) -> set[str]:
    """Return the ids of the cases that have a flag in force which begins in [start, end), aware."""
    return set(
        session.scalars(
            select(Case.id)
            .join(Episode, Episode.case_id == Case.id)
            .join(Flag, Flag.episode_id == Episode.id)
            .where(Flag.superseded_at.is_(None), Flag.interval_start >= start, Flag.interval_start < end)
            .distinct()
        )
    )


def flags_in_force(session: Session, case_id: str, *, lock: bool = False) -> list[Flag]:
    """Return a case's flags that no later detection has replaced, in time.

    Parameters
    ----------
    lock : whether nobody may change them until the transaction ends.
    """
    if lock:
        return list(session.scalars(_FLAGS_LOCKED, {"case_id": case_id}))
    in_force = read_once(
        session,
        ("flags in force", case_id),
        lambda: _read_flags_in_force(session, case_id),
    )
    return list(in_force)


def _read_flags_in_force(session: Session, case_id: str) -> Sequence[Flag]:
    """Return them out of the rows that the session has read whole, else from the database."""
    flags, episodes = rows_kept(session, Flag, case_id), rows_kept(session, Episode, case_id)
    if flags is None or episodes is None:
        return session.scalars(_FLAGS_IN_FORCE, {"case_id": case_id}).all()
    ids = {row.id for row in episodes}
    in_force = [row for row in flags if row.superseded_at is None and row.episode_id in ids]
    return sorted(in_force, key=lambda flag: (flag.interval_start, flag.id))


def write_comment(
    decision: Decision, case: Case, kind: CommentKind, text: str, *, proposal_id: str | None = None
) -> PersonalText:
    """Store what a person wrote on a case; the caller writes the log.

    Parameters
    ----------
    proposal_id : of the proposal that it refuses; None: it refuses none.
    """
    by = decision.by.user_id
    if by is None:
        raise ValueError("a machine writes no comments")
    words = keep_text(decision.session, text.strip(), decision.at)
    decision.session.add(
        CaseComment(
            case_id=case.id,
            kind=kind,
            by_user_id=by,
            at=decision.at,
            text_id=words.id,
            proposal_id=proposal_id,
        )
    )
    decision.session.flush()
    return words


def flagged_span(flag: Flag) -> FlaggedSpan:
    """Return what the cost of a flag is computed from."""
    end = flag.interval_start + timedelta(seconds=flag.interval_seconds)
    return FlaggedSpan(flag.series_id, flag.span_start, end, flag.excess, flag.cents_per_contact)


def next_revision(session: Session) -> int:
    """Return the next revision of the queue; the caller holds the openers' order, so that none is given twice."""
    return (session.scalar(select(func.max(Case.queue_revision))) or 0) + 1
