"""The home of a deployment: whether its clock is simulated, set once by ``init`` and kept in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select

from cjp_fraud.audit.chain import TOLERANCE
from cjp_fraud.audit.log import Decision, append
from cjp_fraud.audit.recording import HOME, HomeClock, forget_home_clock
from cjp_fraud.audit.tables import AuditEntry, Home
from cjp_fraud.clock import machine_now, utc_text
from cjp_fraud.errors import ClockError

HEAD_KEY_RECORDED: Final = "head_key.recorded"
"""Action of the entry that names a key which signs the head of the log."""

NOT_SIMULATED: Final = (
    "this home's clock is the machine's: --now and CJP_FRAUD_NOW are for a home that was made by "
    "cjp-fraud init --simulated"
)


def make_home(decision: Decision, *, simulated: bool) -> bool:
    """Put the home on record, and say whether it was made; one that is there stays as it is.

    Parameters
    ----------
    decision : its moment is where a simulated clock begins.
    simulated : whether its clock is simulated, for good.

    Raises
    ------
    ClockError
        If the home is there and its clock is of the other kind.
    """
    session = decision.session
    row = session.get(Home, HOME)
    if row is not None:
        if simulated and not row.simulated:
            raise ClockError(
                "this home's clock is the machine's, for good; make another home for a simulated clock: "
                "cjp-fraud --home FOLDER init --simulated"
            )
        return False
    session.add(Home(id=HOME, simulated=simulated, **_showing(decision.at if simulated else None)))
    session.flush()
    forget_home_clock(session)
    append(decision, "home.made", Home.__tablename__, HOME, {"simulated": simulated})
    return True


def record_head_key(decision: Decision, key_id: str, public_key: str) -> bool:
    """Put on record which key signs the head of the log; say whether it was not on record before."""
    of_the_home = select(AuditEntry.content).where(
        AuditEntry.subject_type == Home.__tablename__,
        AuditEntry.subject_id == HOME,
        AuditEntry.action == HEAD_KEY_RECORDED,
    )
    if any(content["key_id"] == key_id for content in decision.session.scalars(of_the_home)):
        return False
    content = {"key_id": key_id, "public_key": public_key}
    append(decision, HEAD_KEY_RECORDED, Home.__tablename__, HOME, content)
    return True


def move_clock(decision: Decision) -> None:
    """Move a simulated clock forward to the decision's moment.

    Raises
    ------
    ClockError
        If the home's clock is the machine's, or shows a later moment already (by more than five seconds).
    """
    session, to = decision.session, decision.at
    row = session.get(Home, HOME, with_for_update=True)
    if row is None or not row.simulated:
        raise ClockError(NOT_SIMULATED)
    shown = HomeClock(row.simulated, row.shown_at, row.machine_at).now()
    if to < shown - TOLERANCE:
        raise ClockError(
            f"the simulated clock shows {utc_text(shown)} and moves forward only; {utc_text(to)} is past: "
            "give a later moment, or leave --now away"
        )
    if to <= shown:
        return
    row.shown_at, row.machine_at = to, machine_now()
    session.flush()
    forget_home_clock(session)
    append(decision, "clock.moved", Home.__tablename__, HOME, {"to": to})


def _showing(moment: datetime | None) -> dict[str, datetime | None]:
    return {"shown_at": moment, "machine_at": machine_now() if moment is not None else None}
