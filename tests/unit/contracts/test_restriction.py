"""Measures: each kind with the scope that it can have, none that touches what stays reachable."""

from __future__ import annotations

import json

import pytest

from cjp_fraud.contracts.restriction import (
    ALWAYS_REACHABLE,
    MeasureKind,
    Scope,
    consent_reasons,
    scope_faults,
)
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError

FITTING = {
    MeasureKind.BLOCK_DESTINATIONS: Scope(destination_prefixes=("+37060",), channels=("voice",)),
    MeasureKind.LIMIT_ORIGINS: Scope(origins=("+1900",), directions=("inbound",)),
    MeasureKind.LIMIT_RATE: Scope(contacts_per_hour=60, channels=("sms",)),
    MeasureKind.SUSPEND_PRINCIPAL: Scope(principal_ids=("9f2c",)),
    MeasureKind.SUSPEND_APPLICATION: Scope(application_ids=("bot-7",)),
    MeasureKind.SUSPEND_CHANNEL: Scope(channels=("voice",), directions=("outbound",)),
    MeasureKind.SUSPEND_ALL_ACCESS: Scope(),
}


@pytest.mark.parametrize("kind", MeasureKind)
def test_a_fitting_scope_is_accepted_and_read_back(kind: MeasureKind) -> None:
    scope = FITTING[kind]
    assert scope_faults(kind, scope) == ()
    document = json.loads(json.dumps(to_document(scope)))
    assert document["keeps"] == list(ALWAYS_REACHABLE)
    assert from_document(Scope, document) == scope


@pytest.mark.parametrize("kind", [kind for kind in MeasureKind if kind is not MeasureKind.SUSPEND_ALL_ACCESS])
def test_every_narrow_kind_needs_what_narrows_it(kind: MeasureKind) -> None:
    assert any("needs" in fault for fault in scope_faults(kind, Scope()))


@pytest.mark.parametrize(
    ("kind", "scope", "said"),
    [
        (MeasureKind.SUSPEND_ALL_ACCESS, Scope(channels=("voice",)), "has no channels"),
        (MeasureKind.SUSPEND_CHANNEL, Scope(channels=("fax",)), "fax"),
        (MeasureKind.SUSPEND_CHANNEL, Scope(channels=("voice", "voice")), "twice"),
        (MeasureKind.SUSPEND_CHANNEL, Scope(channels=("voice",), directions=("up",)), "up"),
        (MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("112",)), "112"),
        (MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("911",)), "911"),
        (MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("",)), "empty"),
        (MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+",)), "1 to 15 digits"),
        (MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=0), "at least 1"),
        (MeasureKind.SUSPEND_PRINCIPAL, Scope(principal_ids=("a\nb",)), "plain text"),
        (
            MeasureKind.BLOCK_DESTINATIONS,
            Scope(destination_prefixes=tuple(f"+{zone}" for zone in range(1, 10))),
            "90% of all numbers",
        ),
        (
            MeasureKind.BLOCK_DESTINATIONS,
            Scope(destination_prefixes=tuple(f"+{number}" for number in range(10, 100))),
            "90% of all numbers",
        ),
        (
            MeasureKind.BLOCK_DESTINATIONS,
            Scope(destination_prefixes=("+1", "+2", "+3", "+4", "+5")),
            "no block_destinations",
        ),
        (MeasureKind.LIMIT_ORIGINS, Scope(origins=("everything",)), "'everything' is no number range"),
        (MeasureKind.LIMIT_ORIGINS, Scope(origins=("0.0.0.0/0",)), "more than a /8"),
    ],
)
def test_a_scope_that_does_not_fit_is_refused(kind: MeasureKind, scope: Scope, said: str) -> None:
    assert said in " ".join(scope_faults(kind, scope))


@pytest.mark.parametrize("document", [{"everything": True}, {"keeps": []}, {"keeps": ["billing"]}])
def test_no_stored_scope_can_give_up_what_stays_reachable(document: dict[str, object]) -> None:
    with pytest.raises(BadInputError):
        from_document(Scope, document)


def test_kinds_are_ordered_from_narrow_to_wide() -> None:
    assert MeasureKind.SUSPEND_ALL_ACCESS.broader_than(MeasureKind.BLOCK_DESTINATIONS)
    assert not MeasureKind.BLOCK_DESTINATIONS.broader_than(MeasureKind.BLOCK_DESTINATIONS)


def consented(kind: MeasureKind, *, critical: bool = False, scope: Scope | None = None) -> bool:
    """Whether a measure may be taken without counsel's consent."""
    given = scope or FITTING[kind]
    return not consent_reasons(kind, given, critical=critical, former_address_erased=False)


@pytest.mark.parametrize("kind", MeasureKind)
def test_a_critical_tenant_needs_counsel_for_more_than_a_destination_block(kind: MeasureKind) -> None:
    assert consented(kind, critical=True) is (kind is MeasureKind.BLOCK_DESTINATIONS)


@pytest.mark.parametrize("kind", MeasureKind)
def test_all_access_needs_counsel_whatever_the_tenant(kind: MeasureKind) -> None:
    assert consented(kind) is (kind is not MeasureKind.SUSPEND_ALL_ACCESS)


@pytest.mark.parametrize(
    ("prefixes", "broad"),
    [
        (("+371",), False),
        (("+1876", "+44"), False),
        (("+3",), True),
        (("+1",), True),
        (("+7",), True),
        (tuple(f"+3{digit}" for digit in range(10)), True),
        (tuple(f"+1{digit}" for digit in range(2, 10)), True),
        (("+31", "+32", "+33", "+34"), False),
        (("+371", "+3712", "+37120"), False),
    ],
)
def test_ranges_of_half_a_world_zone_need_counsel(prefixes: tuple[str, ...], broad: bool) -> None:
    scope = Scope(channels=("voice",), directions=("outbound",), destination_prefixes=prefixes)

    assert scope_faults(MeasureKind.BLOCK_DESTINATIONS, scope) == ()
    assert consented(MeasureKind.BLOCK_DESTINATIONS, scope=scope) is not broad
    assert consented(MeasureKind.BLOCK_DESTINATIONS, scope=scope, critical=True) is not broad
    assert consented(MeasureKind.LIMIT_ORIGINS, scope=Scope(origins=prefixes)) is not broad


def test_a_block_of_the_tenants_own_numbers_needs_counsel() -> None:
    scope = Scope(channels=("voice",), directions=("inbound",), destination_prefixes=("+12125550100",))

    assert not consented(MeasureKind.BLOCK_DESTINATIONS, scope=scope)


@pytest.mark.parametrize("kind", MeasureKind)
def test_whatever_the_measure_a_lost_former_address_needs_counsel(kind: MeasureKind) -> None:
    reasons = consent_reasons(kind, FITTING[kind], critical=False, former_address_erased=True)

    assert "the one before it was erased" in reasons[0]
