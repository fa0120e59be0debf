"""The longer clocks: tails of counts, what is usual of an hour and a day, and what a sparse series is flagged for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import nbinom

from features.count_tails import log_upper_tail
from features.counting_clocks import Clock
from features.hour_sums import CONTEXT_HOURS, hour_sums, sum_of_24, sums_of_local_day
from features.local_grid import DAY, HOUR, local_grid
from features.long_clocks import SCORERS, highest_of_local_day, own_bar_of, score_days, score_hours
from features.usual_sums import SumMemory, UsualSums, usual_sums

TODAY = 20_000
DAYS = 28
Floats = NDArray[np.float64]


def a_memory(counts: Floats, *, known: float = 1.0, first: int = TODAY - DAYS) -> SumMemory:
    """One series: float64 [days, 24] contacts by hour, of the days from ``first`` on."""
    memory = SumMemory.empty(1)
    nothing = np.full(1, np.nan)
    for number, of_day in enumerate(counts):
        whole = np.full((1, 24), known)
        memory.append(np.array([0]), first + number, of_day[None], whole, nothing, nothing)
    return memory


def usual_of(counts: Floats) -> UsualSums:
    return usual_sums(a_memory(counts), TODAY)


def one_call_a_day(seed: int = 0) -> Floats:
    return np.random.default_rng(seed).poisson(1 / 24, (DAYS, 24)).astype(float)


def today(contacts: dict[int, float], usual: UsualSums, clock: Clock, *, missing: int = 0) -> Floats:
    """−ln of the tail of the spans that end with each hour of a UTC day with so many contacts in some of its hours."""
    begin = TODAY * DAY
    starts = begin + np.arange(-CONTEXT_HOURS * 12, 24 * 12)[missing:] * 300
    counts = np.zeros(len(starts))
    for hour, number in contacts.items():
        counts[np.flatnonzero(starts == begin + hour * HOUR)] = number
    sums = hour_sums("Etc/UTC", 300, begin, begin + DAY, np.zeros(len(starts), int), starts, counts, 1)
    return SCORERS[clock](sums, usual).unbarred[0]


@given(st.floats(0.01, 1e4), st.floats(0.0025, 50.0), st.integers(0, 300))
def test_the_tail_is_that_of_the_negative_binomial_distribution(
    mean: float, dispersion: float, contacts: int
) -> None:
    shape = 1 / dispersion
    expected = nbinom.logsf(contacts - 1, shape, shape / (shape + mean))
    found = log_upper_tail(np.array([float(contacts)]), np.array([mean]), np.array([dispersion]))[0]
    if expected > -600:
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert np.isfinite(found)


@given(st.floats(0.01, 100.0), st.floats(0.0025, 50.0))
def test_the_tail_falls_with_every_contact_however_far_out(mean: float, dispersion: float) -> None:
    contacts = np.array([0.0, 0.5, 1.0, 5.0, 50.0, 1e3, 1e4, 1e5, 1e6])
    tail = log_upper_tail(contacts, np.full(9, mean), np.full(9, dispersion))
    assert tail[0] == 0
    assert (np.diff(tail) <= 0).all()
    assert (np.diff(tail)[tail[1:] < -1e-6] < 0).all()
    assert np.isnan(log_upper_tail(np.array([np.nan]), np.array([mean]), np.array([dispersion]))).all()


def test_a_tenant_of_one_call_a_day_is_neither_flooded_nor_blind() -> None:
    """Five calls in a day are nothing, thirty in an hour are everything; scores are −ln of the tail."""
    usual = usual_of(one_call_a_day())
    assert today({10: 5.0}, usual, Clock.DAY).max() < 6
    assert today({10: 1.0}, usual, Clock.HOUR).max() < 5
    assert today({10: 30.0}, usual, Clock.HOUR)[10] > 20
    assert today(dict.fromkeys(range(15), 2.0), usual, Clock.DAY).max() > 15


def test_a_series_without_any_contact_has_an_expectation_all_the_same() -> None:
    usual = usual_of(np.zeros((DAYS, 24)))
    assert 0 < usual.rate.sum() < 0.05
    assert np.isfinite(today({3: 30.0}, usual, Clock.HOUR)[3])


def test_the_usual_of_an_hour_is_that_of_its_local_hour_and_weekday() -> None:
    """Busy from 9 to 17 on the five days that are not in the weekend."""
    weekday = (np.arange(TODAY - DAYS, TODAY) + 3) % 7
    counts = np.zeros((DAYS, 24))
    counts[np.ix_(weekday < 5, range(9, 17))] = 100.0
    usual = usual_of(counts)
    assert usual.rate[0, 12] * usual.weekday[0, 0] == pytest.approx(100, rel=0.15)
    assert usual.rate[0, 3] < 10
    assert usual.weekday[0, 6] < 0.2


def test_past_outliers_count_less_and_not_nothing() -> None:
    quiet = one_call_a_day(3)
    attacked = quiet.copy()
    attacked[12, 3] += 200
    rates = [usual_of(counts).rate.sum() for counts in (quiet, attacked)]
    assert rates[0] < rates[1] < rates[0] + 0.3 * 200 / DAYS
    levels = [today({3: 30.0}, usual_of(counts), Clock.HOUR)[3] for counts in (quiet, attacked)]
    assert 5 < levels[1] < levels[0]


def test_a_restless_past_makes_the_same_contacts_less_unusual() -> None:
    random = np.random.default_rng(0)
    calm = random.poisson(10.0, (DAYS, 24)).astype(float)
    restless = random.poisson(random.gamma(0.5, 20.0, (DAYS, 24))).astype(float)
    assert (
        today({5: 60.0}, usual_of(calm), Clock.HOUR)[5]
        > 3 * today({5: 60.0}, usual_of(restless), Clock.HOUR)[5]
    )


def test_a_shift_is_the_norm_from_the_fourth_midnight() -> None:
    counts = np.random.default_rng(0).poisson(50.0, (DAYS, 24)).astype(float)
    for shifted, is_norm in ((2, False), (3, True)):
        moved = counts.copy()
        moved[-shifted:] *= 4
        expected = usual_of(moved).rate.mean()
        assert bool(expected > 150) is is_norm


def test_a_determined_day_does_not_count() -> None:
    counts = one_call_a_day()
    attacked = counts.copy()
    attacked[-5] += 20
    place = np.array([0])
    left_out = usual_sums(a_memory(attacked), TODAY, (place, np.array([TODAY - 5])))
    without = usual_sums(a_memory(counts), TODAY, (place, np.array([TODAY - 5])))
    np.testing.assert_array_equal(left_out.rate, without.rate)


def test_days_older_than_four_weeks_are_forgotten() -> None:
    usual = usual_sums(a_memory(np.full((DAYS, 24), 9.0), first=TODAY - 52), TODAY)
    assert usual.sum_days[0] == 4
    assert np.isnan(today({3: 30.0}, replace(usual, sum_days=np.zeros(1)), Clock.HOUR)).all()


def test_a_span_of_which_less_than_half_is_known_is_unknown_and_the_usual_is_of_the_known_part() -> None:
    usual = usual_of(np.full((DAYS, 24), 12.0))
    begin, half = TODAY * DAY, np.arange(0, 6)
    for known, fits in ((half, True), (half[1:], False)):
        starts = begin + known * 300
        sums = hour_sums(
            "Etc/UTC", 300, begin, begin + HOUR, np.zeros(len(known), int), starts, np.ones(len(known)), 1
        )
        scored = score_hours(sums, usual)
        assert np.isnan(scored.unbarred[0, 0]) != fits
        assert np.isnan(score_days(sums, usual).unbarred[0, 0])
    assert scored.usual[0, 0] == pytest.approx(5.0, rel=0.05)


def test_a_day_to_which_the_last_hour_adds_nothing_says_nothing_new() -> None:
    usual = usual_of(np.full((DAYS, 24), 12.0))
    begin = TODAY * DAY
    starts = begin + np.arange(-CONTEXT_HOURS * 12, 24 * 12) * 300
    counts = np.ones(len(starts))
    counts[starts == begin + 5 * HOUR] = 900.0
    sums = hour_sums("Etc/UTC", 300, begin, begin + DAY, np.zeros(len(starts), int), starts, counts, 1)
    scored = score_days(sums, usual)
    assert scored.unbarred[0, 5:].min() > 5
    assert scored.statistic[0, 5] > 5
    assert (scored.statistic[0, 6:][sums.total[0, CONTEXT_HOURS + 6 :] <= 12] < 1e-9).all()


def test_the_own_bar_rises_with_what_the_days_reached_and_one_event_is_forgiven() -> None:
    reached = np.full((1, 60), 3.0)
    memory = a_memory(one_call_a_day())
    for value, days, raised in ((60.0, 1, False), (60.0, 4, True)):
        held = reached.copy()
        held[0, -days:] = value
        memory.hour_highest = held
        assert bool(own_bar_of(Clock.HOUR, usual_sums(memory, TODAY))[0] > 1) is raised


def test_24_hours_are_the_same_however_the_window_is_cut() -> None:
    values = np.random.default_rng(1).gamma(0.3, 7.0, (3, CONTEXT_HOURS + 48))
    whole = sum_of_24(values, CONTEXT_HOURS)
    for hour in (0, 7, 30):
        part = sum_of_24(values[:, hour : hour + CONTEXT_HOURS + 1], CONTEXT_HOURS)
        assert (part[:, 0] == whole[:, hour]).all()


def test_an_hour_that_comes_twice_has_two_known_hours() -> None:
    grid = local_grid("Europe/Berlin", 20_023, 300)  # 2024-10-27, when clocks go back
    counts = np.ones((1, len(grid.starts) - grid.context))
    total, known = sums_of_local_day(grid, counts)
    assert known[0, 2] == 2.0
    assert total[0, 2] == 24.0
    assert known.sum() == 25.0


def test_what_a_finished_day_reached_is_what_its_hours_and_its_24_hours_reached() -> None:
    usual = usual_of(one_call_a_day())
    contacts = np.zeros((1, 24))
    contacts[0, 10] = 30.0
    hour, day = highest_of_local_day(contacts, np.ones((1, 24)), usual, (TODAY + 3) % 7)
    assert hour[0] == pytest.approx(today({10: 30.0}, usual, Clock.HOUR)[10])
    assert day[0] == pytest.approx(today({10: 30.0}, usual, Clock.DAY)[23], rel=0.05)
