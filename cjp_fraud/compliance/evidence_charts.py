"""Charts of the frozen evidence: each flagged series with what was usual of it, drawn of the frozen rows alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.charts.frozen_series import frozen_series
from cjp_fraud.charts.rendering import svg
from cjp_fraud.charts.series import series_chart


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
    for series in frozen_series(document):
        chart = series_chart(
            series.points,
            title=series.title,
            time_zone=time_zone,
            interval_seconds=series.interval_seconds,
            spans=series.spans,
        )
        caption = (
            f"{series.title}: contacts in each interval, what is usual at this time, and what was flagged."
        )
        yield EvidenceChart(f"series-{before + series.place + 1}.svg", caption, svg(chart))
