"""What the gate asks of the notice: each fault by itself, letters of before, warnings that suffice, and the minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.contract_terms import (
    ConditionalNotice,
    ContractTerms,
    GroundWithoutNotice,
    NamedMeasure,
)
from cjp_fraud.contracts.enforcement_window import EnforcementWindows, Window
from cjp_fraud.contracts.holiday_list import calendars_for
from cjp_fraud.contracts.places import Place
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED
from cjp_fraud.contracts.terms import NoticeTerms, plain_terms
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.review.earlier_notice import EarlierNotice, held_until, why_not_allowed
from cjp_fraud.review.grounds import Ground
from cjp_fraud.suspension.chronology import Step
from cjp_fraud.suspension.earliest import earliest
from cjp_fraud.suspension.gate import check, earliest_permitted
from cjp_fraud.suspension.model import GateFacts
from cjp_fraud.suspension.notice_gate import (
    held_moments,
    next_permitted,
    notice_faults,
    permitted_from,
    sufficing_warning,
    terms_faults,
    timing_faults,
    window_faults,
    without_prior_notice,
)
from tests.gate_builders import NOW, the_facts

PROPOSED = MeasureKind.SUSPEND_CHANNEL
SCOPE = Scope(channels=("voice",), directions=("outbound",))
APPROVED = NOW - timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SUFFICES = ContractTerms(suspension=plain_terms(), conditional_notice=ConditionalNotice(True, True))
TORONTO = calendars_for(
    [Place("recipient", time_zone="America/Toronto", country="CA", opens=time(9), closes=time(17))],
    recipient_zone="America/Toronto",
    recipient_country="CA",
    year=2015,
)


def a_warning(**changes: Any) -> EarlierNotice:
    """A warning of the proposed measure, served yesterday and complete an hour ago."""
    warning = EarlierNotice(
        plan_id="w1",
        kind=NoticeKind.CONDITIONAL_WARNING,
        cancelled=False,
        dispatched_at=NOW - timedelta(hours=25),
        not_before=NOW - HOUR,
        complete_at=NOW - HOUR,
        failed=False,
        contradicted=False,
        everywhere=False,
        measure=PROPOSED,
        scope=SCOPE,
        lasts=timedelta(hours=72),
    )
    return replace(warning, **changes)


def facts_with(
    *, notice: dict[str, Any] | None = None, contract: dict[str, Any] | None = None, **changes: Any
) -> GateFacts:
    facts = the_facts(**changes)
    assert facts.notice is not None
    assert facts.contract is not None
    return replace(
        facts,
        notice=replace(facts.notice, **(notice or {})),
        contract=replace(facts.contract, **(contract or {})),
    )


def warned_facts(warning: EarlierNotice, terms: ContractTerms = SUFFICES, **changes: Any) -> GateFacts:
    """The measure's own notice is only planned; the warning stands."""
    unsent = {"complete_at": None, "dispatched_at": None, "states_end_at": None, "planned_at": APPROVED}
    return facts_with(notice=unsent, contract={"terms": terms}, earlier=(warning,), **changes)


def faults(facts: GateFacts, at: datetime = NOW) -> list[str]:
    return notice_faults(facts, at, Step.APPROVED, APPROVED)


@pytest.mark.parametrize(
    ("notice", "sentence"),
    [
        ({"mode": PlatformMode.OBSERVE}, "the notice was only observed, not sent"),
        ({"mode": None}, "the notice was only observed, not sent"),
        ({"cancelled": True}, "the notice was withdrawn"),
        ({"cancelled": None}, "the notice was withdrawn"),
        ({"planned_at": None}, "it is not known when the notice was planned"),
        ({"plan_sha256": "x" * 64}, "the notice is not the one that was approved"),
        ({"language": "de"}, "the notice is not known to be in the contract's language"),
        ({"language": None}, "the notice is not known to be in the contract's language"),
        (
            {"everywhere": None},
            "the account may have been taken over, and the notice does not go to every address of the contract",
        ),
        ({"dispatched_at": None}, "no dispatch of a notice is on record"),
        ({"dispatched_at": NOW + MINUTE}, "no dispatch of a notice is on record"),
        ({"failed": True}, "every method of serving that the contract permits has failed"),
        ({"failed": None}, "it is not known whether the notice has failed"),
        ({"complete_at": None}, "the contract's notice is not complete"),
        ({"complete_at": NOW + MINUTE}, "the contract lets the measure follow from 2015-04-02 12:01:00Z on"),
    ],
)
def test_each_fault_of_the_notice_is_named_alone(notice: dict[str, Any], sentence: str) -> None:
    assert faults(facts_with()) == []
    assert faults(facts_with(notice=notice)) == [sentence]


