"""Dismiss the cases of one shared cause together, see what became of each, and undo it in time.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware), and returns a frozen
view. Cases are never found fraudulent together: that is decided case by case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError, NotFoundError, OutOfReach, Refused
from cjp_fraud.operations.cases import enforce_now
from cjp_fraud.operations.reach import reached_by
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.form_submissions import case_version
from cjp_fraud.people.model import Decision
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_of
from cjp_fraud.review import bulk
from cjp_fraud.review.model import BulkResult, CaseState, CauseKind
from cjp_fraud.review.queue_tables import BulkDismissal, BulkDismissalCase, KnownEvent
from cjp_fraud.review.requests import BulkWanted
from cjp_fraud.review.tables import Case, JointSpike
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.follow_ups_due import follow_ups_due
from cjp_fraud.suspension.ordered_letters import withdraw_warnings


@dataclass(frozen=True, slots=True)
class CauseCase:
    """A case that has a flag of the cause; ``left_because``: why it is not dismissed with the others, or None."""

    number: int
    tenant_id: str
    state: CaseState
    holder: str | None
    flags: int
    left_because: str | None


@dataclass(frozen=True, slots=True)
class CauseView:
    """What cases have in common.

    Parameters
    ----------
    words : the event in a sentence.
    kind : what the known event is on record as; None: many tenants were flagged together, and nobody has said why.
    entered_by, entered_at : who entered the known event, and when; None: nobody, detection found it.
    count : how many of its cases would be dismissed now; ``seen`` stands for exactly these.
    """

    id: str
    words: str
    kind: CauseKind | None
    entered_by: str | None
    entered_at: datetime | None
    begins_at: datetime
    ends_at: datetime
    tenants: int
    count: int
    seen: str
    cases: tuple[CauseCase, ...]


@dataclass(frozen=True, slots=True)
class BulkCaseView:
    """One case of a bulk dismissal; ``why_not``: why it was left, or not opened again; None: nothing was in the way."""

    case: int
    tenant_id: str
    state: CaseState
    result: BulkResult
    why_not: str | None


@dataclass(frozen=True, slots=True)
class BulkView:
    """A bulk dismissal.

    Parameters
    ----------
    known_event_id : of the event on record that is its cause; None: many tenants were flagged together.
    reasons : None: erased.
    can_be_undone : whether it stands, and its time of undoing has not passed.
    """

    id: str
    by: str
    at: datetime
    kind: CauseKind
    cause: str
    known_event_id: str | None
    reasons: str | None
    undo_until: datetime
    undone_by: str | None
    undone_at: datetime | None
    can_be_undone: bool
    cases: tuple[BulkCaseView, ...]

    def count(self, result: BulkResult) -> int:
        """Return how many of its cases had this result."""
        return sum(each.result is result for each in self.cases)


def list_causes(deployment: Deployment, by: str, now: datetime) -> tuple[CauseView, ...]:
    """Return what cases in the queue have in common, the newest first."""
    with reading(deployment.engine) as session:
        found = bulk.shared_causes(session, by, now, deployment.claim_policy)
        return tuple(map(_cause_view, found))


def show_cause(deployment: Deployment, by: str, now: datetime, cause: str) -> CauseView:
    """Return one cause with its cases: how many would be dismissed, and why others would be left.

    Raises
    ------
    NotFoundError
        If no case in the queue has it.
    OutOfReach
        If the person's roles reach none of its cases.
    """
    with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
        cause_id = _cause_id(session, cause)
        return _cause_view(bulk.shared_cause(session, cause_id, by, now, deployment.claim_policy))


def dismiss_together(
    deployment: Deployment, by: str, now: datetime, cause: str, wanted: BulkWanted
) -> BulkView:
    """Dismiss the undecided cases of a cause, each with the same outcome and reasons, if they still are those shown.

    Run-due finishes what a killed run left.

    Raises
    ------
    NotFoundError
        If no case in the queue has the cause.
    Refused
        Names everything in the way, another number of cases among it.
    """
    with deployment.deciding(by, now) as decision:
        cause_id = _cause_id(decision.session, cause)
        undo_for = timedelta(minutes=deployment.settings.bulk_undo_minutes)
        made = bulk.order_dismissal(decision, cause_id, wanted, deployment.claim_policy, undo_for)
        bulk_id = made.id
    _finish(deployment, now, bulk_id)
    return show_bulk(deployment, now, bulk_id, by=by)


def undo(deployment: Deployment, by: str, now: datetime, bulk_id: str) -> BulkView:
    """Open the cases of a bulk dismissal again that nobody touched since; the others are named with why not.

    Raises
    ------
    Refused
        If its time of undoing has passed, or it was undone before, or whoever asks is no reviewer of all its cases.
    """
    with deployment.deciding(by, now) as decision:
        bulk_id = _bulk_id(decision.session, bulk_id)
        bulk.order_undoing(decision, bulk_id)
    _finish(deployment, now, bulk_id)
    return show_bulk(deployment, now, bulk_id, by=by)


def show_bulk(deployment: Deployment, now: datetime, bulk_id: str, *, by: str | None = None) -> BulkView:
    """Return a bulk dismissal with what became of each case.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.

    Raises
    ------
    NotFoundError
        If no such bulk dismissal is on record.
    OutOfReach
        If the person's roles reach none of its cases.
    """
    with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
        row = session.get_one(BulkDismissal, _bulk_id(session, bulk_id))
        shown = _bulk_view(session, row, now, reached_by(session, by))
        if not shown.cases:
            raise OutOfReach(f"no case of this bulk dismissal lies within what {by}'s roles are narrowed to")
        return shown


def list_bulks(
    deployment: Deployment, now: datetime, *, most: int = 100, by: str | None = None
) -> tuple[BulkView, ...]:
    """Return the newest bulk dismissals with a case in reach, newest first; ``by`` as in :func:`show_bulk`."""
    with reading(deployment.engine) as session:
        reached = reached_by(session, by)
        rows = session.scalars(select(BulkDismissal).order_by(BulkDismissal.id.desc()).limit(most))
        listed = tuple(_bulk_view(session, row, now, reached) for row in rows)
    return tuple(each for each in listed if each.cases)


def finish_all(deployment: Deployment, now: datetime) -> int:
    """Do what was ordered together and not finished, as after a killed run; return how many cases were looked at.

    Raises
    ------
    CjpFraudError
        After all cases were tried, where one had a fault.
    """
    return _finish(deployment, now)


def _finish(deployment: Deployment, now: datetime, bulk_id: str | None = None) -> int:
    with reading(deployment.engine) as session:
        left = bulk.work_left(session, bulk_id)
    faults = []
    for dismissal_id, case_id in left:
        try:
            _settle(deployment, now, dismissal_id, case_id)
        except CjpFraudError as error:
            faults.append(str(error))
    if faults:
        raise CjpFraudError("; ".join(faults))
    return len(left)


def _settle(deployment: Deployment, now: datetime, dismissal_id: str, case_id: str) -> None:
    """Dismiss or open again one case of a bulk dismissal in a transaction of its own; what is refused is put on it."""
    try:
        with transaction(deployment.engine) as session:
            row = _locked(session, dismissal_id, case_id)
            dismissed = _settle_under_lock(session, deployment, now, row)
        with reading(deployment.engine) as session:
            letters = dismissed and bool(follow_ups_due(session, case_id))
    except (Refused, OutOfReach, NotFoundError) as error:
        said = "; ".join(error.missing) if isinstance(error, Refused) else str(error)
        with transaction(deployment.engine) as session:
            row = _locked(session, dismissal_id, case_id)
            if row.result is BulkResult.PENDING:
                bulk.leave(row, said)
            elif row.result is BulkResult.DISMISSED:
                bulk.keep_closed(row, said)
        return
    if letters:
        enforce_now(deployment, now, case_id)


def _settle_under_lock(
    session: Session, deployment: Deployment, now: datetime, row: BulkDismissalCase
) -> bool:
    """Do what is left to do with one case; whether it was dismissed by it."""
    made = session.get_one(BulkDismissal, row.dismissal_id, populate_existing=True)
    if row.result is BulkResult.PENDING:
        decision = Decision(session, actor_of(session, session.get_one(User, made.by_user_id)), now)
        if not bulk.dismiss_pending(decision, made, row, deployment.claim_policy):
            return False
        text = session.get_one(PersonalText, made.reasons_text_id)
        withdraw_warnings(decision, row.case_id, text.body or "")
        row.version = case_version(session, row.case_id)
        return True
    if row.result is BulkResult.DISMISSED and made.undone_by is not None:
        decision = Decision(session, actor_of(session, session.get_one(User, made.undone_by)), now)
        bulk.reopen_untouched(decision, row, "the bulk dismissal was undone")
    return False


def _locked(session: Session, dismissal_id: str, case_id: str) -> BulkDismissalCase:
    return session.get_one(
        BulkDismissalCase, (dismissal_id, case_id), with_for_update=True, populate_existing=True
    )


def _cause_id(session: Session, named: str) -> str:
    """Return the id of a known event or of a joint spike that begins as a person wrote it."""
    try:
        return id_of(session, KnownEvent.id, named, "cause", "cjp-fraud bulk causes")
    except NotFoundError:
        return id_of(session, JointSpike.id, named, "cause", "cjp-fraud bulk causes")


def _bulk_id(session: Session, named: str) -> str:
    return id_of(session, BulkDismissal.id, named, "bulk dismissal", "cjp-fraud bulk list")


def _cause_view(found: bulk.SharedCause) -> CauseView:
    cause = found.cause
    return CauseView(
        id=cause.id,
        words=cause.words,
        kind=cause.kind,
        entered_by=cause.entered_by,
        entered_at=cause.entered_at,
        begins_at=cause.begins_at,
        ends_at=cause.ends_at,
        tenants=cause.tenants,
        count=len(found.numbers),
        seen=found.seen,
        cases=tuple(
            CauseCase(each.number, each.tenant_id, each.state, each.holder, each.flags, why_not)
            for each, why_not in found.candidates
        ),
    )


def _bulk_view(
    session: Session, row: BulkDismissal, now: datetime, reached: frozenset[int] | None
) -> BulkView:
    people = select(User.id, User.name).where(User.id.in_([row.by_user_id, row.undone_by or row.by_user_id]))
    names = {each.id: each.name for each in session.execute(people)}
    cases = session.execute(
        select(Case.number, Case.tenant_id, Case.state, BulkDismissalCase)
        .join(BulkDismissalCase, BulkDismissalCase.case_id == Case.id)
        .where(BulkDismissalCase.dismissal_id == row.id)
        .order_by(Case.number)
    )
    return BulkView(
        id=row.id,
        by=names[row.by_user_id],
        at=row.at,
        kind=row.kind,
        cause=row.cause,
        known_event_id=row.known_event_id,
        reasons=session.get_one(PersonalText, row.reasons_text_id).body,
        undo_until=row.undo_until,
        undone_by=names[row.undone_by] if row.undone_by is not None else None,
        undone_at=row.undone_at,
        can_be_undone=row.undone_at is None and now < row.undo_until,
        cases=tuple(
            BulkCaseView(number, tenant_id, state, each.result, each.why_not)
            for number, tenant_id, state, each in cases
            if reached is None or number in reached
        ),
    )
