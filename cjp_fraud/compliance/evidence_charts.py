"""Charts of the frozen evidence: each flagged series with what was usual of it, drawn of the frozen rows alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.charts.rendering import svg
from cjp_fraud.charts.series import FlaggedSpan, SeriesPoint, series_chart

_MINUTE: Final = "minute"
_SMALLEST: Final = 1e-9


@dataclass(frozen=True, slots=True)
class EvidenceChart:
    """One chart, and what it shows in words."""

    name: str
    caption: str
    svg: bytes


def evidence_charts(records: Iterable[Record], time_zone: str) -> tuple[EvidenceChart, ...]:
    """Return a chart for each flagged series of each determination's frozen evidence, in order.

    Parameters
    ----------
    records : rows of the case, with their frozen documents.
    time_zone : IANA zone of the time axis.

    Raises
    ------
    ValueError, KeyError, TypeError
        If a frozen document does not have the form of one.
    """
    charts: list[EvidenceChart] = []
    frozen = [
        record for record in records if record.table == "evidence_sets" and "document" in record.documents
    ]
    for record in sorted(frozen, key=lambda record: (record.fields.get("frozen_at") or "", record.id)):
        document = json.loads(record.documents["document"])
        charts += _of_document(document, time_zone, len(charts))
    return tuple(charts)


def _of_document(document: Mapping[str, Any], time_zone: str, before: int) -> Iterator[EvidenceChart]:
    by_series: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in document.get("rows", ()):
        if row.get("series_id") and row.get("interval_start") and row.get("table") in ("traffic", "scores"):
            by_series[row["series_id"]].setdefault(row["interval_start"], {}).update(row)
    flags = document.get("flags", ())
    for number, (_, rows) in enumerate(sorted(by_series.items(), key=_place), start=before + 1):
        ordered = [rows[start] for start in sorted(rows)]
        own = [flag for flag in flags if _same_series(flag, ordered[0])]
        if not own:
            continue
        seconds = int(ordered[0]["interval_seconds"])
        title = _title(ordered[0])
        chart = series_chart(
            list(_points(ordered, own)),
            title=title,
            time_zone=time_zone,
            interval_seconds=seconds,
            spans=list(_spans(own)),
        )
        caption = f"{title}: contacts in each interval, what is usual at this time, and what was flagged."
        yield EvidenceChart(f"series-{number}.svg", caption, svg(chart))


def _place(series: tuple[str, Mapping[str, Mapping[str, Any]]]) -> tuple[str, str, str, str]:
    first = next(iter(series[1].values()))
    return (first["channel"], first["direction"], str(first.get("application_id") or ""), series[0])


def _title(row: Mapping[str, Any]) -> str:
    application = f", application {row['application_id']}" if row.get("application_id") else ""
    return f"{str(row['channel']).capitalize()}, {row['direction']}{application}"


def _same_series(flag: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    names = ("channel", "direction", "application_id", "interval_seconds")
    return all(flag.get(name) == row.get(name) for name in names)


def _points(rows: Sequence[Mapping[str, Any]], flags: Sequence[Mapping[str, Any]]) -> Iterator[SeriesPoint]:
    """Yield the intervals; the usual range is the usual value, more or less its usual deviation at that time of day.

    The deviation is the scale that the season's residual was divided by; where the residual is 0, the one before.
    """
    flagged = {flag["interval_start"] for flag in flags if flag.get("clock", _MINUTE) == _MINUTE}
    deviation: float | None = None
    for row in rows:
        observed = row.get("observed", row.get("contacts_offered"))
        usual = row.get("baseline")
        against = row.get("against_season")
        if observed is not None and usual is not None and against and abs(against) > _SMALLEST:
            deviation = abs((observed - usual) / against) or deviation
        known = usual is not None and deviation is not None
        yield SeriesPoint(
            start=datetime.fromisoformat(row["interval_start"]),
            observed=observed,
            usual=usual,
            low=max(usual - deviation, 0.0) if known else None,  # type: ignore[operator]
            high=usual + deviation if known else None,  # type: ignore[operator]
            flagged=row["interval_start"] in flagged,
        )


def _spans(flags: Iterable[Mapping[str, Any]]) -> Iterator[FlaggedSpan]:
    """Yield the spans of flags of the longer clocks, one behind the other where they overlap."""
    spans = sorted(
        (end - timedelta(seconds=int(flag["span_seconds"])), end)
        for flag in flags
        if flag.get("clock", _MINUTE) != _MINUTE
        for end in [
            datetime.fromisoformat(flag["interval_start"]) + timedelta(seconds=int(flag["interval_seconds"]))
        ]
    )
    joined: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    yield from (FlaggedSpan(start, end) for start, end in joined)
