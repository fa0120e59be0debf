"""Claim a case or the next one, release it, hand it to somebody, put it aside, comment on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.people.tables import User, UserRole
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.attachment_rules import AttachmentPolicy, CheckedFile
from cjp_fraud.review.attachments import attachment_faults, store_file
from cjp_fraud.review.case_lines import refresh_lines
from cjp_fraud.review.case_opening import Openings, join_overflow, open_case, order_openers, utc_hour
from cjp_fraud.review.case_reach import channel_and_country, roles_reaching
from cjp_fraud.review.cases import in_words, lock_case, move, note, write_comment
from cjp_fraud.review.claim_rules import ClaimPolicy, require_moment_to_return
from cjp_fraud.review.comment_rules import comment_faults
from cjp_fraud.review.decision_tables import Approval, Proposal
from cjp_fraud.review.leases import CLAIMABLE, begin_lease, end_waits, free, let_lapse, put_aside
from cjp_fraud.review.mentions import keep_mentions, mentions_in
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CLOSED_STATES, Awaited, CaseState, CommentKind
from cjp_fraud.review.queue_tables import CaseWait
from cjp_fraud.review.tables import Case, CaseComment, Episode

_WORKS = frozenset({Role.ANALYST, Role.REVIEWER})
# Made once: to make a statement takes longer than to run it.
_WORKERS: Final = (
    select(User.name, UserRole)
    .join(UserRole, UserRole.user_id == User.id)
    .where(
        User.disabled_at.is_(None),
        UserRole.revoked_at.is_(None),
        UserRole.role.in_((Role.ANALYST, Role.REVIEWER)),
    )
    .order_by(User.name)
)

DEFAULT_POLICY = ClaimPolicy()
DEFAULT_ATTACHMENTS = AttachmentPolicy()


def claim(decision: Decision, case_id: str, policy: ClaimPolicy = DEFAULT_POLICY) -> Case:
    """Take a case to work on it: a lease, which nobody else gets until it has ended.

    A case that was put aside is taken up by it.

    Raises
    ------
    Refused
        Names who holds it, or what else is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    let_lapse(decision, case)
    holder = session.scalar(select(User.name).where(User.id == case.claimed_by)) if case.claimed_by else None
    refuse_unless(
        _works_cases(decision),
        (holder is None, f"{holder} holds it since {case.claimed_at:%Y-%m-%d %H:%M:%SZ}" if holder else ""),
        (
            case.state in CLAIMABLE,
            f"it is {case.state}; only open cases and those in review are claimed",
        ),
        action=f"claim {in_words(case)}",
    )
    case.claimed_by, case.claimed_at = by.user_id, at
    end_waits(session, case.id, at)
    begin_lease(session, case, at, policy.lease)
    record_part(session, by, Part.CLAIMED, case.tenant_id, at, case_id=case.id)
    if case.state in (CaseState.OPEN, CaseState.CAPPED):
        move(decision, case, CaseState.IN_REVIEW, "case.claimed")
    else:
        session.flush()
        note(decision, case, "case.claimed", {"state": case.state})
    return case


def claim_next(
    decision: Decision,
    policy: ClaimPolicy = DEFAULT_POLICY,
    narrowed: Sequence[ColumnElement[bool]] = (),
) -> Case | None:
    """Take the worst case that nobody holds; None: none waits. Two people at once get two cases.

    The worst costs most per hour; of those that cost the same it is the most unusual, then the oldest.

    Parameters
    ----------
    narrowed : conditions that the case must fulfil too.
    """
    refuse_unless(_works_cases(decision), action="claim a case")
    session, at = decision.session, decision.at
    worst = worst_first(at, narrowed).limit(1).with_for_update(of=Case, skip_locked=True)
    while (case_id := session.scalar(worst)) is not None:
        # PostgreSQL locks a case as it is now, but asks after leases as they were when the statement began: whoever
        # was faster in between shows in a statement of its own.
        if session.scalar(select(Case.id).where(Case.id == case_id, free(at), ~put_aside(at))) is not None:
            return claim(decision, case_id, policy)
    return None


