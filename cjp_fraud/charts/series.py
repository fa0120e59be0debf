"""The chart of one series: what was observed, what is usual, and which intervals were flagged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from cjp_fraud.clock import aware

if TYPE_CHECKING:
    import altair as alt

FONT: Final = "Libertinus Serif, Liberation Serif, DejaVu Serif, serif"
"""Comes with typst, so that a chart looks the same in every PDF; a browser without it takes its own serif."""

OBSERVED, USUAL, RANGE, FLAGGED = "observed", "usual", "usual range", "flagged"
_COLOURS: Final = {OBSERVED: "#000000", USUAL: "#0072B2", RANGE: "#56B4E9", FLAGGED: "#D55E00"}
"""Of Okabe and Ito's palette, which readers with any kind of colour blindness tell apart; line, dash, area and
shape differ too."""

_STEPS_HOURS: Final = (1, 2, 3, 6, 12, 24)
_MOST_TICKS: Final = 10


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One interval of a series; counts are contacts in the interval, None: not known.

    Parameters
    ----------
    start : aware.
    low, high : the usual range.
    flagged : whether the interval itself was flagged.
    """

    start: datetime
    observed: float | None
    usual: float | None = None
    low: float | None = None
    high: float | None = None
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class FlaggedSpan:
    """A longer span that was flagged as a whole: aware, half-open."""

    start: datetime
    end: datetime


def series_chart(
    points: Sequence[SeriesPoint],
    *,
    title: str,
    time_zone: str,
    interval_seconds: int,
    spans: Iterable[FlaggedSpan] = (),
    width: int = 620,
    height: int = 230,
) -> alt.LayerChart | alt.FacetChart:
    """Return the chart of a series over time.

    Parameters
    ----------
    points : one an interval, in order; an interval that is missing is a gap in the line.
    time_zone : IANA zone of the axis; it is named in the axis' title. Where the clock changes, labels jump and the
        line does not.
    interval_seconds : length of the intervals, named in the title of the other axis.
    spans : flagged spans that are longer than an interval, drawn as shaded ground.
    width, height : pixels of the plot itself.

    Raises
    ------
    NaiveTimeError
        If a moment has no zone.
    """
    import altair as alt  # inside: it takes seconds, and most commands draw nothing

    step = timedelta(seconds=interval_seconds)
    rows = [_row(point, step) for point in _without_gaps(points, step)]
    ticks = _ticks(points, step, ZoneInfo(time_zone))
    shown = [kind for kind in _COLOURS if kind != RANGE or any(row["high"] is not None for row in rows)]
    colour: Any = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=shown, range=[_COLOURS[kind] for kind in shown]),
        legend=alt.Legend(title=None, orient="top", symbolType="square", symbolOpacity=1),
    )
    x: Any = alt.X(
        "at:T",
        title=f"Local time ({time_zone})",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(values=list(ticks), labelExpr=_labels(ticks), labelOverlap=True, grid=True),
    )
    y_title = f"Contacts in {_length(interval_seconds)}"
    base = alt.Chart(alt.InlineData(values=rows))
    layers = [
        alt.Chart(alt.InlineData(values=[_span(span) for span in spans]))
        .mark_rect(opacity=0.12)
        .encode(x=x, x2="until:T", color=colour),
        base.transform_calculate(kind=f"'{RANGE}'")
        .mark_area(opacity=0.45, interpolate="step-after")
        .encode(x=x, y=alt.Y("low:Q", title=y_title), y2="high:Q", color=colour),
        base.transform_calculate(kind=f"'{USUAL}'")
        .mark_line(strokeDash=[5, 3], strokeWidth=1.4, interpolate="step-after")
        .encode(x=x, y=alt.Y("usual:Q", title=y_title), color=colour),
        base.transform_calculate(kind=f"'{OBSERVED}'")
        .mark_line(strokeWidth=1.1, interpolate="step-after")
        .encode(x=x, y=alt.Y("observed:Q", title=y_title), color=colour),
        base.transform_filter("datum.flagged")
        .transform_calculate(kind=f"'{FLAGGED}'")
        .mark_point(shape="triangle-up", filled=True, size=60, opacity=1)
        .encode(x=x, y=alt.Y("observed:Q", title=y_title), color=colour),
    ]
    chart = alt.layer(*layers).properties(title=title, width=width, height=height)
    styled: alt.LayerChart | alt.FacetChart = (
        chart.configure(font=FONT)
        .configure_axis(labelFontSize=11, titleFontSize=12)
        .configure_title(fontSize=13)
    )
    return styled


def _row(point: SeriesPoint, step: timedelta) -> dict[str, Any]:
    return {
        "at": _milliseconds(point.start),
        "observed": point.observed,
        "usual": point.usual,
        "low": point.low,
        "high": point.high,
        "flagged": point.flagged,
    }


def _span(span: FlaggedSpan) -> dict[str, Any]:
    return {"at": _milliseconds(span.start), "until": _milliseconds(span.end), "kind": FLAGGED}


def _without_gaps(points: Sequence[SeriesPoint], step: timedelta) -> list[SeriesPoint]:
    """Return the points with an unknown one after each that nothing follows at once, so that no line bridges a gap."""
    whole: list[SeriesPoint] = []
    for point in points:
        if whole and aware(point.start) - aware(whole[-1].start) > step:
            whole.append(SeriesPoint(whole[-1].start + step, None))
        whole.append(point)
    return whole


def _ticks(points: Sequence[SeriesPoint], step: timedelta, zone: ZoneInfo) -> dict[int, str]:
    """Return the moments of the axis' ticks (milliseconds since 1970) with their labels in local time."""
    if not points:
        return {}
    first, last = aware(points[0].start), aware(points[-1].start) + step
    hours = (last - first) / timedelta(hours=1)
    every = next((hour for hour in _STEPS_HOURS if hours / hour <= _MOST_TICKS), _STEPS_HOURS[-1])
    at = first.replace(minute=0, second=0, microsecond=0)
    labels: dict[int, str] = {}
    day = None
    while at <= last:
        local = at.astimezone(zone)
        if at >= first and local.minute == 0 and local.hour % every == 0:
            dated = f"{local:%H:%M}" if local.date() == day else f"{local.day} {local:%b %H:%M}"
            labels[_milliseconds(at)] = dated
            day = local.date()
        at += timedelta(minutes=15)  # zones are a quarter of an hour apart at the least
    return labels


def _labels(ticks: dict[int, str]) -> str:
    """Return Vega's expression for the label of a tick."""
    pairs = ", ".join(f"'{at}': '{label}'" for at, label in ticks.items())
    return f"({{{pairs}}})[toString(time(datum.value))] || ''" if ticks else "''"


def _milliseconds(at: datetime) -> int:
    return int((aware(at).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _length(seconds: int) -> str:
    if seconds % 3600 == 0:
        hours = seconds // 3600
        return "1 hour" if hours == 1 else f"{hours} hours"
    minutes = seconds // 60
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
