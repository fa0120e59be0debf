"""Deemed receipt by every part of a rule; expected moments are worked out by hand in the comments."""

from __future__ import annotations

import os
import time as machine_time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.business_calendar import Calendars, Holiday, wall_clock, wall_instant
from cjp_fraud.contracts.holiday_list import calendars_for
from cjp_fraud.contracts.methods import EMAIL, LETTER
from cjp_fraud.contracts.periods import Period, WaitUnit
from cjp_fraud.contracts.places import Place
from cjp_fraud.contracts.receipt import Receipt, deemed_receipt
from cjp_fraud.contracts.receipt_rule import Basis, ReceiptRule, RollForward, UnlessFailure
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED
from cjp_fraud.contracts.terms import MethodRule
from cjp_fraud.errors import BadInputError

ROLL = ReceiptRule(place="recipient", roll_forward=RollForward.EVENT)
ONE_BUSINESS_DAY = ReceiptRule(offset=Period(1, WaitUnit.BUSINESS_DAYS), place="recipient")


def a_place(name: str, zone: str, country: str, subdivision: str | None = None, **more: object) -> Place:
    return replace(
        Place(name, time_zone=zone, country=country, opens=time(9), closes=time(17)),
        subdivision=subdivision or NOT_STATED,
        **more,
    )


TORONTO = a_place("recipient", "America/Toronto", "CA", "ON")
BERLIN = a_place("sender", "Europe/Berlin", "DE", "BE")
KOLKATA = a_place("recipient", "Asia/Kolkata", "IN")
LORD_HOWE = a_place("recipient", "Australia/Lord_Howe", "AU", "NSW")


def calendars(*places: Place, year: int = 2026) -> Calendars:
    return calendars_for(places, recipient_zone="UTC", recipient_country=None, year=year)


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type, misc]


def received(
    event: datetime, rule: ReceiptRule, *places: Place, method: str = EMAIL, basis: Basis = Basis.SENT
) -> Receipt:
    return deemed_receipt(
        event, MethodRule(method, basis, ("notice",), receipt=rule), calendars(*places, year=event.year)
    )


