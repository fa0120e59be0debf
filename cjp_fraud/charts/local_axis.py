"""Axes in a place's own time: ticks at its hours and midnights, where its clock changes too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from cjp_fraud.charts.reader import ENGLISH, ChartReader
from cjp_fraud.clock import aware

if TYPE_CHECKING:
    import altair as alt

_STEPS_HOURS: Final = (1, 2, 3, 6, 12, 24, 48, 168, 336, 672)
_MOST_TICKS: Final = 10
_HOURS_A_DAY: Final = 24


def local_time_axis(
    field: str, begin: datetime, end: datetime, time_zone: str, reader: ChartReader = ENGLISH
) -> alt.X:
    """Return the axis of a chart over time.

    Parameters
    ----------
    field : column with moments as :func:`milliseconds`.
    begin, end : aware; what the axis spans.
    time_zone : IANA zone of the labels; it is named in the axis' title. Where the clock changes, labels jump and what
        is drawn does not.
    """
    import altair as alt

    ticks = _ticks(aware(begin), aware(end), ZoneInfo(time_zone), reader)
    return alt.X(
        f"{field}:T",
        title=reader.say(f"Local time ({time_zone})"),
        scale=alt.Scale(type="utc", nice=False),
        axis=alt.Axis(values=list(ticks), labelExpr=_labels(ticks), labelOverlap="greedy", grid=True),
    )


def milliseconds(at: datetime) -> int:
    """Return an aware moment as milliseconds since 1970, as charts take it."""
    return int((aware(at).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _ticks(
    first: datetime, last: datetime, zone: ZoneInfo, reader: ChartReader
) -> dict[int, tuple[str, ...]]:
    """Return the moments of the axis' ticks (milliseconds since 1970) with their labels in local time."""
    hours = (last - first) / timedelta(hours=1)
    every = next((hour for hour in _STEPS_HOURS if hours / hour <= _MOST_TICKS), _STEPS_HOURS[-1])
    at = first.replace(minute=0, second=0, microsecond=0)
    labels: dict[int, tuple[str, ...]] = {}
    day = None
    while at <= last:
        local = at.astimezone(zone)
        if at >= first and _is_tick(local, every):
            labels[milliseconds(at)] = _lines(local, every, reader, dated=local.date() != day)
            day = local.date()
        at += timedelta(minutes=15)  # zones are a quarter of an hour apart at the least
    return labels


def _is_tick(local: datetime, every: int) -> bool:
    if local.minute or local.hour % min(every, _HOURS_A_DAY):
        return False
    return local.toordinal() % max(every // _HOURS_A_DAY, 1) == (1 if every >= 7 * _HOURS_A_DAY else 0)


def _lines(local: datetime, every: int, reader: ChartReader, *, dated: bool) -> tuple[str, ...]:
    """Return the lines of a tick's label: the hour, and below it the day at the first tick of each day."""
    day = reader.day(local.date())
    if every >= _HOURS_A_DAY:
        return (day,)
    return (f"{local:%H:%M}", day) if dated else (f"{local:%H:%M}",)


def _labels(ticks: dict[int, tuple[str, ...]]) -> str:
    """Return Vega's expression for the label of a tick."""
    pairs = ", ".join(f"'{at}': {list(lines)}" for at, lines in ticks.items())
    return f"({{{pairs}}})[toString(time(datum.value))] || ''" if ticks else "''"


def length_in_words(seconds: int) -> str:
    """Return the length of an interval in words: whole hours where it is, else minutes."""
    if seconds % 3600 == 0:
        hours = seconds // 3600
        return "1 hour" if hours == 1 else f"{hours} hours"
    minutes = seconds // 60
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