def worst_first(at: datetime, narrowed: Sequence[ColumnElement[bool]] = ()) -> Select[str]:
    """Select the ids of the cases that wait for somebody, the worst first."""
    return (
        select(Case.id)
        .where(Case.state.in_(CLAIMABLE), free(at), ~put_aside(at), *narrowed)
        .order_by(Case.exposure_per_hour.desc(), Case.top_score.desc(), Case.number)
    )


def claim_overflow(decision: Decision, episode_id: str, policy: ClaimPolicy = DEFAULT_POLICY) -> Case:
    """Take an episode off the overflow list: open its case, over the cap, and claim it.

    Raises
    ------
    NotFoundError
        If no such episode is on the overflow list.
    """
    session = decision.session
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
        _works_cases(decision),
        (standing is None, f"the tenant has an open case already: case {standing}"),
        action=f"claim episode {episode_id}",
    )
    case = open_case(session, episode, utc_hour(episode.first_flag_at), decision.at)
    openings = Openings()
    join_overflow(session, case, openings)
    refresh_lines(session, [case.tenant_id])
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
    return claim(decision, case.id, policy)


def release(decision: Decision, case_id: str) -> Case:
    """Give a case back to the queue: its holder, or a reviewer in the holder's absence."""
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    refuse_unless(
        _works_cases(decision),
        (case.state is CaseState.IN_REVIEW, f"it is {case.state}; only a case in review is released"),
        _is_theirs(decision, case, "release it"),
        action=f"release {in_words(case)}",
    )
    record_part(session, by, Part.RELEASED, case.tenant_id, decision.at, case_id=case.id)
    move(decision, case, CaseState.OPEN, "case.released", {"held_by": case.claimed_by})
    return case


def hand_over(decision: Decision, case_id: str, to: str, policy: ClaimPolicy = DEFAULT_POLICY) -> Case:
    """Give a case to a named person, for whom it waits: its holder does, or a reviewer in the holder's absence.

    Who is given a case has taken no part in it before they act on it.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    Refused
        Names what is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    let_lapse(decision, case)
    receiver = actor_named(session, to)
    refuse_unless(
        _works_cases(decision),
        (case.state is CaseState.IN_REVIEW, f"it is {case.state}; only a case in review is handed over"),
        _is_theirs(decision, case, "hand it over"),
        (receiver.may(Role.ANALYST, Role.REVIEWER), f"{receiver} is neither an analyst nor a reviewer"),
        (
            not receiver.may(*_WORKS) or not roles_reaching(session, receiver, case).isdisjoint(_WORKS),
            f"{in_words(case)} lies outside of what {receiver}'s roles are narrowed to",
        ),
        (receiver.user_id != case.claimed_by, f"{receiver} holds it already"),
        action=f"hand over {in_words(case)}",
    )
    record_part(session, by, Part.HANDED_OVER, case.tenant_id, at, case_id=case.id)
    held_by, case.claimed_by, case.claimed_at = case.claimed_by, receiver.user_id, at
    end_waits(session, case.id, at)
    begin_lease(session, case, at, policy.handed, handed_by=by.user_id)
    note(
        decision,
        case,
        "case.handed_over",
        {"state": case.state, "held_by": held_by, "handed_to": receiver.user_id},
    )
    return case


def put_case_aside(
    decision: Decision, case_id: str, until: datetime, awaited: Awaited = Awaited.MOMENT
) -> Case:
    """Give a case back for a while: until a moment, or until the customer answers or a further flag comes before it.

    Parameters
    ----------
    until : when it is back at the latest; aware.
    awaited : while the customer is waited for, the service clock stands still.

    Raises
    ------
    BadInputError
        If the moment is past, or more than 14 days off.
    Refused
        Names what is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    require_moment_to_return(until, at)
    case = lock_case(session, case_id)
    let_lapse(decision, case)
    refuse_unless(
        _works_cases(decision),
        (case.state is CaseState.IN_REVIEW, f"it is {case.state}; only a case in review is put aside"),
        _is_theirs(decision, case, "put it aside"),
        action=f"put {in_words(case)} aside",
    )
    assert by.user_id is not None, "only persons have roles"
    record_part(session, by, Part.PUT_ASIDE, case.tenant_id, at, case_id=case.id)
    end_waits(session, case.id, at)
    wait = CaseWait(
        case_id=case.id,
        by_user_id=by.user_id,
        begun_at=at,
        until_at=until,
        awaited=awaited,
        last_flag_at=case.last_flag_at,
    )
    session.add(wait)
    held_by, case.claimed_by, case.claimed_at = case.claimed_by, None, None
    session.flush()
    note(
        decision,
        case,
        "case.put_aside",
        {
            "state": case.state,
            "wait_id": wait.id,
            "until": until,
            "awaited": awaited,
            "last_flag_at": case.last_flag_at,
            "held_by": held_by,
        },
    )
    return case


