"""A case's charts: what each shows, in words and as a table too, and what the case's rows do not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from cjp_fraud.charts.comparison import Compared, comparison_chart
from cjp_fraud.charts.frozen_series import FrozenSeries, frozen_series
from cjp_fraud.charts.local_axis import length_in_words
from cjp_fraud.charts.past_slots import PastSlot, past_slots_chart
from cjp_fraud.charts.reader import ChartReader
from cjp_fraud.charts.series import KnownEvent, SeriesPoint, series_chart
from cjp_fraud.charts.theme import Palette
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.errors import NotFoundError
from cjp_fraud.operations.case_evidence import CaseEvidence, case_evidence
from cjp_fraud.review.known_event import KnownEventView

if TYPE_CHECKING:
    import altair as alt

MOST_SERIES: Final = 3
"""Flagged series that are drawn; all are in the evidence."""
MOST_ROWS: Final = 48
"""Intervals in a table, the last ones; all are in the evidence."""
MOST_DESTINATIONS: Final = 12
MOST_WORDS: Final = 40
"""Characters of a known event that stand on a chart; all are in its words."""


class ChartKind(StrEnum):
    """What a chart of a case shows."""

    SERIES = "chart_series"
    PAST_WEEKS = "chart_past_weeks"
    DESTINATIONS = "chart_destinations"
    AGENT_LOAD = "chart_agent_load"
    SHORT_CONTACTS = "chart_short_contacts"


Cell = str | float | None


@dataclass(frozen=True, slots=True)
class CaseChart:
    """One chart, and the same for whoever does not see it.

    Parameters
    ----------
    name : of its picture.
    of : which series; empty: all that were flagged.
    says : what it shows, in words.
    columns, rows : the same as a table; numbers are contacts unless the column says otherwise.
    """

    name: str
    kind: ChartKind
    of: str
    says: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """A chart that is not drawn, and why."""

    kind: ChartKind
    of: str
    why: str


@dataclass(frozen=True, slots=True)
class CaseCharts:
    """All charts of a case.

    Parameters
    ----------
    digest : of all that is drawn; pictures are kept under it.
    frozen : whether they are of what the newest finding froze; else of what the lake says now.
    """

    digest: str
    frozen: bool
    evidence_sha256: str
    time_zone: str
    charts: tuple[CaseChart, ...]
    not_drawn: tuple[NotDrawn, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, and what draws it in colours for a reader."""

    chart: CaseChart
    draw: Callable[[Palette, ChartReader], alt.LayerChart]


def case_charts(deployment: Deployment, now: datetime, case: str) -> CaseCharts:
    """Return what a case's charts show; nothing is drawn yet.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    """
    evidence = case_evidence(deployment, now, case)
    found = list(_drawings(evidence))
    return CaseCharts(
        digest=_digest(evidence),
        frozen=evidence.frozen,
        evidence_sha256=evidence.sha256,
        time_zone=evidence.time_zone,
        charts=tuple(each.chart for each in found if isinstance(each, Drawing)),
        not_drawn=tuple(each for each in found if isinstance(each, NotDrawn)),
    )


def chart_drawing(deployment: Deployment, now: datetime, case: str, digest: str, name: str) -> Drawing:
    """Return one chart of a case with what draws it.

    Parameters
    ----------
    digest : as the page has it (:class:`CaseCharts`).
    name : of the chart.

    Raises
    ------
    NotFoundError
        If the case has no such chart, or other ones by now.
    """
    evidence = case_evidence(deployment, now, case)
    drawings = [each for each in _drawings(evidence) if isinstance(each, Drawing)]
    chosen = next((each for each in drawings if each.chart.name == name), None)
    if chosen is None or _digest(evidence) != digest:
        raise NotFoundError(f"case {case} has no such chart now; load its page again")
    return chosen


def _digest(evidence: CaseEvidence) -> str:
    shown = (evidence.past_weeks, evidence.joint_events, evidence.known_events)
    rest = [[asdict(each) for each in part] for part in shown]
    return sha256_hex(canonical_json([evidence.sha256, evidence.time_zone, evidence.unreadable, rest]))


