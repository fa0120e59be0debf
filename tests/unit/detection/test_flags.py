"""Flags as the review gets them: the numbers of the kind that decided, and words that match them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from cjp_fraud.detection.flags import flag_rows
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.scoring import ScoredRows, gathered
from cjp_fraud.detection.series import series_table
from features.constants import SHIPPED
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
    table, _ = series_table(pa.table(KEY), {"acme": "Etc/UTC"})
    numbers: dict[str, Any] = {
        "series": 0,
        "start": int(AT.timestamp()),
        "observed": 60.0,
        "baseline": 20.0,
        "regime": int(Regime.SETTLED_PEAK),
        "statistic": 9.0,
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
        "flagged": True,
    }
    version = FittedVersion(0, Model(), 3.6, id="version")
    return gathered(
        [{name: np.array([value]) for name, value in (numbers | columns).items()}], table, version
    )


def test_a_flag_that_the_busiest_minute_decided_shows_the_busiest_minutes_numbers() -> None:
    (flag,) = flag_rows([a_flagged_row()], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert flag.reasons["by_peak"] is True
    assert flag.reasons["against_hour"] == 58.0 / SHIPPED.peak.hour
    assert flag.reasons["against_season"] == 21.6 / SHIPPED.peak.season
    assert (flag.reasons["peak"], flag.reasons["usual_peak"]) == (30.0, 6.0)
    words = flag.reasons["words"]
    assert isinstance(words, list)
    assert "30 in the busiest minute, usually 6" in words
    assert words[-1] == (
        "what weighed most: the busiest minute against the hour before "
        "(season 9.0, hour before 10.0; 1 is a busy day's maximum)"
    )


def test_a_flag_that_the_sum_decided_shows_the_sums_numbers() -> None:
    rows = a_flagged_row(count_strength=20.0)
    (flag,) = flag_rows([rows], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert flag.reasons["by_peak"] is False
    assert flag.reasons["against_hour"] == 1.5 / SHIPPED.count.hour
    assert flag.reasons["against_season"] == 1.9 / SHIPPED.count.season


def test_without_a_known_busiest_minute_nothing_is_said_of_it() -> None:
    nothing = dict.fromkeys(("peak", "peak_baseline", "peak_strength"), np.nan)
    (flag,) = flag_rows([a_flagged_row(**nothing)], {"acme": "Etc/UTC"}, datetime(2026, 3, 4, tzinfo=UTC))
    assert (flag.reasons["peak"], flag.reasons["usual_peak"], flag.reasons["by_peak"]) == (None, None, False)
    assert not any("busiest minute" in str(word) for word in flag.reasons["words"])  # type: ignore[attr-defined]


def test_the_flags_of_an_open_hour_wait() -> None:
    rows = a_flagged_row()
    closed = [datetime(2026, 3, 3, hour, tzinfo=UTC) for hour in (10, 11)]
    assert [len(flag_rows([rows], {"acme": "Etc/UTC"}, at)) for at in closed] == [0, 1]
    assert flag_rows([replace(rows, flagged=np.array([False]))], {}, closed[1]) == []
