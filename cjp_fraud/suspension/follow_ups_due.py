"""Which letters follow a notice and are still to be sent, of one case or of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from cjp_fraud.config import PlatformMode
from cjp_fraud.notices.model import NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.tables import Notice, NoticeAttempt, NoticePlan
from cjp_fraud.review.decision_tables import Dispute, LetterOrder
from cjp_fraud.review.model import DisputeState
from cjp_fraud.suspension.kept_rounds import PEOPLE_NEEDED
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.stage_tables import ReinstatementPlan
from cjp_fraud.suspension.tables import Measure, Narrowing, Reaffirmation


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A letter that follows a notice.

    Parameters
    ----------
    proposal_id : whose notice it follows; None: it has an occasion.
    round : of the reaffirmations that it tells of; 0 where it tells of none.
    occasion_id : dispute that it answers, order of the letter that it withdraws, or plan of the stages that it tells
        of; None: it follows a notice.
    """

    case_id: str
    proposal_id: str | None
    kind: NoticeKind
    round: int = 0
    occasion_id: str | None = None


def follow_ups_due(session: Session, case_id: str | None = None) -> list[FollowUp]:
    """Return the letters of one case, or of all, that are still to be sent.

    A withdrawal follows a notice of which anything may have gone out; a continuation follows a complete round of
    reaffirmations, before the measure gets its new end; the letter about stages follows the first of them, where the
    measure has not ended before it could be written; a reinstatement follows a measure that has ended; an answer
    follows the decision of a dispute, before what is said of its consequences.
    """
    gone_out = exists().where(
        Notice.plan_id == NoticePlan.id,
        NoticeAttempt.notice_id == Notice.id,
        or_(NoticeAttempt.outcome.is_(None), NoticeAttempt.outcome.in_([Outcome.SENT, Outcome.UNKNOWN])),
    )
    served = select(NoticePlan.case_id, NoticePlan.proposal_id).where(
        NoticePlan.kind == NoticeKind.SUSPENSION,
        NoticePlan.mode == PlatformMode.ACT,
        NoticePlan.case_id == case_id if case_id is not None else true(),
    )
    withdrawn = served.where(NoticePlan.cancelled_at.is_not(None), gone_out, ~_is_sent(NoticeKind.WITHDRAWAL))
    ended = served.join(Measure, Measure.notice_plan_id == NoticePlan.id).where(
        Measure.state == MeasureState.ENDED, ~_is_sent(NoticeKind.REINSTATEMENT)
    )
    once = ((NoticeKind.WITHDRAWAL, withdrawn), (NoticeKind.REINSTATEMENT, ended))
    of_occasions = (
        (NoticeKind.DISPUTE_ANSWER, _answers()),
        (NoticeKind.WITHDRAWAL, _withdrawn_orders(gone_out)),
        (NoticeKind.STAGED_REINSTATEMENT, _staged()),
    )
    return [
        *(
            FollowUp(case, None, kind, occasion_id=occasion)
            for kind, query in of_occasions
            for case, occasion in session.execute(query)
            if case_id in (None, case)
        ),
        *(
            FollowUp(case, proposal, kind)
            for kind, query in once
            for case, proposal in session.execute(query)
        ),
        *(
            FollowUp(case, proposal, NoticeKind.REAFFIRMATION, number)
            for case, proposal, number in session.execute(_kept(served))
        ),
    ]


def _withdrawn_orders(gone_out: ColumnElement[bool]) -> Select[str, str | None]:
    """Return case and order of each warning or notice of breach that was withdrawn and may have left."""
    return (
        select(NoticePlan.case_id, NoticePlan.occasion_id)
        .join(LetterOrder, LetterOrder.id == NoticePlan.occasion_id)
        .where(
            NoticePlan.kind == LetterOrder.kind,
            NoticePlan.mode == PlatformMode.ACT,
            NoticePlan.cancelled_at.is_not(None),
            gone_out,
            ~_occasion_is_told(LetterOrder.id, NoticeKind.WITHDRAWAL),
        )
    )