def comment(
    decision: Decision,
    case_id: str,
    text: str,
    *,
    file: CheckedFile | None = None,
    policy: AttachmentPolicy = DEFAULT_ATTACHMENTS,
) -> Case:
    """Write a comment on a case; whoever does takes part in the case.

    Refused to a person whose approval of the proposal in force has yet to be carried out: taking part
    would void the approval.

    Parameters
    ----------
    text : may be empty beside a file; ``@name`` in it names a user who may see the case.
    file : to be attached with it.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    mentions = mentions_in(session, case, text)
    refuse_unless(
        (
            by.may(Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither analyst, reviewer, approver nor counsel",
        ),
        (bool(text.strip()) or file is not None, "the comment is empty"),
        *((False, fault) for fault in comment_faults(text)),
        *((False, fault) for fault in mentions.faults),
        *(attachment_faults(session, case, policy) if file is not None else ()),
        (
            not _approval_pending(decision, case),
            f"{by} approved the proposal in force; a comment would be taking part and void the approval",
        ),
        action=f"comment on {in_words(case)}",
    )
    words = write_comment(decision, case, CommentKind.COMMENT, text)
    record_part(session, by, Part.COMMENTED, case.tenant_id, at, case_id=case.id)
    written = session.scalars(select(CaseComment).where(CaseComment.text_id == words.id)).one()
    keep_mentions(decision, written, mentions.people)
    content: dict[str, object] = {"mentions": mentions.user_ids} if mentions.people else {}
    if file is None:
        note(decision, case, "case.commented", content, words)
        return case
    attachment = store_file(decision, written, file)
    content |= {
        "attachment_id": attachment.id,
        "attachment_sha256": file.sha256,
        "kind": file.kind,
        "size_bytes": len(file.content),
    }
    note(decision, case, "case.attached", content, words)
    return case


def case_workers(session: Session, case: Case | None = None) -> tuple[str, ...]:
    """Return the names of those who may work cases, by name; with a case, of those whose roles reach it."""
    rows = session.execute(_WORKERS).all()
    if case is not None and any(not role.reach.is_everything for _, role in rows):
        channel, country = channel_and_country(session, case)
        rows = [row for row in rows if row[1].reach.covers(channel, country)]
    return tuple(dict.fromkeys(name for name, _ in rows))


def _works_cases(decision: Decision) -> tuple[bool, str]:
    by = decision.by
    return by.may(Role.ANALYST, Role.REVIEWER), f"{by} is neither an analyst nor a reviewer"


def _is_theirs(decision: Decision, case: Case, what: str) -> tuple[bool, str]:
    by = decision.by
    theirs = case.claimed_by is None or case.claimed_by == by.user_id or by.may(Role.REVIEWER)
    return theirs, f"{by} does not hold it; its holder or a reviewer may {what}"


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
