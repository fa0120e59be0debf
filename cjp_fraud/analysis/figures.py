"""Frames of an analysis drawn by the charts that the review queue, the bundles and the letters use too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from cjp_fraud.charts.case_timeline import Doer, TimelineMark, case_timeline_chart
from cjp_fraud.charts.comparison import Peer, peers_chart
from cjp_fraud.charts.frozen_series import frozen_series
from cjp_fraud.charts.local_week import WeekHour, local_week_chart
from cjp_fraud.charts.model_quality import (
    CalibrationPoint,
    Precision,
    RecallPoint,
    ScoreBin,
    calibration_chart,
    precision_chart,
    recall_chart,
    score_chart,
)
from cjp_fraud.charts.past_slots import PastSlot, past_slots_chart
from cjp_fraud.charts.series import FlaggedSpan, KnownEvent, SeriesPoint, series_chart
from cjp_fraud.charts.usual_day import UsualSlot, usual_day_chart
from cjp_fraud.operations.case_evidence import CaseEvidence

if TYPE_CHECKING:
    import altair as alt

_SECONDS_A_MINUTE = 60


def show_charts_as_pictures() -> None:
    """Let notebooks show charts as SVG: no script, no network, the same in JupyterLab, in a document and on paper."""
    import altair as alt

    alt.renderers.enable("svg")


def series(
    frame: pd.DataFrame,
    *,
    title: str,
    time_zone: str,
    spans: Iterable[FlaggedSpan] = (),
    events: Iterable[KnownEvent] = (),
    width: int = 620,
    height: int = 230,
) -> alt.LayerChart:
    """Draw one series over time.

    Parameters
    ----------
    frame : ``replayed`` or ``scores``, of one series.
    time_zone : IANA zone of the axis.
    """
    rows = frame.sort_values("interval_start")
    return series_chart(
        [
            SeriesPoint(
                start=row["interval_start"].to_pydatetime(),
                observed=_known(row["observed"]),
                usual=_known(row["baseline"]),
                low=_known(row.get("usual_low")),
                high=_known(row.get("usual_high")),
                flagged=row["flagged"] is True,
            )
            for row in _rows(rows)
        ],
        title=title,
        time_zone=time_zone,
        interval_seconds=int(rows["interval_seconds"].iloc[0]),
        spans=spans,
        events=events,
        width=width,
        height=height,
    )


def frozen(evidence: CaseEvidence) -> list[alt.LayerChart]:
    """Draw each flagged series of what a case rests on, with the joint and the known events that it is in."""
    events = [
        KnownEvent(event.begins_at, f"{event.tenants} tenants together") for event in evidence.joint_events
    ]
    events += [
        KnownEvent(event.begins_at, event.words or event.kind, until=event.ends_at)
        for event in evidence.known_events
    ]
    return [
        series_chart(
            each.points,
            title=each.title,
            time_zone=evidence.time_zone,
            interval_seconds=each.interval_seconds,
            spans=each.spans,
            events=events,
        )
        for each in frozen_series(evidence.document)
    ]


def by_the_hour(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a series' frame added up to whole UTC hours; an hour with an unknown interval is not known.

    Observed and usual add up; the usual range of an hour is not the sum of its intervals' ranges, and is left out. An
    hour is flagged where one of its intervals is.
    """
    by = frame.assign(interval_start=frame["interval_start"].dt.floor("h")).groupby(
        "interval_start", as_index=False
    )
    numbers = by[["observed", "baseline"]].sum(min_count=3600 // int(frame["interval_seconds"].iloc[0]))
    flagged = by[["flagged"]].any()["flagged"]
    return numbers.assign(flagged=flagged.to_numpy(), interval_seconds=3600).astype({"flagged": "boolean"})


def local_week(frame: pd.DataFrame, *, title: str, time_zone: str) -> alt.LayerChart:
    """Draw frame ``local_week``."""
    hours = [
        WeekHour(int(row["weekday"]), int(row["hour"]), _known(row["contacts_per_hour"]))
        for row in _rows(frame)
    ]
    return local_week_chart(hours, title=title, time_zone=time_zone)


def usual_day(frame: pd.DataFrame, *, title: str, time_zone: str, width: int = 300) -> alt.LayerChart:
    """Draw frame ``usual_day`` of one series, on a day on which no clock changes."""
    seconds = int(frame["interval_seconds"].iloc[0])
    slots = [
        UsualSlot(
            minute=row["local_start"].hour * 60 + row["local_start"].minute,
            minutes=seconds // _SECONDS_A_MINUTE,
            usual=row["usual"],
            deviation=row["deviation"],
            bare=row["bare_deviation"],
        )
        for row in _rows(frame)
    ]
    return usual_day_chart(slots, title=title, time_zone=time_zone, interval_seconds=seconds, width=width)


def past_slots(frame: pd.DataFrame, *, title: str, span: str, time_zone: str) -> alt.LayerChart:
    """Draw frame ``past_slots``; ``span`` says from when to when of the local clock."""
    slots = [
        PastSlot(row["day"].date(), _known(row["contacts"]), row["flagged"] is True) for row in _rows(frame)
    ]
    return past_slots_chart(slots, title=title, span=span, time_zone=time_zone)


def peers(frame: pd.DataFrame, *, title: str, tenant_id: str, span: str) -> alt.LayerChart:
    """Draw frame ``peers``; ``span`` says from when to when, and in which zone."""
    found = [
        Peer(row["tenant_id"], row["observed"], row["usual"], flagged=row["flagged"] is True)
        for row in _rows(frame)
    ]
    return peers_chart(found, title=title, tenant_id=tenant_id, span=span)


def score_bins(frame: pd.DataFrame, *, title: str, thresholds: Mapping[str, float]) -> alt.LayerChart:
    """Draw frame ``score_bins`` with thresholds, by the words that stand beside them."""
    bins = [ScoreBin(row["low"], row["high"], int(row["intervals"])) for row in _rows(frame)]
    return score_chart(bins, title=title, thresholds=thresholds)


def calibration(frame: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Draw frame ``calibration``."""
    points = [CalibrationPoint(row["promised"], row["seen"], row["low"], row["high"]) for row in _rows(frame)]
    return calibration_chart(points, title=title)


def recall(frame: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Draw frame ``recall``."""
    points = [
        RecallPoint(row["budget"], row["recall"], row["low"], row["high"], row["clocks"])
        for row in _rows(frame)
    ]
    return recall_chart(points, title=title)


def precision(frame: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Draw frame ``precision``."""
    rows = [
        Precision(
            row["name"],
            int(row["fraudulent"]),
            int(row["not_fraudulent"]),
            int(row["undecided"]),
            _known(row["low"]),
            _known(row["high"]),
        )
        for row in _rows(frame)
    ]
    return precision_chart(rows, title=title)


def case_timeline(
    events: pd.DataFrame,
    flags: pd.DataFrame,
    receipt: pd.DataFrame,
    *,
    title: str,
    time_zone: str,
) -> alt.LayerChart:
    """Draw a case over time: its first and last flag, what was done, and from when its letters count as received.

    Parameters
    ----------
    events, flags, receipt : frames ``case_events``, ``flags`` and ``deemed_receipt`` of the case.
    """
    marks = [
        TimelineMark(
            row["at"].to_pydatetime(),
            f"{row['action'].replace('.', ': ').replace('_', ' ')} ({row['actor']})",
            Doer.SYSTEM if row["actor"].startswith("system:") else Doer.PERSON,
        )
        for row in _rows(events)
    ]
    starts = flags["interval_start"]
    if len(starts):
        marks += [
            TimelineMark(starts.min().to_pydatetime(), "first flagged interval begins", Doer.DETECTION),
            TimelineMark(starts.max().to_pydatetime(), "last flagged interval begins", Doer.DETECTION),
        ]
    marks += [
        TimelineMark(row["received_at"].to_pydatetime(), f"{row['kind']} counts as received", Doer.RECEIPT)
        for row in _rows(receipt)
        if not pd.isna(row["received_at"])
    ]
    return case_timeline_chart(marks, title=title, time_zone=time_zone)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    return rows


def _known(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
