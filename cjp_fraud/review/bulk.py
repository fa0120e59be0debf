"""Cases of one cause, dismissed together: ordered once, done case by case, and undone in time.

What is ordered is on record before the first case is touched. Each case is then decided in a transaction of its own,
so that whoever is killed in between, or runs twice, leaves it to the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, case, exists, func, not_, or_, select, true
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.digests import digest
from cjp_fraud.errors import NotFoundError, OutOfReach, refuse_unless
from cjp_fraud.people.form_submissions import case_version
from cjp_fraud.people.model import TAKING_PART, Actor, Decision, Role
from cjp_fraud.people.reach import reach_for
from cjp_fraud.people.tables import Participation, User
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.bulk_rules import BulkCandidate, Cause
from cjp_fraud.review.case_opening import order_openers
from cjp_fraud.review.case_reach import within_reach
from cjp_fraud.review.cases import lock_case
from cjp_fraud.review.causes import cause_in_queue, causes_in_queue
from cjp_fraud.review.claim import claim
from cjp_fraud.review.claim_rules import ClaimPolicy
from cjp_fraud.review.decision_tables import Determination
from cjp_fraud.review.determination import dismiss, reopen
from cjp_fraud.review.holdings import holdings
from cjp_fraud.review.model import BulkResult, CaseState, Finding
from cjp_fraud.review.queue_tables import BulkDismissal, BulkDismissalCase
from cjp_fraud.review.requests import BulkWanted
from cjp_fraud.review.tables import Case, Episode, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.locks import named_lock


@dataclass(frozen=True, slots=True)
class SharedCause:
    """A cause with the cases in the queue that have a flag in it.

    Parameters
    ----------
    candidates : with why each is left out, or None where it would be dismissed; what the person's roles do not reach
        is not among them.
    """

    cause: Cause
    candidates: tuple[tuple[BulkCandidate, str | None], ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the cases that would be dismissed."""
        return tuple(each.number for each, why_not in self.candidates if why_not is None)

    @property
    def seen(self) -> str:
        """What stands for exactly these cases in a form: digest of their numbers."""
        return digest(list(self.numbers))


def shared_causes(session: Session, me: str, now: datetime, policy: ClaimPolicy) -> tuple[SharedCause, ...]:
    """Return the causes of cases in the queue, the newest first, as the user named ``me`` may dismiss them.

    A cause of which the person's roles reach no case is left out: its words may be about another's tenant.
    """
    narrowed = reach_for(actor_named(session, me)) is not None
    listed = (_shared(session, cause, me, now, policy) for cause in causes_in_queue(session))
    return tuple(shared for shared in listed if shared.candidates or not narrowed)


def shared_cause(session: Session, cause_id: str, me: str, now: datetime, policy: ClaimPolicy) -> SharedCause:
    """Return one cause.

    Raises
    ------
    NotFoundError
        If no case in the queue has it.
    OutOfReach
        If the person's roles reach none of its cases.
    """
    shared = _shared(session, cause_in_queue(session, cause_id), me, now, policy)
    by = actor_named(session, me)
    if not shared.candidates and reach_for(by) is not None:
        raise OutOfReach(f"no case of this cause lies within what {by}'s roles are narrowed to")
    return shared


def order_dismissal(
    decision: Decision, cause_id: str, wanted: BulkWanted, policy: ClaimPolicy, undo_for: timedelta
) -> BulkDismissal:
    """Put on record that the cases of a cause are dismissed together; each is pending from then on.

    Raises
    ------
    Refused
        Names everything in the way: a missing role or reason, another number of cases than was shown, another kind
        than the known event's.
    """
    session, by, at = decision.session, decision.by, decision.at
    named_lock(session, "bulk dismissals")
    shared = shared_cause(session, cause_id, by.name, at, policy)
    cause, numbers = shared.cause, shared.numbers
    refuse_unless(
        (by.may(Role.REVIEWER), f"{by} is not a reviewer"),
        (bool(wanted.reasons.strip()), "give the reasons"),
        (bool(numbers), "none of its cases can be dismissed together"),
        (
            len(numbers) == wanted.expected and wanted.seen in (None, shared.seen),
            f"it is {len(numbers)} case(s) now, and other ones than the {wanted.expected} that were shown; look again",
        ),
        (
            cause.kind in (None, wanted.kind),
            f"the event is on record as {cause.kind}, and {wanted.kind} was given",
        ),
        action="dismiss the cases of one cause",
    )
    assert by.user_id is not None, "only persons have roles"
    reasons = wanted.reasons.strip()
    words = keep_text(session, f"{reasons}\n\n({cause.words})" if cause.is_known_event else reasons, at)
    named = {
        "joint_spike_id": None if cause.is_known_event else cause.id,
        "known_event_id": cause.id if cause.is_known_event else None,
    }
    bulk = BulkDismissal(
        id=new_id(),
        by_user_id=by.user_id,
        at=at,
        kind=wanted.kind,
        **named,
        cause=cause.words_on_record[:400],
        case_count=len(numbers),
        reasons_text_id=words.id,
        undo_until=at + undo_for,
    )
    session.add(bulk)
    session.flush()
    ids = session.scalars(select(Case.id).where(Case.number.in_(numbers)).order_by(Case.number)).all()
    session.add_all(
        BulkDismissalCase(dismissal_id=bulk.id, case_id=case_id, result=BulkResult.PENDING) for case_id in ids
    )
    session.flush()
    content = {"kind": wanted.kind, **named, "cases": list(ids), "text_id": words.id}
    append(decision, "bulk.dismissing", "bulk_dismissals", bulk.id, content)
    return bulk


