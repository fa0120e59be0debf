from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.charts.rendering import png, svg
from cjp_fraud.charts.series import FlaggedSpan, SeriesPoint, series_chart
from cjp_fraud.errors import NaiveTimeError

BEGIN = datetime(2026, 3, 28, 20, tzinfo=UTC)
"""Two hours before midnight in Berlin, and five before its clocks go forward."""


def points(count: int, *, step: timedelta = timedelta(minutes=5)) -> list[SeriesPoint]:
    return [
        SeriesPoint(BEGIN + number * step, 3.0 + number % 4, 4.0, 2.0, 6.0, flagged=number == count - 1)
        for number in range(count)
    ]


def test_a_chart_names_its_units_and_the_local_time_zone_and_its_parts() -> None:
    chart = series_chart(
        points(120),
        title="Voice, outbound",
        time_zone="Europe/Berlin",
        interval_seconds=300,
        spans=[FlaggedSpan(BEGIN, BEGIN + timedelta(hours=1))],
    )
    drawn = svg(chart).decode()
    for words in ("Voice, outbound", "Local time (Europe/Berlin)", "Contacts in 5 minutes"):
        assert words in drawn, words
    for part in ("observed", "usual", "usual range", "flagged"):
        assert f">{part}<" in drawn, part
    assert svg(chart) == drawn.encode(), "the same chart gives the same bytes"
    assert png(chart)[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_axis_shows_the_clock_of_the_place_over_a_change_of_clocks() -> None:
    chart = series_chart(points(120), title="x", time_zone="Europe/Berlin", interval_seconds=300)
    drawn = svg(chart).decode()
    shown = [label for label in ("01:00", "02:00", "03:00", "04:00") if f"{label}<" in drawn]
    assert shown == ["01:00", "03:00", "04:00"], "two o'clock did not exist that night"


def test_a_gap_in_the_series_is_no_line() -> None:
    whole = points(10)
    chart = series_chart(
        [*whole[:4], *whole[7:]], title="x", time_zone="Etc/UTC", interval_seconds=300
    ).to_dict()
    rows = next(rows for rows in _rows(chart) if len(rows) > 1)
    assert [row["observed"] for row in rows].count(None) == 1
    assert len(rows) == 8


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = SeriesPoint(BEGIN.replace(tzinfo=None), 1.0)
    with pytest.raises(NaiveTimeError):
        series_chart([naive], title="x", time_zone="Etc/UTC", interval_seconds=300)


def _rows(chart: dict[str, object]) -> list[list[dict[str, object]]]:
    text = json.loads(json.dumps(chart))
    found = [layer["data"]["values"] for layer in text["layer"] if "values" in layer.get("data", {})]
    return found + list(text.get("datasets", {}).values()) + [text.get("data", {}).get("values", [])]
