"""The letter that tells the customer that a restriction is lifted in stages: what is left, and what follows when."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.notices.announced import announced
from cjp_fraud.notices.letter_facts import LaterStage, Letter, Sender, Staged
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.review.decision_tables import Determination, Proposal
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.stage_tables import ReinstatementPlan
from cjp_fraud.suspension.tables import Measure, Narrowing


def stage_letter(
    session: Session, case: Case, plan: ReinstatementPlan, sender: Sender
) -> tuple[NoticePlan, Letter]:
    """Return the notice of the measure, and the facts of the letter about the stages by which it is lifted.

    It is written once read-back has shown that the first stage is in force.
    """
    measure = session.get_one(Measure, plan.measure_id)
    served = session.get_one(NoticePlan, measure.notice_plan_id)
    proposal = session.get_one(Proposal, measure.proposal_id)
    determination = session.get_one(Determination, proposal.determination_id)
    first = session.scalars(select(Narrowing).where(Narrowing.plan_id == plan.id, Narrowing.stage == 1)).one()
    assert first.confirmed_at is not None, "the letter follows read-back"
    before, after, ordered = first.before, first.after, plan.ordered
    return served, Letter(
        kind=NoticeKind.STAGED_REINSTATEMENT,
        case_reference=str(case.number),
        sender=sender,
        measure=before.kind,
        scope=before.scope,
        grounds=tuple(determination.grounds),
        determined_at=determination.at,
        until=measure.lapses_at,
        announced=announced(session, served),
        staged=Staged(
            since=first.confirmed_at,
            remains=(after.kind, after.scope),
            later=tuple(
                LaterStage(stage.restriction.kind, stage.restriction.scope, stage.earliest_at)
                for stage in ordered.stages[1:]
            ),
            lift_at=ordered.lift_at,
        ),
    )
