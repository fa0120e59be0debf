"""A measure restricts no more than what spiked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.measure_fit import Flagged, PlannedMeasure, measure_misfits, planned_measure
from cjp_fraud.review.model import MeasureWanted

OUTBOUND = Flagged(frozenset({"voice"}), frozenset({"outbound"}), frozenset({"dialler"}))
INBOUND = Flagged(frozenset({"voice"}), frozenset({"inbound"}), frozenset())


def misfits(kind: MeasureKind, scope: Scope, flagged: Flagged = OUTBOUND, **options: bool) -> tuple[str, ...]:
    given = {"critical": False, "counsel_consents": False} | options
    return measure_misfits(kind, scope, flagged, **given)


def test_the_flagged_channel_and_direction_may_be_suspended() -> None:
    assert misfits(MeasureKind.SUSPEND_CHANNEL, Scope(channels=("voice",), directions=("outbound",))) == ()


def test_a_channel_that_was_not_flagged_may_not() -> None:
    found = misfits(MeasureKind.SUSPEND_CHANNEL, Scope(channels=("chat", "voice"), directions=("outbound",)))

    assert any("chat" in sentence for sentence in found)


def test_an_application_that_was_not_flagged_may_not() -> None:
    assert misfits(MeasureKind.SUSPEND_APPLICATION, Scope(application_ids=("dialler",))) == ()
    assert misfits(MeasureKind.SUSPEND_APPLICATION, Scope(application_ids=("bot",)))


def test_inbound_fraud_is_met_by_limits_on_origins_not_by_cutting_off() -> None:
    cut_off = Scope(channels=("voice",), directions=("inbound",))
    limits = Scope(channels=("voice",), directions=("inbound",), origins=("+37120",))

    assert misfits(MeasureKind.SUSPEND_CHANNEL, cut_off, INBOUND)
    assert misfits(MeasureKind.SUSPEND_ALL_ACCESS, Scope(), INBOUND)
    assert misfits(MeasureKind.LIMIT_ORIGINS, limits, INBOUND) == ()


def test_a_critical_tenant_needs_counsel_for_more_than_a_block_of_destinations() -> None:
    block = Scope(destination_prefixes=("+371",))
    channel = Scope(channels=("voice",), directions=("outbound",))

    assert misfits(MeasureKind.BLOCK_DESTINATIONS, block, critical=True) == ()
    assert misfits(MeasureKind.SUSPEND_CHANNEL, channel, critical=True)
    assert misfits(MeasureKind.SUSPEND_CHANNEL, channel, critical=True, counsel_consents=True) == ()


@pytest.mark.parametrize(
    ("direction", "kind"), [("outbound", MeasureKind.SUSPEND_CHANNEL), ("inbound", None)]
)
def test_only_for_outbound_traffic_a_measure_is_proposed_by_itself(
    direction: str, kind: MeasureKind | None
) -> None:
    flagged = Flagged(frozenset({"voice"}), frozenset({direction}), frozenset())

    measure = planned_measure(MeasureWanted(), flagged, timedelta(hours=72))

    assert (measure.kind if measure else None) is kind
    if measure is not None:
        assert measure.duration == timedelta(hours=72)
        assert (measure.scope.channels, measure.scope.directions) == (("voice",), ("outbound",))


def test_a_measure_that_a_person_named_lasts_as_long_as_they_said() -> None:
    flagged = Flagged(frozenset({"voice"}), frozenset({"inbound"}), frozenset())
    wanted = MeasureWanted(MeasureKind.LIMIT_ORIGINS, Scope(origins=("+371",)), timedelta(hours=5))

    assert planned_measure(wanted, flagged, timedelta(hours=72)) == PlannedMeasure(
        MeasureKind.LIMIT_ORIGINS, Scope(origins=("+371",)), timedelta(hours=5)
    )
