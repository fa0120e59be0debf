"""Refuse a proposal, as somebody who took no part, and keep the same finding from being put forward again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part, took_part
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import in_words, lock_case, move, write_comment
from cjp_fraud.review.decision_tables import Determination, DeterminationFlag, Proposal
from cjp_fraud.review.model import CaseState, CommentKind
from cjp_fraud.review.proposal import document_of, latest_proposal
from cjp_fraud.review.refused_finding import RefusedFinding, refused_already
from cjp_fraud.review.requests import FraudFinding
from cjp_fraud.review.tables import Case, CaseComment, Flag


def refuse(decision: Decision, case_id: str, text: str) -> Case:
    """Refuse the proposal that stands: the finding does not hold. The case goes back to review.

    Parameters
    ----------
    text : why the finding does not hold.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    refuse_unless(
        (case.state is CaseState.DETERMINED, f"it is {case.state}; only a determined case can be refused"),
        (by.may(Role.APPROVER, Role.COUNSEL), f"{by} is neither approver nor counsel"),
        (
            not took_part(session, by, case.id),
            f"{by} took part in this case; somebody who took no part refuses; return it instead",
        ),
        (bool(text.strip()), "say why the finding does not hold"),
        action=f"refuse {in_words(case)}",
    )
    proposal = latest_proposal(session, case)
    assert proposal is not None, "a determined case has a proposal"
    words = write_comment(decision, case, CommentKind.REFUSED, text, proposal_id=proposal.id)
    record_part(session, by, Part.REFUSED, case.tenant_id, decision.at, case_id=case.id)
    content = {"proposal_id": proposal.id, "proposal_sha256": proposal.sha256}
    move(decision, case, CaseState.IN_REVIEW, "case.refused", content, words)
    return case


def refused_before(
    session: Session, case: Case, flags: Sequence[Flag], finding: FraudFinding
) -> tuple[str, ...]:
    """Say where the finding names nothing that a refused one of this case did not; none: it may be put forward."""
    return refused_already(
        (flag.id for flag in flags), finding.grounds, finding.evidence, _refused_findings(session, case)
    )


def _refused_findings(session: Session, case: Case) -> list[RefusedFinding]:
    """Return the refused findings of a case, the first refused first."""
    refusals = session.execute(
        select(CaseComment.at, User.name, Proposal)
        .join(User, User.id == CaseComment.by_user_id)
        .join(Proposal, Proposal.id == CaseComment.proposal_id)
        .where(CaseComment.case_id == case.id, CaseComment.kind == CommentKind.REFUSED)
        .order_by(Proposal.number)
    )
    return [_refused_finding(session, proposal, name, at) for at, name, proposal in refusals]


def _refused_finding(session: Session, proposal: Proposal, by: str, at: datetime) -> RefusedFinding:
    flags = session.scalars(
        select(DeterminationFlag.flag_id).where(
            DeterminationFlag.determination_id == proposal.determination_id
        )
    )
    return RefusedFinding(
        by=by,
        at=at,
        flags=frozenset(flags),
        grounds=frozenset(session.get_one(Determination, proposal.determination_id).grounds),
        evidence=frozenset(document_of(proposal)["determination"]["rests_on"]),
    )
