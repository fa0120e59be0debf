"""Names of the columns of traffic, of scores and of the second stage's features, in one place."""

from __future__ import annotations

from typing import Final

from features.counting_clocks import LONG_CLOCKS

SERIES_ID: Final = "series_id"
TENANT: Final = "tenant_id"
CHANNEL: Final = "channel"
DIRECTION: Final = "direction"
APPLICATION: Final = "application_id"
INTERVAL_SECONDS: Final = "interval_seconds"
INTERVAL_START: Final = "interval_start"
OFFERED: Final = "contacts_offered"
PEAK: Final = "contacts_peak"
COVERED: Final = "seconds_covered"

SERIES_KEY: Final = (TENANT, CHANNEL, DIRECTION, APPLICATION, INTERVAL_SECONDS)
"""What makes a series; flags are per series, episodes per tenant."""

OBSERVED: Final = "observed"
BASELINE: Final = "baseline"
EXCESS: Final = "excess"
SCORE: Final = "score"
P_VALUE: Final = "p_value"
FLAGGED: Final = "flagged"
EPISODE: Final = "episode_id"
OTHERS_FLAGGED: Final = "others_flagged"
FLAGGED_BY: Final = "flagged_by"
CLOCK_SCORE: Final = {clock: f"{clock}_score" for clock in LONG_CLOCKS}
"""Of each longer clock, the score of the span that ends with the interval."""

SCORE_COLUMNS: Final = (
    *SERIES_KEY,
    INTERVAL_START,
    OBSERVED,
    BASELINE,
    EXCESS,
    SCORE,
    P_VALUE,
    FLAGGED,
    EPISODE,
    OTHERS_FLAGGED,
    *CLOCK_SCORE.values(),
    FLAGGED_BY,
)
"""Columns of a back-test's scores, in their order."""

COUNT_FEATURES: Final = ("count_against_hour", "count_against_season", "count_relative")
PEAK_FEATURES: Final = ("peak_against_hour", "peak_against_season", "peak_relative")
"""Features of the isolation forest (step 9); all upward."""
