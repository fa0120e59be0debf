"""The ledger of wrongful measures: what fills it, who may, what it says, and what calibration makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.detection.decided_cases import read_decided
from cjp_fraud.detection.fraud_days import read_determined
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import Decision
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState, Finding, WrongCause
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.wrongful_measures import Ledger, assess, enter_upheld, find_wrong, ledger
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest, smtp_server


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


def suspended(engine: Engine, folder: Path, mail: MailServerUnderTest) -> StaffedDeployment:
    """Return a deployment whose one case is suspended."""
    staffed = open_staffed(engine, folder, mail_to(mail))
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    return staffed


def look(staffed: StaffedDeployment) -> Ledger:
    with reading(staffed.engine) as session:
        return ledger(session, staffed.now)


def standing_fraud_ends(staffed: StaffedDeployment) -> list[int]:
    """Until when (UTC seconds) each determined flag keeps its day out of its series' own bar."""
    return [int(end) for end in read_determined(staffed.engine).flags["until"]]


@pytest.mark.both_databases
def test_an_upheld_dispute_enters_the_measure_and_its_flags_are_no_fraud_any_more(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(engine, tmp_path, mail)
    staffed.wait(minutes=90)
    dispute: Dispute = staffed.do(open_dispute, "ana", "we did not")
    for _ in range(2):
        with transaction(engine) as session:
            decision = Decision(session, staffed.people["carol"], staffed.now)
            row = session.get_one(Dispute, dispute.id)
            if row.decided_at is None:
                row = decide_dispute(decision, dispute.id, upheld=True, reasons="their own campaign")
            enter_upheld(decision, row, WrongCause.DETECTOR)
    staffed.enforce()
    assert staffed.state is CaseState.REINSTATED
    staffed.wait(hours=5)
    [line] = look(staffed).lines
    assert (line.hours_down, line.cause, line.by_dispute, line.found_by) == (1.5, "detector", True, "carol")
    assert line.contacts_lost == 120.0 * 1.5, "the evidence holds 120 usual contacts an hour"
    assert [case.finding for case in read_decided(engine)] == [Finding.NOT_FRAUDULENT]
    assert set(standing_fraud_ends(staffed)) == {int(line.found_at.timestamp())}
    assert verify_log(engine).faults == ()


def test_a_measure_that_nobody_disputed_is_found_wrong_once_it_has_ended(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    finding = (WrongCause.CONTRACT_DATA, "the address was another customer's")
    with pytest.raises(Refused, match="still in force"):
        staffed.do(find_wrong, "adam", *finding)
    staffed.wait(hours=2)
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["adam"], reasons="the data were wrong")
    assert [case.finding for case in read_decided(sqlite_engine)] == [Finding.FRAUDULENT]
    with pytest.raises(Refused, match="neither reviewer, approver nor counsel"):
        staffed.do(find_wrong, "ana", *finding)
    staffed.do(find_wrong, "adam", *finding)
    with pytest.raises(Refused, match="in the ledger already"):
        staffed.do(find_wrong, "adam", *finding)
    staffed.do(assess, "adam", None, 12_50)
    looked = look(staffed)
    [line] = looked.lines
    assert (line.hours_down, line.cause, line.credit_cents) == (2.0, "contract_data", 1250)
    assert (looked.hours_down, looked.credit_cents, looked.rate.overturned) == (2.0, 1250, 1)
    assert [case.finding for case in read_decided(sqlite_engine)] == [Finding.NOT_FRAUDULENT]
    assert verify_log(sqlite_engine).faults == ()


def test_the_ledger_of_a_later_time_leaves_out_what_was_found_before(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    staffed = suspended(sqlite_engine, tmp_path, mail)
    staffed.wait(hours=2)
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["adam"], reasons="wrong")
    staffed.do(find_wrong, "adam", WrongCause.PERSON, "misread")
    with reading(sqlite_engine) as session:
        later = ledger(session, staffed.now, staffed.now + timedelta(seconds=1))
    assert later.lines == ()
