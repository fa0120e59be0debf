"""When things are recorded: by the machine's clock, the database server's, or a simulated one; never backwards.

A *fact* has the moment that an act gives it (``at``). Beside it stands when it was *recorded*, which nobody can
choose: on PostgreSQL the server's time, on SQLite the machine's, in a simulated home the simulated clock's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, event, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.orm.attributes import instance_dict

from cjp_fraud.audit.chain import TOLERANCE
from cjp_fraud.audit.tables import AuditEntry, Home
from cjp_fraud.clock import aware, machine_now, utc_text
from cjp_fraud.errors import ClockError
from cjp_fraud.storage.base import Base, Recorded
from cjp_fraud.storage.many_rows import insert_many
from cjp_fraud.storage.written_rows import note_written

if TYPE_CHECKING:
    from sqlalchemy.orm import UOWTransaction

AS_RECORDED: Final = "as_recorded"
"""Name in ``session.info`` of whether rows are only read in again, and keep when they were recorded."""

ACTING_AT: Final = "acting_at"
"""Name in ``session.info`` of the moment at which the transaction's newest decision acts."""

LATE: Final = timedelta(hours=1)
"""How long after a person's act it is recorded at the latest; a run of a machine may take longer."""


HOME: Final = "home"
"""The id of the one row."""

HOME_MADE: Final = "home.made"
"""Action of the entry that says, for good, whether the home's clock is simulated."""

_CLOCK: Final = "home_clock"


@dataclass(frozen=True, slots=True)
class HomeClock:
    """The clock of a home.

    Parameters
    ----------
    simulated : whether it is simulated; then it ticks with the machine's, from another moment.
    shown_at, machine_at : what it and the machine's clock showed when it was set last; None: not simulated.
    """

    simulated: bool = False
    shown_at: datetime | None = None
    machine_at: datetime | None = None

    def now(self) -> datetime:
        """Return what it shows now, aware, in UTC."""
        machine = machine_now()
        if self.shown_at is None or self.machine_at is None:
            return machine
        return self.shown_at + (machine - self.machine_at)


def home_clock(session: Session) -> HomeClock:
    """Return the home's clock, as it stood when the session first asked; the machine's where no home is on record.

    Whether it is simulated is what the log says of the home's making, whatever its row says: the row of a home could be
    edited behind the application, and a simulated clock can be set.
    """
    clock: HomeClock | None = session.info.get(_CLOCK)
    if clock is None:
        with session.no_autoflush:
            row = session.get(Home, HOME) if made_simulated(session) else None
        clock = HomeClock(row.simulated, row.shown_at, row.machine_at) if row is not None else HomeClock()
        session.info[_CLOCK] = clock
    return clock


def made_simulated(session: Session) -> bool | None:
    """Whether the home was made with a simulated clock, as the log says; None: the log knows of no home."""
    made = session.scalar(_home_made())
    return None if made is None else made.get("simulated") is True


@cache
def _home_made() -> Select[Any]:
    return entries_of_home(AuditEntry.content, HOME_MADE).order_by(AuditEntry.sequence).limit(1)


def entries_of_home(column: InstrumentedAttribute[Any], *actions: str) -> Select[Any]:
    """Select one column of the log's entries about the home that say one of ``actions``."""
    return select(column).where(
        AuditEntry.subject_type == Home.__tablename__,
        AuditEntry.subject_id == HOME,
        AuditEntry.action.in_(actions),
    )


def clock_was_set(session: Session, row: Home) -> None:
    """Let the session go by the home's clock as it was just set, though no entry says so yet."""
    session.info[_CLOCK] = HomeClock(row.simulated, row.shown_at, row.machine_at)


