"""A measure restricts no more than what spiked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cjp_fraud.contracts.restriction import CallsInProgress, MeasureKind, Scope
from cjp_fraud.review.measure_fit import (
    Carried,
    Flagged,
    PlannedMeasure,
    Stream,
    Usual,
    lowest_rate,
    measure_faults,
    measure_misfits,
    narrower_kinds,
    planned_measure,
)
from cjp_fraud.review.model import Quantity
from cjp_fraud.review.requests import MeasureWanted

VOICE_OUT, VOICE_IN, CHAT_IN = (
    Stream("voice", "outbound"),
    Stream("voice", "inbound"),
    Stream("chat", "inbound"),
)
DIALLER = frozenset({Usual(VOICE_OUT, "dialler", 120.0)})
OUTBOUND = Flagged(DIALLER, frozenset({Carried(VOICE_OUT, "key-1")}), levels=DIALLER)
INBOUND = Flagged(frozenset({Usual(VOICE_IN, None, 60.0)}), levels=frozenset({Usual(VOICE_IN, None, 60.0)}))
MIXED = Flagged(frozenset({Usual(VOICE_OUT, None, 120.0), Usual(CHAT_IN, None, 40.0)}))

HERE = {"channels": ("voice",), "directions": ("outbound",)}
"""Where :data:`OUTBOUND` was flagged."""


def a_scope(**given: object) -> Scope:
    """Return a scope of the flagged stream, with something more, or something else."""
    return Scope(**(HERE | given))  # type: ignore[arg-type]


def inbound_scope(**given: object) -> Scope:
    return a_scope(directions=("inbound",), **given)


FITTING = {
    MeasureKind.SUSPEND_CHANNEL: a_scope(),
    MeasureKind.SUSPEND_APPLICATION: a_scope(application_ids=("dialler",)),
    MeasureKind.SUSPEND_PRINCIPAL: a_scope(principal_ids=("key-1",)),
    MeasureKind.LIMIT_RATE: a_scope(contacts_per_hour=120),
    MeasureKind.BLOCK_DESTINATIONS: a_scope(destination_prefixes=("+371",)),
    MeasureKind.SUSPEND_ALL_ACCESS: Scope(),
}


@pytest.mark.parametrize("kind", FITTING)
def test_what_spiked_may_be_restricted(kind: MeasureKind) -> None:
    assert measure_misfits(kind, FITTING[kind], OUTBOUND) == ()


@pytest.mark.parametrize(
    ("kind", "scope", "flagged", "said"),
    [
        (
            MeasureKind.SUSPEND_CHANNEL,
            a_scope(channels=("chat", "voice")),
            OUTBOUND,
            "chat outbound is restr",
        ),
        (
            MeasureKind.SUSPEND_CHANNEL,
            Scope(channels=("voice",)),
            OUTBOUND,
            "must say its channels and direct",
        ),
        (MeasureKind.SUSPEND_CHANNEL, a_scope(directions=("inbound", "outbound")), OUTBOUND, "voice inbound"),
        (MeasureKind.SUSPEND_CHANNEL, a_scope(channels=("chat",)), MIXED, "chat outbound is restricted"),
        (MeasureKind.SUSPEND_APPLICATION, a_scope(application_ids=("bot",)), OUTBOUND, "application bot"),
        (
            MeasureKind.BLOCK_DESTINATIONS,
            Scope(destination_prefixes=("+371",)),
            OUTBOUND,
            "must say its chan",
        ),
        (MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=500), OUTBOUND, "must say its channels"),
        (MeasureKind.LIMIT_RATE, a_scope(contacts_per_hour=119), OUTBOUND, "under the usual level of 120"),
        (
            MeasureKind.LIMIT_RATE,
            a_scope(contacts_per_hour=150, application_ids=("bot",)),
            OUTBOUND,
            "application bot",
        ),
        (MeasureKind.SUSPEND_PRINCIPAL, a_scope(principal_ids=("key-2",)), OUTBOUND, "principal key-2"),
        (MeasureKind.SUSPEND_PRINCIPAL, a_scope(principal_ids=("key-1",)), MIXED, "no traffic by principal"),
        (MeasureKind.SUSPEND_PRINCIPAL, Scope(principal_ids=("key-1",)), OUTBOUND, "must say its channels"),
        (MeasureKind.LIMIT_ORIGINS, a_scope(origins=("+37120",)), OUTBOUND, "are for inbound floods"),
        (MeasureKind.SUSPEND_CHANNEL, inbound_scope(), INBOUND, "cut off the victim"),
        (MeasureKind.LIMIT_RATE, inbound_scope(contacts_per_hour=60), INBOUND, "cut off the victim"),
        (MeasureKind.SUSPEND_ALL_ACCESS, Scope(), INBOUND, "cut off the victim"),
        (MeasureKind.SUSPEND_CHANNEL, a_scope(), INBOUND, "voice outbound is restricted"),
        (
            MeasureKind.BLOCK_DESTINATIONS,
            inbound_scope(destination_prefixes=("+1",)),
            INBOUND,
            "+1 inbound would cut off the victim",
        ),
        (
            MeasureKind.BLOCK_DESTINATIONS,
            inbound_scope(destination_prefixes=("+1212555", "+121255")),
            INBOUND,
            "+121255 inbound would cut off the victim",
        ),
        (MeasureKind.LIMIT_ORIGINS, inbound_scope(origins=("0.0.0.0/0",)), INBOUND, "more than a /8"),
        (MeasureKind.LIMIT_RATE, a_scope(contacts_per_hour=9999), MIXED, "was not frozen"),
    ],
)
def test_what_did_not_spike_may_not(kind: MeasureKind, scope: Scope, flagged: Flagged, said: str) -> None:
    assert any(said in sentence for sentence in measure_misfits(kind, scope, flagged))


def test_a_principal_seen_in_another_stream_does_not_count() -> None:
    elsewhere = Flagged(MIXED.usual, frozenset({Carried(CHAT_IN, "key-1")}))

    assert measure_misfits(MeasureKind.SUSPEND_PRINCIPAL, a_scope(principal_ids=("key-1",)), elsewhere)


def test_inbound_fraud_is_met_by_limits_on_origins() -> None:
    assert measure_misfits(MeasureKind.LIMIT_ORIGINS, inbound_scope(origins=("+37120",)), INBOUND) == ()
    own = inbound_scope(destination_prefixes=("+1212555",))
    assert measure_misfits(MeasureKind.BLOCK_DESTINATIONS, own, INBOUND) == ()


@pytest.mark.parametrize(
    ("prefix", "fits"), [("+371", True), ("+37120", True), ("+37", False), ("+3", False), ("+370", False)]
)
def test_only_destinations_that_were_seen_are_blocked_where_the_rows_name_countries(
    prefix: str, fits: bool
) -> None:
    seen = replace(OUTBOUND, destinations=frozenset({Carried(VOICE_OUT, "LV"), Carried(CHAT_IN, "LT")}))
    scope = a_scope(destination_prefixes=(prefix,))

    faults = measure_misfits(MeasureKind.BLOCK_DESTINATIONS, scope, seen)
    assert (faults == ()) is fits
    assert fits or "no country that was seen in the flagged intervals: LV" in faults[0]
    assert measure_misfits(MeasureKind.BLOCK_DESTINATIONS, scope, OUTBOUND) == ()


def test_only_origins_that_were_seen_are_limited_where_the_rows_name_countries() -> None:
    seen = replace(INBOUND, destinations=frozenset({Carried(VOICE_IN, "LV")}))

    for origin, fits in (("+37120", True), ("+37020", False), ("192.0.2.0/24", True)):
        scope = inbound_scope(origins=(origin,))
        assert (measure_misfits(MeasureKind.LIMIT_ORIGINS, scope, seen) == ()) is fits
    own = inbound_scope(destination_prefixes=("+1212555",))
    assert measure_misfits(MeasureKind.BLOCK_DESTINATIONS, own, seen) == ()


def test_where_nothing_was_seen_in_the_stream_nothing_of_it_is_blocked() -> None:
    seen = replace(MIXED, destinations=frozenset({Carried(CHAT_IN, "LV")}))
    scope = a_scope(destination_prefixes=("+371",))

    assert "flagged intervals: none" in measure_misfits(MeasureKind.BLOCK_DESTINATIONS, scope, seen)[0]


def test_limits_on_origins_fit_the_inbound_part_of_what_was_flagged() -> None:
    limits = Scope(channels=("chat",), directions=("inbound",), origins=("+37120",))

    assert measure_misfits(MeasureKind.LIMIT_ORIGINS, limits, MIXED) == ()


def test_channels_and_directions_that_nobody_said_are_those_flagged() -> None:
    wanted = MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=200))

    measure = planned_measure(wanted, OUTBOUND, timedelta(hours=72))

    assert measure is not None
    assert measure.scope == a_scope(contacts_per_hour=200)


def test_where_flags_are_of_different_streams_a_person_says_which() -> None:
    wanted = MeasureWanted(MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=200))

    measure = planned_measure(wanted, MIXED, timedelta(hours=72))

    assert measure is not None
    assert measure_misfits(measure.kind, measure.scope, MIXED)


@pytest.mark.parametrize(
    ("direction", "kind"), [("outbound", MeasureKind.SUSPEND_CHANNEL), ("inbound", None)]
)
def test_only_for_outbound_traffic_a_measure_is_proposed_by_itself(
    direction: str, kind: MeasureKind | None
) -> None:
    flagged = Flagged(frozenset({Usual(Stream("voice", direction), None, 10.0)}))

    measure = planned_measure(MeasureWanted(), flagged, timedelta(hours=72))

    assert (measure.kind if measure else None) is kind
    if measure is not None:
        assert measure.duration == timedelta(hours=72)
        assert (measure.scope.channels, measure.scope.directions) == (("voice",), ("outbound",))


def test_a_measure_that_a_person_named_lasts_as_long_as_they_said() -> None:
    wanted = MeasureWanted(MeasureKind.LIMIT_ORIGINS, Scope(origins=("+371",)), timedelta(hours=5))

    assert planned_measure(wanted, INBOUND, timedelta(hours=72)) == PlannedMeasure(
        MeasureKind.LIMIT_ORIGINS, inbound_scope(origins=("+371",)), timedelta(hours=5)
    )


def a_flag(**changes: object) -> Any:
    """Return what the rule reads of a flag."""
    fields = {
        "channel": "voice",
        "direction": "outbound",
        "application_id": None,
        "interval_seconds": 300,
        "baseline": 10.0,
        "quantity": Quantity.CONTACTS,
    }
    return SimpleNamespace(**(fields | changes))


def test_the_usual_level_of_a_series_is_that_of_its_busiest_flagged_interval_in_an_hour() -> None:
    flags = [a_flag(), a_flag(baseline=30.0), a_flag(baseline=20.0), a_flag(quantity=Quantity.MINUTES)]
    flagged = Flagged.by([*flags, a_flag(channel="chat", application_id="bot")])

    assert flagged == Flagged(
        frozenset({Usual(VOICE_OUT, None, 360.0), Usual(Stream("chat", "outbound"), "bot", 120.0)})
    )


def test_a_flag_of_another_quantity_says_nothing_about_contacts() -> None:
    assert Flagged.by([a_flag(quantity=Quantity.MINUTES)]) == Flagged(
        frozenset({Usual(VOICE_OUT, None, None)})
    )


def of_levels(*levels: tuple[str | None, float | None], flagged: float | None = 12.0) -> Flagged:
    """Return what is known where no application was flagged, at night, and these are the streams' usual levels."""
    return Flagged(
        frozenset({Usual(VOICE_OUT, None, flagged)}),
        levels=frozenset(Usual(VOICE_OUT, application, level) for application, level in levels),
    )