def test_a_notice_sent_after_hours_before_a_holiday_counts_from_the_next_business_day() -> None:
    # Friday 15 May 2026 18:20 in Toronto is after 17:00; Monday 18 May is Victoria Day; so Tuesday 09:00 EDT.
    receipt = received(at("America/Toronto", 2026, 5, 15, 18, 20), ROLL, TORONTO)
    assert receipt.at == at("America/Toronto", 2026, 5, 19, 9)
    assert receipt.steps[1:] == (
        "Friday 2026-05-15 18:20 in Toronto is after business hours (09:00-17:00) → Monday 2026-05-18",
        "Monday 2026-05-18 is Victoria Day in Toronto → Tuesday 2026-05-19 09:00",
    )
    assert receipt.rule == "email, from sent, in recipient, event outside business hours moves to the next"
    (used,) = receipt.calendars
    assert used.source.startswith("holidays ")
    assert used.source.endswith("CA-ON")
    assert used.zone_data.startswith("tzdata ")
    assert used.days == (Holiday(date(2026, 5, 18), "Victoria Day"),)
    assert dict(receipt.inputs)["event"] == "2026-05-15T22:20:00.000000Z"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ((2026, 5, 15, 8, 0), (2026, 5, 15, 9, 0)),  # before hours: when they begin
        ((2026, 5, 15, 9, 0), (2026, 5, 15, 9, 0)),  # at their first moment
        ((2026, 5, 15, 16, 59), (2026, 5, 15, 16, 59)),
        ((2026, 5, 15, 17, 0), (2026, 5, 19, 9, 0)),  # at their end they are over
        ((2026, 5, 16, 12, 0), (2026, 5, 19, 9, 0)),  # Saturday
        ((2026, 12, 31, 17, 30), (2027, 1, 4, 9, 0)),  # New Year's Day is a Friday
    ],
)
def test_business_hours_begin_and_end_on_the_recipients_clock(
    sent: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    receipt = received(at("America/Toronto", *sent), ROLL, TORONTO)
    assert receipt.at == at("America/Toronto", *expected)


@pytest.mark.parametrize("roll", [RollForward.EVENT, RollForward.RECEIPT, RollForward.BOTH])
def test_hours_that_are_not_stated_take_the_later_reading_and_say_so(roll: RollForward) -> None:
    # Friday 15 May 2026 10:00 may be after hours; Monday is Victoria Day: the end of Tuesday, which no hours exceed.
    hours_unknown = replace(TORONTO, opens=NOT_STATED, closes=NOT_STATED)
    event = at("America/Toronto", 2026, 5, 15, 10)
    receipt = received(event, replace(ROLL, roll_forward=roll), hours_unknown)
    assert receipt.at == at("America/Toronto", 2026, 5, 20, 0)
    assert receipt.at > received(event, ROLL, TORONTO).at
    assert receipt.steps[1:] == (
        "Friday 2026-05-15 10:00 in Toronto may lie outside business hours: there, they are not stated",
        "Monday 2026-05-18 is Victoria Day in Toronto",
        "it counts with the end of the next business day, Tuesday 2026-05-19, the later reading; places of the "
        "notice terms can state the hours (opens, closes of 'recipient')",
    )


def test_the_moment_computed_rolls_forward_too_where_the_clause_says_so() -> None:
    # 16:30 plus one hour is 17:30, after hours on Friday; Monday is Victoria Day.
    rule = ReceiptRule(Period(1, WaitUnit.HOURS), place="recipient", roll_forward=RollForward.RECEIPT)
    assert received(at("America/Toronto", 2026, 5, 15, 16, 30), rule, TORONTO).at == at(
        "America/Toronto", 2026, 5, 19, 9
    )


def test_whose_business_hours_is_not_said_so_the_later_of_sender_and_recipient_counts() -> None:
    # Thursday 14 May 2026, Ascension Day in Berlin: 10:00 in Toronto is in hours, and Berlin opens on Friday 09:00.
    rule = replace(ROLL, place=NOT_STATED)
    receipt = received(at("America/Toronto", 2026, 5, 14, 10), rule, TORONTO, BERLIN)
    assert receipt.at == at("Europe/Berlin", 2026, 5, 15, 9)
    assert receipt.steps[-1] == "the clause does not say whose business hours; these are the latest"
    assert {used.name for used in receipt.calendars} == {"recipient", "sender"}


def test_holidays_on_both_sides_each_hold_where_they_are_named() -> None:
    # Friday 1 May 2026 is Labour Day in Berlin and a business day in Toronto.
    event = at("America/Toronto", 2026, 4, 30, 10)
    assert received(event, ONE_BUSINESS_DAY, TORONTO, BERLIN).at == at("America/Toronto", 2026, 5, 1, 17)
    senders = replace(ONE_BUSINESS_DAY, place="sender")
    assert received(event, senders, TORONTO, BERLIN).at == at("Europe/Berlin", 2026, 5, 4, 17)


def test_a_business_day_without_a_time_of_day_ends_with_business_the_later_reading() -> None:
    receipt = received(at("America/Toronto", 2026, 5, 14, 10), ONE_BUSINESS_DAY, TORONTO)
    assert receipt.at == at("America/Toronto", 2026, 5, 15, 17)
    assert any("the later reading" in sentence for sentence in receipt.steps)


def test_a_time_of_day_holds_on_the_last_day() -> None:
    # Posted Thursday 21 May 2026; Monday 25 May is the spring bank holiday: second business day is Tuesday, 09:00 BST.
    london = a_place("recipient", "Europe/London", "GB", "ENG")
    rule = ReceiptRule(Period(2, WaitUnit.BUSINESS_DAYS), time_of_day=time(9), place="recipient")
    receipt = received(at("Europe/London", 2026, 5, 21, 15), rule, london, method=LETTER)
    assert receipt.at == at("Europe/London", 2026, 5, 26, 9)


def test_the_first_or_second_business_day_is_the_second() -> None:
    london = a_place("recipient", "Europe/London", "GB", "ENG")
    rule = ReceiptRule(
        Period(1, WaitUnit.BUSINESS_DAYS),
        (Period(2, WaitUnit.BUSINESS_DAYS),),
        time_of_day=time(9),
        place="recipient",
    )
    receipt = received(at("Europe/London", 2026, 6, 8, 15), rule, london, method=LETTER)
    assert receipt.at == at("Europe/London", 2026, 6, 10, 9)
    assert receipt.steps[-1] == "the clause can be read in more than one way; this is the latest"


def test_of_clear_days_neither_the_first_nor_the_last_counts() -> None:
    # Posted on the 1st; the 2nd to the 6th are five clear days; so the 7th, 09:30 GMT.
    greenwich = Place("greenwich", time_zone="Etc/GMT", country="GB")
    rule = ReceiptRule(Period(5, WaitUnit.CLEAR_DAYS), time_of_day=time(9, 30), place="greenwich")
    receipt = received(datetime(2026, 6, 1, 23, 59, tzinfo=UTC), rule, greenwich, method=LETTER)
    assert receipt.at == datetime(2026, 6, 7, 9, 30, tzinfo=UTC)


def test_days_of_no_kind_end_with_the_last_one() -> None:
    rule = ReceiptRule(Period(2, WaitUnit.DAYS), place="recipient")
    event = at("America/Toronto", 2026, 6, 1, 10)
    assert received(event, rule, TORONTO).at == at("America/Toronto", 2026, 6, 4, 0)
    counted = ReceiptRule(Period(2, WaitUnit.CALENDAR_DAYS), place="recipient")
    assert received(event, counted, TORONTO).at == at("America/Toronto", 2026, 6, 3, 10)


def test_without_a_basis_a_notice_counts_when_it_was_received() -> None:
    rule = MethodRule(EMAIL, NOT_STATED, ("notice",))
    receipt = deemed_receipt(datetime(2026, 6, 1, tzinfo=UTC), rule, Calendars("UTC"))
    assert "does not say from when it counts" in receipt.steps[0]
    assert rule.proof.value == "displayed"


def test_while_a_failure_can_undo_it_a_notice_does_not_count_yet() -> None:
    rule = ReceiptRule(unless_failure=UnlessFailure(Period(1, WaitUnit.HOURS)))
    event = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert received(event, rule).at == event + timedelta(hours=1)
    later = replace(rule, offset=Period(24, WaitUnit.HOURS))
    assert received(event, later).at == event + timedelta(hours=24)
    whenever = ReceiptRule(unless_failure=UnlessFailure())
    assert received(event, whenever).at == event
    assert received(event, whenever).steps[-1] == "unless a failure comes back, whenever that is"


def test_nothing_is_computed_from_what_was_not_read() -> None:
    with pytest.raises(BadInputError, match="has not been read"):
        received(datetime(2026, 6, 1, tzinfo=UTC), ReceiptRule(offset=NOT_READ))


def test_business_days_of_a_place_whose_country_is_not_known_are_not_guessed() -> None:
    with pytest.raises(BadInputError, match="enter the place's country"):
        received(datetime(2026, 6, 1, tzinfo=UTC), ONE_BUSINESS_DAY)
    with pytest.raises(BadInputError, match="no public holidays of CA-XX"):
        calendars(a_place("recipient", "UTC", "CA", "XX"))
    with pytest.raises(BadInputError, match="'XX' is no country"):
        a_place("recipient", "UTC", "XX")


def test_counsel_adds_and_takes_out_holidays() -> None:
    place = replace(
        TORONTO, added=(Holiday(date(2026, 5, 19), "Founder's Day"),), removed=(date(2026, 5, 18),)
    )
    receipt = received(at("America/Toronto", 2026, 5, 15, 18), ROLL, place)
    assert receipt.at == at("America/Toronto", 2026, 5, 18, 9)
    monday = received(at("America/Toronto", 2026, 5, 18, 18), ROLL, place)
    assert monday.at == at("America/Toronto", 2026, 5, 20, 9)
    assert monday.calendars[0].source.endswith("with 1 days added and 1 taken out by counsel")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        # New York loses the hour from 02:00 on 8 March 2026: 02:30 does not come, and a day is no less than 24 hours.
        ((2026, 3, 7, 2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        # 12:00 EST on the 7th; 12:00 EDT on the 8th would be 23 hours on.
        ((2026, 3, 7, 12, 0), datetime(2026, 3, 8, 17, 0, tzinfo=UTC)),
        # 01:30 comes twice on 1 November 2026: the second, which is 06:30 UTC.
        ((2026, 10, 31, 1, 30), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        ((2026, 10, 31, 12, 0), datetime(2026, 11, 1, 17, 0, tzinfo=UTC)),
        ((2026, 12, 31, 23, 30), datetime(2027, 1, 2, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_calendar_day_over_a_change_of_the_clock_or_of_the_year(
    sent: tuple[int, ...], expected: datetime
) -> None:
    place = a_place("recipient", "America/New_York", "US", "NY")
    rule = ReceiptRule(Period(1, WaitUnit.CALENDAR_DAYS), place="recipient")
    assert received(at("America/New_York", *sent), rule, place).at == expected


def test_zones_with_half_hours_are_counted_on_their_own_clock() -> None:
    # 18:31 in Kolkata (UTC+5:30) on Friday 14 August 2026 is after hours; Saturday the 15th is Independence Day.
    assert received(datetime(2026, 8, 14, 13, 1, tzinfo=UTC), ROLL, KOLKATA).at == at(
        "Asia/Kolkata", 2026, 8, 17, 9
    )
    # Lord Howe turns its clock by half an hour: 01:45 comes twice on 5 April 2026, at +11:00 and +10:30.
    wall = wall_instant(datetime(2026, 4, 5, 1, 45), "Australia/Lord_Howe")  # noqa: DTZ001 -- a wall clock
    assert wall == datetime(2026, 4, 4, 15, 15, tzinfo=UTC)
    assert wall_clock(wall, "Australia/Lord_Howe") == datetime(2026, 4, 5, 2, 0)  # noqa: DTZ001


ZONES = [
    "UTC",
    "America/Toronto",
    "America/St_Johns",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
]

rules = st.builds(
    ReceiptRule,
    offset=st.just(NOT_STATED) | st.builds(Period, st.integers(0, 20), st.sampled_from(WaitUnit)),
    other_readings=st.lists(st.builds(Period, st.integers(1, 9), st.sampled_from(WaitUnit)), max_size=1).map(
        tuple
    ),
    time_of_day=st.just(NOT_STATED) | st.sampled_from([time(0), time(2, 30), time(9), time(23, 59)]),
    place=st.sampled_from([NOT_STATED, "recipient", "sender"]),
    roll_forward=st.just(NOT_STATED) | st.sampled_from(RollForward),
    unless_failure=st.just(NOT_STATED)
    | st.builds(UnlessFailure, st.builds(Period, st.integers(1, 30), st.sampled_from(WaitUnit))),
)
_made = {zone: calendars(a_place("recipient", zone, "CA", "ON"), BERLIN) for zone in ZONES}
_made["no hours"] = calendars(replace(TORONTO, opens=NOT_STATED, closes=NOT_STATED), BERLIN)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001
near_changes = st.builds(
    lambda base, seconds: base + timedelta(seconds=seconds),
    st.sampled_from(
        [
            datetime(2026, 3, 8, 6, 59, tzinfo=UTC),
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            datetime(2026, 4, 4, 15, tzinfo=UTC),
            datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
            datetime(2026, 10, 25, 1, tzinfo=UTC),
            datetime(2026, 11, 1, 4, 31, tzinfo=UTC),
            datetime(2026, 11, 1, 6, tzinfo=UTC),
        ]
    ),
    st.integers(-100_000, 10_000),
)


@given(moments | near_changes, st.integers(0, 90_000), rules, st.sampled_from(sorted(_made)))
def test_never_before_dispatch_and_never_earlier_for_a_later_one(
    sent: datetime, seconds: int, rule: ReceiptRule, zone: str
) -> None:
    method = MethodRule(EMAIL, Basis.SENT, ("notice",), receipt=rule)
    first = deemed_receipt(sent, method, _made[zone])
    second = deemed_receipt(sent + timedelta(seconds=seconds), method, _made[zone])
    assert sent <= first.at <= second.at


@pytest.fixture
def machine_zone() -> Iterator[None]:
    before = os.environ.get("TZ")
    yield
    os.environ.pop("TZ", None)
    if before is not None:
        os.environ["TZ"] = before
    machine_time.tzset()


@pytest.mark.usefixtures("machine_zone")
def test_the_machines_own_zone_makes_no_difference() -> None:
    event = at("America/Toronto", 2026, 10, 30, 18, 20)
    rule = ReceiptRule(
        Period(2, WaitUnit.BUSINESS_DAYS),
        place=NOT_STATED,
        roll_forward=RollForward.BOTH,
        time_of_day=time(0),
    )
    receipts = []
    for zone in ("UTC", "Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu"):
        os.environ["TZ"] = zone
        machine_time.tzset()
        receipts.append(received(event, rule, TORONTO, BERLIN))
    assert len(set(receipts)) == 1
