"""Every chart says what it shows: axes with units, local time, colours that all readers tell apart, no tooltips."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cjp_fraud.charts.case_timeline import Doer, TimelineMark, case_timeline_chart
from cjp_fraud.charts.comparison import Compared, Peer, comparison_chart, peers_chart
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
from cjp_fraud.charts.rendering import svg
from cjp_fraud.charts.series import KnownEvent, SeriesPoint, series_chart
from cjp_fraud.charts.theme import DARK, LIGHT
from cjp_fraud.charts.usual_day import UsualSlot, usual_day_chart
from cjp_fraud.charts.usual_range import with_usual_range

AT = datetime(2026, 3, 28, 20, tzinfo=UTC)
ZONE = "Europe/Berlin"

CHARTS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "series": (
        lambda: series_chart(
            [SeriesPoint(AT, 3.0, 2.0, 1.0, 3.0, flagged=True), SeriesPoint(AT + timedelta(minutes=5), 2.0)],
            title="Voice",
            time_zone=ZONE,
            interval_seconds=300,
            events=[KnownEvent(AT, "12 tenants together")],
        ),
        (
            f"Local time ({ZONE})",
            "Contacts in 5 minutes",
            "12 tenants together",
            "known event",
            "usual range",
        ),
    ),
    "local week": (
        lambda: local_week_chart(
            [WeekHour(0, 9, 120.0), WeekHour(6, 23, 3.0)], title="A week", time_zone=ZONE
        ),
        ("Mean contacts an hour", f"Hour of the day, local time ({ZONE})", "Monday", "Sunday", "120", ">09<"),
    ),
    "past weeks": (
        lambda: past_slots_chart(
            [PastSlot(date(2026, 3, 21), None), PastSlot(date(2026, 3, 28), 1047.0, flagged=True)],
            title="Past weeks",
            span="02:00–02:45",
            time_zone=ZONE,
        ),
        (
            f"Contacts from 02:00–02:45, local time ({ZONE})",
            "1,047",
            "not known",
            "Sat 28 Mar 2026",
            "flagged",
        ),
    ),
    "comparison": (
        lambda: comparison_chart([Compared("LV", 40.0, 0.5)], title="Where", unit="Contacts an hour"),
        ("Contacts an hour", "LV", "40", "0.5", "in the flagged intervals", "usual"),
    ),
    "peers": (
        lambda: peers_chart(
            [Peer("acme", 100.0, 10.0, flagged=True), Peer("beta", 9.0, 10.0), Peer("idle", 0.0, 0.0)],
            title="Peers",
            tenant_id="acme",
            span="28 March",
        ),
        ("Contacts ÷ usual contacts, 28 March", "10 × usual (100 contacts), flagged", "this tenant", "idle"),
    ),
    "usual day": (
        lambda: usual_day_chart(
            [UsualSlot(0, 15, 4.0, 2.0, 0.5)], title="Usual", time_zone=ZONE, interval_seconds=300
        ),
        (f"Time of the day, local ({ZONE})", "Contacts in 5 minutes", "usual range without floors", "04:00"),
    ),
    "scores": (
        lambda: score_chart([ScoreBin(0.0, 0.5, 900)], title="Scores", thresholds={"in force": 2.4}),
        ("Intervals (logarithmic)", "Score, −log10 p", "in force: 2.40"),
    ),
    "calibration": (
        lambda: calibration_chart([CalibrationPoint(0.01, 0.02, 0.01, 0.03)], title="Calibration"),
        ("Share of intervals promised to reach the score (p)", "Share of intervals that reached it"),
    ),
    "recall": (
        lambda: recall_chart(
            [RecallPoint(0.5, 0.8, 0.6, 0.9, "all clocks"), RecallPoint(1, 0.9, 0.7, 1, "all clocks")],
            title="Recall",
        ),
        ("Budget: episodes per series and week (logarithmic)", "Share of known events found", "80%"),
    ),
    "precision": (
        lambda: precision_chart([Precision("all cases", 3, 1, 2, 0.3, 0.95)], title="Precision"),
        ("95 % interval", "3 fraudulent, 1 not, 2 undecided", "all cases"),
    ),
    "time line": (
        lambda: case_timeline_chart(
            [TimelineMark(AT, "opened ({'quoted'})", Doer.SYSTEM)], title="Case 1", time_zone=ZONE
        ),
        (f"Local time ({ZONE})", "2026-03-28 21:00:00", "the system", "quoted"),
    ),
}
OKABE_ITO = {"#000000", "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#CC79A7", "#009E73", "#F0E442"}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_names_its_axes_units_and_parts_in_its_text(name: str) -> None:
    make, words = CHARTS[name]
    drawn = svg(make()).decode()
    assert [word for word in words if word not in drawn] == []


@pytest.mark.parametrize("name", CHARTS)
def test_no_chart_hides_anything_in_a_tooltip_and_none_needs_a_style_or_a_script(name: str) -> None:
    chart = CHARTS[name][0]()
    assert "tooltip" not in json.dumps(chart.to_dict()["layer"])
    drawn = svg(chart)
    assert b"<style" not in drawn
    assert b"style=" not in drawn
    assert b"<script" not in drawn


def test_the_colours_of_charts_are_of_a_palette_that_all_readers_tell_apart() -> None:
    of_light = {LIGHT.ink, LIGHT.usual, LIGHT.usual_range, LIGHT.flagged, LIGHT.second}
    of_dark = {DARK.usual, DARK.flagged, DARK.second}
    assert of_light | of_dark <= OKABE_ITO


def test_a_known_event_is_marked_only_where_there_is_one() -> None:
    drawn = svg(
        series_chart([SeriesPoint(AT, 3.0)], title="x", time_zone=ZONE, interval_seconds=300)
    ).decode()
    assert "known event" not in drawn


def test_an_event_that_began_before_the_chart_is_marked_from_its_edge_and_one_outside_is_not() -> None:
    hour = timedelta(hours=1)
    events = [
        KnownEvent(AT - hour, "a sale", until=AT + 2 * hour),
        KnownEvent(AT - 2 * hour, "over by then", until=AT - hour),
        KnownEvent(AT + hour, "to come", until=AT + 2 * hour),
    ]
    chart = series_chart(
        [SeriesPoint(AT, 3.0)], title="x", time_zone=ZONE, interval_seconds=300, events=events
    )
    described = chart.to_dict()
    [data] = [layer["data"] for layer in described["layer"] if layer["mark"]["type"] == "text"]
    marked = described["datasets"][data["name"]]
    start = int(AT.timestamp() * 1000)
    assert marked == [{"at": start, "until": start + 300_000, "words": "a sale"}]
    assert "over by then" not in svg(chart).decode()


def test_the_usual_range_goes_on_where_the_residual_is_nothing_and_is_unknown_before_any() -> None:
    nan = float("nan")
    intervals = [(4.0, 4.0, 0.0), (6.0, 4.0, 2.0), (4.0, 4.0, 0.0), (nan, 4.0, nan), (5.0, None, None)]
    assert list(with_usual_range(intervals)) == [
        (None, None),
        (3.0, 5.0),
        (3.0, 5.0),
        (3.0, 5.0),
        (None, None),
    ]


def test_the_axis_of_five_weeks_has_a_tick_a_week_at_local_midnights() -> None:
    points = [SeriesPoint(AT + timedelta(hours=hour), 1.0) for hour in range(35 * 24)]
    drawn = svg(series_chart(points, title="x", time_zone=ZONE, interval_seconds=3600)).decode()
    assert [
        label for label in ("30 Mar<", "6 Apr<", "13 Apr<", "20 Apr<", "27 Apr<") if label not in drawn
    ] == []


def test_the_axis_of_scores_names_no_count_above_the_highest_bar() -> None:
    chart = score_chart([ScoreBin(0.0, 0.5, 900), ScoreBin(2.0, 2.5, 3)], title="", thresholds={}).to_dict()
    assert chart["layer"][0]["encoding"]["y"]["axis"]["values"] == [1, 10, 100]
