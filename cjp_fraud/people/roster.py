"""The roster on record: who is on call to approve or review, in which order, at which hours, and how they are paged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.errors import BadInputError, NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, GivenIdentity, Role, TurnWanted, admins_only
from cjp_fraud.people.oncall_rules import Hours, Turn
from cjp_fraud.people.tables import OncallTurn
from cjp_fraud.people.users import actor_named
from cjp_fraud.webhooks.model import checked_url

MOST_PLACES: Final = 99


def add_turn(decision: Decision, wanted: TurnWanted, hours: Hours, *, this_machine_only: bool) -> OncallTurn:
    """Put a turn on the roster, as an admin.

    Parameters
    ----------
    hours : those of ``wanted``, parsed.
    this_machine_only : whether pages may lead nowhere else, as where the clock is simulated.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    BadInputError
        If the place, the webhook or the address cannot be used, or neither of both is given.
    Refused
        Names everything in the way.
    """
    session = decision.session
    user = actor_named(session, wanted.user)
    if not 1 <= wanted.place <= MOST_PLACES:
        raise BadInputError(f"place {wanted.place}: give 1 to {MOST_PLACES}; 1 is paged first")
    if not wanted.webhook and not wanted.mail:
        raise BadInputError("say how they are paged: a webhook, a mail address, or both")
    webhook = checked_url(wanted.webhook, this_machine_only=this_machine_only) if wanted.webhook else None
    mail = GivenIdentity.parse(f"mail:{wanted.mail}").value if wanted.mail else None
    refuse_unless(
        admins_only(decision.by),
        (
            user.may(Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{user} is no reviewer, no approver and not counsel",
        ),
        action=f"put {user} on the roster",
    )
    turn = OncallTurn(
        user_id=user.reference,
        place=wanted.place,
        days=list(hours.days),
        begins=hours.begins,
        ends=hours.ends,
        time_zone=hours.time_zone,
        webhook=webhook,
        mail=mail,
    )
    session.add(turn)
    session.flush()
    content = {"user_id": turn.user_id, "place": turn.place}
    append(decision, "oncall.turn_added", "oncall_turns", turn.id, content)
    return turn


def remove_turn(decision: Decision, turn_id: str) -> OncallTurn:
    """Take a turn off the roster, as an admin; one that is off it stays so.

    Raises
    ------
    NotFoundError
        If no such turn is on record.
    Refused
        If whoever asks is no admin.
    """
    session = decision.session
    turn = session.get(OncallTurn, turn_id, with_for_update=True, populate_existing=True)
    if turn is None:
        raise NotFoundError(f"no turn {turn_id!r} is on record; cjp-fraud roster list shows them")
    refuse_unless(admins_only(decision.by), action="take a turn off the roster")
    if turn.removed_at is None:
        turn.removed_at = decision.at
        session.flush()
        append(decision, "oncall.turn_removed", "oncall_turns", turn.id, {"user_id": turn.user_id})
    return turn


def turns_on_roster(session: Session) -> Sequence[OncallTurn]:
    """Return the turns that count, the one that is paged first on top."""
    return session.scalars(
        select(OncallTurn).where(OncallTurn.removed_at.is_(None)).order_by(OncallTurn.place, OncallTurn.id)
    ).all()


def turn_of(row: OncallTurn) -> Turn:
    """Return a turn as the rules take it."""
    hours = Hours(tuple(row.days), row.begins, row.ends, row.time_zone)
    return Turn(row.id, row.user_id, row.place, hours)
