"""Warnings before the determination, notices of breach, answers to disputes: ordered, served, and what they bind to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.contract_terms import ConditionalNotice, ContractTerms
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED
from cjp_fraud.contracts.terms import NoticeTerms, plain_terms
from cjp_fraud.errors import Refused
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import return_
from cjp_fraud.review.determination import dismiss
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.requests import BreachWanted, WarningWanted
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.earliest import earliest
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import GateFacts
from cjp_fraud.suspension.ordered_letters import (
    order_breach,
    order_warning,
    withdraw_letter,
    withdraw_warnings,
)
from tests.case_builders import (
    BLOCK_LATVIA,
    OUTBOUND_VOICE,
    START,
    StaffedDeployment,
    a_claimed_case,
    a_flag,
    flag,
    read_rows,
)
from tests.mail_servers import MailServerUnderTest

DAY = NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS))
GROUNDS = (Ground.COSTLY_DESTINATIONS,)
MINUTE = timedelta(minutes=1)


def warned(staffed: StaffedDeployment, by: str = "rita", **wanted: Any) -> NoticePlan:
    given = {"reasons": "the customer may know the cause", "measure": OUTBOUND_VOICE} | wanted
    plan: NoticePlan = staffed.do(
        order_warning, by, WarningWanted(**given), policy=staffed.policy, read_rows=read_rows
    )
    staffed.enforce()
    return plan


def still_flagged(staffed: StaffedDeployment) -> None:
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=30)), at=staffed.now)


def facts_of(staffed: StaffedDeployment) -> GateFacts:
    with reading(staffed.engine) as session:
        return gate_facts(session, staffed.case(), staffed.policy, staffed.now, compare_rows=False)


def letters(server: MailServerUnderTest) -> list[str]:
    return [subject for subject, _ in read(server)]


def read(server: MailServerUnderTest) -> list[tuple[str, str]]:
    """Subject and text of every letter that the server took, on one line each."""
    messages = [message_from_bytes(each.content, policy=default) for each in server.received]
    return [
        (" ".join(str(message["Subject"]).split()), " ".join(message.get_body().get_content().split()))
        for message in messages
    ]


def allowing(*, suffices: Any, **more: Any) -> ContractTerms:
    return ContractTerms(suspension=DAY, conditional_notice=ConditionalNotice(True, suffices), **more)


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (NOT_STATED, "is not stated"),
        (ConditionalNotice(NOT_STATED), "is not stated"),
        (ConditionalNotice(False), "the contract allows no conditional notice"),
        (NOT_READ, "is not read"),
    ],
)
def test_no_warning_leaves_where_the_contract_does_not_allow_it(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, said: Any, because: str
) -> None:
    staffed = a_claimed_case(
        sqlite_engine, tmp_path, server, ContractTerms(suspension=DAY, conditional_notice=said)
    )
    with pytest.raises(Refused, match=because):
        warned(staffed)
    assert server.received == []


def test_a_warning_that_suffices_is_the_notice_that_the_measure_needs(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(engine, tmp_path, server, allowing(suffices=True))
    warned(staffed)
    assert len(server.received) == 1
    assert "Advance notice" in letters(server)[0]
    assert staffed.state is CaseState.IN_REVIEW
    permitted = START + timedelta(hours=24)

    staffed.wait(hours=20)
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    found = earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now)
    assert found.at == permitted
    assert any("conditional warning" in sentence for sentence in found.path)

    assert staffed.enforce().state is CaseState.NOTICED
    assert len(server.received) == 2, "what was determined is told all the same"
    assert "2015-04-03" in str(facts_of(staffed).earlier[0].not_before)  # type: ignore[index]
    staffed.now = permitted - MINUTE
    assert staffed.enforce().state is CaseState.NOTICED
    staffed.now = permitted
    still_flagged(staffed)
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert "conditional warning" in (staffed.measure().without_notice or "")
    assert verify_log(staffed.engine).faults == ()


@pytest.mark.parametrize("suffices", [False, NOT_STATED])
def test_a_warning_that_does_not_suffice_leaves_the_notice_to_be_served_and_binds_to_its_date(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, suffices: Any
) -> None:
    plain = ContractTerms(
        suspension=plain_terms(),
        conditional_warning=DAY,
        conditional_notice=ConditionalNotice(True, suffices),
    )
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, plain)
    warned(staffed)
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    assert staffed.enforce().state is CaseState.NOTICED
    assert any(
        "states that nothing is restricted before 2015-04-03 12:00:00Z" in sentence
        for sentence in check(facts_of(staffed), staffed.now).sentences
    )
    assert earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now).at == START + timedelta(hours=24)
    staffed.now = START + timedelta(hours=24) - MINUTE
    assert staffed.enforce().state is CaseState.NOTICED
    staffed.now = START + timedelta(hours=24)
    still_flagged(staffed)
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert staffed.measure().without_notice is None


def test_a_warning_of_another_measure_is_not_the_notice_of_this_one(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, allowing(suffices=True))
    warned(staffed, measure=BLOCK_LATVIA)
    staffed.wait(hours=23)
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    staffed.enforce()
    assert earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now).at == START + timedelta(hours=47)


def test_a_longer_measure_than_was_warned_of_needs_a_notice_of_its_own(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, allowing(suffices=True))
    warned(staffed, measure=replace(OUTBOUND_VOICE, duration=timedelta(hours=24)))
    staffed.wait(hours=23)
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    staffed.enforce()
    assert earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now).at == START + timedelta(hours=47)


def test_a_warning_that_bounced_is_no_notice(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, allowing(suffices=True))
    server.rcpt_replies["notices@acme.example"].append("550 no such user")
    warned(staffed)
    staffed.wait(hours=23)
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    staffed.enforce()
    assert earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now).at == START + timedelta(hours=47)


def test_a_warning_is_no_notice_for_an_account_that_was_taken_over_unless_it_went_everywhere(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, allowing(suffices=True))
    warned(staffed)
    staffed.wait(hours=23)
    staffed.determine(grounds=GROUNDS, taken_over=True)
    staffed.approve()
    staffed.enforce()
    assert earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now).at == START + timedelta(hours=47)


def test_who_is_no_reviewer_and_a_determined_case_get_no_warning(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, allowing(suffices=True))
    with pytest.raises(Refused, match="neither a reviewer nor an approver"):
        warned(staffed, by="ana")
    staffed.determine(grounds=GROUNDS)
    with pytest.raises(Refused, match="a conditional warning goes out before the determination"):
        warned(staffed)


def test_nothing_more_of_a_warning_leaves_once_fraud_was_determined(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    (step,) = plain_terms().steps
    twice = NoticeTerms((replace(step, wait=Wait(2, WaitUnit.HOURS)), replace(step, number=2)))
    terms = allowing(suffices=True, conditional_warning=twice)
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, terms)
    warned(staffed)
    staffed.determine(grounds=GROUNDS)
    staffed.wait(hours=3)
    staffed.resume_all()
    assert len(server.received) == 1


def test_the_second_letter_of_a_warning_leaves_when_it_is_due_and_the_measure_waits_for_it(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    (step,) = plain_terms().steps
    twice = NoticeTerms((replace(step, wait=Wait(14, WaitUnit.CALENDAR_DAYS)), replace(step, number=2)))
    staffed = a_claimed_case(
        sqlite_engine, tmp_path, server, allowing(suffices=True, conditional_warning=twice)
    )
    warned(staffed)
    staffed.wait(days=14)
    staffed.resume_all()
    assert len(server.received) == 2
    (warning,) = facts_of(staffed).earlier or ()
    assert warning.complete_at == START + timedelta(days=14)


def test_a_warning_on_a_case_that_is_no_fraud_is_withdrawn_and_the_customer_told(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(engine, tmp_path, server, allowing(suffices=True))
    warned(staffed)
    staffed.do(dismiss, "rita", reasons="a campaign")
    staffed.do(withdraw_warnings, "rita", "a campaign")
    staffed.enforce()
    assert [("Advance" in each, "Withdrawal" in each) for each in letters(server)] == [
        (True, False),
        (False, True),
    ]
    staffed.enforce()
    assert len(server.received) == 2
    assert verify_log(staffed.engine).faults == ()


def test_a_warning_that_was_withdrawn_counts_for_nothing_and_holds_nothing_back(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, allowing(suffices=True))
    plan = warned(staffed)
    staffed.do(withdraw_letter, "rita", plan.id, "sent too early")
    staffed.enforce()
    staffed.wait(hours=1)
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    staffed.enforce()
    assert earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now).at == START + timedelta(hours=25)
    with pytest.raises(Refused, match="withdrawn already"):
        staffed.do(withdraw_letter, "rita", plan.id, "sent too early")


def a_breach(staffed: StaffedDeployment, by: str = "adam", **wanted: Any) -> NoticePlan:
    given = {"reasons": "it goes on", "term": "clause 7, acceptable use"} | wanted
    plan: NoticePlan = staffed.do(order_breach, by, BreachWanted(**given), policy=staffed.policy)
    staffed.enforce()
    return plan


def test_a_notice_of_breach_gives_the_cure_period_and_nothing_is_restricted_before_its_end(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    breach = NoticeTerms(plain_terms().steps, cure=Wait(3, WaitUnit.CALENDAR_DAYS))
    staffed = a_claimed_case(engine, tmp_path, server, ContractTerms(suspension=plain_terms(), breach=breach))
    staffed.determine(grounds=GROUNDS)
    with pytest.raises(Refused, match="the contract states the cure period"):
        a_breach(staffed, cure_days=30)
    breach_plan = a_breach(staffed)
    ((subject, text),) = read(server)
    assert "a term of your contract is not met" in subject
    assert "5 April 2015" in text
    assert "⟦" not in text

    cured: datetime = START + timedelta(days=3)
    with pytest.raises(Refused, match="nothing is restricted before 2015-04-05"):
        staffed.approve()
    staffed.do(return_, "rita", "the customer has three days now")
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    assert staffed.enforce().state is CaseState.NOTICED
    assert earliest(facts_of(staffed), OUTBOUND_VOICE.kind, staffed.now).at == cured
    told = next(text for subject, text in read(server) if "temporary restriction" in subject)
    assert "not before 5 April 2015" in told
    assert "Until: 8 April 2015" in told, "the notice's own end leaves room for the measure"
    staffed.now = cured - 2 * MINUTE
    assert staffed.enforce().state is CaseState.NOTICED
    staffed.do(withdraw_letter, "rita", breach_plan.id, "it is not about that term")
    staffed.now = cured - MINUTE
    assert staffed.enforce().state is CaseState.NOTICED, "the customer holds a notice that says so itself"
    assert check(facts_of(staffed), staffed.now).obstacles[0].sentence == (
        "the notice states that nothing is restricted before 2015-04-05 12:00:00Z"
    )
    assert verify_log(staffed.engine).faults == ()


def test_who_determined_orders_no_notice_of_breach_and_days_are_said_where_the_contract_is_silent(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, ContractTerms(suspension=plain_terms()))
    with pytest.raises(Refused, match="no determination of fraud is on record"):
        a_breach(staffed, cure_days=5)
    staffed.determine(grounds=GROUNDS)
    with pytest.raises(Refused, match=r"say how many days the customer has \(--cure-days\)"):
        a_breach(staffed)
    with pytest.raises(Refused, match="neither an approver nor counsel"):
        a_breach(staffed, by="rita", cure_days=5)
    a_breach(staffed, cure_days=5)
    (breach,) = facts_of(staffed).earlier or ()
    assert breach.kind is NoticeKind.BREACH
    assert breach.not_before == START + timedelta(days=5)


@pytest.mark.parametrize("upheld", [True, False])
def test_a_decided_dispute_is_answered_once_to_everybody_who_was_served(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest, upheld: bool
) -> None:
    staffed = a_claimed_case(engine, tmp_path, server, ContractTerms(suspension=plain_terms()))
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    assert staffed.enforce().state is CaseState.SUSPENDED
    dispute = staffed.do(open_dispute, "ana", "it was our campaign")
    staffed.wait(minutes=20)
    staffed.enforce()
    assert len(server.received) == 1
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people["carol"], staffed.now)
        decide_dispute(decision, dispute.id, upheld=upheld, reasons="looked at")
    staffed.enforce()
    staffed.enforce()
    answers = [each for each in letters(server) if "Answer to your dispute" in each]
    assert len(answers) == 1
    text = next(text for subject, text in read(server) if "Answer to your dispute" in subject)
    assert ("in your favour" in text) is upheld
    with reading(staffed.engine) as session:
        plan = session.scalars(select(NoticePlan).where(NoticePlan.kind == NoticeKind.DISPUTE_ANSWER)).one()
        assert plan.occasion_id == dispute.id
        assert plan.proposal_id is None
    assert verify_log(staffed.engine).faults == ()
