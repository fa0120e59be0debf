"""The earliest lawful minute is the gate's own answer: shut a minute before, open at it, all else held."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice, NamedMeasure
from cjp_fraud.contracts.enforcement_window import EnforcementWindows, Window
from cjp_fraud.contracts.holiday_list import calendars_for
from cjp_fraud.contracts.methods import COURIER, EMAIL, LETTER
from cjp_fraud.contracts.periods import CountedFrom, Period, Wait, WaitUnit
from cjp_fraud.contracts.places import Place
from cjp_fraud.contracts.receipt import earliest_measure
from cjp_fraud.contracts.receipt_rule import Basis, FollowUp, ReceiptRule, RollForward, UnlessFailure
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED
from cjp_fraud.contracts.terms import Combine, Force, MethodRule, NoticeStep, NoticeTerms, plain_terms
from cjp_fraud.notices.projection import hypothetical_plan, projected
from cjp_fraud.review.grounds import Ground
from cjp_fraud.suspension.earliest import earliest, earliest_measures
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.model import GateFacts
from cjp_fraud.suspension.requirements import BEFORE_MEASURE, Requirement
from tests.gate_builders import NOW, the_facts

PROPOSED = MeasureKind.SUSPEND_CHANNEL
MINUTE = timedelta(minutes=1)
TORONTO = calendars_for(
    [Place("recipient", time_zone="America/Toronto", country="CA", opens=time(9), closes=time(17))],
    recipient_zone="America/Toronto",
    recipient_country="CA",
    year=2015,
)

periods = st.builds(Period, st.integers(0, 10), st.sampled_from(WaitUnit))
waits = st.builds(
    Wait,
    st.integers(0, 10),
    st.sampled_from(WaitUnit),
    counted_from=st.sampled_from([NOT_STATED, *CountedFrom]),
)
receipt_rules = st.builds(
    ReceiptRule,
    offset=st.just(NOT_STATED) | periods,
    time_of_day=st.just(NOT_STATED) | st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    roll_forward=st.just(NOT_STATED) | st.sampled_from(RollForward),
    unless_failure=st.just(NOT_STATED) | st.builds(UnlessFailure, st.just(NOT_STATED) | periods),
    follow_up=st.just(NOT_STATED) | st.builds(FollowUp, st.just(LETTER), st.just(("notice",)), periods),
)
rules = st.builds(
    MethodRule,
    st.sampled_from([EMAIL, LETTER, COURIER]),
    st.sampled_from([NOT_STATED, *Basis]),
    st.just(("notice",)),
    force=st.sampled_from([NOT_STATED, *Force]),
    receipt=receipt_rules,
)
windows = st.builds(
    lambda days, opens, hours, last: EnforcementWindows(
        (Window(tuple(sorted(days)), time(opens), time(opens + hours)),), last_before_holiday=last
    ),
    st.sets(st.integers(1, 7), min_size=1),
    st.integers(0, 12),
    st.integers(1, 11),
    st.just(NOT_STATED) | st.just(time(12)),
)


@st.composite
def notice_terms(draw: st.DrawFn) -> NoticeTerms:
    steps = [
        NoticeStep(
            number,
            draw(st.sampled_from(Combine)),
            tuple(draw(st.lists(rules, min_size=1, max_size=3))),
            draw(st.just(NOT_STATED) | waits),
        )
        for number in range(1, draw(st.integers(1, 2)) + 1)
    ]
    return NoticeTerms(
        tuple(steps),
        minimum=draw(st.just(NOT_STATED) | waits),
        cure=draw(st.just(NOT_STATED) | waits),
        windows=draw(st.just(NOT_STATED) | windows),
    )


def under(terms: NoticeTerms | ContractTerms, **changes: Any) -> GateFacts:
    """Facts that all hold, under these terms, with no notice yet."""
    whole = terms if isinstance(terms, ContractTerms) else ContractTerms(suspension=terms)
    facts = the_facts(notice=None, **changes)
    assert facts.contract is not None
    return replace(facts, contract=replace(facts.contract, terms=whole, calendars=TORONTO))


moments = st.integers(0, 500_000).map(lambda minutes: NOW + timedelta(minutes=minutes, seconds=minutes % 60))


@given(notice_terms(), moments, st.none() | moments)
def test_with_the_notice_served_by_the_fastest_path_the_gate_opens_at_that_minute(
    terms: NoticeTerms, sent: datetime, not_before: datetime | None
) -> None:
    progress = projected(hypothetical_plan(terms, TORONTO, sent), sent)
    assert progress is not None
    assert progress.complete_at is not None
    notice = the_facts().notice
    assert notice is not None
    served = replace(
        notice,
        dispatched_at=sent,
        complete_at=progress.complete_at,
        states_end_at=max(progress.complete_at, not_before or sent) + timedelta(days=90),
        terms=terms,
        calendars=TORONTO,
        not_before=not_before,
    )
    # All else held: a measure is needed still, and approval and notice are fresh.
    facts = replace(
        under(terms, fresh=timedelta(days=1000), newest_flag_end=sent + timedelta(days=1000)), notice=served
    )
    found = earliest(facts, PROPOSED, sent)
    assert found.at is not None
    assert found.missing_then == ()
    assert check(facts, found.at).is_open
    assert found.at - sent < MINUTE or not check(facts, found.at - MINUTE).is_open


@given(notice_terms(), moments)
def test_a_notice_that_is_only_supposed_gives_the_same_minute(terms: NoticeTerms, at: datetime) -> None:
    found = earliest(under(terms), PROPOSED, at)
    whole = earliest_measure(at, terms, TORONTO).at
    assert found.at is not None
    assert whole <= found.at
    if terms.windows is NOT_STATED:
        assert found.at - whole < MINUTE


@given(notice_terms(), moments)
def test_what_a_letter_may_promise_is_what_the_progress_of_its_plan_gives(
    terms: NoticeTerms, at: datetime
) -> None:
    progress = projected(hypothetical_plan(terms, TORONTO, at), at)
    assert progress is not None
    assert progress.complete_at == earliest_measure(at, terms, TORONTO).at


def test_what_people_must_do_until_then_is_named_apart_from_what_time_mends() -> None:
    waits_a_day = NoticeTerms(
        (
            NoticeStep(
                1, Combine.ANY_OF, (MethodRule(EMAIL, Basis.SENT, ("notice",)),), Wait(24, WaitUnit.HOURS)
            ),
        )
    )
    found = earliest(under(waits_a_day, approvals=()), PROPOSED, NOW)
    assert found.at == NOW + timedelta(hours=24)
    assert "gate point 5: no notice was served" in found.missing
    assert "gate point 3: no approver's approval is on record" in found.missing_then
    assert not any(sentence.startswith("gate point 5") for sentence in found.missing_then)
    assert any("24 hours on" in sentence for sentence in found.path)


def test_the_fastest_of_the_permitted_methods_is_taken() -> None:
    slow = MethodRule(EMAIL, Basis.SENT, ("notice",), receipt=ReceiptRule(Period(2, WaitUnit.CALENDAR_DAYS)))
    fast = MethodRule(COURIER, Basis.MAILED, ("notice",), receipt=ReceiptRule(Period(1, WaitUnit.HOURS)))
    found = earliest(under(NoticeTerms((NoticeStep(1, Combine.ANY_OF, (slow, fast)),))), PROPOSED, NOW)
    assert found.at == NOW + timedelta(hours=1)
    assert "by courier" in found.path[0]
    shall = replace(slow, force=Force.EXCLUSIVE)
    found = earliest(under(NoticeTerms((NoticeStep(1, Combine.ANY_OF, (shall, fast)),))), PROPOSED, NOW)
    assert found.at == NOW + timedelta(days=2)


def test_a_value_that_was_not_read_leaves_no_lawful_minute() -> None:
    facts = under(plain_terms())
    assert facts.contract is not None
    unread = replace(facts, contract=replace(facts.contract, terms_faults=("it was not read",)))
    found = earliest(unread, PROPOSED, NOW)
    assert found.at is None
    assert "gate point 5: it was not read" in found.missing
    assert ContractTerms(suspension=plain_terms(), lift=NOT_READ).fault is not None


def test_each_kind_of_measure_has_its_own_minute() -> None:
    day = NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS))
    control = (NamedMeasure(MeasureKind.LIMIT_RATE),)
    by_kind = {
        found.kind: found
        for found in earliest_measures(
            under(ContractTerms(suspension=day, operational_controls=control)), NOW
        )
    }
    assert set(by_kind) == set(MeasureKind)
    assert by_kind[MeasureKind.LIMIT_RATE].at == NOW
    assert by_kind[MeasureKind.LIMIT_RATE].path[0].startswith("no notice is needed beforehand")
    assert by_kind[PROPOSED].at == NOW + timedelta(hours=24)
    assert by_kind[PROPOSED].proposed
    assert not by_kind[MeasureKind.LIMIT_RATE].proposed
    assert "gate point 3: no proposal is on record" in by_kind[MeasureKind.LIMIT_RATE].missing_then


def test_on_a_ground_without_prior_notice_the_measure_waits_for_no_receipt() -> None:
    day = NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS))
    ground = GroundWithoutNotice("illicit or fraudulent use", (Ground.UNATTENDED,))
    notice = the_facts().notice
    assert notice is not None
    planned = replace(notice, complete_at=None, dispatched_at=None, states_end_at=None, terms=day)
    facts = replace(under(ContractTerms(suspension=day, without_notice=(ground,))), notice=planned)
    assert check(facts, NOW).is_open
    assert earliest(facts, PROPOSED, NOW).at == NOW
    other = replace(ground, determinations=(Ground.PUMPED_MESSAGES,))
    facts = replace(under(ContractTerms(suspension=day, without_notice=(other,))), notice=planned)
    assert not check(facts, NOW, BEFORE_MEASURE - {Requirement.NEED}).is_open


def test_the_gate_shuts_again_when_the_window_closes() -> None:
    rule = EnforcementWindows((Window((1, 2, 3, 4, 5), time(8), time(21)),))
    terms = NoticeTerms(plain_terms().steps, windows=rule)
    notice = the_facts().notice
    assert notice is not None
    facts = replace(the_facts(), notice=replace(notice, terms=terms, calendars=Calendars("America/Toronto")))
    # NOW is Thursday 2 April 2015 08:00 in Toronto.
    assert check(facts, NOW).is_open
    last = datetime(2015, 4, 3, 0, 59, tzinfo=UTC)  # Thursday 20:59
    assert check(facts, last).is_open
    assert check(facts, last + MINUTE).sentences == (
        "gate point 5: the contract's enforcement windows let a measure begin from 2015-04-03 12:00:00Z on",
    )
