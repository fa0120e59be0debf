"""Keep a measure past its review date: two approvers, each with fresh reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import newcomer_faults, record_part
from cjp_fraud.review.cases import in_words, note
from cjp_fraud.review.model import CaseState, ProviderPolicy
from cjp_fraud.review.stops import standing_stops
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.commands import lock_measure
from cjp_fraud.suspension.tables import Measure, Reaffirmation

PEOPLE_NEEDED = 2
"""How many approvers reaffirm in one round."""


@dataclass(frozen=True, slots=True)
class ReaffirmationResult:
    """Where a measure stands after somebody reaffirmed it; ``complete``: enough people have, and it is kept."""

    measure_id: str
    complete: bool
    review_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class _Round:
    """The round that the next reaffirmation belongs to, and what was given in it before."""

    number: int
    given: tuple[Reaffirmation, ...]


def reaffirm(
    decision: Decision, case_id: str, *, reasons: str, policy: ProviderPolicy
) -> ReaffirmationResult:
    """Reaffirm a measure in force; the second approver of a round moves its review date.

    The new review date is a review period from now, the end moves with it where it was nearer, and
    neither goes past the contract's longest duration.

    Parameters
    ----------
    reasons : fresh ones: not the words that anybody gave before for this measure.
    policy : how long a review period is, and the time within which both people must reaffirm.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case, measure = lock_measure(session, case_id)
    before = _given(session, measure) if measure is not None else []
    current = _current_round([row for row, _ in before], at, policy)
    refuse_unless(
        (case.state is CaseState.SUSPENDED, f"it is {case.state}; only a suspended case is reaffirmed"),
        (by.may(Role.APPROVER), f"{by} is not an approver"),
        *((False, fault) for fault in newcomer_faults(session, by, Role.APPROVER, case.id, at)),
        (
            all(row.by_user_id != by.user_id for row in current.given),
            f"{by} has reaffirmed it already; another approver must",
        ),
        *_reasons_checks(reasons, [text or "" for _, text in before]),
        *_time_checks(measure, at),
        *((False, stop) for stop in standing_stops(session, case.id)),
        action=f"reaffirm the measure of {in_words(case)}",
    )
    if measure is None or by.user_id is None:
        raise AssertionError("a suspended case has a measure, and only persons have roles")
    text = keep_text(session, reasons.strip(), at)
    row = Reaffirmation(id=new_id(), measure_id=measure.id, round=current.number, at=at)
    row.by_user_id, row.reasons_text_id = by.user_id, text.id
    session.add(row)
    record_part(session, by, Part.REAFFIRMED, case.tenant_id, at, case_id=case.id)
    complete = len(current.given) + 1 >= PEOPLE_NEEDED
    if complete:
        _extend(measure, at, policy)
    session.flush()
    content = {
        "measure_id": measure.id,
        "round": current.number,
        "complete": complete,
        "review_at": measure.review_at,
        "ends_at": measure.ends_at,
        "text_id": text.id,
        "text_sha256": text.sha256,
    }
    note(decision, case, "measure.reaffirmed", content)
    return ReaffirmationResult(measure.id, complete, measure.review_at, measure.ends_at)


def _given(session: Session, measure: Measure) -> list[tuple[Reaffirmation, str | None]]:
    """Return all reaffirmations of a measure with their reasons; None where these were erased."""
    rows = session.execute(
        select(Reaffirmation, PersonalText.body)
        .join(PersonalText, PersonalText.id == Reaffirmation.reasons_text_id)
        .where(Reaffirmation.measure_id == measure.id)
        .order_by(Reaffirmation.round, Reaffirmation.at)
    )
    return [(row, text) for row, text in rows]


def _current_round(given: list[Reaffirmation], at: datetime, policy: ProviderPolicy) -> _Round:
    """Return the round that a reaffirmation at ``at`` belongs to: a new one after a complete or a stale one."""
    number = max((row.round for row in given), default=0)
    rows = tuple(row for row in given if row.round == number)
    over = len(rows) >= PEOPLE_NEEDED or any(row.at < at - policy.fresh for row in rows)
    return _Round(number + 1, ()) if over or not rows else _Round(number, rows)


def _reasons_checks(reasons: str, before: list[str]) -> list[tuple[bool, str]]:
    words = reasons.strip().casefold()
    return [
        (bool(words), "give fresh reasons"),
        (
            words not in (text.strip().casefold() for text in before),
            "these reasons were given before; give fresh ones",
        ),
    ]


def _time_checks(measure: Measure | None, at: datetime) -> list[tuple[bool, str]]:
    if measure is None:
        return []
    return [
        (
            at < measure.review_at,
            f"its review date {measure.review_at:%Y-%m-%d %H:%M:%SZ} has passed; it lapses",
        ),
        (
            measure.latest_end_at is None or measure.review_at < measure.latest_end_at,
            "it already runs to the end of the contract's longest duration",
        ),
    ]


def _extend(measure: Measure, at: datetime, policy: ProviderPolicy) -> None:
    review_at = max(measure.review_at, at + policy.measure_review)
    ends_at = max(measure.ends_at, review_at)
    if measure.latest_end_at is not None:
        review_at, ends_at = min(review_at, measure.latest_end_at), min(ends_at, measure.latest_end_at)
    measure.review_at, measure.ends_at = review_at, ends_at