def order_undoing(decision: Decision, bulk_id: str) -> BulkDismissal:
    """Put on record that a bulk dismissal is undone; a case whose turn has not come is left as it is.

    Raises
    ------
    Refused
        Names everything in the way: a missing role, the time, that it was undone before.
    """
    session, by, at = decision.session, decision.by, decision.at
    bulk = session.get(BulkDismissal, bulk_id, with_for_update=True, populate_existing=True)
    if bulk is None:
        raise NotFoundError(f"no bulk dismissal {bulk_id!r} is on record; cjp-fraud bulk list shows them")
    refuse_unless(
        (by.may(Role.REVIEWER), f"{by} is not a reviewer"),
        (
            _reaches_all(session, by, bulk.id),
            f"some of its cases lie outside of what {by}'s role reviewer is narrowed to; whoever reaches all undoes it",
        ),
        (at < bulk.undo_until, f"it could be undone until {bulk.undo_until:%Y-%m-%d %H:%M:%SZ}"),
        (bulk.undone_at is None, "it was undone before"),
        action="undo the bulk dismissal",
    )
    bulk.undone_by, bulk.undone_at = by.user_id, at
    session.flush()
    append(decision, "bulk.undoing", "bulk_dismissals", bulk.id, {"ordered_by": bulk.by_user_id})
    return bulk


def _reaches_all(session: Session, by: Actor, bulk_id: str) -> bool:
    """Whether the person's role reviewer reaches every case that was dismissed together."""
    outside = (
        select(BulkDismissalCase.case_id)
        .join(Case, Case.id == BulkDismissalCase.case_id)
        .where(
            BulkDismissalCase.dismissal_id == bulk_id,
            BulkDismissalCase.result.in_([BulkResult.PENDING, BulkResult.DISMISSED]),
            not_(within_reach(reach_for(by, {Role.REVIEWER}))),
        )
    )
    return session.scalar(outside.limit(1)) is None


def work_left(session: Session, bulk_id: str | None = None) -> Sequence[tuple[str, str]]:
    """Return dismissal and case of all that was ordered and is not done yet, of one bulk dismissal or of all."""
    to_do = or_(
        BulkDismissalCase.result == BulkResult.PENDING,
        and_(BulkDismissalCase.result == BulkResult.DISMISSED, BulkDismissal.undone_at.is_not(None)),
    )
    query = (
        select(BulkDismissalCase.dismissal_id, BulkDismissalCase.case_id)
        .join(BulkDismissal, BulkDismissal.id == BulkDismissalCase.dismissal_id)
        .join(Case, Case.id == BulkDismissalCase.case_id)
        .where(to_do)
        .order_by(BulkDismissalCase.dismissal_id, Case.number)
    )
    if bulk_id is not None:
        query = query.where(BulkDismissalCase.dismissal_id == bulk_id)
    return [(row.dismissal_id, row.case_id) for row in session.execute(query)]


def dismiss_pending(
    decision: Decision, bulk: BulkDismissal, row: BulkDismissalCase, policy: ClaimPolicy
) -> bool:
    """Dismiss one pending case of a bulk dismissal, or say why it is left; whether it was dismissed.

    The caller has locked ``row`` and acts as who ordered the dismissal.
    """
    session, by = decision.session, decision.by
    text = session.get(PersonalText, bulk.reasons_text_id)
    locked = lock_case(session, row.case_id)
    if bulk.undone_at is not None:
        why_not: str | None = "it was undone before its turn came"
    elif text is None or text.body is None:
        why_not = "the reasons were erased"
    else:
        why_not = _left_because(decision, bulk, locked.number, policy)
    if why_not is not None:
        leave(row, why_not)
        return False
    assert text is not None, "asked above"
    assert text.body is not None, "asked above"
    if locked.claimed_by != by.user_id or locked.state is CaseState.OPEN:
        claim(decision, locked.id, policy)
    dismiss(decision, locked.id, reasons=text.body, bulk_dismissal_id=bulk.id)
    row.result = BulkResult.DISMISSED
    return True


