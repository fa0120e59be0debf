"""An erasure takes no former address out of a notice in silence: what was entered since counts as lately changed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.compliance.erasure import erase_texts, refuse_to_erase, texts_of_tenant
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.people.model import Decision
from cjp_fraud.review.claim import claim
from cjp_fraud.review.decision_tables import Proposal
from cjp_fraud.review.model import Capacity, CaseState
from cjp_fraud.storage.database import transaction
from cjp_fraud.suspension.reinstatement import reinstate
from tests.case_builders import Office, a_flag, flag, mail_to, open_office
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest

EVIL = "evil@x.example"


@pytest.fixture
def office(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> Office:
    return open_office(engine, tmp_path, mail_to(server))


def entered(office: Office, folder: Path, address: str) -> None:
    row = a_row(notice_address=address, offer_version="10.0")
    load_rows(office.engine, folder, row, by=office.people["rolf"], at=office.now)


def erased(office: Office) -> None:
    with transaction(office.engine) as session:
        refuse_to_erase(session, office.people["carol"], "acme")
        decision = Decision(session, office.people["carol"], office.now)
        erase_texts(decision, texts_of_tenant(session, "acme"), "asked for")


def proposed(office: Office) -> Proposal:
    flag(office.engine, a_flag(office.now - timedelta(minutes=30)), at=office.now)
    office.do(claim, "rita")
    return office.determine()


def remarks(proposal: Proposal) -> list[str]:
    said: list[str] = json.loads(proposal.document)["remarks"]
    return said


@pytest.mark.parametrize("replaced_first", [True, False])
def test_an_address_entered_after_an_erasure_needs_counsel(
    office: Office, tmp_path: Path, server: MailServerUnderTest, replaced_first: bool
) -> None:
    if replaced_first:
        entered(office, tmp_path, EVIL)
    erased(office)
    office.wait(minutes=5)
    entered(office, tmp_path, EVIL)

    proposal = proposed(office)
    assert "the one before it was erased" in remarks(proposal)[0]
    office.approve()
    assert office.state is CaseState.DETERMINED
    assert office.enforce().state is CaseState.DETERMINED
    assert (len(server.received), office.restricted()) == (0, 0)

    office.approve("carol", capacity=Capacity.COUNSEL)
    office.wait(minutes=1)
    assert office.enforce().state is CaseState.SUSPENDED
    assert verify_log(office.engine).faults == ()


def test_thirty_days_after_it_was_entered_it_is_an_address_as_any_other(
    office: Office, tmp_path: Path
) -> None:
    erased(office)
    entered(office, tmp_path, EVIL)
    office.wait(days=30)

    assert remarks(proposed(office)) == []
    office.approve()
    assert office.enforce().state is CaseState.SUSPENDED


def test_a_former_address_that_is_known_is_served_beside_and_needs_nobody_else(
    office: Office, tmp_path: Path, server: MailServerUnderTest
) -> None:
    entered(office, tmp_path, EVIL)

    assert remarks(proposed(office)) == []
    office.approve()
    assert office.enforce().state is CaseState.SUSPENDED
    assert {message.recipient for message in server.received} == {EVIL, "notices@acme.example"}


def test_an_erasure_later_changes_nothing_of_what_was_right_before(office: Office, tmp_path: Path) -> None:
    entered(office, tmp_path, "new@acme.example")
    proposed(office)
    office.approve()
    assert office.enforce().state is CaseState.SUSPENDED
    office.wait(minutes=10)
    reinstate(office.enforcement(), office.case().id, office.people["bella"], reasons="resolved")
    office.enforce()
    office.wait(minutes=10)
    erased(office)
    assert verify_log(office.engine).faults == ()
