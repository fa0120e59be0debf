"""Flags as the review gets them: the numbers of the kind that decided, and words that match them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from cjp_fraud.detection.flags import flag_rows
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.scored_rows import OF_THE_WEEK, ScoredRows, gathered
from cjp_fraud.detection.series import arrange
from features.constants import COUNT, FIFTEEN, PEAK
from features.counting_clocks import INITIAL_THRESHOLD, Clock
from features.regimes import Regime
from features.score_day import Model

AT = datetime(2026, 3, 3, 10, tzinfo=UTC)
KEY = {
    "tenant_id": ["acme"],
    "channel": ["voice"],
    "direction": ["outbound"],
    "application_id": pa.array([None], pa.string()),
    "interval_seconds": [300],
}


def a_flagged_row(**columns: float) -> ScoredRows:
    """One flagged interval: 60 contacts, usually 20, 30 of them in one minute, usually 6."""
    one = (
        pa.table(KEY)
        .append_column("interval_start", pa.array([AT]))
        .append_column("contacts_offered", pa.array([60.0]))
    )
    seen = arrange(one.append_column("contacts_peak", pa.array([30.0])), {"acme": "Etc/UTC"})
    numbers: dict[str, Any] = {
        "series": 0,
        "start": int(AT.timestamp()),
        "observed": 60.0,
        "baseline": 20.0,
        "level": 30.0,
        "seconds_covered": np.nan,
        "span_seconds": 300,
        "span_observed": 60.0,
        "span_baseline": 20.0,
        "regime": int(Regime.SETTLED_PEAK),
        "fifteen": 40.0,
        "fifteen_baseline": 19.0,
        "fifteen_against_hour": 6.9,
        "fifteen_against_season": 8.04,
        "fifteen_strength": 2.8,
        "unbarred": 18.0,
        "rare": 8.0,
        "habit": 1.0,
        "noise": 0.1,
        "recurring": 0.2,
        "provisional": 1.0,
        "statistic": 9.0,
        "anomaly": 0.71,
        **dict.fromkeys(OF_THE_WEEK, np.nan),
        "strength": 5.0,
        "count_strength": 1.0,
        "peak_strength": 7.0,
        "against_hour": 1.5,
        "against_season": 1.9,
        "peak": 30.0,
        "peak_baseline": 6.0,
        "peak_against_hour": 58.0,
        "peak_against_season": 21.6,
        "log_p": -12.0,
        "log_q": -3.0,
        "flagged": True,
    }
    version = FittedVersion(0, Model(), 2.4, id="version")
    return gathered([{name: np.array([value]) for name, value in (numbers | columns).items()}], seen, version)


def test_a_flag_that_the_busiest_minute_decided_shows_the_busiest_minutes_numbers() -> None:
    (flag,) = flag_rows([a_flagged_row()], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert flag.reasons["kind"] == "peak"
    assert flag.reasons["against_hour"] == 58.0 / PEAK.hour
    assert flag.reasons["against_season"] == 21.6 / PEAK.season
    assert (flag.reasons["peak"], flag.reasons["usual_peak"]) == (30.0, 6.0)
    words = flag.reasons["words"]
    assert isinstance(words, list)
    assert "30 in the busiest minute, usually 6" in words
    assert words[-3] == (
        "what weighed most: the busiest minute against the hour before "
        "(season 9.0, hour before 10.0; 1 is a busy day's maximum)"
    )


def test_a_flag_that_the_sum_decided_shows_the_sums_numbers() -> None:
    rows = a_flagged_row(count_strength=20.0)
    (flag,) = flag_rows([rows], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert flag.reasons["kind"] == "count"
    assert flag.reasons["against_hour"] == 1.5 / COUNT.hour
    assert flag.reasons["against_season"] == 1.9 / COUNT.season


def test_a_flag_that_the_fifteen_minutes_decided_counts_all_of_them() -> None:
    rows = a_flagged_row(span_seconds=900, span_observed=120.0, span_baseline=57.0)
    (flag,) = flag_rows([rows], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert (flag.interval_seconds, flag.span_seconds) == (300, 900)
    assert (flag.observed, flag.baseline, flag.excess) == (120.0, 57.0, 63.0)
    assert flag.reasons["kind"] == "fifteen"
    assert flag.reasons["against_hour"] == 6.9 / FIFTEEN.hour
    assert flag.reasons["against_season"] == 8.04 / FIFTEEN.season
    assert "120 contacts from 09:50 to 10:05 (Etc/UTC), usually 57: 63 too many" in flag.reasons["words"]  # type: ignore[operator]


def test_a_flag_carries_its_q_value_its_bar_and_what_the_forest_says() -> None:
    (flag,) = flag_rows([a_flagged_row()], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert flag.q_value == np.exp(-3.0)
    assert (flag.reasons["own_bar"], flag.reasons["anomaly"]) == (2.0, 0.71)
    (plain,) = flag_rows(
        [a_flagged_row(anomaly=np.nan)], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC)
    )
    assert plain.reasons["anomaly"] is None


def test_a_flag_says_by_how_many_times_its_usual_the_hour_before_was_above_it() -> None:
    for columns, expected in (({}, 1.5), ({"baseline": 0.2}, 30.0), ({"level": np.nan}, None)):
        (flag,) = flag_rows([a_flagged_row(**columns)], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
        assert flag.reasons["hour_before"] == expected


def test_without_a_known_busiest_minute_nothing_is_said_of_it() -> None:
    nothing = dict.fromkeys(("peak", "peak_baseline", "peak_strength"), np.nan)
    (flag,) = flag_rows([a_flagged_row(**nothing)], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert (flag.reasons["peak"], flag.reasons["usual_peak"], flag.reasons["kind"]) == (None, None, "count")
    assert not any("busiest minute" in str(word) for word in flag.reasons["words"])  # type: ignore[attr-defined]


def test_the_flags_of_an_open_hour_wait() -> None:
    rows = a_flagged_row()
    closed = [datetime(2026, 3, 3, hour, tzinfo=UTC) for hour in (10, 11)]
    assert [len(flag_rows([rows], {"acme": "Etc/UTC"}, at)) for at in closed] == [0, 1]
    assert flag_rows([replace(rows, flagged=np.array([False]))], {}, closed[1]) == []


def test_a_flag_of_a_longer_clock_names_its_last_interval_and_says_what_its_span_counts() -> None:
    """The hour from 09:05 to 10:05, of which three quarters are known."""
    span = {"span_seconds": 3600, "span_observed": 48.0, "span_baseline": 0.5}
    rows = replace(a_flagged_row(**span), clock=Clock.HOUR, seconds_covered=np.array([2700.0]))
    (flag,) = flag_rows([rows], {"acme": "Europe/Berlin"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert (flag.clock, flag.interval_start, flag.interval_seconds, flag.span_seconds) == (
        Clock.HOUR,
        AT,
        300,
        3600,
    )
    assert (flag.observed, flag.baseline, flag.excess) == (48.0, 0.5, 47.5)
    assert flag.threshold == INITIAL_THRESHOLD[Clock.HOUR]
    assert flag.reasons["own_bar"] == 2.0
    words = flag.reasons["words"]
    assert isinstance(words, list)
    assert (
        "48 contacts in the hour from Tuesday 10:05 to Tuesday 11:05 (Europe/Berlin), usually 0.5: 48 too many"
        in words
    )
    assert "only 45 of 60 minutes are known; the usual is of these alone" in words
