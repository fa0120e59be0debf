"""Which event happens to which tenant: pairs of a fraud and its benign twin, and what hits many tenants at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np

from cjp_fraud.errors import BadInputError
from cjp_fraud.simulation.benign_twins import FEW_A_DAY, TWIN_OF_NAME, TWINS
from cjp_fraud.simulation.call_frauds import CredentialSharing, Robocalling, Wangiri, WholesaleTrunking
from cjp_fraud.simulation.cloud import DAY_INTERVALS, STEP_MINUTES, Cloud, Stream
from cjp_fraud.simulation.countries import ZONES
from cjp_fraud.simulation.expected import Expected, expected_of
from cjp_fraud.simulation.flood_frauds import (
    ChatFlood,
    EmailFlood,
    SmsPumping,
    TelephonyDenialOfService,
    TollFreePumpingLong,
    TollFreePumpingShort,
)
from cjp_fraud.simulation.local_calendar import black_friday
from cjp_fraud.simulation.revenue_share_frauds import (
    TEST_CALL_TWINS,
    TEST_CALLS,
    ForwardingTakeover,
    RevenueShareBurst,
    RevenueShareWeekend,
    SlowRevenueShare,
    TestCallsThenBurst,
)
from cjp_fraud.simulation.scenario import Part, Place, Scenario, cut, drawn, drawn_log, volume_factor
from cjp_fraud.simulation.series_kinds import SeriesName
from cjp_fraud.simulation.tenant_profiles import Opening, draw_profile

SCENARIOS: Final[tuple[Scenario, ...]] = (
    RevenueShareBurst(),
    RevenueShareWeekend(),
    ForwardingTakeover(),
    SlowRevenueShare(),
    TestCallsThenBurst(),
    WholesaleTrunking(),
    Wangiri(),
    Robocalling(),
    CredentialSharing(),
    TollFreePumpingShort(),
    TollFreePumpingLong(),
    TelephonyDenialOfService(),
    SmsPumping(),
    ChatFlood(),
    EmailFlood(),
)

SCENARIO_OF_NAME: Final[Mapping[str, Scenario]] = {scenario.name: scenario for scenario in SCENARIOS}

LONE_EVENTS_A_WEEK = 0.02
"""Benign events of one tenant that has neither a fraud nor a twin: about one a year (ours)."""

WARM_DAYS = 14
"""Days without events at the beginning (a third of a shorter simulation), so that there is a usual."""

REACH = 0.3
"""Share of the tenants of a zone or carrier that a common event reaches (published: an outage hit 30 %)."""

CATASTROPHES_A_WEEK = 0.02
"""Of one time zone (ours)."""

CARRIER_FAILURES_A_WEEK = 0.03
"""Of one carrier (ours)."""

SEASONAL = 0.1
"""Share of the tenants for whom Black Friday is a season of its own (ours)."""


@dataclass(frozen=True, slots=True)
class Injection:
    """An event that a caller asks for.

    Attributes
    ----------
    tenant : number of the tenant.
    event : name of a fraud or of a benign twin.
    start : aware; it begins there.
    factor : volume factor (``volume_factor`` of ``scenario``); None: as documented (frauds only).
    series : channel and direction, for a benign twin; None: the tenant's first.
    """

    tenant: int
    event: str
    start: datetime
    factor: float | None = None
    series: SeriesName | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """What happens to a tenant.

    Attributes
    ----------
    event_id : of the event; a twin's ends in ``-twin``.
    name : of the scenario or twin.
    benign : whether it is no fraud.
    method, fraud_type : as in CFCA's survey; empty where benign.
    twin_of : id of the fraud that has the same volume factor; empty: none.
    factor : volume factor.
    announced : whether it is among the known events.
    parts : the contacts.
    """

    event_id: str
    name: str
    benign: bool
    method: str
    fraud_type: str
    twin_of: str
    factor: float
    announced: bool
    parts: tuple[Part, ...]


def events_of(cloud: Cloud, expected: Expected) -> tuple[Event, ...]:
    """Return the events of a tenant; the same whichever other tenants are simulated."""
    index = expected.profile.index
    rng = cloud.random(Stream.EVENT, index // 2)
    has_one, second, choice = rng.random() < cloud.event_share, bool(rng.random() < 0.5), rng.random()
    attacked = index // 2 * 2 + second
    events: list[Event] = []
    if not has_one:
        events += _lone_event(cloud, expected)
    else:
        if index == attacked:
            events += _fraud(cloud, expected, choice)
        else:
            events += _twin(cloud, expected, expected_of(cloud, draw_profile(cloud, attacked)), choice)
    if index != attacked or not has_one:
        taken = {event.name for event in events}
        events += [event for event in _common_events(cloud, expected) if event.name not in taken]
    return tuple(events)


def injected(cloud: Cloud, expected: Expected, injection: Injection) -> Event:
    """Return an event that a caller asked for.

    Raises
    ------
    BadInputError
        If there is no such event, the tenant has no such series, or it does not exist at that time.
    """
    minute = cloud.minute_of(injection.start)
    tenant = expected.profile.tenant_id
    if not expected.live[0] * STEP_MINUTES <= minute < expected.live[1] * STEP_MINUTES:
        raise BadInputError(f"{tenant} has no traffic at {injection.start}; choose another time or tenant")
    place = Place(expected, minute, minute + 1)
    rng = cloud.random(Stream.INJECTION, injection.tenant, minute)
    event_id = f"injected-{injection.event}-{injection.tenant:06d}-{minute}"
    if injection.event in SCENARIO_OF_NAME:
        scenario = SCENARIO_OF_NAME[injection.event]
        _require_series(tenant, scenario.series, place)
        parts = scenario.parts(place, rng)
        if injection.factor is not None:
            parts = scaled(parts, expected, injection.factor, rng)
        return _fraud_event(event_id, scenario, parts, expected)
    if injection.event not in TWIN_OF_NAME:
        known = ", ".join([*SCENARIO_OF_NAME, *TWIN_OF_NAME])
        raise BadInputError(f"there is no event {injection.event!r}; choose one of {known}")
    if injection.factor is None:
        raise BadInputError(f"{injection.event} is a benign event: say its volume factor")
    series = injection.series or place.series[0]
    _require_series(tenant, series, place)
    twin = TWIN_OF_NAME[injection.event]
    if not twin.possible(place, series, injection.factor):
        raise BadInputError(
            f"{twin.name} cannot happen to {tenant} on {' '.join(series)} at {injection.start}"
        )
    parts = twin.parts(place, series, injection.factor, rng)
    return _benign_event(event_id, injection.event, "", parts, expected, announced=False)


def scaled(
    parts: tuple[Part, ...], expected: Expected, factor: float, rng: np.random.Generator
) -> tuple[Part, ...]:
    """Return the parts with as many contacts as give a volume factor, spread over time as before."""
    measured = volume_factor(parts, expected)
    by = (factor - 1) / max(measured - 1, 1e-12)
    resized = []
    for part in parts:
        total = round(part.added * by)
        contacts = rng.multinomial(total, part.contacts / max(part.added, 1))
        resized.append(replace(part, contacts=contacts, calls=None))
    return tuple(resized)


def _fraud(cloud: Cloud, expected: Expected, choice: float) -> list[Event]:
    """Return the fraud of an attacked tenant: one of those that its series allow, each as likely."""
    place = _place(cloud, expected)
    fitting = [scenario for scenario in SCENARIOS if scenario.series in place.series]
    if not fitting or place.latest <= place.earliest:
        return []
    scenario = fitting[int(choice * len(fitting))]
    index = expected.profile.index
    parts = scenario.parts(place, cloud.random(Stream.EVENT, index // 2, 1))
    event_id = f"event-{index // 2:06d}"
    tests = tuple(part for part in parts if part.name == TEST_CALLS)
    rest = tuple(part for part in parts if part.name != TEST_CALLS)
    events = (
        _fraud_event(event_id, scenario, rest, expected),
        _fraud_event(f"{event_id}-test", scenario, tests, expected),
    )
    return [event for event in events if event.parts]


def _twin(cloud: Cloud, expected: Expected, attacked: Expected, choice: float) -> list[Event]:
    """Return the benign twins of what happens to the other tenant of the pair."""
    place = _place(cloud, expected)
    if place.latest <= place.earliest:
        return []
    rng = cloud.random(Stream.TWIN, expected.profile.index)
    twins = (_twin_of(cloud, place, fraud, rng) for fraud in _fraud(cloud, attacked, choice))
    return [twin for twin in twins if twin is not None]


def _twin_of(cloud: Cloud, place: Place, fraud: Event, rng: np.random.Generator) -> Event | None:
    """Return the first twin of a fraud that is known with its volume factor and can happen; None: there is none."""
    series = fraud.parts[0].series
    tests = fraud.parts[0].name == TEST_CALLS
    for name in TEST_CALL_TWINS if tests else SCENARIO_OF_NAME[fraud.name].twins:
        twin = TWIN_OF_NAME[name]
        if not twin.fits(place, series, fraud.factor):
            continue
        there = _common_place(cloud, place, name)
        if there is None:
            continue
        parts = twin.parts(there, series, fraud.factor, rng)
        announced = bool(rng.random() < twin.announced)
        twin_id = f"{fraud.event_id}-twin"
        return _benign_event(twin_id, name, fraud.event_id, parts, place.expected, announced=announced)
    return None


def _lone_event(cloud: Cloud, expected: Expected) -> list[Event]:
    """Return a benign event of a size that is known of it, without a fraud to compare it with; or none."""
    index = expected.profile.index
    rng = cloud.random(Stream.TWIN, index)
    place = _place(cloud, expected)
    if rng.random() >= 1 - np.exp(-LONE_EVENTS_A_WEEK * cloud.weeks) or place.latest <= place.earliest:
        return []
    series = place.series[rng.integers(len(place.series))]
    twin = TWINS[rng.integers(len(TWINS))]
    factor = drawn_log((max(twin.factors[0], 1.1), min(twin.factors[1], 10.0)), rng)
    if rng.random() < 0.5 and expected.mean_a_minute(series) * 1440 < FEW_A_DAY:
        twin = TWIN_OF_NAME["small_numbers"]
        factor = 1 + drawn((3.0, 6.0), rng) / (10 * expected.mean_a_minute(series))
    there = _common_place(cloud, place, twin.name)
    if there is None or not twin.fits(there, series, factor):
        return []
    parts = twin.parts(there, series, factor, rng)
    announced = bool(rng.random() < twin.announced)
    return [_benign_event(f"lone-{index:06d}", twin.name, "", parts, expected, announced=announced)]


def _common_place(cloud: Cloud, place: Place, name: str) -> Place | None:
    """Return when an event takes place that comes to many at once (None: not at all); others anywhere in the place."""
    if name != "catastrophe":
        return place
    return _at(place, catastrophe_minute(cloud, place.expected.profile.zone))


def _at(place: Place, minute: int | None, within: int = 15) -> Place | None:
    """Return the place narrowed to some minutes from a common moment; None where the tenant does not exist then."""
    if minute is None or not place.earliest <= minute < place.latest:
        return None
    return Place(place.expected, minute, minute + within)


def _common_events(cloud: Cloud, expected: Expected) -> list[Event]:
    """Return what reaches the tenant together with others: a catastrophe, a carrier's failure, Black Friday."""
    profile = expected.profile
    rng = cloud.random(Stream.SHARED, profile.index)
    chance = rng.random(3)
    place = _place(cloud, expected)
    inbound = [name for name in place.series if name[1] == "inbound"]
    carried = [name for name in place.series if name[1] == "outbound"]
    events = []
    there = _at(place, catastrophe_minute(cloud, profile.zone))
    if there and inbound and chance[0] < REACH:
        events.append(_common("catastrophe", there, inbound[0], drawn_log((3.0, 20.0), rng), rng))
    there = _at(place, carrier_failure_minute(cloud, profile.carrier), 3)
    if there and carried and chance[1] < REACH:
        events.append(_common("carrier_failure", there, carried[0], drawn((1.5, 8.0), rng), rng))
    there = _at(place, _season_minute(cloud, expected), 1)
    if there and profile.opening is not Opening.NIGHT and chance[2] < SEASONAL:
        events.append(_common("season", there, place.series[0], drawn_log((1.4, 5.0), rng), rng))
    return events


