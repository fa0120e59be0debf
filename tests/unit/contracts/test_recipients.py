"""To whom notices go, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cjp_fraud.contracts.recipients import AddressOnRecord, former_address_erased, recipients_among

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = AddressOnRecord(
    id="old",
    role="notice",
    method="email",
    text="old@acme.example",
    sha256="0" * 64,
    erased_at=None,
    source="tenants.csv line 2",
    recorded_at=NOW - 300 * DAY,
    valid_from=None,
    valid_to=None,
    end_recorded_at=None,
)
NEW = replace(OLD, id="new", text="new@acme.example", recorded_at=NOW - 10 * DAY, valid_from=NOW - 10 * DAY)


def ended(days_before: int, recorded: int | None = None) -> AddressOnRecord:
    end, known = NOW - days_before * DAY, NOW - (days_before if recorded is None else recorded) * DAY
    return replace(OLD, valid_to=end, end_recorded_at=known)


def served(*addresses: AddressOnRecord) -> list[str]:
    return [recipient.address_id for recipient in recipients_among(addresses, NOW)]


def test_a_replaced_address_is_served_for_thirty_days_after_its_successor() -> None:
    assert served(ended(29), NEW) == ["new", "old"]
    assert served(ended(30), NEW) == ["new"]


def test_the_days_count_from_when_the_replacement_was_recorded_if_that_is_later() -> None:
    assert served(ended(60, recorded=5), NEW) == ["new", "old"]


def test_an_address_that_was_replaced_and_put_back_gets_one_letter() -> None:
    assert served(ended(5), replace(NEW, text=OLD.text)) == ["new"]


def test_an_erased_address_and_one_of_the_future_are_not_served() -> None:
    assert served(replace(OLD, text=None, erased_at=NOW - DAY), replace(NEW, valid_from=NOW + DAY)) == []


def test_an_erased_former_address_counts_while_its_successor_is_new() -> None:
    erased = replace(ended(10), text=None, erased_at=NOW - 2 * DAY)
    assert former_address_erased([erased, NEW], NOW)
    assert not former_address_erased([ended(10), NEW], NOW)
    assert not former_address_erased([erased, NEW], NOW + 21 * DAY)