@pytest.mark.parametrize("rate", [1, 12, 119])
def test_a_rate_is_compared_with_the_busiest_hour_of_the_day_and_not_with_the_flagged_one(rate: int) -> None:
    assert "under the usual level of 120" in rate_faults(rate, of_levels((None, 120.0)))[0]
    assert rate_faults(120, of_levels((None, 120.0))) == ()
    assert "under the usual level of 12" in rate_faults(11, of_levels((None, 5.0)))[0]


def test_a_rate_of_a_whole_stream_counts_the_applications_that_were_not_flagged() -> None:
    levels = of_levels((None, 120.0), ("bot", 500.0))

    assert "usual level of 620" in rate_faults(619, levels)[0]
    assert rate_faults(620, levels) == ()


def test_where_the_usual_level_of_a_series_is_not_known_no_rate_fits() -> None:
    levels = of_levels((None, 120.0), ("bot", None))

    assert "voice outbound, application bot is not known" in rate_faults(10**6, levels)[0]
    unknown = of_levels((None, None), flagged=None)
    assert "usual level of voice outbound is not known" in rate_faults(10**6, unknown)[0]
    assert "was not frozen" in rate_faults(10**6, replace(levels, levels=None))[0]


def test_levels_with_a_fraction_are_rounded_up_to_whole_contacts() -> None:
    assert "usual level of 121" in rate_faults(120, of_levels((None, 120.4)))[0]
    assert rate_faults(121, of_levels((None, 120.4))) == ()
    assert rate_faults(120, of_levels((None, 120.0 + 1e-9))) == ()