def test_without_a_plan_nothing_was_served_and_nothing_is_permitted() -> None:
    facts = the_facts(notice=None)
    assert faults(facts) == ["no notice was served"]
    assert permitted_from(facts, APPROVED) is None
    assert next_permitted(facts, NOW) == NOW
    assert timing_faults(facts, NOW) == []


def test_a_notice_that_nobody_approved_is_not_the_approved_one() -> None:
    facts = facts_with(notice={"plan_sha256": None})
    assert facts.proposal is not None
    assert faults(replace(facts, proposal=replace(facts.proposal, plan_sha256=None))) == [
        "the notice is not the one that was approved"
    ]
    assert "the notice is not the one that was approved" in faults(replace(facts_with(), proposal=None))
    assert "the notice is not known to be in the contract's language" in faults(
        replace(facts_with(), contract=None)
    )


def test_a_notice_planned_before_its_approval_is_out_of_order() -> None:
    assert faults(facts_with(notice={"planned_at": APPROVED - MINUTE}))
    assert faults(facts_with(notice={"dispatched_at": APPROVED - MINUTE}))


@pytest.mark.parametrize("taken_over", [True, None])
def test_for_an_account_that_may_be_taken_over_the_notice_goes_everywhere(taken_over: bool | None) -> None:
    facts = facts_with()
    assert facts.determination is not None
    facts = replace(facts, determination=replace(facts.determination, account_taken_over=taken_over))
    assert len(faults(facts)) == 1
    assert facts.notice is not None
    assert faults(replace(facts, notice=replace(facts.notice, everywhere=True))) == []
    assert len(faults(replace(facts_with(), determination=None))) == 1


@pytest.mark.parametrize(
    ("contract", "sentences"),
    [
        (None, ["it is not known whether the notice terms were read"]),
        ({"terms_faults": None}, ["it is not known whether the notice terms were read"]),
        ({"terms": None}, ["the notice terms of the contract are not known"]),
        ({"terms": None, "terms_faults": ("not read",)}, ["not read"]),
        ({"terms_faults": ("a", "b")}, ["a", "b"]),
        ({}, []),
    ],
)
def test_terms_that_are_not_known_or_not_served_are_named(
    contract: dict[str, Any] | None, sentences: list[str]
) -> None:
    facts = replace(the_facts(), contract=None) if contract is None else facts_with(contract=contract)
    assert terms_faults(facts) == sentences


def test_provisions_without_prior_notice_are_named_and_nothing_else_is() -> None:
    control = ContractTerms(suspension=plain_terms(), operational_controls=(NamedMeasure(PROPOSED),))
    ground = ContractTerms(
        suspension=plain_terms(), without_notice=(GroundWithoutNotice("fraud", (Ground.UNATTENDED,)),)
    )
    assert without_prior_notice(facts_with()) is None
    assert without_prior_notice(facts_with(contract={"terms": None})) is None
    assert without_prior_notice(replace(the_facts(), contract=None)) is None
    by_control = facts_with(contract={"terms": control})
    assert "names suspend_channel" in (without_prior_notice(by_control) or "")
    assert without_prior_notice(replace(by_control, proposal=None)) is None
    by_ground = facts_with(contract={"terms": ground}, notice={"complete_at": None, "dispatched_at": None})
    assert "without prior notice: fraud" in (without_prior_notice(by_ground) or "")
    assert without_prior_notice(replace(by_ground, determination=None)) is None
    assert faults(by_ground) == []
    assert timing_faults(by_ground, NOW) == []
    assert permitted_from(by_ground, APPROVED) == APPROVED
    assert permitted_from(by_ground, None) is None
    assert by_ground.notice is not None
    unplanned = replace(by_ground, notice=replace(by_ground.notice, planned_at=None))
    assert permitted_from(unplanned, APPROVED) is None
    later = replace(by_ground, notice=replace(by_ground.notice, planned_at=NOW))
    assert permitted_from(later, APPROVED) == NOW


def test_what_an_earlier_letter_states_binds_every_measure_and_every_path() -> None:
    until = NOW + HOUR
    breach = a_warning(kind=NoticeKind.BREACH, not_before=until, measure=MeasureKind.LIMIT_RATE)
    control = ContractTerms(suspension=plain_terms(), operational_controls=(NamedMeasure(PROPOSED),))
    for facts in (facts_with(earlier=(breach,)), facts_with(contract={"terms": control}, earlier=(breach,))):
        (sentence,) = faults(facts)
        assert sentence == (
            "the breach of 2015-04-01 11:00Z states that nothing is restricted before 2015-04-02 13:00:00Z"
        )
        assert timing_faults(facts, until - MINUTE) == [sentence]
        assert timing_faults(facts, until) == []
        assert permitted_from(facts, APPROVED) == until
        assert earliest_permitted(facts) == until
    assert faults(facts_with(earlier=None)) == ["it is not known what else was sent on the case"]
    assert faults(facts_with(earlier=(replace(breach, cancelled=True),))) == []
    assert faults(facts_with(earlier=(replace(breach, not_before=None),))) == []
    assert held_moments(facts_with(earlier=None)) == []