def _drawings(evidence: CaseEvidence) -> Iterator[Drawing | NotDrawn]:
    series = frozen_series(evidence.document)
    if not series:
        why = evidence.unreadable or "no rows of flagged intervals are there"
        yield NotDrawn(ChartKind.SERIES, "", why)
    for number, each in enumerate(series[:MOST_SERIES], start=1):
        yield _observed(each, f"series-{number}", evidence)
    if len(series) > MOST_SERIES:
        more = f"{len(series) - MOST_SERIES} more flagged series are in the evidence"
        yield NotDrawn(ChartKind.SERIES, "", more)
    yield _past_weeks(evidence)
    for number, each in enumerate(series[:MOST_SERIES], start=1):
        yield _destinations(each, f"destinations-{number}")
        yield _counted(each, f"agents-{number}", ChartKind.AGENT_LOAD, evidence, _load, "Contacts an agent")
        yield _counted(each, f"short-{number}", ChartKind.SHORT_CONTACTS, evidence, _short, "Short contacts")


def _observed(series: FrozenSeries, name: str, evidence: CaseEvidence) -> Drawing:
    known = [point for point in series.points if point.observed is not None]
    top = max(known, key=lambda point: point.observed or 0.0, default=None)
    zone = ZoneInfo(evidence.time_zone)
    flagged = sum(point.flagged for point in series.points)
    says = (
        f"{series.title}: {len(series.points)} intervals of {length_in_words(series.interval_seconds)} from "
        f"{_local(series.points[0].start, zone)} to {_local(series.points[-1].start, zone)} ({evidence.time_zone}); "
        f"{flagged} flagged by themselves, {len(series.spans)} longer spans flagged."
    )
    if top is not None:
        usual = f", where {top.usual:.1f} are usual" if top.usual is not None else ""
        says += f" Most contacts in an interval: {top.observed:,.0f} at {_local(top.start, zone)}{usual}."
    for event in evidence.known_events:
        begins, ends = _local(event.begins_at, zone), _local(event.ends_at, zone)
        says += f" Known event from {begins} to {ends}: {_known_as(event)}."
    rows = tuple(
        (
            _local(point.start, zone),
            point.observed,
            point.usual,
            point.low,
            point.high,
            "flagged" if point.flagged else "",
        )
        for point in series.points[-MOST_ROWS:]
    )
    columns = ("Local time", "Observed", "Usual", "Usual range from", "to", "Flag")
    draw = partial(
        _draw_series,
        series.points,
        series,
        evidence,
        "Contacts",
    )
    return Drawing(CaseChart(name, ChartKind.SERIES, series.title, says, columns, rows), draw)


def _draw_series(
    points: Sequence[SeriesPoint],
    series: FrozenSeries,
    evidence: CaseEvidence,
    counted: str,
    palette: Palette,
    reader: ChartReader,
) -> alt.LayerChart:
    events = [
        KnownEvent(each.begins_at, f"{each.tenants} tenants together") for each in evidence.joint_events
    ]
    events += [
        KnownEvent(each.begins_at, _shortened(_known_as(each)), until=each.ends_at)
        for each in evidence.known_events
    ]
    return series_chart(
        points,
        title=series.title,
        time_zone=evidence.time_zone,
        interval_seconds=series.interval_seconds,
        spans=series.spans,
        events=events,
        counted=counted,
        palette=palette,
        reader=reader,
    )


def _known_as(event: KnownEventView) -> str:
    """Return kind and words of a known event."""
    kind = event.kind.replace("_", " ")
    return f"{kind}, {event.words}" if event.words else kind


def _shortened(words: str) -> str:
    """Return words as they find room beside a line of a chart."""
    return words if len(words) <= MOST_WORDS else f"{words[: MOST_WORDS - 1].rstrip()}…"


def _past_weeks(evidence: CaseEvidence) -> Drawing | NotDrawn:
    weeks = evidence.past_weeks
    before = [week.contacts for week in weeks if not week.flagged and week.contacts is not None]
    if not before or evidence.begin is None or evidence.end is None:
        why = evidence.unreadable or "the lake has no traffic of the same time in the weeks before"
        return NotDrawn(ChartKind.PAST_WEEKS, "", why)
    zone = ZoneInfo(evidence.time_zone)
    span = f"{evidence.begin.astimezone(zone):%H:%M}–{evidence.end.astimezone(zone):%H:%M}"
    flagged = next((week.contacts for week in weeks if week.flagged), None)
    says = (
        f"Contacts from {span} ({evidence.time_zone}) on the same day of the week: "
        f"{'not known' if flagged is None else f'{flagged:,.0f}'} in the flagged week, "
        f"{min(before):,.0f} to {max(before):,.0f} in {len(before)} weeks before."
    )
    rows = tuple((f"{week.day:%Y-%m-%d}", week.contacts, "flagged" if week.flagged else "") for week in weeks)
    slots = [PastSlot(week.day, week.contacts, week.flagged) for week in weeks]

    def draw(palette: Palette, reader: ChartReader) -> alt.LayerChart:
        return past_slots_chart(
            slots,
            title="The flagged stretch of the day, and the same in past weeks",
            span=span,
            time_zone=evidence.time_zone,
            palette=palette,
            reader=reader,
        )

    chart = CaseChart("past-weeks", ChartKind.PAST_WEEKS, "", says, ("Local date", "Contacts", "Flag"), rows)
    return Drawing(chart, draw)


