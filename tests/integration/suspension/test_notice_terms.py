"""Notice terms on record, from the terms to the measure: unread values, grounds, windows, papers that must follow."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice, NamedMeasure
from cjp_fraud.contracts.enforcement_window import EnforcementWindows, Window
from cjp_fraud.contracts.methods import LETTER
from cjp_fraud.contracts.periods import Period, Wait, WaitUnit
from cjp_fraud.contracts.places import Place
from cjp_fraud.contracts.receipt_rule import FollowUp, ReceiptRule
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.stated import NOT_READ
from cjp_fraud.contracts.terms import NoticeStep, NoticeTerms, plain_terms
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.errors import Refused
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.people.model import machine
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.earliest import earliest
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from tests.case_builders import BLOCK_LATVIA, START, StaffedDeployment, mail_to, open_staffed
from tests.contract_builders import read_agreement
from tests.mail_servers import MailServerUnderTest

DAY = NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS))


def an_office(
    engine: Engine, folder: Path, server: MailServerUnderTest, terms: ContractTerms
) -> StaffedDeployment:
    made = open_staffed(engine, folder, mail_to(server))
    at, by = START - timedelta(days=40), machine("contracts")
    with transaction(engine) as session:
        enter_address(session, "acme", "notice", ("Acme; Street 1; Riga",), by, at, method=LETTER)
        read_agreement(session, terms)
    return made


def what_is_earliest(staffed: StaffedDeployment) -> datetime | None:
    with reading(staffed.engine) as session:
        facts = gate_facts(
            session, staffed.case(), staffed.enforcement().policy, staffed.now, compare_rows=False
        )
    return earliest(facts, MeasureKind.BLOCK_DESTINATIONS, staffed.now).at


def shut(staffed: StaffedDeployment) -> tuple[str, ...]:
    with reading(staffed.engine) as session:
        facts = gate_facts(session, staffed.case(), staffed.policy, staffed.now, compare_rows=False)
    return check(facts, staffed.now).sentences


def test_a_value_that_was_not_read_keeps_the_notice_from_leaving(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = an_office(sqlite_engine, tmp_path, server, ContractTerms(suspension=DAY, lift=NOT_READ))
    with reading(staffed.engine) as session:
        position = contract_at(session, "acme", staffed.now)
    assert position.notice_terms is None
    assert position.notice_terms_fault == "of the notice terms these have not been read: lift"
    with pytest.raises(Refused, match="these have not been read: lift"):
        staffed.approved_case(measure=BLOCK_LATVIA)
    assert "gate point 5: of the notice terms these have not been read: lift" in shut(staffed)
    assert what_is_earliest(staffed) is None
    assert server.received == []


def test_on_a_ground_without_prior_notice_the_measure_goes_first_and_the_letter_after(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    ground = GroundWithoutNotice("illicit or fraudulent use", tuple(Ground))
    staffed = an_office(
        sqlite_engine, tmp_path, server, ContractTerms(suspension=DAY, without_notice=(ground,))
    )
    server.rcpt_replies["notices@acme.example"].append("451 later")
    staffed.approved_case(measure=BLOCK_LATVIA)

    assert staffed.enforce().state is CaseState.SUSPENDED
    assert server.received == []
    assert staffed.measure().without_notice == (
        "the contract's ground without prior notice: illicit or fraudulent use"
    )

    staffed.wait(minutes=5)
    staffed.resume_all()
    assert [each.recipient for each in server.received] == ["notices@acme.example"]
    assert verify_log(staffed.engine).faults == ()


def test_a_measure_that_the_contract_names_as_a_control_waits_for_no_notice(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    control = (NamedMeasure(MeasureKind.BLOCK_DESTINATIONS),)
    staffed = an_office(
        sqlite_engine, tmp_path, server, ContractTerms(suspension=DAY, operational_controls=control)
    )
    staffed.approved_case(measure=BLOCK_LATVIA)
    assert staffed.enforce().state is CaseState.SUSPENDED


def test_the_measure_waits_for_the_enforcement_window_and_earliest_says_when(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    at = START.astimezone(UTC)
    opens = (at + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    windows = EnforcementWindows(
        (Window((1, 2, 3, 4, 5, 6, 7), opens.time().replace(tzinfo=None), time(23, 59)),), place="office"
    )
    terms = NoticeTerms(plain_terms().steps, windows=windows)
    place = Place("office", time_zone="UTC")
    staffed = an_office(sqlite_engine, tmp_path, server, ContractTerms(suspension=terms, places=(place,)))
    staffed.approved_case(measure=BLOCK_LATVIA)
    assert what_is_earliest(staffed) == opens

    assert staffed.enforce().state is CaseState.NOTICED
    assert what_is_earliest(staffed) == opens
    staffed.now = opens - timedelta(minutes=1)
    assert staffed.enforce().state is CaseState.NOTICED
    staffed.now = opens
    assert staffed.enforce().state is CaseState.SUSPENDED


def test_a_paper_that_must_follow_needs_a_method_that_is_served(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    (step,) = plain_terms().steps
    copy = FollowUp(LETTER, ("notice",), Period(10, WaitUnit.CALENDAR_DAYS))
    rule = type(step.methods[0])(
        step.methods[0].method, step.methods[0].basis, ("notice",), receipt=ReceiptRule(follow_up=copy)
    )
    terms = NoticeTerms((NoticeStep(1, step.combine, (rule,)),))
    staffed = an_office(sqlite_engine, tmp_path, server, ContractTerms(suspension=terms))
    staffed.policy = type(staffed.policy)(
        mode=staffed.policy.mode, sender=staffed.policy.sender, methods=frozenset({"email"})
    )
    with pytest.raises(Refused, match="does not serve by letter"):
        staffed.approved_case(measure=BLOCK_LATVIA)
    assert "gate point 5: step 1 of the notice: this deployment does not serve by letter" in shut(staffed)


def test_business_days_need_the_recipients_country_or_what_counsel_enters(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    two_days = NoticeTerms(plain_terms().steps, minimum=Wait(2, WaitUnit.BUSINESS_DAYS))
    elsewhere = Place("recipient", time_zone="Africa/Khartoum", country="CA", subdivision="XX")
    staffed = an_office(
        sqlite_engine, tmp_path, server, ContractTerms(suspension=two_days, places=(elsewhere,))
    )
    with reading(staffed.engine) as session:
        fault = contract_at(session, "acme", staffed.now).notice_terms_fault
    assert fault is not None
    assert "no public holidays of CA-XX" in fault
    here = Place("recipient", country="CA", subdivision="ON", time_zone="America/Toronto")
    with transaction(staffed.engine) as session:
        whole = ContractTerms(suspension=two_days, places=(here,))
        read_agreement(session, whole, at=staffed.now)
    staffed.approved_case(measure=BLOCK_LATVIA)
    assert staffed.enforce().state is CaseState.NOTICED
    # Sent on Thursday 2 April 2015; the 3rd is Good Friday; Monday and Tuesday count, to the end of Tuesday in Toronto.
    assert what_is_earliest(staffed) == datetime(2015, 4, 8, 4, tzinfo=UTC)
    with reading(staffed.engine) as session:
        (plan,) = session.query(NoticePlan).all()
    (calendar,) = plan.document["business_calendars"]
    assert {"day": "2015-04-03", "name": "Good Friday"} in calendar["holidays"]
    assert calendar["source"].endswith("CA-ON")