def rate_faults(rate: int, flagged: Flagged) -> tuple[str, ...]:
    return measure_misfits(MeasureKind.LIMIT_RATE, a_scope(contacts_per_hour=rate), flagged)


@pytest.mark.parametrize("hours", [1, 72, 366 * 24])
def test_a_measure_of_whole_hours_up_to_a_year_has_no_fault(hours: int) -> None:
    planned = PlannedMeasure(MeasureKind.SUSPEND_CHANNEL, a_scope(), timedelta(hours=hours))

    assert measure_faults(planned, OUTBOUND) == ()


@pytest.mark.parametrize("hours", [0, 0.5, 1.5, 366 * 24 + 1])
def test_a_measure_of_other_lengths_is_refused(hours: float) -> None:
    planned = PlannedMeasure(MeasureKind.SUSPEND_CHANNEL, a_scope(), timedelta(hours=hours))

    assert [fault for fault in measure_faults(planned, OUTBOUND) if "temporary" in fault]
    assert [fault for fault in measure_faults(planned, Flagged()) if "temporary" in fault]


def test_where_something_was_flagged_a_measure_must_be_named_and_must_fit() -> None:
    planned = PlannedMeasure(MeasureKind.SUSPEND_CHANNEL, a_scope(channels=("chat",)), timedelta(hours=2))

    assert "name the measure" in measure_faults(None, INBOUND)[0]
    assert measure_faults(None, Flagged()) == ()
    assert len(measure_faults(planned, OUTBOUND)) == 1
    assert measure_faults(planned, Flagged()) == ()


