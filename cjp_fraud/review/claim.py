"""Claim a case, release it, comment on it."""

from __future__ import annotations

from sqlalchemy import func, select

from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import (
    Openings,
    in_words,
    join_overflow,
    lock_case,
    move,
    note,
    open_case,
    order_openers,
    utc_hour,
    write_comment,
)
from cjp_fraud.review.decision_tables import Approval, Proposal
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CLOSED_STATES, CaseState, CommentKind
from cjp_fraud.review.tables import Case, Episode


def claim(decision: Decision, case_id: str) -> Case:
    """Take a case to work on it; exclusive until released.

    Raises
    ------
    Refused
        Names who holds it, or what else is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    holder = session.scalar(select(User.name).where(User.id == case.claimed_by)) if case.claimed_by else None
    refuse_unless(
        (by.may(Role.ANALYST, Role.REVIEWER), f"{by} is neither an analyst nor a reviewer"),
        (holder is None, f"{holder} holds it since {case.claimed_at:%Y-%m-%d %H:%M:%SZ}" if holder else ""),
        (
            case.state in (CaseState.OPEN, CaseState.IN_REVIEW),
            f"it is {case.state}; only open cases and those in review are claimed",
        ),
        action=f"claim {in_words(case)}",
    )
    case.claimed_by, case.claimed_at = by.user_id, at
    record_part(session, by, Part.CLAIMED, case.tenant_id, at, case_id=case.id)
    if case.state is CaseState.OPEN:
        move(decision, case, CaseState.IN_REVIEW, "case.claimed")
    else:
        session.flush()
        note(decision, case, "case.claimed", {"state": case.state})
    return case


def claim_overflow(decision: Decision, episode_id: str) -> Case:
    """Take an episode off the overflow list: open its case, over the cap, and claim it.

    Raises
    ------
    NotFoundError
        If no such episode is on the overflow list.
    """
    session, by = decision.session, decision.by
    order_openers(session)
    episode = session.get(Episode, episode_id, with_for_update=True, populate_existing=True)
    if episode is None or episode.case_id is not None or not episode.flag_count:
        raise NotFoundError(
            f"no episode {episode_id!r} is on the overflow list; cjp-fraud cases list --overflow shows it"
        )
    standing = session.scalar(
        select(Case.number).where(Case.tenant_id == episode.tenant_id, Case.state.not_in(CLOSED_STATES))
    )
    refuse_unless(
        (by.may(Role.ANALYST, Role.REVIEWER), f"{by} is neither an analyst nor a reviewer"),
        (standing is None, f"the tenant has an open case already: case {standing}"),
        action=f"claim episode {episode_id}",
    )
    case = open_case(session, episode, utc_hour(episode.first_flag_at), decision.at)
    openings = Openings()
    join_overflow(session, case, openings)
    session.flush()
    note(
        decision,
        case,
        "case.opened",
        {
            "state": case.state,
            "tenant_id": case.tenant_id,
            "number": case.number,
            "episode_ids": sorted([episode.id, *(other.id for other in openings.joined)]),
        },
    )
    return claim(decision, case.id)


def release(decision: Decision, case_id: str) -> Case:
    """Give a case back to the queue: its holder, or a reviewer in the holder's absence."""
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    refuse_unless(
        (by.may(Role.ANALYST, Role.REVIEWER), f"{by} is neither an analyst nor a reviewer"),
        (case.state is CaseState.IN_REVIEW, f"it is {case.state}; only a case in review is released"),
        (
            case.claimed_by is None or case.claimed_by == by.user_id or by.may(Role.REVIEWER),
            f"{by} does not hold it; its holder or a reviewer may release it",
        ),
        action=f"release {in_words(case)}",
    )
    record_part(session, by, Part.RELEASED, case.tenant_id, decision.at, case_id=case.id)
    move(decision, case, CaseState.OPEN, "case.released", {"held_by": case.claimed_by})
    return case


def comment(decision: Decision, case_id: str, text: str) -> Case:
    """Write a comment on a case; whoever does takes part in the case.

    Refused to a person whose approval of the proposal in force has yet to be carried out: taking part
    would void the approval.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    refuse_unless(
        (
            by.may(Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither analyst, reviewer, approver nor counsel",
        ),
        (bool(text.strip()), "the comment is empty"),
        (
            not _approval_pending(decision, case),
            f"{by} approved the proposal in force; a comment would be taking part and void the approval",
        ),
        action=f"comment on {in_words(case)}",
    )
    words = write_comment(decision, case, CommentKind.COMMENT, text)
    record_part(session, by, Part.COMMENTED, case.tenant_id, at, case_id=case.id)
    note(decision, case, "case.commented", {}, words)
    return case


def _approval_pending(decision: Decision, case: Case) -> bool:
    """Whether the person approved the latest proposal and its measure is not yet in force."""
    if case.state not in BEFORE_THE_MEASURE | {CaseState.DETERMINED, CaseState.SUSPENDING}:
        return False
    latest = select(func.max(Proposal.number)).where(Proposal.case_id == case.id).scalar_subquery()
    by = decision.by.user_id
    approval = decision.session.scalar(
        select(Approval.id)
        .join(Proposal, Proposal.id == Approval.proposal_id)
        .where(Proposal.case_id == case.id, Proposal.number == latest, Approval.by_user_id == by)
    )
    return approval is not None
