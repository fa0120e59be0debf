"""Clocks: over which spans contacts are counted, beside each other and each on its own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Clock(StrEnum):
    """Over what a series is judged: its intervals (``minute``), or the hour, 24 hours or week that end with one.

    Each clock has its own statistic, its own pool of p, its own threshold and its own excess; none changes another's.
    """

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


SPAN_SECONDS: Final = {Clock.HOUR: 3600, Clock.DAY: 24 * 3600, Clock.WEEK: 7 * 24 * 3600}
"""What a longer clock counts; the minute clock's flags say themselves whether 5 or 15 minutes decided."""

BUDGET_SHARE: Final = {Clock.HOUR: 0.1, Clock.DAY: 0.1, Clock.WEEK: 0.1}
"""Share of both budgets that a longer clock's threshold is chosen for; the minute clock has what these leave."""

INITIAL_THRESHOLD: Final = {Clock.HOUR: 3.5, Clock.DAY: 3.5, Clock.WEEK: 1.0}
"""Score that a longer clock's flag needs before there are four weeks of scores.

The week's statistic is 0 but for one ordinary series in thousands: what is above 0 is rare enough."""

LEAST_THRESHOLD: Final = {Clock.MINUTE: 1.5, Clock.HOUR: 1.5, Clock.DAY: 1.5, Clock.WEEK: 1.0}
"""However quiet a window was, no clock's threshold goes below this."""

DAYS_A_SCORE: Final = {Clock.MINUTE: 1, Clock.HOUR: 1, Clock.DAY: 1, Clock.WEEK: 7}
"""Days from one day with scores to the next."""

HOURLY_CLOCKS: Final = (Clock.HOUR, Clock.DAY)
"""The longer clocks whose spans end with each hour."""

LONG_CLOCKS: Final = (*HOURLY_CLOCKS, Clock.WEEK)
"""The longer clocks that run beside the minute clock, in the order in which they are scored and stored."""

CLOCKS: Final = (Clock.MINUTE, *LONG_CLOCKS)

Thresholds = Mapping[Clock, float]
"""Score that a flag of each clock needs; a clock that is left out flags nothing."""
