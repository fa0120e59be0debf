"""The home of a deployment: whether its clock is simulated, set once by ``init`` and kept in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cjp_fraud.audit.chain import TOLERANCE
from cjp_fraud.audit.log import Decision, append
from cjp_fraud.audit.recording import HOME, HomeClock, forget_home_clock
from cjp_fraud.audit.tables import Home
from cjp_fraud.clock import machine_now, utc_text
from cjp_fraud.errors import ClockError

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
