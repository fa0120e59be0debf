"""A measure restricts no more than what spiked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.measure_fit import (
    Carried,
    Flagged,
    PlannedMeasure,
    Stream,
    Usual,
    measure_misfits,
    planned_measure,
)
from cjp_fraud.review.model import MeasureWanted

VOICE_OUT, VOICE_IN, CHAT_IN = (
    Stream("voice", "outbound"),
    Stream("voice", "inbound"),
    Stream("chat", "inbound"),
)
OUTBOUND = Flagged(frozenset({Usual(VOICE_OUT, "dialler", 120.0)}), frozenset({Carried(VOICE_OUT, "key-1")}))
INBOUND = Flagged(frozenset({Usual(VOICE_IN, None, 60.0)}))
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
    ],
)
def test_what_did_not_spike_may_not(kind: MeasureKind, scope: Scope, flagged: Flagged, said: str) -> None:
    assert any(said in sentence for sentence in measure_misfits(kind, scope, flagged))


def test_a_principal_seen_in_another_stream_does_not_count() -> None:
    elsewhere = Flagged(MIXED.usual, frozenset({Carried(CHAT_IN, "key-1")}))

    assert measure_misfits(MeasureKind.SUSPEND_PRINCIPAL, a_scope(principal_ids=("key-1",)), elsewhere)


def test_inbound_fraud_is_met_by_limits_on_origins() -> None:
    assert measure_misfits(MeasureKind.LIMIT_ORIGINS, inbound_scope(origins=("+37120",)), INBOUND) == ()


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
