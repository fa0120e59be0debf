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
from cjp_fraud.review.tables import Determination, EvidenceSet, Proposal
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.commands import lock_measure
from cjp_fraud.suspension.fresh_reasons import GivenReasons, reasons_faults, recorded_reasons
from cjp_fraud.suspension.gate_facts import approval_obstacles
from cjp_fraud.suspension.kept_rounds import PEOPLE_NEEDED
from cjp_fraud.suspension.measures import latest_end
from cjp_fraud.suspension.requirements import BEFORE_REAFFIRMATION
from cjp_fraud.suspension.tables import Measure, Reaffirmation
from cjp_fraud.suspension.traffic_look import look_faults, summary_of


@dataclass(frozen=True, slots=True)
class ReaffirmationResult:
    """Where a measure stands after somebody reaffirmed it.

    Parameters
    ----------
    complete : whether enough people have; then it is kept once the customer was told.
    review_at, ends_at : where it is kept, its new review date and end; else those that it has.
    told_by : before this moment the customer must be told, or it lapses then.
    """

    measure_id: str
    complete: bool
    review_at: datetime
    ends_at: datetime
    told_by: datetime


@dataclass(frozen=True, slots=True)
class _Round:
    """The round that the next reaffirmation belongs to, and what was given in it before."""

    number: int
    given: tuple[Reaffirmation, ...]


def reaffirm(
    decision: Decision,
    case_id: str,
    *,
    look: str,
    reasons: str,
    policy: ProviderPolicy,
    although_quiet: str | None = None,
) -> ReaffirmationResult:
    """Reaffirm a measure in force; with the second approver of a round it is kept, once the customer was told.

    The gate is asked again: the record, the right and the term, stops and contradictions, the fit, and whether this
    person could approve the measure. The new review date is a review period from now, the end moves with it where it
    was nearer, and neither goes past the term or the contract's longest duration. The measure has them only once the
    customer was told in writing, as the first notice promised: the caller sends the letter next, and then runs
    :func:`cjp_fraud.suspension.measures.extend_under_lock`. Where the letter does not leave in time, it lapses.

    Parameters
    ----------
    look : 8 or more digits of the look at the traffic since, which this person took in the last 24 hours.
    reasons : fresh ones: not the words of the determination, nor those that anybody gave before for this measure;
        they are kept with what the look showed.
    policy : how long a review period is, and the time within which both people must reaffirm.
    although_quiet : why it is needed although the look shows nothing unusual; needed where it does not.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    given = GivenReasons(reasons, although_quiet)
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
    summary = summary_of(looked) if looked is not None else None
    earlier = [_determination_words(session, measure), *(text for _, text in before)]
    refuse_unless(
        *((False, sentence) for sentence in in_the_way),
        (
            all(row.by_user_id != by.user_id for row in current.given),
            f"{by} has reaffirmed it already; another approver must",
        ),
        *((False, sentence) for sentence in look_missing),
        *((False, sentence) for sentence in reasons_faults(given, summary, [text or "" for text in earlier])),
        *_time_checks(measure, latest, at),
        action=f"reaffirm the measure of {in_words(case)}",
    )
    assert looked is not None, "look_faults says so otherwise"
    assert summary is not None, "a look has a summary"
    assert by.user_id is not None, "only persons have roles"
    text = keep_text(session, recorded_reasons(given, summary), at)
    row = Reaffirmation(id=new_id(), measure_id=measure.id, round=current.number, at=at, look_id=looked.id)
    row.by_user_id, row.reasons_text_id = by.user_id, text.id
    complete = len(current.given) + 1 >= PEOPLE_NEEDED
    if complete:
        row.review_at, row.ends_at = _new_end(measure, latest, at, policy)
    session.add(row)
    record_part(session, by, Part.REAFFIRMED, case.tenant_id, at, case_id=case.id)
    session.flush()
    result = _result(measure, row if complete else None)
    content = {
        "measure_id": measure.id,
        "round": current.number,
        "complete": complete,
        "review_at": result.review_at,
        "ends_at": result.ends_at,
        "look_sha256": looked.sha256,
        "although_quiet": summary.is_quiet,
        "text_id": text.id,
        "text_sha256": text.sha256,
    }
    note(decision, case, "measure.reaffirmed", content)
    return result


def reaffirmation_on_record(
    decision: Decision, case_id: str, *, look: str, reasons: str, although_quiet: str | None = None
) -> ReaffirmationResult | None:
    """Return where the measure stands if this person has reaffirmed it with just this look and these reasons.

    A command that died after this was on record is typed again with the same words: it then has nothing to decide,
    only to carry on. None: nothing like it is on record, or the measure is not in force any more.
    """
    session = decision.session
    case, measure = lock_measure(session, case_id)
    if case.state is not CaseState.SUSPENDED or measure is None:
        return None
    given, on_record = GivenReasons(reasons, although_quiet), _given(session, measure)
    for row, text in on_record:
        looked = session.get_one(EvidenceSet, row.look_id)
        same = row.by_user_id == decision.by.user_id and text == recorded_reasons(given, summary_of(looked))
        if same and looked.sha256.startswith(look.strip().lower()):
            of_round = [other for other, _ in on_record if other.round == row.round]
            last = next((other for other in of_round if other.review_at is not None), None)
            return _result(measure, last)
    return None


def _result(measure: Measure, last: Reaffirmation | None) -> ReaffirmationResult:
    """Return where a measure stands; ``last`` completed the round, None: it is not complete."""
    if last is None or last.review_at is None or last.ends_at is None:
        return ReaffirmationResult(measure.id, False, measure.review_at, measure.ends_at, measure.lapses_at)
    return ReaffirmationResult(measure.id, True, last.review_at, last.ends_at, measure.lapses_at)


def _determination_words(session: Session, measure: Measure) -> str | None:
    """Return the reasons of the determination behind a measure; None where they were erased."""
    return session.scalar(
        select(PersonalText.body)
        .join(Determination, Determination.reasons_text_id == PersonalText.id)
        .join(Proposal, Proposal.determination_id == Determination.id)
        .where(Proposal.id == measure.proposal_id)
    )


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


def _new_end(
    measure: Measure, latest: datetime | None, at: datetime, policy: ProviderPolicy
) -> tuple[datetime, datetime]:
    """Return review date and end of a measure that is kept from ``at`` on."""
    review_at = max(measure.review_at, at + policy.measure_review)
    ends_at = max(measure.ends_at, review_at)
    if latest is not None:
        review_at, ends_at = min(review_at, latest), min(ends_at, latest)
    return review_at, ends_at


def _last_complete(given: list[Reaffirmation]) -> datetime | None:
    """Return when the last complete round ended; None: there was none."""
    count = Counter(row.round for row in given)
    return max((row.at for row in given if count[row.round] >= PEOPLE_NEEDED), default=None)
