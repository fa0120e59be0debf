"""Standing consent: what may be signed, when it counts, and what breaches it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.standing_consent import Breach, ChargedInterval, StandingConsent, charge_in_hour
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError

NOON = datetime(2015, 4, 2, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
LONDON = ZoneInfo("Europe/London")


def a_consent(**changes: Any) -> StandingConsent:
    """Calls to Latvia above 100.00 an hour are blocked for 4 hours."""
    said: dict[str, Any] = {
        "reference": "Order form 7, signed 2015-01-05",
        "clause": "section 4.2",
        "countries": ("LV",),
        "cents_per_hour": 10_000,
        "cap_hours": 4,
        "valid_from": NOON - timedelta(days=30),
        "valid_to": NOON + timedelta(days=300),
    }
    return StandingConsent(**said | changes)


def calls(minutes_before: int = 30, **changes: Any) -> ChargedInterval:
    """Five minutes of calls, half of them to Latvia, charged 300.00 altogether."""
    said: dict[str, Any] = {
        "start": NOON - timedelta(minutes=minutes_before),
        "seconds": 300,
        "channel": "voice",
        "direction": "outbound",
        "contacts": 100.0,
        "cents": 30_000.0,
        "to": {"LV": 50.0, "US": 50.0},
    }
    return ChargedInterval(**said | changes)


def test_a_cap_blocks_the_numbers_of_the_class_and_nothing_else() -> None:
    consent = a_consent(countries=("LV", "LT"))

    assert consent.kind is MeasureKind.BLOCK_DESTINATIONS
    assert consent.scope.destination_prefixes == ("+370", "+371")
    assert (consent.scope.channels, consent.scope.directions) == (("voice",), ("outbound",))
    assert from_document(StandingConsent, to_document(consent)) == consent


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"countries": ("US",)}, "US has no numbers of its own"),
        ({"countries": ("CA", "US")}, "CA, US has no numbers of its own"),  # +1876 is Jamaica
        ({"countries": ("RU",)}, "RU has no numbers of its own"),  # +76 is Kazakhstan
        ({"countries": ("XX",)}, "XX has no numbers of its own"),
        ({"countries": ()}, "name the destination class"),
        ({"cents_per_hour": 0}, "more than 0"),
        ({"cap_hours": 0}, "give 1 to 72"),
        ({"cap_hours": 73}, "give 1 to 72"),
        ({"valid_to": NOON - timedelta(days=30)}, "must come after valid_from"),
        ({"channels": ("chat",)}, "of voice, sms"),
        ({"channels": ()}, "of voice, sms"),
        ({"clause": " "}, "clause: say where"),
        ({"reference": ""}, "reference: name the signed document"),
        ({"hours_from": time(9, tzinfo=UTC)}, "leave the zone out"),
    ],
)
def test_what_cannot_be_acted_on_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said.replace("+", r"\+")):
        a_consent(**changes)


def test_russia_and_kazakhstan_together_have_numbers_of_their_own() -> None:
    assert "+7" in a_consent(countries=("KZ", "RU")).scope.destination_prefixes


@pytest.mark.parametrize(
    ("hours", "counting"),
    [
        ((time(0), time(0)), (0, 6, 12, 22, 23)),
        ((time(9), time(17)), (12,)),
        ((time(22), time(6)), (0, 22, 23)),
    ],
)
def test_the_hours_are_those_of_the_customers_day_and_may_pass_midnight(
    hours: tuple[time, time], counting: tuple[int, ...]
) -> None:
    consent = a_consent(hours_from=hours[0], hours_to=hours[1])

    at = {hour: datetime(2015, 4, 2, hour, tzinfo=LONDON) for hour in (0, 6, 12, 22, 23)}

    assert tuple(hour for hour, moment in at.items() if consent.counts_at(moment, LONDON)) == counting


def test_it_counts_from_its_first_moment_until_before_its_last() -> None:
    consent = a_consent(valid_from=NOON, valid_to=NOON + timedelta(hours=1))

    at = [NOON + timedelta(minutes=minutes) for minutes in (-1, 0, 59, 60)]

    assert [consent.counts_at(moment, UTC_ZONE) for moment in at] == [False, True, True, False]


def test_only_the_classes_part_of_the_charge_counts_and_only_above_what_was_signed() -> None:
    assert charge_in_hour(a_consent(), [calls()], NOON, UTC_ZONE) == Breach(
        NOON - timedelta(hours=1), NOON, 15_000.0
    )
    assert charge_in_hour(a_consent(cents_per_hour=15_000), [calls()], NOON, UTC_ZONE) is None


@pytest.mark.parametrize(
    "other",
    [
        {"channel": "sms"},
        {"direction": "inbound"},
        {"to": {"US": 100.0}},
        {"to": {}},
        {"contacts": 0.0, "to": {"LV": 0.0}},
        {"minutes_before": 61},
        {"minutes_before": 4},  # it ends after the hour
    ],
)
def test_what_is_not_of_the_class_or_the_hour_does_not_count(other: dict[str, Any]) -> None:
    assert charge_in_hour(a_consent(), [calls(**other)], NOON, UTC_ZONE) is None


def test_places_may_be_named_by_how_their_numbers_begin() -> None:
    for place in ("+371", "371", "37128", "lv"):
        found = charge_in_hour(a_consent(), [calls(to={place: 50.0})], NOON, UTC_ZONE)
        assert found is not None, place
        assert found.cents == 15_000.0
    assert (
        charge_in_hour(a_consent(), [calls(to={"3": 50.0})], NOON, UTC_ZONE) is None
    )  # wider than the class


def test_intervals_outside_the_hours_that_were_signed_do_not_count() -> None:
    consent = a_consent(hours_from=time(11, 45), hours_to=time(13))

    assert charge_in_hour(consent, [calls(30)], NOON, UTC_ZONE) is None
    assert charge_in_hour(consent, [calls(15)], NOON, UTC_ZONE) is not None


@given(
    counts=st.lists(st.integers(0, 50), min_size=12, max_size=12),
    cents=st.integers(1, 400),
    limit=st.integers(1, 100_000),
)
def test_it_is_breached_exactly_where_the_sum_is_above_what_was_signed(
    counts: list[int], cents: int, limit: int
) -> None:
    traffic = [
        calls(60 - 5 * place, contacts=float(count or 1), cents=float(count * cents), to={"LV": float(count)})
        for place, count in enumerate(counts)
    ]

    found = charge_in_hour(a_consent(cents_per_hour=limit), traffic, NOON, UTC_ZONE)

    assert (found is not None) == (sum(counts) * cents > limit)
