"""Frozen evidence as series that can be drawn: what was observed, what is usual, and what was flagged, by series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cjp_fraud.charts.series import FlaggedSpan, SeriesPoint
from cjp_fraud.charts.usual_range import with_usual_range

_MINUTE: Final = "minute"


@dataclass(frozen=True, slots=True)
class FrozenSeries:
    """A flagged series of a frozen document.

    Parameters
    ----------
    place : of the series among all of the document, from 0.
    title : channel, direction and application in words.
    points : its intervals in order.
    spans : flags of the longer clocks, joined where they overlap.
    rows : its intervals as the document has them, traffic and scores together, in order.
    flags : its flags as the document has them.
    """

    place: int
    title: str
    interval_seconds: int
    points: tuple[SeriesPoint, ...]
    spans: tuple[FlaggedSpan, ...]
    rows: tuple[Mapping[str, Any], ...]
    flags: tuple[Mapping[str, Any], ...]


def frozen_series(document: Mapping[str, Any]) -> list[FrozenSeries]:
    """Return the flagged series of a frozen document, by channel, direction and application.

    Parameters
    ----------
    document : ``rows`` and ``flags`` as they are frozen, moments as text.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it does not have the form of one.
    """
    by_series: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in document.get("rows", ()):
        if row.get("series_id") and row.get("interval_start") and row.get("table") in ("traffic", "scores"):
            by_series[row["series_id"]].setdefault(row["interval_start"], {}).update(row)
    series: list[FrozenSeries] = []
    for place, (_, rows) in enumerate(sorted(by_series.items(), key=_place)):
        ordered = [rows[start] for start in sorted(rows)]
        own = [flag for flag in document.get("flags", ()) if _same_series(flag, ordered[0])]
        if own:
            series.append(
                FrozenSeries(
                    place=place,
                    title=_title(ordered[0]),
                    interval_seconds=int(ordered[0]["interval_seconds"]),
                    points=tuple(_points(ordered, own)),
                    spans=tuple(_spans(own)),
                    rows=tuple(ordered),
                    flags=tuple(own),
                )
            )
    return series


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
    flagged = {flag["interval_start"] for flag in flags if flag.get("clock", _MINUTE) == _MINUTE}
    known = [
        (row.get("observed", row.get("contacts_offered")), row.get("baseline"), row.get("against_season"))
        for row in rows
    ]
    for row, (observed, usual, _), (low, high) in zip(rows, known, with_usual_range(known), strict=True):
        yield SeriesPoint(
            start=datetime.fromisoformat(row["interval_start"]),
            observed=observed,
            usual=usual,
            low=low,
            high=high,
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
