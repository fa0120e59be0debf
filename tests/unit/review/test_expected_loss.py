"""What flags may have cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.review.expected_loss import ExpectedLoss, FlaggedSpan, expected_loss

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def a_span(
    end: int, excess: float, *, minutes: int = 5, cents: float | None = 2.0, series: str = "s"
) -> FlaggedSpan:
    """A span that ends so many minutes after noon."""
    until = NOON + timedelta(minutes=end)
    return FlaggedSpan(series, until - timedelta(minutes=minutes), until, excess, cents)


def test_it_is_the_excess_times_the_charge() -> None:
    assert expected_loss([a_span(5, 100.0), a_span(10, 50.0, cents=3.0)]) == ExpectedLoss(350.0, True)


def test_a_contact_without_a_charge_counts_as_one_cent_and_is_marked() -> None:
    assert expected_loss([a_span(5, 100.0), a_span(10, 50.0, cents=None)]) == ExpectedLoss(250.0, False)


def test_no_moment_of_a_series_counts_twice() -> None:
    spans = [a_span(15, 90.0, minutes=15, cents=1.0), a_span(20, 120.0, minutes=15, cents=1.0)]
    assert expected_loss(spans).amount == pytest.approx(90 + 120 / 3)
    assert expected_loss(reversed(spans)) == expected_loss(spans)


def test_the_same_moment_of_two_series_counts_for_both() -> None:
    assert expected_loss([a_span(5, 10.0), a_span(5, 10.0, series="other")]).amount == 40.0


def test_what_lies_between_two_spans_is_not_counted() -> None:
    assert expected_loss([a_span(15, 30.0, minutes=15), a_span(60, 30.0, minutes=15)]).amount == 120.0
