"""A measure restricts no more than what spiked."""

from __future__ import annotations

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.measure_fit import Flagged, measure_misfits

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
