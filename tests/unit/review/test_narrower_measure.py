"""When a measure restricts less than another, what it must still fit, and how much of the usual passes again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.frozen_traffic import flagged_traffic
from cjp_fraud.review.measure_fit import Flagged
from cjp_fraud.review.narrower_measure import (
    Restriction,
    chain_faults,
    narrower_candidates,
    narrower_faults,
    restricts_less,
    share_freed,
)
from tests.unit.review.test_measure_replay import BEFORE, BURST, LEVEL, a_flag, rows

OUTBOUND = {"channels": ("voice",), "directions": ("outbound",)}


def a(kind: MeasureKind, **scope: object) -> Restriction:
    """Return a restriction of outbound voice, or of what is said."""
    return Restriction(kind, Scope(**{**OUTBOUND, **scope}))  # type: ignore[arg-type]


EVERYTHING = Restriction(MeasureKind.SUSPEND_ALL_ACCESS, Scope())
CHANNEL = a(MeasureKind.SUSPEND_CHANNEL)
CHANNELS = a(MeasureKind.SUSPEND_CHANNEL, channels=("voice", "sms"))
LATVIA = a(MeasureKind.BLOCK_DESTINATIONS, destination_prefixes=("+371",))
LATVIAN_RANGE = a(MeasureKind.BLOCK_DESTINATIONS, destination_prefixes=("+37166",))
LIMIT = a(MeasureKind.LIMIT_RATE, contacts_per_hour=300)
HIGHER_LIMIT = a(MeasureKind.LIMIT_RATE, contacts_per_hour=600)
USER = a(MeasureKind.SUSPEND_PRINCIPAL, principal_ids=("p1",))
INBOUND = {"directions": ("inbound",)}
NETWORK = a(MeasureKind.LIMIT_ORIGINS, origins=("192.0.2.0/24",), **INBOUND)
ADDRESS = a(MeasureKind.LIMIT_ORIGINS, origins=("192.0.2.7",), **INBOUND)
DOMAIN = a(MeasureKind.LIMIT_ORIGINS, origins=("example.com",), **INBOUND)
MAILBOX = a(MeasureKind.LIMIT_ORIGINS, origins=("x@example.com",), **INBOUND)

KNOWN = (EVERYTHING, CHANNEL, CHANNELS, LATVIA, LATVIAN_RANGE, LIMIT, HIGHER_LIMIT, USER, NETWORK, ADDRESS)


def flagged() -> Flagged:
    """Return one flagged interval in which 191 of 210 contacts went to Latvia."""
    return flagged_traffic([a_flag()], [*BEFORE, *BURST, LEVEL], (), ())


@pytest.mark.parametrize(
    ("standing", "wanted"),
    [
        (EVERYTHING, CHANNEL),
        (CHANNELS, CHANNEL),
        (CHANNEL, LATVIA),
        (CHANNEL, LIMIT),
        (CHANNEL, USER),
        (LATVIA, LATVIAN_RANGE),
        (LIMIT, HIGHER_LIMIT),
        (NETWORK, ADDRESS),
        (DOMAIN, MAILBOX),
    ],
)
def test_a_part_of_a_measure_restricts_less_and_the_whole_does_not(
    standing: Restriction, wanted: Restriction
) -> None:
    assert restricts_less(standing, wanted)
    assert not restricts_less(wanted, standing)


@pytest.mark.parametrize(
    ("standing", "wanted"),
    [
        (CHANNEL, CHANNEL),
        (LATVIA, USER),
        (LIMIT, LATVIA),
        (USER, LATVIA),
        (CHANNEL, NETWORK),
        (LATVIA, LIMIT),
    ],
)
def test_a_measure_that_meets_other_contacts_is_not_narrower(
    standing: Restriction, wanted: Restriction
) -> None:
    assert not restricts_less(standing, wanted)


@given(st.lists(st.sampled_from(KNOWN), min_size=3, max_size=3))
def test_what_restricts_less_than_a_narrower_one_restricts_less_than_the_wide_one(
    three: list[Restriction],
) -> None:
    wide, middle, narrow = three
    if restricts_less(wide, middle) and restricts_less(middle, narrow):
        assert restricts_less(wide, narrow)
        assert chain_faults(wide, [(wide, middle), (middle, narrow)]) == ()


def test_a_narrower_measure_must_fit_what_was_flagged() -> None:
    assert narrower_faults(CHANNEL, LATVIA, flagged()) == ()
    cuba_is_seen_france_is_not = a(MeasureKind.BLOCK_DESTINATIONS, destination_prefixes=("+33",))
    [fault] = narrower_faults(CHANNEL, cuba_is_seen_france_is_not, flagged())
    assert "lies in no country that was seen" in fault
    [fault] = narrower_faults(LATVIA, CHANNEL, flagged())
    assert "suspend_channel (voice, outbound) is not narrower than block_destinations" in fault


def test_what_stops_nothing_of_the_excess_is_refused() -> None:
    to_france_as_usual = [*rows(-60, 10, 10.0, {"FR": 10}), *rows(0, 210, 10.0, {"FR": 10, "LV": 200})]
    seen = flagged_traffic([a_flag()], [*to_france_as_usual, LEVEL], (), ())
    france = a(MeasureKind.BLOCK_DESTINATIONS, destination_prefixes=("+33",))
    [fault] = narrower_faults(CHANNEL, france, seen)
    assert "stops nothing of the excess; lift the measure instead" in fault


def test_only_narrower_measures_are_offered_and_each_frees_a_part_of_the_usual() -> None:
    offered = narrower_candidates(CHANNEL, flagged())
    assert offered
    for each in offered:
        restriction = Restriction(each.kind, each.scope)
        assert not narrower_faults(CHANNEL, restriction, flagged())
    latvia = share_freed(CHANNEL, LATVIA, flagged())
    assert latvia == pytest.approx(0.9), "one usual contact of ten went there"


def test_a_chain_with_a_missing_or_a_wider_step_is_told() -> None:
    [gap] = chain_faults(CHANNEL, [(LATVIA, LATVIAN_RANGE)])
    assert "was narrowed from block_destinations" in gap
    [wider] = chain_faults(LATVIA, [(LATVIA, CHANNEL)])
    assert "which is not narrower" in wider