def test_what_a_person_said_is_filled_in_with_what_fits_it_alone() -> None:
    here = MeasureWanted(MeasureKind.LIMIT_RATE, Scope(channels=("chat",), contacts_per_hour=200))
    out = MeasureWanted(MeasureKind.LIMIT_RATE, Scope(directions=("outbound",), contacts_per_hour=200))
    everything = MeasureWanted(MeasureKind.SUSPEND_ALL_ACCESS, Scope())

    def scope(wanted: MeasureWanted) -> Scope:
        planned = planned_measure(wanted, MIXED, timedelta(hours=1))
        assert planned is not None
        return planned.scope

    assert (scope(here).channels, scope(here).directions) == (("chat",), ("inbound",))
    assert (scope(out).channels, scope(out).directions) == (("voice",), ("outbound",))
    assert scope(everything) == Scope()


def test_a_rate_of_one_application_is_compared_with_its_own_usual_level() -> None:
    both = replace(OUTBOUND, levels=DIALLER | {Usual(VOICE_OUT, None, 500.0)})
    narrow = a_scope(application_ids=("dialler",), contacts_per_hour=120)

    assert measure_misfits(MeasureKind.LIMIT_RATE, narrow, both) == ()
    assert measure_misfits(MeasureKind.LIMIT_RATE, a_scope(contacts_per_hour=619), both)
    assert measure_misfits(MeasureKind.LIMIT_RATE, a_scope(contacts_per_hour=620), both) == ()