def _common(name: str, place: Place, series: SeriesName, factor: float, rng: np.random.Generator) -> Event:
    twin = TWIN_OF_NAME[name]
    parts = twin.parts(place, series, factor, rng)
    announced = bool(rng.random() < twin.announced)
    event_id = f"{name}-{place.expected.profile.index:06d}"
    return _benign_event(event_id, name, "", parts, place.expected, announced=announced)


@lru_cache(maxsize=256)
def catastrophe_minute(cloud: Cloud, zone: str) -> int | None:
    """Return when a time zone has a catastrophe; None: it has none in the simulated span."""
    rng = cloud.random(Stream.COUNTRY, ZONES.index(zone), 1)
    return _moment(cloud, CATASTROPHES_A_WEEK, rng)


@lru_cache(maxsize=256)
def carrier_failure_minute(cloud: Cloud, carrier: int) -> int | None:
    """Return when a carrier fails; None: not in the simulated span."""
    return _moment(cloud, CARRIER_FAILURES_A_WEEK, cloud.random(Stream.CARRIER, carrier))


def _moment(cloud: Cloud, a_week: float, rng: np.random.Generator) -> int | None:
    happens = rng.random() < 1 - np.exp(-a_week * cloud.weeks)
    minute = int(rng.uniform(0.35, 0.95) * cloud.minutes)
    return minute if happens else None


