"""What a contract says beside notice takes effect: lift rule, filing, narrowest measure, after-the-fact duty."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.contract_terms import (
    ClauseSource,
    ContractTerms,
    GroundWithoutNotice,
    LiftRule,
    LiftWhen,
)
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.terms import NoticeTerms, plain_terms
from cjp_fraud.documents import from_document
from cjp_fraud.errors import Refused
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.review.dispute import open_dispute
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.after_notices import after_notices, told_late
from cjp_fraud.suspension.earliest import earliest
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.overdue import overdue
from cjp_fraud.suspension.reinstatement import record_correction
from cjp_fraud.suspension.views import measure_views
from tests.case_builders import OUTBOUND_VOICE, START, StaffedDeployment, a_claimed_case, a_flag, flag
from tests.mail_servers import MailServerUnderTest

GROUNDS = (Ground.COSTLY_DESTINATIONS,)


def suspended(staffed: StaffedDeployment) -> StaffedDeployment:
    staffed.determine(grounds=GROUNDS)
    staffed.approve()
    assert staffed.enforce().state is CaseState.SUSPENDED
    return staffed


def lifting(when: LiftWhen, hours: int | None) -> ContractTerms:
    rule = LiftRule(when, Wait(hours, WaitUnit.HOURS)) if hours is not None else LiftRule(when)
    return ContractTerms(suspension=plain_terms(), lift=rule)


@pytest.mark.parametrize("when", LiftWhen)
def test_a_measure_whose_cause_is_gone_is_lifted_within_what_the_contract_gives(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, when: LiftWhen
) -> None:
    staffed = suspended(a_claimed_case(sqlite_engine, tmp_path, server, lifting(when, 4)))
    staffed.do(record_correction, "rita", "the customer closed the hole")
    assert staffed.enforce().state is CaseState.SUSPENDED
    staffed.wait(hours=3, minutes=59)
    assert staffed.enforce().state is CaseState.SUSPENDED
    staffed.wait(minutes=1)
    assert staffed.enforce().state is CaseState.REINSTATED
    assert staffed.restricted() == 0
    assert len(server.received) == 2, "the customer is told"
    assert verify_log(staffed.engine).faults == ()


def test_without_a_time_it_is_lifted_at_once_and_late_lifts_are_named(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = suspended(
        a_claimed_case(sqlite_engine, tmp_path, server, lifting(LiftWhen.UNTIL_CORRECTED, None))
    )
    staffed.do(record_correction, "carol", "the account was secured")
    with reading(staffed.engine) as session:
        assert any(
            "still on record as in force" in each
            for each in overdue(session, staffed.now + timedelta(hours=1))
        )
    assert staffed.enforce().state is CaseState.REINSTATED


def test_a_measure_whose_cause_is_gone_is_not_kept(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = suspended(a_claimed_case(sqlite_engine, tmp_path, server, lifting(LiftWhen.PROMPTLY, 24)))
    staffed.do(record_correction, "rita", "the customer closed the hole")
    with pytest.raises(Refused, match="its cause is gone"):
        staffed.reaffirm("adam", "fresh reasons, quite fresh, of today, the calls go on")


def test_a_correction_needs_a_rule_a_measure_and_a_person_who_may(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, ContractTerms(suspension=plain_terms()))
    with pytest.raises(Refused, match="only a measure in force") as refused:
        staffed.do(record_correction, "ana", " ")
    assert {"ana is neither reviewer, approver nor counsel", "give the reasons"} <= set(refused.value.missing)
    suspended(staffed)
    with pytest.raises(Refused, match="the contract states no lift rule"):
        staffed.do(record_correction, "rita", "closed")


@pytest.mark.parametrize("stops", [True, False])
def test_a_filed_dispute_lifts_a_measure_in_force_where_the_contract_says_so(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, stops: bool
) -> None:
    terms = ContractTerms(suspension=plain_terms(), filing_stops=stops)
    staffed = suspended(a_claimed_case(sqlite_engine, tmp_path, server, terms))
    staffed.wait(minutes=1)
    staffed.do(open_dispute, "ana", "it was our campaign")
    expected = CaseState.REINSTATED if stops else CaseState.SUSPENDED
    assert staffed.enforce().state is expected
    assert verify_log(staffed.engine).faults == ()


def test_a_wider_measure_than_the_narrowest_needs_its_reason_where_the_contract_asks(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    terms = ContractTerms(suspension=plain_terms(), narrowest_measure=True)
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, terms)
    flag(
        staffed.engine,
        a_flag(START - timedelta(minutes=30), application_id="bot-7"),
        at=START,
    )
    with pytest.raises(Refused, match="suspend_application could meet what was seen") as refused:
        staffed.determine(grounds=GROUNDS)
    assert any("no narrower one is enough" in sentence for sentence in refused.value.missing)
    assert not any("--" in sentence for sentence in refused.value.missing)
    staffed.determine(
        grounds=GROUNDS, measure=replace(OUTBOUND_VOICE, why_wider="the bot changes its name by the hour")
    )
    staffed.approve()
    with reading(staffed.engine) as session:
        facts = gate_facts(session, staffed.case(), staffed.policy, staffed.now, compare_rows=False)
    assert facts.determination is not None
    assert facts.determination.says_why_wider
    silent = replace(facts, determination=replace(facts.determination, says_why_wider=False))
    assert any("asks for the narrowest measure" in each for each in check(silent, staffed.now).sentences)
    assert not any("narrowest" in each for each in check(facts, staffed.now).sentences)
    assert any(
        "narrowest measure" in each for each in earliest(facts, OUTBOUND_VOICE.kind, staffed.now).binds
    )
    assert staffed.enforce().state is CaseState.SUSPENDED


@pytest.mark.parametrize("in_time", [True, False])
def test_the_duty_to_tell_after_a_measure_without_notice_has_a_time_and_is_named_when_late(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, in_time: bool
) -> None:
    ground = GroundWithoutNotice("fraudulent use", tuple(Ground), Wait(2, WaitUnit.HOURS))
    day = NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS))
    terms = ContractTerms(suspension=day, without_notice=(ground,))
    staffed = a_claimed_case(sqlite_engine, tmp_path, server, terms)
    server.rcpt_replies["notices@acme.example"].extend(["451 later", "451 later"])
    suspended(staffed)
    with reading(staffed.engine) as session:
        (duty,) = after_notices(session, staffed.now)
        assert duty.due_at == START + timedelta(hours=2)
        assert not duty.overdue
        late = START + timedelta(hours=2, minutes=16)
        assert any("without prior notice (fraudulent use)" in each for each in overdue(session, late))
        assert told_late(session, staffed.now) == ()
        assert len(told_late(session, late)) == 1
    if in_time:
        staffed.wait(minutes=5)
    else:
        staffed.wait(hours=3)
    staffed.resume_all()
    staffed.wait(minutes=5)
    staffed.resume_all()
    assert len(server.received) == 1
    with reading(staffed.engine) as session:
        assert after_notices(session, late) == ()
        (measure,) = measure_views(session, staffed.now)
        assert len(told_late(session, staffed.now)) == (0 if in_time else 1)
    if in_time:
        assert measure.after_notice is None
    else:
        assert f"late: the first letter left {START + timedelta(hours=3, minutes=5):%Y-%m-%d %H:%MZ}" in str(
            measure.after_notice
        )


def test_the_letter_of_a_measure_without_notice_does_not_promise_the_notice_period(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    ground = GroundWithoutNotice("fraudulent use", tuple(Ground), source=ClauseSource(clause="7.2"))
    day = NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS))
    staffed = a_claimed_case(
        sqlite_engine,
        tmp_path,
        server,
        ContractTerms(suspension=day, without_notice=(ground,), law="Ontario", to_provider="by courier"),
    )
    suspended(staffed)
    (letter,) = server.received
    body = message_from_bytes(letter.content, policy=default).get_body()
    assert body is not None
    before_it_lasts = " ".join(body.get_content().split()).partition("For how long")[0]
    assert "The contract allows this without prior notice: fraudulent use (7.2)." in before_it_lasts
    assert "takes effect, not before 2 April 2015" in before_it_lasts
    with reading(staffed.engine) as session:
        plan = session.scalars(select(NoticePlan)).one()
        statement = from_document(PlanDraft, plan.document).statement
    assert statement is not None
    assert statement.without_prior_notice == "fraudulent use (7.2)"
    assert (statement.governing_law, statement.redress.to_provider) == ("Ontario", "by courier")
    assert "3 April 2015" not in before_it_lasts
