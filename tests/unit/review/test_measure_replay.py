"""Measures replayed on frozen rows: what they would have stopped and cut, and when a wider one must be explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cjp_fraud.clock import utc_text
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.frozen_traffic import USUAL_LEVEL, flagged_traffic
from cjp_fraud.review.measure_candidates import candidates, why_wider_fault
from cjp_fraud.review.measure_fit import Flagged
from cjp_fraud.review.measure_replay import replayed
from cjp_fraud.review.model import Quantity

START = datetime(2015, 4, 2, 1, tzinfo=UTC)
VOICE = ("voice",)


def a_flag(minutes: int = 0, **changes: Any) -> Any:
    """Return a flag of five minutes of outbound voice."""
    flag = {
        "series_id": "s1",
        "channel": "voice",
        "direction": "outbound",
        "application_id": None,
        "interval_seconds": 300,
        "interval_start": START + timedelta(minutes=minutes),
        "baseline": 10.0,
        "quantity": Quantity.CONTACTS,
    }
    return SimpleNamespace(**flag | changes)


def rows(
    minutes: int, contacts: int, usual: float | None, countries: dict[str, int] | None, series_id: str = "s1"
) -> list[dict[str, Any]]:
    """Return the traffic row and the row of scores of an interval, as the frozen document has them."""
    place = {"series_id": series_id, "interval_start": utc_text(START + timedelta(minutes=minutes))}
    traffic = {"table": "traffic", "interval_seconds": 300, "contacts_offered": contacts}
    named = {} if countries is None else {"countries": [list(each) for each in countries.items()]}
    scores = [] if usual is None else [place | {"table": "scores", "baseline": usual}]
    return [place | traffic | named, *scores]


LEVEL = {
    "table": USUAL_LEVEL,
    "series_id": "s1",
    "channel": "voice",
    "direction": "outbound",
    "application_id": None,
    "usual_per_hour": 120.0,
}
BEFORE = rows(-60, 10, 10.0, {"US": 9, "LV": 1})
BURST = rows(0, 210, 10.0, {"US": 9, "LV": 191, "CU": 10})


def flagged(*more: dict[str, Any], by_principal: dict[str, int] | None = None, usual: Any = ()) -> Flagged:
    """Return a burst to Latvia and Cuba, 200 contacts over the ten that are usual."""
    place = {"series_id": "s1", "interval_start": utc_text(START)}
    carried = [
        place | {"principal_id": name, "contacts_offered": count}
        for name, count in (by_principal or {}).items()
    ]
    return flagged_traffic([a_flag()], [*BEFORE, *BURST, LEVEL, *more], carried, usual)


def offered(of: Flagged, **known: Any) -> dict[tuple[str, ...], str]:
    """Return the words of each offered measure by its kind and what it names."""
    return {
        (
            each.kind,
            *each.scope.principal_ids,
            *each.scope.application_ids,
            *each.scope.destination_prefixes,
        ): each.words
        for each in candidates(of, **known)
    }


def test_each_measure_is_replayed_on_the_contacts_of_the_flagged_intervals() -> None:
    usual = [{"series_id": "s1", "principal_id": "desk", "contacts_per_hour": 96.0}]
    burst = flagged(by_principal={"key-1": 200, "desk": 10}, usual=usual)

    assert offered(burst, home="US") == {
        ("suspend_principal", "key-1"): "stops 100 % of the excess, cuts 0 usual contacts an hour",
        ("limit_rate",): "stops 95 % of the excess, cuts 114 usual contacts an hour",
        ("block_destinations", "+371"): "stops 95 % of the excess, cuts 12 usual contacts an hour",
        ("block_destinations", "+53", "+371"): "stops 100 % of the excess, cuts 12 usual contacts an hour",
        ("suspend_channel",): "stops 100 % of the excess, cuts 120 usual contacts an hour",
        ("suspend_all_access",): "stops 100 % of the excess, cuts 120 or more usual contacts an hour",
    }


def measure(kind: MeasureKind, **scope: Any) -> tuple[MeasureKind, Scope]:
    """Return a measure of outbound voice."""
    return kind, Scope(channels=VOICE, directions=("outbound",), **scope)


def test_what_the_rows_do_not_name_is_not_known() -> None:
    nameless = flagged_traffic([a_flag()], rows(0, 210, 10.0, None), ())
    assert nameless.replay is not None

    burst = flagged().replay
    assert burst is not None

    part = replayed(*measure(MeasureKind.BLOCK_DESTINATIONS, destination_prefixes=("+37167",)), burst)
    no_principals = replayed(
        *measure(MeasureKind.SUSPEND_PRINCIPAL, principal_ids=("key-1",)), nameless.replay
    )
    assert (part.stops, part.cuts_per_hour, no_principals.stops) == (None, None, None)
    assert part.words == "what it stops is not known, what it cuts of the usual contacts is not known"
    assert list(offered(nameless)) == [("limit_rate",), ("suspend_channel",), ("suspend_all_access",)]


def test_without_a_baseline_nothing_is_said_of_excess_and_without_rows_nothing_is_offered() -> None:
    unknown = flagged_traffic([a_flag()], rows(0, 210, None, {"LV": 210}), ())

    assert {each.stops for each in candidates(unknown)} == {None}
    assert candidates(flagged_traffic([a_flag()], [], ())) == ()


def test_where_nothing_before_names_countries_the_usual_share_of_a_country_is_not_known() -> None:
    new = flagged_traffic([a_flag()], BURST, ())
    silent = flagged_traffic([a_flag()], rows(0, 200, 0.0, {"LV": 200}), ())

    assert offered(new)["block_destinations", "+371"].startswith("what it stops is not known")
    assert offered(silent)["block_destinations", "+371"] == (
        "stops 100 % of the excess, cuts 0 usual contacts an hour"
    )


def test_contacts_that_no_row_gives_to_a_country_are_not_stopped_by_blocking_countries() -> None:
    half = flagged_traffic([a_flag()], [*BEFORE, *rows(0, 210, 10.0, {"LV": 101})], ())

    assert offered(half)["block_destinations", "+371"].startswith("stops 50 % of the excess")


def test_series_that_were_not_flagged_are_cut_too_by_a_channel_and_not_by_a_credential() -> None:
    other = LEVEL | {"series_id": "s2", "application_id": "bot"}
    usual = [{"series_id": "s1", "principal_id": "key-1", "contacts_per_hour": 12.0}]
    shown = offered(flagged(other, by_principal={"key-1": 200}, usual=usual))

    assert shown["suspend_channel",] == "stops 100 % of the excess, cuts 120 or more usual contacts an hour"
    assert shown["suspend_principal", "key-1"] == "stops 100 % of the excess, cuts 12 usual contacts an hour"


def test_overlapping_series_count_their_hours_once_and_each_application_its_own_contacts() -> None:
    flags = [a_flag(series_id="s1", application_id="app"), a_flag(series_id="s2", application_id="bot")]
    both = [*rows(0, 110, 10.0, None), *rows(0, 310, 10.0, None, "s2")]
    shown = offered(flagged_traffic(flags, both, ()))

    assert shown["suspend_application", "bot"] == "stops 75 % of the excess, cuts 120 usual contacts an hour"
    assert shown["suspend_application", "bot", "app"] == (
        "stops 100 % of the excess, cuts 240 usual contacts an hour"
    )


def test_an_inbound_flood_is_met_by_limits_on_its_origins() -> None:
    flood = flagged_traffic([a_flag(direction="inbound")], [*BEFORE, *BURST], ())

    first = candidates(flood)[0]
    assert (first.kind, first.scope.origins, first.suffices) == (MeasureKind.LIMIT_ORIGINS, ("+371",), True)


@pytest.mark.parametrize(
    ("kind", "scope", "named"),
    [
        (MeasureKind.SUSPEND_CHANNEL, {}, "suspend_principal (key-1) stops 100 % of the excess"),
        (MeasureKind.BLOCK_DESTINATIONS, {"destination_prefixes": ("+371",)}, "suspend_principal (key-1)"),
        (MeasureKind.SUSPEND_PRINCIPAL, {"principal_ids": ("key-1", "desk")}, "suspend_principal (key-1)"),
        (MeasureKind.SUSPEND_PRINCIPAL, {"principal_ids": ("key-1",)}, None),
    ],
)
def test_whoever_chooses_wider_than_the_smallest_that_suffices_must_say_why(
    kind: MeasureKind, scope: dict[str, Any], named: str | None
) -> None:
    usual = [{"series_id": "s1", "principal_id": "desk", "contacts_per_hour": 96.0}]
    burst = flagged(by_principal={"key-1": 200, "desk": 10}, usual=usual)

    fault = why_wider_fault(*measure(kind, **scope), burst, duty=False)
    assert (fault or "").startswith(named or "")
    assert (fault is None) == (named is None)


def test_a_narrower_measure_that_cuts_more_of_the_usual_traffic_needs_no_excuse() -> None:
    burst = flagged()

    latvia = measure(MeasureKind.BLOCK_DESTINATIONS, destination_prefixes=("+371",))
    assert candidates(burst)[0].suffices
    assert candidates(burst)[0].kind is MeasureKind.LIMIT_RATE
    assert why_wider_fault(*latvia, burst, duty=False) is None
    assert "limit_rate (120 contacts an hour)" in str(
        why_wider_fault(*measure(MeasureKind.SUSPEND_CHANNEL), burst, duty=False)
    )


def test_a_block_of_all_that_is_abroad_is_narrower_than_a_channel() -> None:
    places = ("AL", "AM", "AZ", "BA", "BF", "BG", "BI", "BW", "BY", "CU", "DZ", "EE", "GE", "GM", "HR", "LV")
    spread = rows(0, 170, 10.0, {"US": 10, **dict.fromkeys(places, 10)})
    burst = flagged_traffic([a_flag()], [*rows(-60, 10, 10.0, {"US": 10}), *spread, LEVEL], (), ())
    channel = measure(MeasureKind.SUSPEND_CHANNEL)

    assert next(each.kind for each in candidates(burst, home="US") if each.suffices) == "block_destinations"
    assert "block_destinations" in str(why_wider_fault(*channel, burst, duty=False, home="US"))
    assert why_wider_fault(*channel, burst, duty=False) is None, "what is abroad is not known"


def test_where_the_contract_asks_for_the_narrowest_what_was_seen_is_enough() -> None:
    seen = replace(flagged(), replay=None)

    assert why_wider_fault(*measure(MeasureKind.SUSPEND_CHANNEL), seen, duty=False) is None
    assert "block_destinations could meet what was seen" in str(
        why_wider_fault(*measure(MeasureKind.SUSPEND_CHANNEL), seen, duty=True)
    )
