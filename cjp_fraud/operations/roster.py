"""The roster of who is on call to approve or to review, and the pages that were sent.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware), and returns frozen
views.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people import roster
from cjp_fraud.people.model import TurnWanted
from cjp_fraud.people.oncall_rules import Hours
from cjp_fraud.people.tables import OncallTurn, User
from cjp_fraud.review.model import PageOutcome
from cjp_fraud.review.queue_tables import OncallPage
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn of the roster.

    Parameters
    ----------
    place : 1 is paged first.
    on_call : whether its hours cover the present moment.
    """

    id: str
    user: str
    place: int
    days: tuple[str, ...]
    begins: str
    ends: str
    time_zone: str
    webhook: str | None
    mail: str | None
    on_call: bool


@dataclass(frozen=True, slots=True)
class PageView:
    """A page about a proposal that waited for approval, or (step 0) about a new case.

    ``user``: None: nobody on call could approve it, or no reviewer on call reaches it.
    """

    id: str
    case: int
    step: int
    user: str | None
    at: datetime
    outcome: PageOutcome
    detail: str


def add_turn(deployment: Deployment, by: str, now: datetime, wanted: TurnWanted) -> TurnView:
    """Put a turn on the roster, as an admin.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    BadInputError
        If the hours, the webhook or the address cannot be used.
    Refused
        If whoever asks is no admin, or the user can neither review nor approve.
    """
    hours = Hours.parse(wanted.days, wanted.begins, wanted.ends, wanted.time_zone)
    inside = deployment.home_clock.simulated
    with deployment.deciding(by, now) as decision:
        row = roster.add_turn(decision, wanted, hours, this_machine_only=inside)
        return _view(decision.session, row, now)


def remove_turn(deployment: Deployment, by: str, now: datetime, turn: str) -> TurnView:
    """Take a turn off the roster, as an admin.

    Raises
    ------
    NotFoundError
        If no such turn is on record.
    Refused
        If whoever asks is no admin.
    """
    with deployment.deciding(by, now) as decision:
        meant = id_of(decision.session, OncallTurn.id, turn, "turn", "cjp-fraud roster list")
        return _view(decision.session, roster.remove_turn(decision, meant), now)


def list_turns(deployment: Deployment, now: datetime) -> tuple[TurnView, ...]:
    """Return the turns that count, the one that is paged first on top."""
    with reading(deployment.engine) as session:
        return tuple(_view(session, row, now) for row in roster.turns_on_roster(session))


def list_pages(deployment: Deployment, *, most: int = 100) -> tuple[PageView, ...]:
    """Return the newest pages, the newest first."""
    query = (
        select(OncallPage, Case.number, User.name)
        .join(Case, Case.id == OncallPage.case_id)
        .outerjoin(OncallTurn, OncallTurn.id == OncallPage.turn_id)
        .outerjoin(User, User.id == OncallTurn.user_id)
        .order_by(OncallPage.id.desc())
        .limit(most)
    )
    with reading(deployment.engine) as session:
        return tuple(
            PageView(row.id, number, row.step, name, row.at, row.outcome, row.detail)
            for row, number, name in session.execute(query)
        )


def _view(session: Session, row: OncallTurn, now: datetime) -> TurnView:
    turn = roster.turn_of(row)
    return TurnView(
        id=row.id,
        user=session.get_one(User, row.user_id).name,
        place=row.place,
        days=turn.hours.days,
        begins=row.begins,
        ends=row.ends,
        time_zone=row.time_zone,
        webhook=row.webhook,
        mail=row.mail,
        on_call=row.removed_at is None and turn.hours.cover(now),
    )