def test_a_notice_of_breach_holds_until_its_cure_period_is_over() -> None:
    late = NOW + timedelta(days=2)
    breach = a_warning(kind=NoticeKind.BREACH, not_before=NOW + HOUR, complete_at=late)
    assert held_until((breach,)) == late
    assert held_until((replace(breach, complete_at=NOW),)) == NOW + HOUR
    assert held_until((replace(breach, complete_at=None),)) == NOW + HOUR
    assert held_until((replace(breach, kind=NoticeKind.CONDITIONAL_WARNING),)) == NOW + HOUR
    assert held_until(()) is None


def test_a_warning_that_suffices_opens_the_gate_once_it_is_served_for_long_enough() -> None:
    facts = warned_facts(a_warning())
    assert faults(facts) == []
    assert check(facts, NOW).is_open
    assert without_prior_notice(facts) == (
        "the conditional warning of 2015-04-01 11:00Z is the notice that the contract asks for"
    )
    later = warned_facts(a_warning(complete_at=NOW + HOUR))
    assert faults(later) == ["the conditional warning lets the measure follow from 2015-04-02 13:00:00Z on"]
    assert permitted_from(later, APPROVED) == NOW + HOUR
    assert earliest(later, PROPOSED, NOW).at == NOW + HOUR


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": NoticeKind.BREACH},
        {"cancelled": True},
        {"failed": True},
        {"contradicted": True},
        {"complete_at": None},
        {"dispatched_at": None},
        {"dispatched_at": NOW - timedelta(minutes=49)},  # after the determination
        {"measure": MeasureKind.BLOCK_DESTINATIONS},
        {"scope": Scope(channels=("voice", "sms"), directions=("outbound",))},
        {"lasts": timedelta(hours=71)},
    ],
)
def test_a_warning_that_is_not_of_this_measure_or_not_served_is_no_notice(changes: dict[str, Any]) -> None:
    facts = warned_facts(a_warning(**changes))
    assert sufficing_warning(facts) is None
    assert "no dispatch of a notice is on record" in faults(facts)


@pytest.mark.parametrize(
    "said",
    [
        NOT_STATED,
        NOT_READ,
        ConditionalNotice(),
        ConditionalNotice(True, False),
        ConditionalNotice(True, NOT_STATED),
        ConditionalNotice(True, NOT_READ),
        ConditionalNotice(False, True),
        ConditionalNotice(NOT_STATED, True),
    ],
)
def test_a_warning_suffices_only_where_the_contract_says_both(said: Any) -> None:
    terms = replace(SUFFICES, conditional_notice=said)
    assert sufficing_warning(warned_facts(a_warning(), terms)) is None


def test_a_warning_that_did_not_go_everywhere_is_none_for_a_taken_over_account() -> None:
    facts = warned_facts(a_warning())
    assert facts.determination is not None
    taken = replace(facts, determination=replace(facts.determination, account_taken_over=True))
    assert sufficing_warning(taken) is None
    assert sufficing_warning(replace(taken, earlier=(a_warning(everywhere=True),))) is not None
    assert sufficing_warning(replace(facts, proposal=None)) is None
    assert sufficing_warning(replace(facts, earlier=None)) is None
    assert sufficing_warning(replace(facts, contract=None)) is None


def test_the_earliest_of_several_warnings_counts() -> None:
    second = a_warning(plan_id="w2", complete_at=NOW - timedelta(hours=2))
    facts = replace(warned_facts(a_warning()), earlier=(a_warning(), second))
    assert sufficing_warning(facts) == second


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (ConditionalNotice(True), None),
        (ConditionalNotice(False), "the contract allows no conditional notice before the determination"),
        (
            ConditionalNotice(),
            "whether a conditional notice may go out before the determination is not stated",
        ),
        (NOT_READ, "whether a conditional notice may go out before the determination is not read"),
    ],
)
def test_whether_a_warning_may_go_out_is_for_the_contract_to_say(said: Any, why: str | None) -> None:
    assert why_not_allowed(replace(SUFFICES, conditional_notice=said)) == why
    assert why_not_allowed(None) == "the notice terms of the contract are not on record"


WEEKDAYS = EnforcementWindows((Window((1, 2, 3, 4, 5), time(8), time(21)),))


def windowed(calendars: Calendars | None = TORONTO, **notice: Any) -> GateFacts:
    terms = NoticeTerms(plain_terms().steps, windows=WEEKDAYS)
    return facts_with(notice={"terms": terms, "calendars": calendars, **notice})


