"""Fifteen real contracts: each loads as counsel would enter it, and its deadlines are those worked out by hand.

All letters go on Friday 22 May 2026 at 10:00 UTC, which is 06:00 in New York and Toronto, 11:00 in London and Dublin.
Monday 25 May is Memorial Day in the United States and the spring bank holiday in England.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.contract_terms import ContractTerms, LiftWhen
from cjp_fraud.contracts.holiday_list import calendars_for
from cjp_fraud.contracts.receipt import deemed_receipt, earliest_measure
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.stated import NOT_STATED
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.documents import from_document, to_document
from tests.contract_builders import terms_of_file

FOLDER = Path(__file__).parents[2] / "contracts_of_the_table"
SENT = datetime(2026, 5, 22, 10, tzinfo=UTC)
NOT_TOLD = {13, 14, 15}

PLACES = {6: ("Europe/Dublin", "IE"), 9: ("Europe/London", "GB"), 10: ("Europe/London", "GB")}
PLACES |= {11: ("Europe/London", "GB"), 12: ("America/Toronto", "CA")}


def row(number: int) -> ContractTerms:
    (path,) = FOLDER.glob(f"{number:02}_*.toml")
    return terms_of_file(path)


def calendars(number: int, terms: ContractTerms) -> Calendars:
    zone, country = PLACES.get(number, ("America/New_York", "US"))
    return calendars_for(terms.places, recipient_zone=zone, recipient_country=country, year=2026)


def utc(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def terms_of(number: int, kind: str = "suspension") -> tuple[NoticeTerms, Calendars]:
    whole = row(number)
    terms = whole.notices(kind)
    assert terms is not None
    return terms, calendars(number, whole)


RECEIPTS = [
    (1, "email", SENT),  # on confirmed delivery
    (1, "courier", utc(5, 25, 4)),  # "two days": Saturday and Sunday, to their end, midnight in New York
    (2, "email", SENT),  # on delivery
    (2, "courier", utc(5, 24, 4)),  # one day: to the end of Saturday
    (3, "email", SENT),
    (4, "email", SENT),
    (4, "publication", SENT),
    (4, "hand", SENT),
    (4, "courier", utc(5, 27, 4)),  # one business day: Monday is Memorial Day, so Tuesday, to its end
    (4, "fax", utc(5, 27, 4)),
    (4, "registered", utc(5, 29, 4)),  # Tuesday, Wednesday, Thursday
    (5, "email", utc(5, 27, 4)),
    (5, "letter", utc(5, 28, 4)),  # Tuesday, Wednesday
    (5, "fax", utc(5, 28, 4)),
    (6, "email", SENT),
    (7, "email", SENT),  # when it was received: the clause gives no time
    (8, "email", SENT),
    (9, "email", SENT),  # 11:00 in London is in business hours
    (9, "letter", utc(5, 27, 8)),  # first or second business day: the second, Wednesday 09:00 BST
    (9, "fax", utc(5, 26, 8)),  # 09:00 on the next business day, Tuesday
    (9, "registered", utc(5, 28, 9, 30)),  # the 23rd to the 27th are five clear days; the 28th at 09:30 GMT
    (10, "email", utc(5, 22, 11)),
    (10, "hand", SENT),
    (11, "email", utc(5, 23, 10)),
    (11, "letter", utc(5, 25, 23)),  # three days, to the end of Monday, midnight in London
    (12, "email", SENT),
    (12, "letter", SENT),
]


@pytest.mark.parametrize(("number", "method", "expected"), RECEIPTS)
def test_each_method_counts_as_received_when_the_contract_says(
    number: int, method: str, expected: datetime
) -> None:
    terms, known = terms_of(number)
    rule = next(rule for rule in terms.rules if rule.method == method)
    receipt = deemed_receipt(SENT, rule, known)
    assert receipt.at == expected
    assert receipt.rule.startswith(method)


MEASURES = [
    (1, "suspension", SENT),
    (2, "suspension", SENT),
    (3, "suspension", utc(5, 23, 10)),  # 24 hours
    (4, "suspension", utc(5, 28, 4)),  # two business days: Tuesday and Wednesday, to their end
    (5, "suspension", utc(6, 2, 4)),  # ten days from delivery by hand, to the end of 1 June
    (5, "breach", utc(5, 28, 4)),  # by letter alone
    (6, "suspension", utc(5, 26, 23)),  # four days, to the end of 26 May, midnight in Dublin
    (6, "breach", utc(5, 29, 10)),  # seven calendar days after the registered letter was acknowledged
    (7, "suspension", SENT),
    (7, "breach", utc(6, 22, 4)),  # 30 days from receipt, to the end of 21 June
    (8, "suspension", SENT),
    (8, "dispute_answer", SENT),
    (9, "suspension", utc(5, 27, 16)),  # two working days: Tuesday and Wednesday, to 17:00 BST
    (9, "breach", utc(6, 8, 16)),  # ten: Tuesday 26 May to Friday 29, 1 to 5 June, Monday 8
    (10, "suspension", SENT),  # by hand
    (11, "suspension", utc(5, 23, 10)),
    (12, "suspension", utc(6, 6, 13)),  # 5 June, then Saturday 6 June 06:00 in Toronto: from 09:00 on
]


@pytest.mark.parametrize(("number", "kind", "expected"), MEASURES)
def test_the_measure_may_follow_when_the_contract_says(number: int, kind: str, expected: datetime) -> None:
    terms, known = terms_of(number, kind)
    assert earliest_measure(SENT, terms, known).at == expected


def test_after_hours_an_email_under_row_9_counts_from_the_next_business_day() -> None:
    # Friday 22 May 2026 18:20 in London; Monday is a bank holiday; Tuesday 09:00 BST is 08:00 UTC.
    terms, known = terms_of(9)
    assert deemed_receipt(utc(5, 22, 17, 20), terms.steps[0].methods[0], known).at == utc(5, 26, 8)


def test_nobody_is_cut_off_after_noon_before_a_holiday_under_row_12() -> None:
    # 15 June 17:00 UTC, plus 14 days and 24 hours: Tuesday 30 June 13:00 in Toronto; Wednesday is Canada Day.
    terms, known = terms_of(12)
    receipt = earliest_measure(utc(6, 15, 17), terms, known)
    assert receipt.at == utc(7, 2, 12)
    assert "outside the contract's enforcement windows → Thursday 2026-07-02 08:00" in receipt.steps[-1]
    # One hour and one minute earlier it is 11:59, and they may.
    assert earliest_measure(utc(6, 15, 15, 59), terms, known).at == utc(6, 30, 15, 59)


@pytest.mark.parametrize(
    ("number", "said"),
    [(13, "have not been read: suspension"), (14, "does not state how"), (15, "not been read")],
)
def test_what_was_not_seen_shuts_the_gate(number: int, said: str) -> None:
    terms = row(number)
    assert terms.notices("suspension") is None
    assert terms.fault is not None
    assert said in terms.fault


@pytest.mark.parametrize("number", range(1, 13))
def test_what_was_seen_can_be_served(number: int) -> None:
    assert row(number).fault is None


@pytest.mark.parametrize("number", range(1, 16))
def test_each_is_stored_and_read_back(number: int) -> None:
    terms = row(number)
    assert from_document(ContractTerms, to_document(terms)) == terms


def test_what_stands_beside_notice_is_held_too() -> None:
    assert row(7).longest == timedelta(days=90)
    assert row(1).lift is not NOT_STATED
    assert getattr(row(1).lift, "when", None) is LiftWhen.ONLY_IF_RESOLVED
    assert row(13).needs_no_notice(MeasureKind.LIMIT_RATE) is not None
    assert row(13).needs_no_notice(MeasureKind.SUSPEND_CHANNEL) is None
    fraud = row(6).ground_without_notice(("costly_destinations", "taken_over_access"))
    assert fraud is not None
    assert "illicit or fraudulent" in fraud.ground
    assert row(6).ground_without_notice(("costly_destinations", "blocked_lines")) is None
    assert row(6).ground_without_notice(()) is None
    assert row(15).ground_without_notice(("costly_destinations",)) is None