def _answers() -> Select[str, str]:
    """Return case and id of each decided dispute that was not answered, where a notice was to be acted on, or a cap."""
    acted = exists().where(
        NoticePlan.case_id == Dispute.case_id,
        NoticePlan.kind.in_([NoticeKind.SUSPENSION, NoticeKind.CAP]),
        NoticePlan.mode == PlatformMode.ACT,
    )
    return select(Dispute.case_id, Dispute.id).where(
        Dispute.state != DisputeState.OPEN, acted, ~_occasion_is_told(Dispute.id, NoticeKind.DISPUTE_ANSWER)
    )


def _staged() -> Select[str, str]:
    """Return case and id of each plan of stages whose first is confirmed and of which the customer was not told."""
    written = exists().where(
        NoticePlan.occasion_id == ReinstatementPlan.id, NoticePlan.kind == NoticeKind.STAGED_REINSTATEMENT
    )
    return (
        select(ReinstatementPlan.case_id, ReinstatementPlan.id)
        .join(Narrowing, (Narrowing.plan_id == ReinstatementPlan.id) & (Narrowing.stage == 1))
        .join(Measure, Measure.id == ReinstatementPlan.measure_id)
        .where(
            Narrowing.confirmed_at.is_not(None),
            or_(Measure.state == MeasureState.IN_FORCE, written),
            ~_occasion_is_told(ReinstatementPlan.id, NoticeKind.STAGED_REINSTATEMENT),
        )
    )


def _occasion_is_told(occasion_id: ColumnElement[str] | Any, kind: NoticeKind) -> ColumnElement[bool]:
    """Whether the letter about an occasion is made and nothing of it is left to send."""
    other, letter = aliased(NoticePlan), aliased(Notice)
    left = exists().where(
        letter.plan_id == other.id, letter.state.in_([NoticeState.PLANNED, NoticeState.DEFERRED])
    )
    return exists().where(other.occasion_id == occasion_id, other.kind == kind, ~left)


def _kept(served: Select[str, str | None]) -> Select[str, str | None, int]:
    """Return, of the notices served, those whose measure is kept by a round of which the customer was not told."""
    rounds = (
        select(
            Reaffirmation.measure_id,
            Reaffirmation.round,
            func.max(Reaffirmation.review_at).label("review_at"),
            func.max(Reaffirmation.ends_at).label("ends_at"),
        )
        .group_by(Reaffirmation.measure_id, Reaffirmation.round)
        .having(func.count() >= PEOPLE_NEEDED)
        .subquery()
    )
    newest = (
        select(rounds.c.measure_id, func.max(rounds.c.round).label("round"))
        .group_by(rounds.c.measure_id)
        .subquery()
    )
    return (
        served.add_columns(newest.c.round)
        .join(Measure, Measure.notice_plan_id == NoticePlan.id)
        .join(newest, newest.c.measure_id == Measure.id)
        .join(rounds, (rounds.c.measure_id == Measure.id) & (rounds.c.round == newest.c.round))
        .where(
            Measure.state == MeasureState.IN_FORCE,
            or_(rounds.c.review_at > Measure.review_at, rounds.c.ends_at > Measure.ends_at),
            ~_is_sent(NoticeKind.REAFFIRMATION, newest.c.round),
        )
    )


def _is_sent(kind: NoticeKind, round: ColumnElement[int] | int = 0) -> ColumnElement[bool]:
    """Whether the letter of that kind and round is made and nothing of it is left to send."""
    other, letter = aliased(NoticePlan), aliased(Notice)
    left = exists().where(
        letter.plan_id == other.id, letter.state.in_([NoticeState.PLANNED, NoticeState.DEFERRED])
    )
    return exists().where(
        other.proposal_id == NoticePlan.proposal_id, other.kind == kind, other.round == round, ~left
    )
