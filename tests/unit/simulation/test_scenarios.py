"""Each scenario adds what is documented of it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from cjp_fraud.errors import BadInputError
from cjp_fraud.simulation.benign_twins import TWIN_OF_NAME, TWINS
from cjp_fraud.simulation.cloud import STEP_MINUTES, Cloud
from cjp_fraud.simulation.event_placement import (
    SCENARIO_OF_NAME,
    SCENARIOS,
    Event,
    Injection,
    events_of,
    injected,
)
from cjp_fraud.simulation.expected import Expected, expected_of
from cjp_fraud.simulation.generate import COUNTS_ONLY, simulate_tenants
from cjp_fraud.simulation.local_calendar import When
from cjp_fraud.simulation.scenario import Part, Place, added_columns
from cjp_fraud.simulation.series_kinds import SERIES_KINDS
from cjp_fraud.simulation.tenant_profiles import Opening, draw_profile

CLOUD = Cloud(seed=7, weeks=12)
SEEDS = range(12)


def tenant_with_all_series() -> Expected:
    """An office of some 500 contacts a day that has every kind of series, and exists the whole time."""
    for index in range(4000):
        profile = draw_profile(CLOUD, index)
        if (
            len(profile.series) == len(SERIES_KINDS)
            and 300 < profile.contacts_a_day < 3000
            and profile.opening is Opening.BUSINESS
            and not profile.launched
            and profile.last_day > 84
        ):
            expected = expected_of(CLOUD, profile)
            if len(expected.calendar.changes):
                return expected
    raise AssertionError("no such tenant")


@pytest.fixture(scope="module")
def expected() -> Expected:
    return tenant_with_all_series()


def parts_of(
    name: str, expected: Expected, seed: int, *, first_day: int = 14, last_day: int = 40
) -> tuple[Part, ...]:
    place = Place(expected, first_day * 1440, last_day * 1440)
    return SCENARIO_OF_NAME[name].parts(place, np.random.default_rng(seed))


def hours(part: Part) -> float:
    return len(part.contacts) / 60


@pytest.mark.parametrize("seed", SEEDS)
def test_the_attack_of_sixteen_minutes_is_as_measured(expected: Expected, seed: int) -> None:
    (part,) = parts_of("revenue_share_burst", expected, seed)
    assert part.calls is not None
    assert part.added == 111
    assert len(set(part.calls.country)) == 37
    assert len(set(part.calls.number)) == 89
    gaps = np.diff(part.calls.second)
    assert gaps.min() == pytest.approx(0.2)
    assert gaps.max() == pytest.approx(102)
    assert part.calls.second[-1] == pytest.approx(16 * 60 + 6)
    assert len(part.contacts) == 17
    assert part.mix.cents_a_minute == 58.5


def test_the_attack_reaches_the_traffic_call_by_call(expected: Expected) -> None:
    (part,) = parts_of("revenue_share_burst", expected, 0)
    _, columns = added_columns(part, outbound=True, rng=np.random.default_rng(0))
    assert columns["contacts_international"].sum() == 111
    assert 60 < columns["contacts_connected"].sum() < 111
    assert 80 <= columns["distinct_destinations"].sum() <= 111
    assert columns["agents_active"].sum() == 0
    minutes = columns["connected_seconds"].sum() / 60
    assert columns["charge_cents"].sum() == pytest.approx(58.5 * minutes, rel=0.01)
    assert columns["peak_concurrent"].max() > 30


@pytest.mark.parametrize("seed", SEEDS)
def test_a_weekend_of_revenue_share_is_some_1500_calls_at_most_one_in_2_67_seconds(
    expected: Expected, seed: int
) -> None:
    (part,) = parts_of("revenue_share_weekend", expected, seed)
    assert 30 <= hours(part) <= 48
    assert 500 <= part.added <= 2900
    busiest = np.sort(part.contacts)[-20:].mean()
    assert 15 < busiest < 22.5 + 4 * np.sqrt(22.5)
    assert part.mix.seconds == 7200


@pytest.mark.parametrize("seed", SEEDS)
def test_a_forwarding_takeover_brings_in_what_it_sends_out(expected: Expected, seed: int) -> None:
    out, came_in = parts_of("forwarding_takeover", expected, seed)
    assert (out.series, came_in.series) == (("voice", "outbound"), ("voice", "inbound"))
    assert np.array_equal(out.contacts, came_in.contacts)
    assert 12 <= hours(out) <= 48
    assert 3600 <= out.mix.seconds <= 4 * 3600
    simultaneous = out.contacts.mean() * out.mix.seconds / 60
    assert 25 < simultaneous < 620


@pytest.mark.parametrize("seed", SEEDS)
def test_a_slow_drip_takes_one_to_five_percent_of_the_minutes(expected: Expected, seed: int) -> None:
    (part,) = parts_of("slow_revenue_share", expected, seed)
    assert part.end_minute == expected.live[1] * STEP_MINUTES
    kind = next(kind for kind in SERIES_KINDS if kind.name == part.series)
    last = slice(len(part.contacts) - 14 * 1440, None)
    usual = np.repeat(expected.rate(kind) / STEP_MINUTES, STEP_MINUTES)[part.first_minute :][last].sum()
    usual_minutes = usual * kind.connected * kind.talk_seconds
    added_minutes = part.contacts[last].sum() * part.mix.connected * part.mix.seconds
    share = added_minutes / (usual_minutes + added_minutes)
    noise = 4 * share / np.sqrt(max(part.contacts[last].sum(), 1))
    assert 0.01 - noise < share < 0.05 + noise


@pytest.mark.parametrize("seed", SEEDS)
def test_one_to_five_test_calls_come_hours_to_days_before_the_burst(expected: Expected, seed: int) -> None:
    burst, tests = parts_of("test_calls_then_burst", expected, seed)
    assert 1 <= tests.added <= 5
    assert 3 <= (burst.first_minute - tests.first_minute) / 60 <= 60
    assert burst.added == 111


@pytest.mark.parametrize("seed", SEEDS)
def test_wholesale_trunking_follows_the_curve_of_the_day(expected: Expected, seed: int) -> None:
    (part,) = parts_of("wholesale_trunking", expected, seed)
    place = Place(expected, 0, 1)
    usual = place.usual(part.series, part.first_minute, len(part.contacts))
    assert 3 * 24 <= hours(part) <= 21 * 24
    assert 0.4 < part.added / usual.sum() < 3.2
    assert np.corrcoef(part.contacts.reshape(-1)[: len(usual)], usual)[0, 1] > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_wangiri_rings_thousands_once_and_hardly_anybody_answers(expected: Expected, seed: int) -> None:
    waves = parts_of("wangiri", expected, seed)
    assert len(waves) >= 2
    for wave in waves:
        assert 1800 < wave.added < 8300
        assert 2 <= hours(wave) <= 6
        _, columns = added_columns(wave, outbound=True, rng=np.random.default_rng(seed))
        assert columns["contacts_connected"].sum() < 0.02 * wave.added
        assert columns["distinct_destinations"].sum() == wave.added


@pytest.mark.parametrize("seed", SEEDS)
def test_robocalls_come_by_day_at_one_to_two_hundred_a_second(expected: Expected, seed: int) -> None:
    place = Place(expected, 0, 1)
    for part in parts_of("robocalling", expected, seed):
        assert 50 < part.contacts[part.contacts > 0].mean() < 60 * 205
        assert place.within(When.DAYTIME, part.first_minute, len(part.contacts)).all()
        assert part.mix.seconds < 60
        assert 0.1 <= part.mix.connected <= 0.4


@pytest.mark.parametrize("seed", SEEDS)
def test_shared_credentials_work_outside_office_hours(expected: Expected, seed: int) -> None:
    (part,) = parts_of("credential_sharing", expected, seed)
    ratio = part.contacts.mean() / expected.mean_a_minute(part.series)
    assert 0.15 < ratio < 2.7
    office = Place(expected, 0, 1).within(When.BUSINESS, part.first_minute, len(part.contacts))
    assert part.contacts[~office].mean() > 2 * part.contacts[office].mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_short_pumping_is_a_tenth_to_three_tenths_of_the_traffic_off_hours(
    expected: Expected, seed: int
) -> None:
    nights = parts_of("toll_free_pumping_short", expected, seed)
    first, end = nights[0].first_minute, nights[-1].end_minute
    place = Place(expected, 0, 1)
    added = sum(night.added for night in nights)
    share = added / (added + place.usual(nights[0].series, first, end - first).sum())
    assert 0.07 < share < 0.34
    for night in nights:
        assert not place.within(When.BUSINESS, night.first_minute, 1)[0]
        assert night.mix.seconds_spread < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_long_pumping_holds_a_few_lines_for_hours(expected: Expected, seed: int) -> None:
    (part,) = parts_of("toll_free_pumping_long", expected, seed)
    free = Place(expected, 0, 1).within(When.OFF_HOURS, part.first_minute, len(part.contacts))
    simultaneous = part.contacts[free].mean() * part.mix.seconds / 60
    assert part.contacts[~free].sum() == 0
    assert 2 < simultaneous < 15
    assert 3600 <= part.mix.seconds <= 6 * 3600


@pytest.mark.parametrize("seed", SEEDS)
def test_denial_of_service_pauses_for_hours_and_resumes(expected: Expected, seed: int) -> None:
    stretches = parts_of("telephony_denial_of_service", expected, seed)
    assert 2 <= len(stretches) <= 6
    pauses = [after.first_minute - before.end_minute for before, after in pairwise(stretches)]
    assert all(90 <= pause <= 600 for pause in pauses)
    simultaneous = stretches[0].contacts.mean() * stretches[0].mix.seconds / 60
    assert 25 < simultaneous < 330


@pytest.mark.parametrize("seed", SEEDS)
def test_sms_pumping_sends_thousands_an_hour_at_32_cents(expected: Expected, seed: int) -> None:
    (part,) = parts_of("sms_pumping", expected, seed)
    assert 900 < part.added / hours(part) < 5200
    assert 1 <= len(part.mix.countries) <= 3
    _, columns = added_columns(part, outbound=True, rng=np.random.default_rng(seed))
    assert columns["charge_cents"].sum() == 32 * columns["contacts_connected"].sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bot_floods_chat_from_few_origins(expected: Expected, seed: int) -> None:
    (part,) = parts_of("chat_flood", expected, seed)
    assert 0.25 < hours(part) <= 5
    assert 2 < part.contacts.mean() < 62
    _, columns = added_columns(part, outbound=False, rng=np.random.default_rng(seed))
    assert columns["distinct_origins"].sum() < 0.2 * part.added


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mail_flood_has_two_to_458_a_minute(expected: Expected, seed: int) -> None:
    (part,) = parts_of("email_flood", expected, seed)
    assert 2 <= hours(part) <= 24
    assert 1.7 < part.contacts.mean() < 462


@pytest.fixture(scope="module")
def events() -> list[tuple[Expected, Event]]:
    """All events of some hundreds of tenants."""
    cloud = Cloud(seed=21, weeks=12, event_share=1.0)
    found = []
    for index in range(360):
        expected = expected_of(cloud, draw_profile(cloud, index))
        found += [(expected, event) for event in events_of(cloud, expected)]
    return found


def test_every_scenario_and_every_twin_happens(events: list[tuple[Expected, Event]]) -> None:
    names = {event.name for _, event in events}
    assert names == {scenario.name for scenario in SCENARIOS} | {twin.name for twin in TWINS}


def test_a_twin_has_the_volume_factor_of_its_fraud(events: list[tuple[Expected, Event]]) -> None:
    frauds = {event.event_id: event for _, event in events if not event.benign}
    twins = [(expected, event) for expected, event in events if event.twin_of]
    assert len(twins) > 100
    for expected, twin in twins:
        main = [part for part in twin.parts if part.series == twin.parts[0].series]
        usual = expected.mean_a_minute(main[0].series) * sum(len(part.contacts) for part in main)
        one_contact = 1.0 / usual
        assert twin.factor == pytest.approx(frauds[twin.twin_of].factor, abs=1.01 * one_contact)
        low, high = TWIN_OF_NAME[twin.name].factors
        assert low <= frauds[twin.twin_of].factor <= high


def test_a_fraud_has_one_twin_at_most_on_another_tenant(events: list[tuple[Expected, Event]]) -> None:
    of_fraud = {event.event_id: expected.profile.index for expected, event in events if not event.benign}
    of_twin = [(event.twin_of, expected.profile.index) for expected, event in events if event.twin_of]
    assert len({fraud for fraud, _ in of_twin}) == len(of_twin)
    assert all(of_fraud[fraud] // 2 == tenant // 2 and of_fraud[fraud] != tenant for fraud, tenant in of_twin)
    assert len(of_twin) > 0.9 * len(of_fraud)


def test_twins_are_carried_by_agents_where_people_work(events: list[tuple[Expected, Event]]) -> None:
    clients = [event for _, event in events if event.name == "new_client"]
    assert clients
    assert all(event.parts[0].mix.agents == 1 for event in clients if event.parts[0].series[0] == "voice")


def test_a_catastrophe_comes_to_many_tenants_of_a_zone_at_once() -> None:
    cloud = Cloud(seed=21, weeks=20)
    begins: dict[str, list[int]] = {}
    for index in range(400):
        expected = expected_of(cloud, draw_profile(cloud, index))
        for event in events_of(cloud, expected):
            if event.name == "catastrophe":
                begins.setdefault(expected.profile.zone, []).append(event.parts[0].first_minute)
    assert max(map(len, begins.values())) >= 3
    assert all(max(minutes) - min(minutes) < 15 for minutes in begins.values())


def test_events_stay_inside_the_live_time(events: list[tuple[Expected, Event]]) -> None:
    for expected, event in events:
        for part in event.parts:
            assert expected.live[0] * STEP_MINUTES <= part.first_minute
            assert part.end_minute <= expected.live[1] * STEP_MINUTES


@pytest.mark.parametrize(
    "name", [*SCENARIO_OF_NAME, *(name for name in TWIN_OF_NAME if name != "small_numbers")]
)
def test_any_event_can_be_injected_at_a_time_and_size(expected: Expected, name: str) -> None:
    calendar = expected.calendar
    ten_on_a_saturday = int(np.flatnonzero(calendar.slot == 5 * 288 + 120)[3])
    interval = int(calendar.changes[0]) if name == "clock_change" else ten_on_a_saturday
    at = CLOUD.at(interval * STEP_MINUTES)
    series = ("voice", "outbound") if name == "carrier_failure" else None
    event = injected(CLOUD, expected, Injection(expected.profile.index, name, at, factor=4.0, series=series))
    assert event.factor == pytest.approx(4.0, rel=0.2)
    first = min(part.first_minute for part in event.parts)
    assert timedelta(0) <= CLOUD.at(first) - at < timedelta(hours=2)


def test_a_handful_of_contacts_can_come_to_a_sparse_tenant_only(expected: Expected) -> None:
    sparse = next(index for index in range(400) if draw_profile(CLOUD, index).contacts_a_day < 4)
    at = CLOUD.at(40 * 1440)
    handful = Injection(sparse, "small_numbers", at, factor=200.0)
    (row,) = simulate_tenants(Cloud(seed=7, weeks=12, events=False), [sparse], inject=[handful]).truth
    assert 1 <= row.contacts <= 10
    with pytest.raises(BadInputError, match="cannot happen"):
        injected(CLOUD, expected, Injection(expected.profile.index, "small_numbers", at, factor=200.0))


def test_an_injection_that_does_not_fit_is_refused(expected: Expected) -> None:
    number = expected.profile.index
    for wrong, sentence in (
        (Injection(number, "revenue_share_burst", CLOUD.at(-60)), "no traffic at"),
        (Injection(number, "burglary", CLOUD.at(60)), "no event 'burglary'"),
        (Injection(number, "mailing", CLOUD.at(60)), "say its volume factor"),
    ):
        with pytest.raises(BadInputError, match=sentence):
            simulate_tenants(CLOUD, [number], columns=COUNTS_ONLY, inject=[wrong])
