"""Keep a measure past its review date: two approvers, each with fresh reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Actor, Decision, Part
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import in_words, note
from cjp_fraud.review.decision_tables import Determination, Proposal
from cjp_fraud.review.model import Capacity, CaseState
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import EvidenceSet
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.commands import lock_measure
from cjp_fraud.suspension.emergency import is_unapproved
from cjp_fraud.suspension.fresh_reasons import GivenReasons, reasons_faults, recorded_reasons
from cjp_fraud.suspension.gate_facts import approval_obstacles
from cjp_fraud.suspension.kept_rounds import (
    OpenRound,
    Term,
    last_complete_at,
    open_round,
    term_if_kept,
    time_faults,
)
from cjp_fraud.suspension.measures import latest_end
from cjp_fraud.suspension.requirements import BEFORE_REAFFIRMATION
from cjp_fraud.suspension.rounds_on_record import given_in, reaffirmations_of, term_of
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
    :func:`cjp_fraud.suspension.changed_measures.extend_under_lock`. Where the letter does not leave in time, it lapses.

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
    before = reaffirmations_of(session, measure)
    rounds = [given_in(row) for row, _ in before]
    current = open_round(rounds, at, policy)
    latest = latest_end(measure.ordered_at, contract_at(session, case.tenant_id, at))
    looked, look_missing = look_faults(decision, case, measure, look, last_complete_at(rounds))
    summary = summary_of(looked) if looked is not None else None
    earlier = [_determination_words(session, measure), *(text for _, text in before)]
    in_the_way = (
        *approval_obstacles(decision, case, Capacity.APPROVER, policy, BEFORE_REAFFIRMATION),
        *_again_by_the_same(current, by),
        *look_missing,
        *reasons_faults(given, summary, [text or "" for text in earlier]),
        *time_faults(term_of(measure), latest, at),
        *_cannot_be_kept(session, measure),
    )
    refuse_unless(
        *((False, sentence) for sentence in in_the_way),
        action=f"reaffirm the measure of {in_words(case)}",
    )
    assert looked is not None, "look_faults says so otherwise"
    assert summary is not None, "a look has a summary"
    text = keep_text(session, recorded_reasons(given, summary), at)
    new_term = term_if_kept(term_of(measure), latest, at, policy) if current.lacks_one else None
    row = _new_row(decision, measure, current, new_term, looked, text)
    session.add(row)
    record_part(session, by, Part.REAFFIRMED, case.tenant_id, at, case_id=case.id)
    session.flush()
    result = _result(measure, row if new_term is not None else None)
    content = _entry(row, result, looked, text)
    note(decision, case, "measure.reaffirmed", {**content, "although_quiet": summary.is_quiet})
    return result


def _again_by_the_same(current: OpenRound, by: Actor) -> list[str]:
    """Return that a person has reaffirmed in this round already; none: they have not."""
    if all(each.by_user_id != by.user_id for each in current.given):
        return []
    return [f"{by} has reaffirmed it already; another approver must"]


def _cannot_be_kept(session: Session, measure: Measure) -> list[str]:
    """Return why nobody may keep a measure, whoever they are; none: it may be kept."""
    faults = []
    if is_unapproved(session, measure):
        faults.append("it was ordered in an emergency and is not approved yet")
    if measure.corrected_at is not None:
        faults.append("its cause is gone, as is on record; it is lifted")
    return faults


def _new_row(
    decision: Decision,
    measure: Measure,
    current: OpenRound,
    new_term: Term | None,
    looked: EvidenceSet,
    text: PersonalText,
) -> Reaffirmation:
    """Return a reaffirmation as a row; ``new_term`` is given where it completes its round."""
    assert decision.by.user_id is not None, "only persons have roles"
    return Reaffirmation(
        id=new_id(),
        measure_id=measure.id,
        round=current.number,
        by_user_id=decision.by.user_id,
        at=decision.at,
        reasons_text_id=text.id,
        look_id=looked.id,
        review_at=new_term.review_at if new_term is not None else None,
        ends_at=new_term.ends_at if new_term is not None else None,
    )


def _entry(
    row: Reaffirmation, result: ReaffirmationResult, looked: EvidenceSet, text: PersonalText
) -> dict[str, Any]:
    """Return what the audit log says of a reaffirmation."""
    return {
        "measure_id": row.measure_id,
        "round": row.round,
        "complete": result.complete,
        "review_at": result.review_at,
        "ends_at": result.ends_at,
        "look_sha256": looked.sha256,
        "text_id": text.id,
        "text_sha256": text.sha256,
    }


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
    given, on_record = GivenReasons(reasons, although_quiet), reaffirmations_of(session, measure)
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