def recording_time(session: Session) -> datetime:
    """Return the moment at which a row that is written now is recorded; aware, in UTC.

    It is what the clock shows, but no earlier than the newest entry of the log nor than the act that writes the row,
    as long as the clock is at most 5 seconds behind these: so what is recorded later never looks recorded earlier,
    and no act lies in the future of its own record. A clock further behind is refused when the entry is written.
    """
    if home_clock(session).simulated:
        return _recorded_after(session, None)  # its time does not depend on the log
    with session.no_autoflush:
        newest = session.scalar(select(AuditEntry.recorded_at).order_by(AuditEntry.sequence.desc()).limit(1))
    return _recorded_after(session, newest)


def _recorded_after(session: Session, newest: datetime | None) -> datetime:
    """Return :func:`recording_time` where the newest entry of the log was recorded at ``newest``."""
    clock = home_clock(session)
    shown = clock.now() if clock.simulated else _clock_shows(session)
    acting_at: datetime = session.info.get(ACTING_AT, shown)
    if clock.simulated:
        return max(shown, acting_at)
    near = [moment for moment in (acting_at, newest) if moment is not None and moment <= shown + TOLERANCE]
    return max([shown, *near])


def _clock_shows(session: Session) -> datetime:
    if session.get_bind().dialect.name == "postgresql":
        return aware(session.scalar(select(func.clock_timestamp())))
    return machine_now()


def entry_time(session: Session, at: datetime, newest: datetime | None, *, by: str) -> datetime:
    """Return the moment at which the log's entry about an act at ``at`` is recorded.

    Parameters
    ----------
    at : the moment of the act, aware.
    newest : when the newest entry was recorded; None: there is none.
    by : who acts, as the log names them; a person's act is recorded within an hour, a machine's run may be long.

    Raises
    ------
    ClockError
        If the clock runs more than 5 seconds behind the log, or the act lies in the future, or a person's act
        more than an hour back. A reading up to 5 seconds behind counts as the newest entry's time.
    """
    recorded, which = _recorded_after(session, newest), _which_clock(session)
    if newest is not None and recorded < newest - TOLERANCE:
        raise ClockError(
            f"{which} shows {utc_text(recorded)}, but the newest entry of the audit log was recorded at "
            f"{utc_text(newest)}: nothing is recorded backwards; set the clock right and run again"
        )
    if at > recorded + TOLERANCE:
        raise ClockError(
            f"the act is dated {utc_text(at)}, but {which} shows {utc_text(recorded)}: nothing is recorded that "
            "lies in the future; set the clocks right and run again"
        )
    if not by.startswith("system:") and at < recorded - LATE:
        raise ClockError(
            f"the act is dated {utc_text(at)}, but {which} shows {utc_text(recorded)}: an act is recorded when a "
            "person does it, and cannot be dated back"
        )
    return max(recorded, newest) if newest is not None else recorded


def insert_rows(session: Session, rows: Iterable[Base]) -> None:
    """Insert many new rows that are not in the session, one statement a table: several times as fast as the session.

    They are stamped and noted like all others, so that the next entry of the log names them.

    Parameters
    ----------
    rows : complete, their ids too: no default is filled in. Tables are written in the order in which their
        first rows come, so put what others refer to first.
    """
    session.flush()
    rows_of: defaultdict[type[Base], list[Base]] = defaultdict(list)
    for row in rows:
        rows_of[type(row)].append(row)
    for kind, of_kind in rows_of.items():
        if issubclass(kind, Recorded):
            moment = recording_time(session)
            for row in of_kind:
                instance_dict(row)["recorded_at"] = moment
        insert_many(session.connection(), kind, of_kind)
        note_written(session, of_kind)


def _which_clock(session: Session) -> str:
    if home_clock(session).simulated:
        return "the simulated clock"
    if session.get_bind().dialect.name == "postgresql":
        return "the database server's clock"
    return "this machine's clock"


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Give every new row the moment at which it is recorded, whatever it had."""
    if session.info.get(AS_RECORDED):
        return
    new = [row for row in session.new if isinstance(row, Recorded)]
    if new:
        _stamp_rows(session, new)


def _stamp_rows(session: Session, rows: Iterable[Any]) -> None:
    moment = recording_time(session)
    for row in rows:
        row.recorded_at = moment
