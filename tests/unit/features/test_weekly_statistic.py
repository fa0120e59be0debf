"""The weekly clock's statistic: what goes on every day and costs is told, once; what happens on a day is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import nbinom, norm

from features.share_shift import COUNT_WANDER, PRIOR_CONTACTS, count_shift, mean_shift
from features.weekly_growth import growth, weekly_sums
from features.weekly_statistic import (
    GROWTH,
    HISTORY_DAYS,
    INTERNATIONAL,
    INVALID,
    LEAST_SHIFT,
    NOTHING,
    DailySums,
    weekly_scores,
)

Floats = NDArray[np.float64]
CONTACTS = 300


def usual(series: int = 1, *, seed: int = 1) -> DailySums:
    """Ordinary series: 300 contacts a day, 2 % abroad, all to one neighbour, 1 % to invalid numbers, 2 cents each."""
    rng = np.random.default_rng(seed)
    contacts = rng.poisson(CONTACTS, (series, HISTORY_DAYS)).astype(np.float64)
    abroad = rng.binomial(contacts.astype(np.int64), 0.02).astype(np.float64)
    of_country = np.empty((2 * series, HISTORY_DAYS))
    of_country[::2], of_country[1::2] = contacts - abroad, abroad
    return DailySums(
        contacts=contacts,
        charge=rng.poisson(2.0 * contacts).astype(np.float64),
        international=abroad,
        high_risk=np.zeros_like(contacts),
        invalid=rng.binomial(contacts.astype(np.int64), 0.01).astype(np.float64),
        of_country=of_country,
        country_series=np.repeat(np.arange(series), 2),
    )


def with_calls(sums: DailySums, calls: Floats, *, cents: float, invalid: float) -> DailySums:
    """The one series of ``sums`` with further calls by day to a country that was never called."""
    return replace(
        sums,
        contacts=sums.contacts + calls,
        charge=sums.charge + cents * calls,
        international=sums.international + calls,
        invalid=sums.invalid + np.round(invalid * calls),
        of_country=np.vstack([sums.of_country, calls]),
        country_series=np.append(sums.country_series, 0),
    )


def drip(a_day: int, days: int) -> Floats:
    calls = np.zeros(HISTORY_DAYS)
    calls[HISTORY_DAYS - days :] = a_day
    return calls


def test_a_drip_of_one_contact_in_forty_to_a_new_country_is_found_within_two_weeks() -> None:
    scores = weekly_scores(with_calls(usual(), drip(8, 10), cents=30, invalid=0.6))
    assert scores.statistic[0] > 0
    assert scores.what[0] == 2
    assert scores.observed[0] == 80
    assert scores.usual[0] == 0


def test_the_same_calls_on_a_single_day_are_not() -> None:
    calls = np.zeros(HISTORY_DAYS)
    calls[-4] = 80
    assert weekly_scores(with_calls(usual(), calls, cents=30, invalid=0.6)).statistic[0] == 0


def test_calls_to_a_new_country_that_cost_what_calls_cost_are_not() -> None:
    scores = weekly_scores(with_calls(usual(), drip(8, 10), cents=2, invalid=0.01))
    assert scores.statistic[0] == 0


def test_where_nothing_is_known_of_the_cost_the_place_alone_is_judged() -> None:
    sums = with_calls(usual(), drip(8, 10), cents=2, invalid=0.01)
    unknown = np.full_like(sums.charge, np.nan)
    scores = weekly_scores(replace(sums, charge=unknown, invalid=unknown))
    assert scores.shift[0] == pytest.approx(0.7 * scores.where[0])
    assert np.isnan(scores.cost[0])
    assert scores.statistic[0] > 0


def test_where_no_place_is_known_numbers_that_are_not_assigned_stand_in_for_it() -> None:
    sums = with_calls(usual(), drip(12, 10), cents=30, invalid=1.0)
    unknown = np.full_like(sums.charge, np.nan)
    none = np.empty((0, HISTORY_DAYS)), np.empty(0, dtype=np.int64)
    sums = replace(sums, international=unknown, high_risk=unknown, of_country=none[0], country_series=none[1])
    scores = weekly_scores(sums)
    assert scores.what[0] == INVALID
    assert scores.statistic[0] > 0


def test_contacts_abroad_are_judged_where_countries_are_not_known() -> None:
    sums = with_calls(usual(), drip(12, 10), cents=30, invalid=0.6)
    sums = replace(sums, of_country=np.empty((0, HISTORY_DAYS)), country_series=np.empty(0, dtype=np.int64))
    scores = weekly_scores(sums)
    assert scores.what[0] == INTERNATIONAL
    assert scores.statistic[0] > 0


def test_a_shift_that_goes_on_is_told_once() -> None:
    told = [
        weekly_scores(with_calls(usual(), drip(12, days), cents=30, invalid=0.6)).statistic[0] > 0
        for days in (7, 14, 21, 28, 35)
    ]
    assert told == [True, False, False, False, False]


def test_it_is_told_again_when_it_becomes_much_larger() -> None:
    calls = drip(3, 21)
    calls[-7:] = 30
    assert weekly_scores(with_calls(usual(), calls, cents=30, invalid=0.6)).statistic[0] > 0


def test_a_day_on_which_months_are_booked_is_no_shift() -> None:
    sums = usual()
    sums.contacts[0, -3] *= 100
    sums.international[0, -3] = 0.04 * sums.contacts[0, -3]
    sums.invalid[0, -3] = 0.02 * sums.contacts[0, -3]
    sums.charge[0, -3] *= 200
    assert weekly_scores(sums).statistic[0] == 0


def test_a_series_of_under_three_weeks_is_unknown() -> None:
    sums = with_calls(usual(), drip(30, 5), cents=30, invalid=0.6)
    for days, known in ((20, False), (21, True)):
        young = DailySums(
            **{
                name: np.where(np.arange(HISTORY_DAYS) < HISTORY_DAYS - days, np.nan, getattr(sums, name))
                for name in ("contacts", "charge", "international", "high_risk", "invalid", "of_country")
            },
            country_series=sums.country_series,
        )
        assert (not np.isnan(weekly_scores(young).statistic[0])) == known


def test_ordinary_series_are_hardly_ever_told() -> None:
    scores = weekly_scores(usual(2000, seed=3))
    assert np.isfinite(scores.statistic).all()
    assert (scores.statistic > 0).sum() <= 2
    assert np.quantile(scores.shift, 0.99) < LEAST_SHIFT


def test_a_series_has_the_same_score_whatever_others_are_scored_with_it() -> None:
    alone = weekly_scores(with_calls(usual(), drip(8, 10), cents=30, invalid=0.6))
    sums = with_calls(usual(), drip(8, 10), cents=30, invalid=0.6)
    other = usual(10, seed=9)
    both = DailySums(
        **{
            name: np.vstack([getattr(other, name), getattr(sums, name)])
            for name in ("contacts", "charge", "international", "high_risk", "invalid", "of_country")
        },
        country_series=np.append(other.country_series, 10 + sums.country_series),
    )
    together = weekly_scores(both)
    assert together.statistic[10] == alone.statistic[0]
    assert together.what[10] == alone.what[0] + 20


def test_a_count_is_held_against_a_gamma_poisson_distribution() -> None:
    """Against scipy's, where days are no more spread than Poisson and a whole number is compared."""
    contacts = np.full((1, 28 + 56), 100.0)
    amounts = np.zeros((1, 28 + 56))
    amounts[0, np.arange(0, 56, 7)] = 1
    amounts[0, 56 + np.arange(0, 28, 4)] = 1
    shape = 1 / (1 / (8 + PRIOR_CONTACTS) + COUNT_WANDER**2)
    mean = 0.5 * (8 + PRIOR_CONTACTS)
    tail = nbinom.sf(7 - 1, shape, shape / (shape + mean))
    assert count_shift(amounts, contacts, 28).z[0] == pytest.approx(norm.isf(tail))
    assert count_shift(amounts, contacts, 28, 3.0).z[0] == pytest.approx(norm.isf(3 * tail))


