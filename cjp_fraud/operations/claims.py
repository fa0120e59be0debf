"""Claim the next case, hand one over, put one aside; keep a lease while its page is used, and what is typed there.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware), opens its own
transactions and returns a frozen result. ``case`` is a case's number or id, as people type it.

Raises, in all of them
----------------------
NotFoundError
    If the case or the user is not on record.
Refused
    If something stands in the way; it names everything that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.people.form_drafts import empty_old_drafts, keep_draft
from cjp_fraud.people.model import Decision, Role, machine
from cjp_fraud.people.reach import reach_for
from cjp_fraud.people.users import actor_named
from cjp_fraud.review import claim as claims
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.holdings import Holding, holdings
from cjp_fraud.review.leases import ended_waits, extend, overdue_leases, tidy_case
from cjp_fraud.review.model import Awaited, QueueFilter
from cjp_fraud.review.presence import note_viewer, viewers
from cjp_fraud.review.queue_filters import narrowing
from cjp_fraud.storage.database import reading, transaction


@dataclass(frozen=True, slots=True)
class CasePresence:
    """Who looks at a case, and who holds it.

    Parameters
    ----------
    others : names of the others who look at it now.
    """

    others: tuple[str, ...]
    holding: Holding


def claim_next(
    deployment: Deployment, by: str, now: datetime, queue_filter: QueueFilter | None = None
) -> CaseStanding | None:
    """Take the worst case that waits for somebody, of those that the filter lets through; None: none does.

    Two people who ask at once get two cases. The filter's states and order do not count here.
    """
    with deployment.deciding(by, now) as decision:
        reach = reach_for(decision.by, (Role.ANALYST, Role.REVIEWER))
        asked = replace(queue_filter or QueueFilter(), reach=reach)
        case = claims.claim_next(decision, deployment.claim_policy, narrowing(asked))
        return None if case is None else CaseStanding.of(case)


def hand_over(deployment: Deployment, by: str, now: datetime, case: str, to: str) -> CaseStanding:
    """Give a case to the user named ``to``, for whom it waits."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        return CaseStanding.of(claims.hand_over(decision, case_id, to, deployment.claim_policy))


def put_aside(
    deployment: Deployment,
    by: str,
    now: datetime,
    case: str,
    until: datetime,
    awaited: Awaited = Awaited.MOMENT,
) -> CaseStanding:
    """Put a case aside until a moment, or until what is waited for comes before it.

    Parameters
    ----------
    until : when it is back at the latest; aware, within 14 days.
    awaited : while the customer is waited for, the service clock stands still.

    Raises
    ------
    BadInputError
        If the moment is past or too far off.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        return CaseStanding.of(claims.put_case_aside(decision, case_id, until, awaited))


def stay(deployment: Deployment, by: str, now: datetime, case: str, *, used: bool) -> CasePresence:
    """Say that somebody has a case on the screen; a lease of theirs is extended where the page is used.

    It writes no entry of the log, so that no page that others have open goes stale by it.

    Parameters
    ----------
    used : whether anything was typed, clicked or scrolled since the page said so last.
    """
    with transaction(deployment.engine) as session:
        actor, case_id = actor_named(session, by), case_id_of(session, case)
        user_id = actor.reference
        note_viewer(session, user_id, case_id, now)
        if used:
            extend(session, user_id, case_id, now, deployment.claim_policy)
        return CasePresence(
            tuple(viewers(session, case_id, now, but=by)),
            holdings(session, [case_id], now, deployment.claim_policy)[case_id],
        )


def keep_typed(deployment: Deployment, by: str, now: datetime, form: str, fields: Mapping[str, str]) -> None:
    """Keep what somebody typed into a form, by the path that it is sent to, until the form acts or seven days pass.

    Raises
    ------
    BadInputError
        If it is too long.
    """
    with transaction(deployment.engine) as session:
        keep_draft(session, actor_named(session, by).reference, form, fields, now)


@dataclass(frozen=True, slots=True)
class TidyRun:
    """What time had ended, and is on record now: leases and waits by case, and drafts."""

    cases: int
    drafts: int


def tidy(deployment: Deployment, now: datetime) -> TidyRun:
    """Put on record which leases and waits have ended, a transaction a case; forget old drafts.

    It may run twice at once, and be killed: the next run goes on.

    Raises
    ------
    CjpFraudError
        After all cases were tried, where one had a fault.
    """
    with reading(deployment.engine) as session:
        waiting = dict.fromkeys([*overdue_leases(session, now), *ended_waits(session, now)])
    faults: list[str] = []
    ended = 0
    for case_id in waiting:
        try:
            with transaction(deployment.engine) as session:
                ended += tidy_case(Decision(session, machine("leases"), now), case_id)
        except CjpFraudError as error:
            faults.append(f"case {case_id}: {error}")
    with transaction(deployment.engine) as session:
        drafts = empty_old_drafts(session, now)
    if faults:
        raise CjpFraudError("; ".join(faults))
    return TidyRun(ended, drafts)
