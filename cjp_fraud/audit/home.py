"""The home of a deployment: whether its clock is simulated, set once by ``init`` and kept in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from cjp_fraud.audit.chain import TOLERANCE
from cjp_fraud.audit.log import Decision, append, lock_log
from cjp_fraud.audit.mapped_rows import named_row
from cjp_fraud.audit.recording import (
    HOME,
    HOME_MADE,
    HomeClock,
    clock_was_set,
    entries_of_home,
    made_simulated,
)
from cjp_fraud.audit.tables import AuditEntry, Home
from cjp_fraud.clock import machine_now, utc_text
from cjp_fraud.errors import ClockError

HEAD_KEY_RECORDED: Final = "head_key.recorded"
"""Action of the entry that names a key which signs the head of the log."""

CLOCK_MOVED: Final = "clock.moved"
"""Action of the entry that says to when a simulated clock was moved."""

NOT_SIMULATED: Final = (
    "this home's clock is the machine's: --now and CJP_FRAUD_NOW are for a home that was made by "
    "cjp-fraud init --simulated"
)


EDITED: Final = (
    "the row of this home's clock is not as the log left it: it was edited behind the application, so the clock cannot "
    "be moved; restore the database from before the edit (cjp-fraud audit verify says what else was edited)"
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
    as_made = made_simulated(session)
    if as_made is not None:
        if simulated and not as_made:
            raise ClockError(
                "this home's clock is the machine's, for good; make another home for a simulated clock: "
                "cjp-fraud --home FOLDER init --simulated"
            )
        return False
    row = Home(id=HOME, simulated=simulated, **_showing(decision.at if simulated else None))
    clock_was_set(session, row)
    session.add(row)
    session.flush()
    append(decision, HOME_MADE, Home.__tablename__, HOME, {"simulated": simulated})
    return True


def record_head_key(decision: Decision, key_id: str, public_key: str) -> bool:
    """Put on record which key signs the head of the log; say whether it was not on record before."""
    of_the_home = entries_of_home(AuditEntry.content, HEAD_KEY_RECORDED)
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
        If the home's clock is the machine's, or shows a later moment already (by more than five seconds), or was set
        behind the application: an entry about a move would otherwise name the edited row and so hide the edit.
    """
    session, to = decision.session, decision.at
    row = session.get(Home, HOME, with_for_update=True)
    if row is None or not made_simulated(session):
        raise ClockError(NOT_SIMULATED)
    if not _is_as_named(session, row):
        raise ClockError(EDITED)
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
    clock_was_set(session, row)
    append(decision, CLOCK_MOVED, Home.__tablename__, HOME, {"to": to})


class HomeKept:
    """What the entries say of the home, one by one: it is made once, and only a simulated clock is moved."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._simulated: bool | None = None

    def add(self, sequence: int, action: str, content: Mapping[str, Any]) -> None:
        """Take in what the next entry says."""
        if action == HOME_MADE:
            if self._simulated is not None:
                self.faults.append(f"entry {sequence} makes the home again, which is made once")
            else:
                self._simulated = content.get("simulated") is True
        elif action == CLOCK_MOVED and not self._simulated:
            self.faults.append(
                f"entry {sequence} moves the clock of a home whose clock is not simulated: what was done since then "
                "may have been dated at will"
            )


def _is_as_named(session: Session, row: Home) -> bool:
    """Whether the home's row is as the newest entry about the home left it."""
    lock_log(session)
    about_clock = entries_of_home(AuditEntry.rows, HOME_MADE, CLOCK_MOVED)
    newest = session.scalar(about_clock.order_by(AuditEntry.sequence.desc()).limit(1))
    return named_row(row).document in (newest or [])


def _showing(moment: datetime | None) -> dict[str, datetime | None]:
    return {"shown_at": moment, "machine_at": machine_now() if moment is not None else None}
