"""The chart of one series: what was observed, what is usual, which intervals were flagged, and what else is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cjp_fraud.charts.local_axis import length_in_words, local_time_axis, milliseconds
from cjp_fraud.charts.reader import ENGLISH, ChartReader
from cjp_fraud.charts.theme import LIGHT, Palette, styled
from cjp_fraud.clock import aware

if TYPE_CHECKING:
    import altair as alt

OBSERVED, USUAL, RANGE, FLAGGED, EVENT = "observed", "usual", "usual range", "flagged", "known event"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


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


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Something that is known of a time.

    Parameters
    ----------
    at : its begin, aware.
    words : a few, written beside it.
    until : its end, aware; None: only its begin is marked.
    """

    at: datetime
    words: str
    until: datetime | None = None


def series_chart(
    points: Sequence[SeriesPoint],
    *,
    title: str,
    time_zone: str,
    interval_seconds: int,
    spans: Iterable[FlaggedSpan] = (),
    events: Iterable[KnownEvent] = (),
    counted: str = "Contacts",
    palette: Palette = LIGHT,
    reader: ChartReader = ENGLISH,
    width: int = 620,
    height: int = 230,
) -> alt.LayerChart:
    """Return the chart of a series over time.

    Parameters
    ----------
    points : one an interval, in order; an interval that is missing is a gap in the line.
    time_zone : IANA zone of the axis; it is named in the axis' title. Where the clock changes, labels jump and the
        line does not.
    interval_seconds : length of the intervals, named in the title of the other axis.
    spans : flagged spans that are longer than an interval, drawn as shaded ground.
    events : known events, each a line across with its words, and shaded ground until its end.
    counted : what is counted ("Contacts", "Short contacts", "Contacts an agent"), before "in 5 minutes".
    reader : who reads it.
    width, height : pixels of the plot itself.

    Raises
    ------
    NaiveTimeError
        If a moment has no zone.
    """
    import altair as alt  # inside: it takes seconds, and most commands draw nothing

    say = reader.say
    step = timedelta(seconds=interval_seconds)
    rows = [_row(point) for point in _without_gaps(points, step)]
    marked = list(_marked(events, *_ends(points, step), reader))
    colours = _colours(palette, with_range=any(row["high"] is not None for row in rows), marked=bool(marked))
    colour: Any = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=[say(each) for each in colours], range=list(colours.values())),
        legend=alt.Legend(title=None, orient="top", symbolType="square", symbolOpacity=1),
    )
    x: Any = local_time_axis("at", *_ends(points, step), time_zone, reader)
    y_title = say(f"{counted} in {length_in_words(interval_seconds)}")
    base = alt.Chart(alt.InlineData(values=rows))
    layers = [
        alt.Chart(alt.InlineData(values=[_span(span, say(FLAGGED)) for span in spans]))
        .mark_rect(opacity=0.12)
        .encode(x=x, x2="until:T", color=colour),
        base.transform_calculate(kind=_constant(say(RANGE)))
        .mark_area(opacity=0.45, interpolate="step-after")
        .encode(x=x, y=alt.Y("low:Q", title=y_title), y2="high:Q", color=colour),
        base.transform_calculate(kind=_constant(say(USUAL)))
        .mark_line(strokeDash=[5, 3], strokeWidth=1.4, interpolate="step-after")
        .encode(x=x, y=alt.Y("usual:Q", title=y_title), color=colour),
        base.transform_calculate(kind=_constant(say(OBSERVED)))
        .mark_line(strokeWidth=1.1, interpolate="step-after")
        .encode(x=x, y=alt.Y("observed:Q", title=y_title), color=colour),
        base.transform_filter("datum.flagged")
        .transform_calculate(kind=_constant(say(FLAGGED)))
        .mark_point(shape="triangle-up", filled=True, size=60, opacity=1)
        .encode(x=x, y=alt.Y("observed:Q", title=y_title), color=colour),
        *(_event_layers(marked, x, colour, palette, reader) if marked else ()),
    ]
    return styled(alt.layer(*layers).properties(title=say(title), width=width, height=height), palette)


def _event_layers(
    marked: list[dict[str, Any]], x: Any, colour: Any, palette: Palette, reader: ChartReader
) -> Iterator[Any]:
    import altair as alt

    base = alt.Chart(alt.InlineData(values=marked)).transform_calculate(kind=_constant(reader.say(EVENT)))
    yield (
        base.transform_filter("datum.until > datum.at")
        .mark_rect(opacity=0.1)
        .encode(x=x, x2="until:T", color=colour)
    )
    yield base.mark_rule(strokeDash=[2, 2], strokeWidth=1.2).encode(x=x, color=colour)
    yield base.mark_text(align="left", baseline="top", dx=4, fontSize=11, color=palette.ink).encode(
        x=x, y=alt.value(2), text="words:N"
    )


def _marked(
    events: Iterable[KnownEvent], first: datetime, last: datetime, reader: ChartReader
) -> Iterator[dict[str, str | int]]:
    """Yield the events within the plot; one that began before it is marked at its edge."""
    for event in events:
        at, until = aware(event.at), aware(event.until or event.at)
        if at > last or (event.until is not None and until < first):
            continue
        if event.until is not None:
            at, until = max(at, first), min(until, last)
        yield {"at": milliseconds(at), "until": milliseconds(until), "words": reader.say(event.words)}


def _constant(words: str) -> str:
    """Return Vega's expression for a text."""
    return json.dumps(words, ensure_ascii=False)


def _colours(palette: Palette, *, with_range: bool, marked: bool) -> dict[str, str]:
    return {
        OBSERVED: palette.ink,
        USUAL: palette.usual,
        **({RANGE: palette.usual_range} if with_range else {}),
        FLAGGED: palette.flagged,
        **({EVENT: palette.second} if marked else {}),
    }


def _ends(points: Sequence[SeriesPoint], step: timedelta) -> tuple[datetime, datetime]:
    if not points:
        return _NEVER, _NEVER
    return aware(points[0].start), aware(points[-1].start) + step


def _row(point: SeriesPoint) -> dict[str, Any]:
    return {
        "at": milliseconds(point.start),
        "observed": point.observed,
        "usual": point.usual,
        "low": point.low,
        "high": point.high,
        "flagged": point.flagged,
    }


def _span(span: FlaggedSpan, kind: str) -> dict[str, Any]:
    return {"at": milliseconds(span.start), "until": milliseconds(span.end), "kind": kind}


def _without_gaps(points: Sequence[SeriesPoint], step: timedelta) -> list[SeriesPoint]:
    """Return the points with an unknown one after each that nothing follows at once, so that no line bridges a gap."""
    whole: list[SeriesPoint] = []
    for point in points:
        if whole and aware(point.start) - aware(whole[-1].start) > step:
            whole.append(SeriesPoint(whole[-1].start + step, None))
        whole.append(point)
    return whole
