"""Whom a customer is asked through: never a contact that whoever took the account may have entered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.review.customer_question import OutOfBandContact, askable, chosen_contact

FLAG = datetime(2026, 3, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
CONTACT = OutOfBandContact("a1", "email", "ceo@elsewhere.example", FLAG - 90 * DAY, FLAG - 80 * DAY)


def test_a_contact_that_was_on_record_and_verified_before_the_first_flag_is_asked() -> None:
    assert askable([CONTACT], FLAG).contacts == (CONTACT,)
    assert askable([CONTACT], FLAG).faults == ()


@pytest.mark.parametrize(
    "changes",
    [{"verified_at": None}, {"verified_at": FLAG}, {"recorded_at": FLAG}, {"recorded_at": FLAG + DAY}],
)
def test_a_contact_that_came_or_was_verified_with_the_flags_is_not_asked(
    changes: dict[str, datetime],
) -> None:
    able = askable([replace(CONTACT, **changes)], FLAG)
    assert able.contacts == ()
    assert "verified before the first flag" in able.faults[0]


def test_where_the_contract_has_no_contact_or_it_was_erased_that_is_said() -> None:
    for contacts in ([], [replace(CONTACT, address=None)]):
        assert askable(contacts, FLAG).faults == ("the contract has no out-of-band contact",)


def test_one_of_several_contacts_must_be_named() -> None:
    other = replace(CONTACT, address_id="b2")
    assert chosen_contact([CONTACT], None) is CONTACT
    assert chosen_contact([CONTACT, other], None) is None
    assert chosen_contact([CONTACT, other], "b2") is other
    assert chosen_contact([CONTACT], "b2") is None