def test_the_largest_counts_have_a_finite_score() -> None:
    contacts = np.full((1, 84), 1e7)
    amounts = np.zeros((1, 84))
    amounts[0, 56:] = 1e6
    assert 30 < count_shift(amounts, contacts, 28).z[0] < 1e4


def test_a_mean_that_did_not_move_has_no_shift() -> None:
    contacts = np.random.default_rng(1).poisson(100, (1, 84)).astype(np.float64)
    assert mean_shift(3 * contacts, contacts, 28).z[0] == pytest.approx(0, abs=1e-6)


def test_growth_of_a_fifth_a_week_is_found_and_one_step_of_three_times_is_not() -> None:
    weeks = np.full((2, 16), 2000.0)
    weeks[0, -4:] *= 1.2 ** np.arange(1, 5)
    weeks[1, -2:] *= 3
    steady, once = growth(weeks)
    assert steady > LEAST_SHIFT / 0.7
    assert once < LEAST_SHIFT / 0.7


def test_growth_that_all_series_share_is_the_season() -> None:
    weeks = np.full((30, 16), 2000.0)
    weeks[:, -4:] *= 1.2 ** np.arange(1, 5)
    weeks[0, -4:] *= 1.3 ** np.arange(1, 5)
    grown = growth(weeks)
    assert grown[0] > LEAST_SHIFT / 0.7
    assert np.abs(grown[1:]).max() < 0.1


def test_a_week_of_few_known_days_is_unknown_and_others_are_counted_in_proportion() -> None:
    amounts = np.full((1, 14), 10.0)
    amounts[0, :4] = np.nan
    amounts[0, 7:10] = np.nan
    assert np.isnan(weekly_sums(amounts)[0, 0])
    assert weekly_sums(amounts)[0, 1] == 70


def test_growth_is_told_with_the_contacts_of_four_weeks() -> None:
    sums = usual()
    sums.contacts[0, -28:] *= np.repeat(1.3 ** np.arange(1, 5), 7)
    unknown = np.full_like(sums.charge, np.nan)
    sums = replace(
        sums,
        charge=unknown,
        international=unknown,
        high_risk=unknown,
        invalid=unknown,
        of_country=np.empty((0, HISTORY_DAYS)),
        country_series=np.empty(0, dtype=np.int64),
    )
    scores = weekly_scores(sums)
    assert scores.what[0] == GROWTH
    assert scores.observed[0] == pytest.approx(sums.contacts[0, -28:].sum())
    assert scores.usual[0] == pytest.approx(4 * sums.contacts[0, -35:-28].sum())
    assert weekly_scores(usual()).what[0] in (NOTHING, GROWTH, 0, 1, INTERNATIONAL)