def test_outside_the_windows_the_next_one_is_named_and_unknown_ones_shut() -> None:
    assert window_faults(windowed(), NOW) == []
    night = datetime(2015, 4, 3, 1, tzinfo=UTC)  # Thursday 21:00 in Toronto
    assert window_faults(windowed(), night) == [
        "the contract's enforcement windows let a measure begin from 2015-04-06 12:00:00Z on"
    ]  # Friday is Good Friday
    assert timing_faults(windowed(), night) == window_faults(windowed(), night)
    unknown = ["the contract's enforcement windows are not known for this time"]
    assert window_faults(windowed(None), NOW) == unknown
    assert window_faults(facts_with(notice={"terms": None}), NOW) == unknown
    far = NOW + timedelta(days=36_500)
    last = EnforcementWindows(
        (Window((1,), time(8), time(21)),), last_before_holiday=time(12), place="nowhere"
    )
    nowhere = windowed(terms=NoticeTerms(plain_terms().steps, windows=last))
    assert window_faults(nowhere, far) == unknown


letters = st.builds(
    a_warning,
    kind=st.sampled_from([NoticeKind.CONDITIONAL_WARNING, NoticeKind.BREACH]),
    cancelled=st.booleans(),
    failed=st.booleans(),
    not_before=st.none() | st.integers(-3000, 6000).map(lambda minutes: NOW + minutes * MINUTE),
    complete_at=st.none() | st.integers(-3000, 6000).map(lambda minutes: NOW + minutes * MINUTE),
    measure=st.sampled_from([PROPOSED, MeasureKind.LIMIT_RATE]),
)
permissions = st.builds(
    ConditionalNotice,
    st.sampled_from([True, False, NOT_STATED]),
    st.sampled_from([True, False, NOT_STATED]),
)


@given(
    st.lists(letters, max_size=3),
    permissions,
    st.booleans(),
    st.integers(-500, 9000).map(lambda minutes: NOW + minutes * MINUTE),
    st.booleans(),
)
def test_with_letters_of_before_the_earliest_minute_is_the_gates_own_answer(
    earlier: list[EarlierNotice],
    conditional: ConditionalNotice,
    excepted: bool,
    complete_at: datetime,
    in_windows: bool,
) -> None:
    terms = NoticeTerms(plain_terms().steps, windows=WEEKDAYS if in_windows else NOT_STATED)
    grounds = (GroundWithoutNotice("fraud", (Ground.UNATTENDED,)),) if excepted else NOT_STATED
    whole = ContractTerms(suspension=terms, conditional_notice=conditional, without_notice=grounds)
    facts = facts_with(
        notice={
            "terms": terms,
            "calendars": TORONTO,
            "complete_at": max(complete_at, NOW - timedelta(minutes=5)),
            "states_end_at": NOW + timedelta(days=900),
        },
        contract={"terms": whole},
        earlier=tuple(earlier),
        fresh=timedelta(days=900),
        newest_flag_end=NOW + timedelta(days=900),
    )
    found = earliest(facts, PROPOSED, NOW)
    assert found.at is not None
    assert check(facts, found.at).is_open
    assert found.at == NOW or not check(facts, found.at - MINUTE).is_open
    assert all(
        each.not_before is None or each.cancelled or each.not_before <= found.at for each in earlier
    ), "never before what a letter states"


def test_a_notice_that_left_at_this_very_moment_has_left_and_permits_from_its_receipt_on() -> None:
    assert faults(facts_with(notice={"dispatched_at": NOW, "complete_at": NOW})) == []
    assert permitted_from(facts_with(notice={"complete_at": NOW}), APPROVED) == NOW
    assert permitted_from(facts_with(notice={"complete_at": None}), APPROVED) is None


def test_where_no_notice_is_needed_a_warning_that_would_suffice_is_not_waited_for() -> None:
    control = replace(SUFFICES, operational_controls=(NamedMeasure(PROPOSED),))
    facts = warned_facts(a_warning(complete_at=NOW + HOUR), control)
    assert faults(facts) == []
    assert held_moments(facts) == [NOW - HOUR]
    assert permitted_from(facts, APPROVED) == APPROVED


def test_what_the_notice_itself_states_binds_until_then() -> None:
    facts = the_facts()
    assert facts.notice is not None
    stated = replace(facts, notice=replace(facts.notice, not_before=NOW + HOUR))

    assert held_moments(facts) == []
    assert held_moments(stated) == [NOW + HOUR]
    said = "the notice states that nothing is restricted before 2015-04-02 13:00:00Z"
    assert [fault for fault in timing_faults(stated, NOW + HOUR - MINUTE) if fault == said] == [said]
    assert said not in timing_faults(stated, NOW + HOUR)
