"""What a wrongful measure cost, and the exact interval of how often measures are overturned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.review.frozen_traffic import USUAL_LEVEL
from cjp_fraud.suspension.ledger_rules import YEAR, hours_down, overturned_rate, usual_per_hour

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VOICE = {"channel": "voice", "direction": "outbound", "interval_seconds": 300}


@pytest.mark.parametrize(
    ("overturned", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.6235, 11.668), (20, 12.217, 30.888)],
)
def test_the_interval_is_the_one_of_the_published_table(overturned: int, low: float, high: float) -> None:
    """Exact limits of a Poisson count (Garwood 1936; Ulm 1990, table 1), over a thousand tenant-years."""
    rate = overturned_rate(overturned, 1000 * YEAR)
    assert rate.per_1000 == pytest.approx(overturned)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=6e-4)


@given(st.integers(0, 500), st.floats(0.001, 1e5))
def test_the_rate_lies_in_its_interval_and_more_time_narrows_it(overturned: int, years: float) -> None:
    rate, longer = overturned_rate(overturned, years * YEAR), overturned_rate(overturned, 2 * years * YEAR)
    limits = [rate.low, rate.per_1000, rate.high, longer.low, longer.high]
    low, middle, high, longer_low, longer_high = (each for each in limits if each is not None)
    assert low <= middle < high
    assert longer_high - longer_low < high - low


def test_without_time_there_is_no_rate() -> None:
    assert overturned_rate(3, timedelta()).per_1000 is None


def test_hours_are_counted_until_the_end_or_until_now() -> None:
    assert hours_down(NOON, NOON + timedelta(minutes=90), NOON + timedelta(days=9)) == 1.5
    assert hours_down(NOON, None, NOON + timedelta(hours=3)) == 3.0


def test_usual_contacts_are_the_mean_of_the_frozen_hours_of_what_the_measure_stopped() -> None:
    rows = [
        {**VOICE, "table": "scores", "series_id": "a", "baseline": 1.0},
        {**VOICE, "table": "scores", "series_id": "a", "baseline": 3.0},
        {**VOICE, "table": USUAL_LEVEL, "series_id": "a", "usual_per_hour": 90.0},
        {**VOICE, "table": USUAL_LEVEL, "series_id": "b", "usual_per_hour": 10.0},
        {**VOICE, "direction": "inbound", "table": USUAL_LEVEL, "series_id": "c", "usual_per_hour": 500.0},
        {**VOICE, "table": "traffic", "series_id": "a", "contacts_offered": 700},
    ]
    outbound = Scope(channels=("voice",), directions=("outbound",))
    assert usual_per_hour(rows, outbound) == 24.0 + 10.0
    assert usual_per_hour(rows, Scope()) == 534.0
    assert usual_per_hour(rows, Scope(channels=("sms",))) is None
