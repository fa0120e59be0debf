"""Failure moves to the contract's next method, with a real mail server and a real print folder; and when all fail."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.methods import EMAIL, LETTER
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.notices.carrier_collection import collect_carrier_events
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.letter import Letterhead, LetterMethod
from cjp_fraud.notices.methods.print_folder import EVENTS, MANIFEST, PrintFolder, lines_of
from cjp_fraud.people.model import machine
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from tests.case_builders import START, StaffedDeployment, mail_to, open_staffed
from tests.contract_builders import read_agreement
from tests.mail_servers import MailServerUnderTest

ADDRESS = "Acme Ltd.; Legal Department; 1 Main Street; New York NY 10001; US"
ALL_FAILED = "every method of serving that the contract permits has failed"


@pytest.fixture
def printer(tmp_path: Path) -> PrintFolder:
    return PrintFolder(tmp_path / "print")


@pytest.fixture
def staffed(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest, printer: PrintFolder
) -> StaffedDeployment:
    """An approved case of a customer who is served by email or, where that fails, by letter; email is refused."""
    letters = LetterMethod(Letterhead("Example Cloud Ltd.", "1 Cloud Road, Dublin 2, Ireland"), printer)
    methods = NoticeMethods(
        PlatformMode.ACT,
        {**mail_to(server).by_name, LETTER: letters},
        give_up_after=timedelta(hours=6),
    )
    made = open_staffed(engine, tmp_path, methods)
    rules = (MethodRule(EMAIL, Basis.SENT, ("notice",)), MethodRule(LETTER, Basis.ACCEPTED, ("legal",)))
    terms = NoticeTerms((NoticeStep(1, Combine.ANY_OF, rules),))
    at, by = START - timedelta(days=40), machine("contracts")
    with transaction(engine) as session:
        enter_address(session, "acme", "legal", (ADDRESS,), by, at, method=LETTER)
        read_agreement(session, terms)
    made.approved_case()
    server.rcpt_replies["notices@acme.example"].append("550 5.1.1 no such user")
    return made


def shut(staffed: StaffedDeployment) -> tuple[str, ...]:
    with reading(staffed.engine) as session:
        facts = gate_facts(session, staffed.case(), staffed.policy, staffed.now, compare_rows=False)
    return check(facts, staffed.now).sentences


def test_a_notice_that_email_refused_goes_by_letter_and_the_measure_waits_for_the_carrier(
    staffed: StaffedDeployment, printer: PrintFolder
) -> None:
    printer.folder.mkdir()
    assert staffed.enforce().state is CaseState.APPROVED
    (line,) = lines_of(printer.folder / MANIFEST)
    assert (printer.folder / line["file"]).read_bytes().startswith(b"%PDF")
    assert shut(staffed), "nobody has posted it yet"

    staffed.wait(hours=5)
    posted = staffed.now - timedelta(hours=1)
    event = f'{{"key": "{line["key"]}", "code": "EMA", "local_time": "{posted:%Y-%m-%dT%H:%M:%S}", "zone": "UTC"}}\n'
    (printer.folder / EVENTS).write_text(event)
    assert collect_carrier_events(staffed.engine, printer, staffed.now).faults == ()
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert verify_log(staffed.engine).faults == ()


def test_when_all_methods_fail_the_case_says_so_and_the_gate_stays_shut(
    staffed: StaffedDeployment, printer: PrintFolder
) -> None:
    waits = staffed.enforce()  # there is no print folder
    assert (waits.state, staffed.restricted()) == (CaseState.APPROVED, 0)
    staffed.wait(hours=7)
    done = staffed.enforce()
    assert done.state is CaseState.NOTICE_FAILED
    assert ALL_FAILED in done.waiting_for
    assert any(ALL_FAILED in sentence for sentence in shut(staffed))

    printer.folder.mkdir()
    staffed.wait(hours=1)
    staffed.enforce()
    assert (staffed.state, staffed.restricted()) == (CaseState.NOTICE_FAILED, 0)
    assert not (printer.folder / MANIFEST).exists()