def _destinations(series: FrozenSeries, name: str) -> Drawing | NotDrawn:
    """Contacts an hour by country of the other end, in the flagged intervals and in the 24 hours before them."""
    flagged = {flag["interval_start"] for flag in series.flags}
    first = min(flagged)
    inside = [row for row in series.rows if row["interval_start"] in flagged]
    before = [row for row in series.rows if row["interval_start"] < first]
    if not any(row.get("countries") for row in inside):
        return NotDrawn(
            ChartKind.DESTINATIONS, series.title, "the source does not say where the contacts went"
        )
    now, usual = (_by_country(rows, series.interval_seconds) for rows in (inside, before))
    largest = sorted(now, key=lambda country: (-now[country], country))[:MOST_DESTINATIONS]
    compared = [Compared(country, now[country], usual.get(country, 0.0)) for country in largest]
    says = (
        f"{series.title}: contacts an hour by country. Most in the flagged intervals: "
        + ", ".join(
            f"{each.name} {each.flagged:,.1f} (24 hours before: {each.usual:,.1f})" for each in compared[:3]
        )
        + "."
    )
    rows = tuple((each.name, each.flagged, each.usual) for each in compared)

    def draw(palette: Palette, reader: ChartReader) -> alt.LayerChart:
        return comparison_chart(
            compared,
            title=f"{series.title}: where the contacts went",
            unit="Contacts an hour",
            usual="24 hours before",
            palette=palette,
            reader=reader,
        )

    columns = ("Country", "Contacts an hour, flagged", "24 hours before")
    return Drawing(CaseChart(name, ChartKind.DESTINATIONS, series.title, says, columns, rows), draw)


def _by_country(rows: Sequence[Mapping[str, Any]], interval_seconds: int) -> dict[str, float]:
    counts: dict[str, float] = defaultdict(float)
    named = [row for row in rows if row.get("countries")]
    for row in named:
        for country, contacts in dict(row["countries"]).items():
            counts[country] += contacts
    hours = len(named) * interval_seconds / 3600
    return {country: contacts / hours for country, contacts in counts.items()}


def _counted(
    series: FrozenSeries,
    name: str,
    kind: ChartKind,
    evidence: CaseEvidence,
    number: Callable[[Mapping[str, Any]], float | None],
    counted: str,
) -> Drawing | NotDrawn:
    """A number of each interval over time, where the source has it."""
    points = [
        SeriesPoint(point.start, number(row), flagged=point.flagged)
        for point, row in zip(series.points, series.rows, strict=True)
    ]
    known = [point for point in points if point.observed is not None]
    if not known:
        return NotDrawn(kind, series.title, _NOT_DELIVERED[kind])
    zone = ZoneInfo(evidence.time_zone)
    top = max(known, key=lambda point: point.observed or 0.0)
    says = (
        f"{series.title}: {counted.lower()} in {length_in_words(series.interval_seconds)}, known in {len(known)} of "
        f"{len(points)} intervals; most: {top.observed:,.1f} at {_local(top.start, zone)} ({evidence.time_zone})."
    )
    rows = tuple(
        (_local(point.start, zone), point.observed, "flagged" if point.flagged else "")
        for point in points[-MOST_ROWS:]
    )
    chart = CaseChart(name, kind, series.title, says, ("Local time", counted, "Flag"), rows)
    return Drawing(chart, partial(_draw_series, points, series, evidence, counted))


_NOT_DELIVERED: Final = {
    ChartKind.AGENT_LOAD: "the source does not say how many agents were signed in",
    ChartKind.SHORT_CONTACTS: "the source does not say how many contacts were short",
}


def _load(row: Mapping[str, Any]) -> float | None:
    agents, contacts = row.get("agents_active"), row.get("contacts_offered")
    return contacts / agents if agents and contacts is not None else None


def _short(row: Mapping[str, Any]) -> float | None:
    short = row.get("contacts_short")
    return None if short is None else float(short)


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
