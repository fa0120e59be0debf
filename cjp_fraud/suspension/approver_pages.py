"""Whom to page about a proposal that waits for approval: chosen and put on record before the page leaves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.audit.log import append
from cjp_fraud.people.languages import language_chosen
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.oncall_rules import TRIED_FOR, next_on_call, steps_due
from cjp_fraud.people.roster import turn_of, turns_on_roster
from cjp_fraud.people.tables import OncallTurn, User
from cjp_fraud.people.users import actor_of
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.case_reach import roles_reaching
from cjp_fraud.review.cases import lock_case
from cjp_fraud.review.decision_tables import Approval, EmergencyOrder, Proposal
from cjp_fraud.review.emergency import emergency_order_of
from cjp_fraud.review.model import Capacity, CaseState, PageOutcome
from cjp_fraud.review.proposal import counsel_needed
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.queue_tables import OncallPage
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.emergency_gate import APPROVED_WITHIN
from cjp_fraud.suspension.gate_facts import approval_obstacles


@dataclass(frozen=True, slots=True)
class PageToSend:
    """A page that is on record and has yet to leave.

    Parameters
    ----------
    id : by which receivers know it if it comes twice.
    case : the case's number.
    language : of the pages, as who is paged chose it; None: they did not.
    """

    id: str
    step: int
    case: int
    waiting_since: datetime
    webhook: str | None
    mail: str | None
    language: str | None = None


def waiting_proposals(session: Session, now: datetime) -> Sequence[str]:
    """Return the ids of the proposals that wait for approval and have not expired, the oldest first.

    Those whose measure one reviewer ordered in an emergency wait too: it ends unless somebody approves it.
    """
    later = aliased(Proposal)
    superseded = exists().where(later.case_id == Proposal.case_id, later.number > Proposal.number)
    return session.scalars(
        select(Proposal.id)
        .join(Case, Case.id == Proposal.case_id)
        .where(
            or_(
                (Case.state == CaseState.DETERMINED) & (Proposal.expires_at > now),
                (Case.state == CaseState.SUSPENDED) & _is_unapproved(now),
            ),
            ~superseded,
        )
        .order_by(Proposal.drawn_at, Proposal.id)
    ).all()


def _is_unapproved(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a proposal's measure was ordered in an emergency, and that it can still be approved."""
    approved = exists().where(Approval.proposal_id == Proposal.id, Approval.capacity == Capacity.APPROVER)
    ordered = exists().where(
        EmergencyOrder.proposal_id == Proposal.id, EmergencyOrder.at > now - APPROVED_WITHIN
    )
    return and_(ordered, ~approved)


def choose_page(decision: Decision, proposal_id: str, policy: ProviderPolicy) -> PageToSend | None:
    """Put on record whom to page about a proposal now, and return the page; None: nobody is to be paged.

    A step is paged once. What failed is tried again until the next step, half an hour at most; where nobody was on
    call, whoever comes is paged; what a killed run left is sent again under the same id. The caller lets nobody else
    do so for the same proposal meanwhile.
    """
    session, at = decision.session, decision.at
    proposal = session.get_one(Proposal, proposal_id)
    case = lock_case(session, proposal.case_id)
    if proposal_id not in waiting_proposals(session, at):
        return None
    approvals, order = approvals_of(session, proposal), emergency_order_of(session, proposal_id)
    ordered = [order.at] if order is not None else []
    waiting_since = max([proposal.drawn_at, *ordered, *(approval.at for approval in approvals)])
    needed = {Capacity.APPROVER} | ({Capacity.COUNSEL} if counsel_needed(proposal) else set())
    needed -= {approval.capacity for approval in approvals}
    # Each approval that is given begins the steps of the next one, and so does an order in an emergency.
    step = (len(approvals) + 2 * len(ordered)) * 10 + (due := steps_due(waiting_since, at))
    page = session.scalar(
        select(OncallPage).where(OncallPage.proposal_id == proposal_id, OncallPage.step == step)
    )
    if not due or (page is not None and _is_over(page, at - waiting_since)):
        return None
    gave = {approval.by_user_id for approval in approvals}
    turn = _unfinished(session, page) or _next(decision, case, needed, gave, proposal_id, policy)
    if page is None:
        made = new_id()
        page = OncallPage(id=made, message_id=made, proposal_id=proposal_id, case_id=case.id, step=step)
        session.add(page)
    elif turn is None and page.outcome is PageOutcome.NOBODY:
        return None
    page.turn_id, page.at = (turn.id if turn is not None else None), at
    page.outcome = PageOutcome.SENDING if turn is not None else PageOutcome.NOBODY
    page.detail = "" if turn is not None else "nobody on call may approve it"
    session.flush()
    content = {
        "case_id": case.id,
        "proposal_id": proposal_id,
        "step": step,
        "turn_id": page.turn_id,
        "user_id": turn.user_id if turn is not None else None,
    }
    append(decision, "oncall.paging", "oncall_pages", page.id, content)
    if turn is None:
        return None
    language = language_chosen(session, turn.user_id)
    return PageToSend(page.id, due, case.number, waiting_since, turn.webhook, turn.mail, language)


def record_page(decision: Decision, page_id: str, outcome: PageOutcome, detail: str) -> None:
    """Put on record whether a page left."""
    page = decision.session.get_one(OncallPage, page_id, with_for_update=True, populate_existing=True)
    page.outcome, page.detail, page.at = outcome, detail[:500], decision.at
    decision.session.flush()
    append(decision, "oncall.paged", "oncall_pages", page.id, {"outcome": outcome, "turn_id": page.turn_id})


def _is_over(page: OncallPage, waited: timedelta) -> bool:
    """Whether nothing more is done about a page: it left, or was tried long enough."""
    return page.outcome is PageOutcome.SENT or (page.outcome is PageOutcome.FAILED and waited >= TRIED_FOR)


def _unfinished(session: Session, page: OncallPage | None) -> OncallTurn | None:
    """Return whom a killed run was about to page."""
    if page is None or page.outcome is not PageOutcome.SENDING or page.turn_id is None:
        return None
    return session.get(OncallTurn, page.turn_id)


def _next(
    decision: Decision,
    case: Case,
    needed: Collection[Capacity],
    gave: Collection[str],
    proposal_id: str,
    policy: ProviderPolicy,
) -> OncallTurn | None:
    session = decision.session
    rows = {row.id: row for row in turns_on_roster(session)}
    able = {
        user.id
        for user in session.scalars(select(User).where(User.id.in_({row.user_id for row in rows.values()})))
        if user.id not in gave and _may_approve(decision, user, case, needed, policy)
    }
    paged = session.scalars(
        select(OncallTurn.user_id)
        .join(OncallPage, OncallPage.turn_id == OncallTurn.id)
        .where(OncallPage.proposal_id == proposal_id)
    )
    chosen = next_on_call([turn_of(row) for row in rows.values()], decision.at, able, set(paged))
    return rows[chosen.id] if chosen is not None else None


def _may_approve(
    decision: Decision, user: User, case: Case, needed: Collection[Capacity], policy: ProviderPolicy
) -> bool:
    """Whether nothing of the person stands in the way of their approval, in one of the capacities that are missing."""
    session = decision.session
    as_them = Decision(session, actor_of(session, user), decision.at)
    reaching = roles_reaching(session, as_them.by, case)
    return any(
        Role(capacity) in reaching and not approval_obstacles(as_them, case, capacity, policy, ())
        for capacity in needed
    )
