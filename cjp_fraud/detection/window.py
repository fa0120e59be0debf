"""Which hours wait to be scored: from the changes of traffic that no detection has taken in yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.progress_on_record import SCORED
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.tables import TrafficChange, Watermark
from features.local_grid import DAY

CLOSED_AFTER: Final = timedelta(minutes=10)
"""How long after its end an hour's family is closed."""
_EVER: Final = datetime.min.replace(tzinfo=UTC)
LONGEST_ECHO: Final = timedelta(minutes=75)
"""How much later a changed interval can still alter scores: the hour of the level, and one interval of 15 minutes."""


@dataclass(frozen=True, slots=True)
class DetectionWindow:
    """Whole UTC hours of one UTC day that are to be scored; aware.

    Attributes
    ----------
    newest : id of the newest change of traffic on record when the window was chosen. Changes that come later may not
        have been read with the buckets, so they wait for the next window.
    is_open : whether its hours are not closed yet: they are scored and flagged now, and again once they are closed.
    pool_day : UTC day (since 1970-01-01) whose pool of calibrations p is taken from; None: that of the hours' own day.
    """

    begin: datetime
    end: datetime
    newest: str
    is_open: bool = False
    pool_day: int | None = None

    @property
    def seconds(self) -> tuple[int, int]:
        """Begin and end in UTC seconds."""
        return int(self.begin.timestamp()), int(self.end.timestamp())

    @property
    def day(self) -> int:
        """The UTC day that the hours are of."""
        return self.seconds[0] // DAY


def next_window(engine: Engine, now: datetime, since: datetime | None = None) -> DetectionWindow | None:
    """The next hours with new traffic that are closed at ``now``: at most one UTC day; None without any.

    From the first change that is not scored; the watermark says up to where everything has been scored once.
    Waits for an ingest that is storing: a change is recorded before its rows can be read.

    Parameters
    ----------
    since : aware; hours that end by then are left alone. None: all wait.
    """
    closed = closed_until(now)
    changes = waiting_changes(engine, since)
    if not changes:
        return None
    begin = hour_of(max(min(change.first_interval for change in changes), since or _EVER))
    midnight = begin.replace(hour=0) + timedelta(days=1)
    last = max(min(change.last_interval, midnight) for change in changes if change.first_interval < midnight)
    _, reached = whole_hours(begin, last + LONGEST_ECHO)
    end = min(reached, midnight, closed)
    return DetectionWindow(begin, end, max(change.id for change in changes)) if begin < end else None


def whole_hours(begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Round a window outward to whole UTC hours.

    Raises
    ------
    BadInputError
        If nothing is between the two moments.
    """
    begin, end = aware(begin), aware(end)
    if begin >= end:
        raise BadInputError(f"the window from {begin} to {end} is empty; --from must be before --to")
    low, high = hour_of(begin), hour_of(end)
    return low, high if high == end else high + timedelta(hours=1)


def hour_of(moment: datetime) -> datetime:
    """The beginning of a moment's UTC hour."""
    return aware(moment).replace(minute=0, second=0, microsecond=0)


def waiting_changes(engine: Engine, since: datetime | None = None) -> list[TrafficChange]:
    """The changes that no closed hour has taken in, by id; those that end before ``since``'s hour are left out.

    Waits for an ingest that is storing.
    """
    with process_lock(engine, TRAFFIC_LOCK), reading(engine) as session:
        changes = unscored(session)
    return changes if since is None else [one for one in changes if one.last_interval >= hour_of(since)]


def closed_until(now: datetime) -> datetime:
    """The end of the last UTC hour whose family is closed at ``now``."""
    return (aware(now) - CLOSED_AFTER).replace(minute=0, second=0, microsecond=0)


def mark_scored(session: Session, window: DetectionWindow, now: datetime) -> None:
    """Mark the changes of traffic inside the window as scored.

    The part of a change that lies outside the window stays unscored. A change can also alter scores after the window
    (:data:`LONGEST_ECHO`): where those hours were scored before, its end stays unscored, so that they are scored again.
    """
    begin, end = window.begin, window.end
    row = session.get(Watermark, SCORED)
    for change in unscored(session):
        if change.id > window.newest or change.last_interval < begin or change.first_interval >= end:
            continue
        if change.first_interval < begin:
            _split(session, change, begin, None)
        if change.last_interval >= end:
            _split(session, change, end, now)
        elif row is not None and row.at > end and change.last_interval + LONGEST_ECHO > end:
            _split(session, change, end, now)
            change.last_interval = end
        else:
            change.scored_at = aware(now)
    if row is None:
        session.add(Watermark(name=SCORED, at=end))
    elif row.at < end:
        row.at = end


def _split(session: Session, change: TrafficChange, at: datetime, scored_at: datetime | None) -> None:
    """Cut a change in two at ``at``; the part before becomes a row of its own."""
    before = change.cut_at(at)
    before.scored_at = scored_at
    session.add(before)


def unscored(session: Session) -> list[TrafficChange]:
    """The changes that no closed hour has taken in, by id."""
    return list(
        session.scalars(
            select(TrafficChange).where(TrafficChange.scored_at.is_(None)).order_by(TrafficChange.id)
        )
    )