def test_other_streams_do_not_raise_the_usual_level() -> None:
    chat = Usual(Stream("chat", "outbound"), None, 900.0)
    more = Flagged(DIALLER | {chat}, levels=DIALLER | {chat})

    assert measure_misfits(MeasureKind.LIMIT_RATE, a_scope(contacts_per_hour=120), more) == ()


@pytest.mark.parametrize(
    ("kind", "flagged", "narrower"),
    [
        (
            MeasureKind.SUSPEND_CHANNEL,
            OUTBOUND,
            (MeasureKind.SUSPEND_PRINCIPAL, MeasureKind.SUSPEND_APPLICATION),
        ),
        (MeasureKind.SUSPEND_APPLICATION, OUTBOUND, (MeasureKind.SUSPEND_PRINCIPAL,)),
        (MeasureKind.SUSPEND_PRINCIPAL, OUTBOUND, ()),
        (
            MeasureKind.SUSPEND_PRINCIPAL,
            replace(OUTBOUND, destinations=frozenset({Carried(VOICE_OUT, "LV")})),
            (MeasureKind.BLOCK_DESTINATIONS,),
        ),
        (MeasureKind.SUSPEND_CHANNEL, replace(OUTBOUND, usual=frozenset(), principals=None), ()),
        (MeasureKind.SUSPEND_CHANNEL, Flagged(frozenset({Usual(VOICE_OUT, None, 120.0)})), ()),
        (MeasureKind.BLOCK_DESTINATIONS, OUTBOUND, ()),
    ],
)
def test_kinds_that_are_narrower_and_meet_what_was_seen(
    kind: MeasureKind, flagged: Flagged, narrower: tuple[MeasureKind, ...]
) -> None:
    assert narrower_kinds(kind, a_scope(), flagged) == narrower


def test_one_channel_is_narrower_than_all_access_and_what_ran_elsewhere_is_no_narrower_way() -> None:
    nothing_seen = Flagged(frozenset({Usual(VOICE_IN, None, 60.0)}))
    assert narrower_kinds(MeasureKind.SUSPEND_ALL_ACCESS, Scope(), nothing_seen) == (
        MeasureKind.SUSPEND_CHANNEL,
    )
    assert narrower_kinds(MeasureKind.SUSPEND_ALL_ACCESS, Scope(), Flagged()) == ()
    inbound = replace(nothing_seen, destinations=frozenset({Carried(VOICE_IN, "LV")}))
    assert narrower_kinds(MeasureKind.SUSPEND_CHANNEL, inbound_scope(), inbound) == ()
    elsewhere = replace(nothing_seen, principals=frozenset({Carried(VOICE_OUT, "key-1")}))
    assert narrower_kinds(MeasureKind.SUSPEND_CHANNEL, inbound_scope(), elsewhere) == ()


def test_calls_that_are_cut_go_where_the_flagged_ones_went() -> None:
    seen = replace(OUTBOUND, destinations=frozenset({Carried(VOICE_OUT, "LV")}))
    kind, cut = MeasureKind.SUSPEND_CHANNEL, CallsInProgress.CUT_FLAGGED

    assert measure_misfits(kind, a_scope(calls_in_progress=cut, cut_calls_to=("+371",)), seen) == ()
    elsewhere = measure_misfits(kind, a_scope(calls_in_progress=cut, cut_calls_to=("+44",)), seen)
    assert any("calls to" in fault and "+44" in fault for fault in elsewhere)
    inbound = measure_misfits(kind, inbound_scope(calls_in_progress=cut, cut_calls_to=("+44",)), seen)
    assert not any("calls to" in fault for fault in inbound)


def test_the_lowest_rate_lets_through_what_is_usual_where_all_of_it_is_known() -> None:
    assert lowest_rate(a_scope(), of_levels((None, 120.0), ("bot", 500.0))) == 620
    assert lowest_rate(a_scope(), of_levels((None, 120.0), ("bot", None))) is None
    assert lowest_rate(a_scope(), replace(of_levels((None, 120.0)), levels=None)) is None
