"""Usual traffic: local time and its changes, sizes, holidays, dispersion, gaps, launches."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from cjp_fraud.errors import BadInputError
from cjp_fraud.simulation.cloud import DAY_INTERVALS, WEEK_INTERVALS, Cloud
from cjp_fraud.simulation.counts import draw_minutes, share_of
from cjp_fraud.simulation.delivery import delivery_of
from cjp_fraud.simulation.expected import expected_of
from cjp_fraud.simulation.generate import COUNTS_ONLY, simulate_tenants
from cjp_fraud.simulation.local_calendar import When, black_friday, local_calendar
from cjp_fraud.simulation.tenant_profiles import Opening, Profile, draw_profile

CLOUD = Cloud(seed=3, weeks=10)


@pytest.fixture(scope="module")
def profiles() -> list[Profile]:
    return [draw_profile(CLOUD, index) for index in range(600)]


def test_a_local_hour_stays_where_it_is_when_the_clock_changes() -> None:
    calendar = local_calendar(CLOUD, "America/New_York", "US")
    nine_on_mondays = np.flatnonzero(calendar.slot == 9 * 12)
    weeks_between = np.diff(nine_on_mondays)
    hour = DAY_INTERVALS // 24
    assert sorted(set(weeks_between)) == [WEEK_INTERVALS, WEEK_INTERVALS + hour]
    assert (weeks_between == WEEK_INTERVALS + hour).sum() == 1


def test_the_day_on_which_the_clock_is_put_back_has_25_hours() -> None:
    calendar = local_calendar(CLOUD, "Europe/Berlin", "DE")
    lengths = np.diff(calendar.day_start)[1:]
    assert str(calendar.dates[1:-1][lengths == DAY_INTERVALS + 12][0]) == "2025-10-26"
    assert len(calendar.changes) == 1
    before, after = calendar.slot[calendar.changes[0] - 1], calendar.slot[calendar.changes[0]]
    assert after == before - 11


def test_a_zone_without_changes_has_none() -> None:
    assert len(local_calendar(CLOUD, "Asia/Kolkata", "IN").changes) == 0


def test_holidays_are_those_of_the_country() -> None:
    cloud = Cloud(seed=0, weeks=14, start=date(2025, 9, 29))
    americans = local_calendar(cloud, "America/New_York", "US")
    germans = local_calendar(cloud, "Europe/Berlin", "DE")
    assert np.datetime64("2025-11-27") in americans.dates[americans.holiday]
    assert np.datetime64("2025-11-27") not in germans.dates[germans.holiday]
    assert np.datetime64("2025-10-03") in germans.dates[germans.holiday]


def test_an_office_expects_less_on_a_holiday(profiles: list[Profile]) -> None:
    office = next(
        profile
        for profile in profiles
        if profile.opening is Opening.BUSINESS and profile.country.code == "US" and not profile.launched
    )
    expected = expected_of(CLOUD, office)
    by_day = np.bincount(expected.calendar.day, expected.base)
    thanksgiving = int(np.flatnonzero(expected.calendar.dates == np.datetime64("2025-11-27"))[0])
    assert by_day[thanksgiving] < 0.6 * by_day[thanksgiving - 7]


def test_black_friday_follows_the_fourth_thursday() -> None:
    assert [black_friday(year) for year in (2024, 2025, 2026)] == [
        date(2024, 11, 29),
        date(2025, 11, 28),
        date(2026, 11, 27),
    ]


def test_sizes_reach_over_four_orders_of_magnitude(profiles: list[Profile]) -> None:
    sizes = [profile.contacts_a_day for profile in profiles]
    assert max(sizes) / min(sizes) > 1e4


def test_there_are_tenants_of_every_kind(profiles: list[Profile]) -> None:
    assert {profile.opening for profile in profiles} == set(Opening)
    assert {True, False} == {profile.launched for profile in profiles}
    assert any(profile.last_day < 70 for profile in profiles)
    assert any(profile.job for profile in profiles)
    assert any(profile.level_changes for profile in profiles)
    assert sum(profile.contacts_a_day < 16 for profile in profiles) > 30


def test_a_night_tenant_works_by_night(profiles: list[Profile]) -> None:
    owl = next(profile for profile in profiles if profile.opening is Opening.NIGHT)
    expected = expected_of(CLOUD, owl)
    night = expected.calendar.within(When.NIGHT)
    assert expected.base[night].sum() > 0.6 * expected.base.sum()


def test_a_tenant_has_no_rows_before_its_launch_and_after_its_end(profiles: list[Profile]) -> None:
    for profile in profiles:
        if profile.launched and profile.last_day < 70:
            break
    expected = expected_of(CLOUD, profile)
    present, _ = delivery_of(CLOUD, expected)
    days = expected.calendar.day[present]
    assert days.min() >= profile.first_day
    assert days.max() < profile.last_day


def test_a_failing_feed_takes_the_rows_of_its_tenants_together() -> None:
    cloud = Cloud(seed=3, weeks=30)
    by_feed: dict[int, list[np.ndarray]] = {}
    for index in range(40):
        profile = draw_profile(cloud, index)
        if not profile.launched and profile.last_day > 210:
            present, late = delivery_of(cloud, expected_of(cloud, profile))
            by_feed.setdefault(profile.feed, []).append(~present | (late > 0))
    longest = max((masks for masks in by_feed.values()), key=len)
    together = np.logical_and.reduce(longest)
    assert len(longest) >= 4
    assert together.sum() >= 6


def test_without_gaps_every_interval_is_delivered_on_time() -> None:
    simulated = simulate_tenants(Cloud(seed=3, weeks=2, gaps=False), [0], columns=COUNTS_ONLY)
    profile = simulated.tenants[0]
    assert not profile.launched
    assert len(simulated.traffic) == 2 * WEEK_INTERVALS * len(profile.series)
    assert (simulated.late_hours == 0).all()


@pytest.mark.parametrize("rate", [0.3, 5.0, 19.9, 20.0, 60.0, 400.0])
def test_counts_have_the_mean_and_the_variance_of_poisson(rate: float) -> None:
    minutes = draw_minutes(np.full(200_000, rate), 0.0, np.random.default_rng(1))
    totals = minutes.sum(axis=0)
    assert totals.mean() == pytest.approx(rate, rel=0.01)
    assert totals.var() == pytest.approx(rate, rel=0.02)
    assert minutes.mean(axis=1) == pytest.approx(np.full(5, rate / 5), rel=0.03)


@pytest.mark.parametrize("rate", [20.0, 60.0])
@pytest.mark.parametrize(("tail", "right_to"), [(1e-3, 0.2), (1e-4, 0.35)])
def test_large_counts_have_the_tail_of_poisson(rate: float, tail: float, right_to: float) -> None:
    rng = np.random.default_rng(2)
    drawn = draw_minutes(np.full(600_000, rate), 0.0, rng).ravel()
    exact = rng.poisson(rate / 5, size=len(drawn))
    bar = np.quantile(exact, 1 - tail)
    assert (drawn > bar).mean() == pytest.approx((exact > bar).mean(), rel=right_to)


def test_clumping_puts_a_share_of_the_contacts_into_one_minute() -> None:
    rng = np.random.default_rng(3)
    even = draw_minutes(np.full(50_000, 400.0), 0.0, rng)
    clumped = draw_minutes(np.full(50_000, 400.0), 0.15, rng)
    assert clumped.sum(axis=0).mean() == pytest.approx(400, rel=0.01)
    assert clumped.max(axis=0).mean() == pytest.approx(400 * (0.15 + 0.85 / 5), rel=0.02)
    assert even.max(axis=0).mean() < 100


def test_counts_are_spread_more_than_poisson() -> None:
    cloud = Cloud(seed=3, weeks=6, events=False, gaps=False)
    office = next(index for index in range(400) if draw_profile(cloud, index).contacts_a_day > 20_000)
    simulated = simulate_tenants(cloud, [office], columns=COUNTS_ONLY)
    profile = simulated.tenants[0]
    expected = expected_of(cloud, profile)
    counts = simulated.traffic["contacts_offered"].to_numpy()[: cloud.intervals]
    rate = expected.rate(profile.series[0])
    busy = rate > 20
    assert np.mean((counts[busy] - rate[busy]) ** 2 / rate[busy]) > 1.5


def test_a_share_has_the_mean_and_the_spread_of_a_binomial() -> None:
    rng = np.random.default_rng(4)
    counts = np.full(100_000, 50, np.float32)
    shares = share_of(counts, 0.3, rng.standard_normal(len(counts), dtype=np.float32))
    assert shares.mean() == pytest.approx(15, rel=0.01)
    assert shares.std() == pytest.approx(np.sqrt(50 * 0.3 * 0.7), rel=0.03)
    assert (shares <= counts).all()


@pytest.mark.parametrize("wrong", [{"weeks": 0}, {"weeks": 105}, {"seed": -1}, {"event_share": 1.5}])
def test_a_cloud_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInputError, match=next(iter(wrong))):
        Cloud(**({"seed": 0, "weeks": 4} | wrong))  # type: ignore[arg-type]
