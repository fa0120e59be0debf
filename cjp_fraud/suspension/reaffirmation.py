"""Keep a measure past its review date: two approvers, each with fresh reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.position import contract_at
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Part
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import in_words, note
from cjp_fraud.review.model import Capacity, CaseState, ProviderPolicy
from cjp_fraud.review.tables import EvidenceSet
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.commands import lock_measure, record_command
from cjp_fraud.suspension.gate_facts import approval_obstacles
from cjp_fraud.suspension.measures import latest_end
from cjp_fraud.suspension.model import CommandKind
from cjp_fraud.suspension.requirements import BEFORE_REAFFIRMATION
from cjp_fraud.suspension.tables import Measure, Reaffirmation
from cjp_fraud.suspension.traffic_look import look_faults

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
    decision: Decision, case_id: str, *, look: str, reasons: str, policy: ProviderPolicy
) -> ReaffirmationResult:
    """Reaffirm a measure in force; the second approver of a round moves its review date.

    The gate is asked again: the record, the right and the term, stops and contradictions, the fit, and whether this
    person could approve the measure. The new review date is a review period from now, the end moves with it where it
    was nearer, and neither goes past the term or the contract's longest duration. The platform is told by
    :func:`cjp_fraud.suspension.measures.extend_under_lock`, which the caller runs next.

    Parameters
    ----------
    look : 8 or more digits of the look at the traffic since, which this person took in the last 24 hours.
    reasons : fresh ones: not the words that anybody gave before for this measure.
    policy : how long a review period is, and the time within which both people must reaffirm.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case, measure = lock_measure(session, case_id)
    refuse_unless(
        (case.state is CaseState.SUSPENDED, f"it is {case.state}; only a suspended case is reaffirmed"),
        action=f"reaffirm the measure of {in_words(case)}",
    )
    assert measure is not None, "a suspended case has a measure"
    before = _given(session, measure)
    current = _current_round([row for row, _ in before], at, policy)
    latest = latest_end(measure.ordered_at, contract_at(session, case.tenant_id, at))
    looked, look_missing = look_faults(
        decision, case, measure, look, _last_complete([row for row, _ in before])
    )
    in_the_way = approval_obstacles(decision, case, Capacity.APPROVER, policy, BEFORE_REAFFIRMATION)
    refuse_unless(
        *((False, sentence) for sentence in in_the_way),
        (
            all(row.by_user_id != by.user_id for row in current.given),
            f"{by} has reaffirmed it already; another approver must",
        ),
        *((False, sentence) for sentence in look_missing),
        *_reasons_checks(reasons, [text or "" for _, text in before]),
        *_time_checks(measure, latest, at),
        action=f"reaffirm the measure of {in_words(case)}",
    )
    assert looked is not None, "look_faults says so otherwise"
    assert by.user_id is not None, "only persons have roles"
    text = keep_text(session, reasons.strip(), at)
    row = Reaffirmation(id=new_id(), measure_id=measure.id, round=current.number, at=at, look_id=looked.id)
    row.by_user_id, row.reasons_text_id = by.user_id, text.id
    session.add(row)
    record_part(session, by, Part.REAFFIRMED, case.tenant_id, at, case_id=case.id)
    complete = len(current.given) + 1 >= PEOPLE_NEEDED
    if complete:
        _extend(measure, latest, at, policy)
    session.flush()
    content = {
        "measure_id": measure.id,
        "round": current.number,
        "complete": complete,
        "review_at": measure.review_at,
        "ends_at": measure.ends_at,
        "look_sha256": looked.sha256,
        "text_id": text.id,
        "text_sha256": text.sha256,
    }
    note(decision, case, "measure.reaffirmed", content)
    if complete:
        record_command(decision, case, measure, CommandKind.APPLY)
    return ReaffirmationResult(measure.id, complete, measure.review_at, measure.ends_at)


def reaffirmation_on_record(
    decision: Decision, case_id: str, *, look: str, reasons: str
) -> ReaffirmationResult | None:
    """Return where the measure stands if this person has reaffirmed it with just this look and these reasons.

    A command that died after this was on record is typed again with the same words: it then has nothing to decide,
    only to carry on. None: nothing like it is on record, or the measure is not in force any more.
    """
    session = decision.session
    case, measure = lock_measure(session, case_id)
    if case.state is not CaseState.SUSPENDED or measure is None:
        return None
    given = _given(session, measure)
    for row, text in given:
        looked = session.get_one(EvidenceSet, row.look_id).sha256
        same = row.by_user_id == decision.by.user_id and text == reasons.strip()
        if same and looked.startswith(look.strip().lower()):
            complete = sum(other.round == row.round for other, _ in given) >= PEOPLE_NEEDED
            return ReaffirmationResult(measure.id, complete, measure.review_at, measure.ends_at)
    return None


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


def _time_checks(measure: Measure, latest: datetime | None, at: datetime) -> list[tuple[bool, str]]:
    return [
        (
            at < measure.review_at,
            f"its review date {measure.review_at:%Y-%m-%d %H:%M:%SZ} has passed; it lapses",
        ),
        (
            latest is None or measure.review_at < latest,
            "it already runs to the end of the term or of the contract's longest duration",
        ),
    ]


def _extend(measure: Measure, latest: datetime | None, at: datetime, policy: ProviderPolicy) -> None:
    review_at = max(measure.review_at, at + policy.measure_review)
    ends_at = max(measure.ends_at, review_at)
    if latest is not None:
        review_at, ends_at = min(review_at, latest), min(ends_at, latest)
    measure.review_at, measure.ends_at, measure.latest_end_at = review_at, ends_at, latest


def _last_complete(given: list[Reaffirmation]) -> datetime | None:
    """Return when the last complete round ended; None: there was none."""
    count = Counter(row.round for row in given)
    return max((row.at for row in given if count[row.round] >= PEOPLE_NEEDED), default=None)
