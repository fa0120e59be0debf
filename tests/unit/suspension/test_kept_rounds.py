"""Rounds of reaffirmations, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.suspension.kept_rounds import (
    Given,
    KeptRound,
    Term,
    last_complete_at,
    open_round,
    round_that_keeps,
    term_given,
    term_if_kept,
    time_faults,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TERM = Term(review_at=NOW + 2 * HOUR, ends_at=NOW + 4 * HOUR)
LATER = Term(review_at=NOW + 72 * HOUR, ends_at=NOW + 72 * HOUR)
POLICY = ProviderPolicy(measure_review=72 * HOUR, fresh=24 * HOUR)


def given(number: int, by: str, at: datetime = NOW, term: Term | None = None) -> Given:
    return Given(number, by, at, term.review_at if term else None, term.ends_at if term else None)


def test_a_round_of_one_keeps_nothing() -> None:
    assert round_that_keeps([given(1, "adam")], TERM) is None
    assert last_complete_at([given(1, "adam")]) is None


def test_a_round_of_two_keeps_the_measure_until_the_end_that_the_second_gave_it() -> None:
    rounds = [given(1, "adam", NOW - HOUR), given(1, "bella", NOW, LATER)]
    assert round_that_keeps(rounds, TERM) == KeptRound(1, NOW, LATER)
    assert last_complete_at(rounds) == NOW


def test_a_round_whose_end_the_measure_has_moves_nothing() -> None:
    assert round_that_keeps([given(1, "adam"), given(1, "bella", NOW, LATER)], LATER) is None


def test_the_newest_complete_round_counts_though_a_later_one_has_begun() -> None:
    rounds = [given(1, "adam"), given(1, "bella", NOW, LATER), given(2, "adam", NOW + HOUR)]
    kept = round_that_keeps(rounds, TERM)
    assert kept is not None
    assert kept.number == 1


@pytest.mark.parametrize(
    ("before", "number", "lacks_one"),
    [
        ([], 1, False),
        ([given(1, "adam", NOW - HOUR)], 1, True),
        ([given(1, "adam", NOW - 25 * HOUR)], 2, False),
        ([given(1, "adam"), given(1, "bella")], 2, False),
    ],
    ids=["the first", "the second in time", "after a stale one", "after a complete one"],
)
def test_the_next_reaffirmation_belongs_to_the_round_that_is_open(
    before: list[Given], number: int, lacks_one: bool
) -> None:
    current = open_round(before, NOW, POLICY)
    assert (current.number, current.lacks_one) == (number, lacks_one)


def test_a_kept_measure_gets_a_review_period_and_never_goes_past_the_contract() -> None:
    assert term_if_kept(TERM, None, NOW, POLICY) == LATER
    latest = NOW + 10 * HOUR
    assert term_if_kept(TERM, latest, NOW, POLICY) == Term(latest, latest)


def test_a_round_never_brings_an_end_nearer() -> None:
    assert term_given(TERM, LATER, NOW + 3 * HOUR) == Term(NOW + 3 * HOUR, TERM.ends_at)


def test_after_the_review_date_nobody_reaffirms() -> None:
    assert not time_faults(TERM, None, NOW)
    assert "has passed" in time_faults(TERM, None, TERM.review_at)[0]
    assert "already runs" in time_faults(TERM, TERM.review_at, NOW)[0]