def _left_because(decision: Decision, bulk: BulkDismissal, number: int, policy: ClaimPolicy) -> str | None:
    """Return why a pending case is not dismissed any more; None: it is."""
    gone = "it is no case of the event any more: detection has looked again, or the event was withdrawn"
    session, me = decision.session, decision.by.name
    cause_id = bulk.known_event_id or bulk.joint_spike_id or ""
    try:
        cause = cause_in_queue(session, cause_id)
    except NotFoundError:
        return gone
    [(_, why_not)] = _shared(session, cause, me, decision.at, policy, only=number).candidates or [
        (None, gone)
    ]
    return why_not


def leave(row: BulkDismissalCase, why_not: str) -> None:
    """Put on record why a pending case was not dismissed."""
    row.result, row.why_not = BulkResult.LEFT, why_not[:1000]


def reopen_untouched(decision: Decision, row: BulkDismissalCase, reasons: str) -> None:
    """Open a dismissed case again that nobody touched since, or say why it is kept closed.

    The caller has locked ``row``.
    """
    session = decision.session
    order_openers(session)  # before the case, as whoever opens cases takes both
    locked = lock_case(session, row.case_id)
    if case_version(session, locked.id) != row.version:
        keep_closed(row, "something happened on it since it was dismissed")
        return
    reopen(decision, locked.id, reasons=reasons)
    row.result = BulkResult.UNDONE


def keep_closed(row: BulkDismissalCase, why_not: str) -> None:
    """Put on record why a dismissed case was not opened again."""
    row.result, row.why_not = BulkResult.KEPT, why_not[:1000]


def _shared(
    session: Session, cause: Cause, me: str, now: datetime, policy: ClaimPolicy, only: int | None = None
) -> SharedCause:
    numbers = [number for number in cause.cases if only in (None, number)]
    reached = within_reach(reach_for(actor_named(session, me)))
    query = select(Case).where(Case.number.in_(numbers), reached).order_by(Case.number)
    rows = session.scalars(query).all()
    ids = [row.id for row in rows]
    held = holdings(session, ids, now, policy)
    counted = _flags(session, ids, cause)
    fraud = exists().where(Determination.case_id == Case.id, Determination.finding == Finding.FRAUDULENT)
    found = set(session.scalars(select(Case.id).where(Case.id.in_(ids), fraud)))
    took_part = _entered_after_part(session, ids, cause)
    candidates = []
    for row in rows:
        flags, outside = counted.get(row.id, (0, 0))
        candidate = BulkCandidate(
            number=row.number,
            tenant_id=row.tenant_id,
            state=row.state,
            holder=held[row.id].holder,
            promised_by=held[row.id].promised_by,
            flags=flags,
            flags_outside=outside,
            found_fraudulent=row.id in found,
            entered_after_part=cause.entered_by if row.id in took_part else None,
        )
        candidates.append((candidate, candidate.left_because(me)))
    return SharedCause(cause, tuple(candidates))


def _entered_after_part(session: Session, case_ids: Sequence[str], cause: Cause) -> set[str | None]:
    """Return the cases in which whoever entered a known event had taken part before."""
    if cause.entered_at is None:
        return set()
    return set(
        session.scalars(
            select(Participation.case_id)
            .join(User, User.id == Participation.user_id)
            .where(
                User.name == cause.entered_by,
                Participation.case_id.in_(case_ids),
                Participation.part.in_(sorted(TAKING_PART)),
                Participation.at <= cause.entered_at,
            )
        )
    )


def _flags(session: Session, case_ids: Sequence[str], cause: Cause) -> dict[str, tuple[int, int]]:
    """Return how many flags in force each case has, and how many of them are not of the cause."""
    inside = and_(
        Flag.interval_start >= cause.begins_at,
        Flag.interval_start < cause.ends_at,
        true() if cause.channel is None else Flag.channel == cause.channel,
    )
    query = (
        select(Episode.case_id, func.count(), func.sum(case((inside, 0), else_=1)))
        .join(Flag, Flag.episode_id == Episode.id)
        .where(Episode.case_id.in_(case_ids), Flag.superseded_at.is_(None))
        .group_by(Episode.case_id)
    )
    return {str(case_id): (count, int(outside)) for case_id, count, outside in session.execute(query)}