def _season_minute(cloud: Cloud, expected: Expected) -> int | None:
    """Return the morning of Black Friday of the last year simulated, local time; None: it is not inside."""
    dates = expected.calendar.dates
    days = [black_friday(year) for year in (cloud.start.year, cloud.end.year)]
    inside = np.flatnonzero(np.isin(dates, np.array(days, "datetime64[D]")))
    if not len(inside):
        return None
    return int(expected.calendar.day_start[inside[-1]] + DAY_INTERVALS // 3) * STEP_MINUTES


def _place(cloud: Cloud, expected: Expected) -> Place:
    warm = min(WARM_DAYS * DAY_INTERVALS, cloud.intervals // 3)
    first = max(warm, expected.live[0] + 2 * DAY_INTERVALS)
    return Place(expected, first * STEP_MINUTES, (expected.live[1] - DAY_INTERVALS // 2) * STEP_MINUTES)


def _require_series(tenant: str, series: SeriesName, place: Place) -> None:
    if series not in place.series:
        has = ", ".join(" ".join(name) for name in place.series)
        raise BadInputError(f"{tenant} has no {' '.join(series)}; it has {has}")


def _fraud_event(event_id: str, scenario: Scenario, parts: tuple[Part, ...], expected: Expected) -> Event:
    end = expected.live[1] * STEP_MINUTES
    inside = tuple(part for part in (cut(part, end) for part in parts) if part is not None and part.added)
    factor = volume_factor(inside, expected) if inside else 1.0
    kind, method = scenario.fraud_type, scenario.method
    return Event(event_id, scenario.name, False, method, kind, "", factor, False, inside)


def _benign_event(
    event_id: str,
    name: str,
    twin_of: str,
    parts: tuple[Part, ...],
    expected: Expected,
    *,
    announced: bool,
) -> Event:
    return Event(event_id, name, True, "", "", twin_of, volume_factor(parts, expected), announced, parts)
