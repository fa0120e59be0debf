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
from tests.case_builders import StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest

EVIL = "evil@x.example"


@pytest.fixture
def staffed(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> StaffedDeployment:
    return open_staffed(engine, tmp_path, mail_to(server))


def entered(staffed: StaffedDeployment, folder: Path, address: str) -> None:
    row = a_row(notice_address=address, offer_version="10.0", purchase_model="named")
    load_rows(staffed.engine, folder, row, by=staffed.people["rolf"], at=staffed.now)


def erased(staffed: StaffedDeployment) -> None:
    with transaction(staffed.engine) as session:
        refuse_to_erase(session, staffed.people["carol"], "acme")
        decision = Decision(session, staffed.people["carol"], staffed.now)
        erase_texts(decision, texts_of_tenant(session, "acme"), "asked for")


def proposed(staffed: StaffedDeployment) -> Proposal:
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=30)), at=staffed.now)
    staffed.do(claim, "rita")
    return staffed.determine()


def remarks(proposal: Proposal) -> list[str]:
    said: list[str] = json.loads(proposal.document)["remarks"]
    return said


@pytest.mark.parametrize("replaced_first", [True, False])
def test_an_address_entered_after_an_erasure_needs_counsel(
    staffed: StaffedDeployment, tmp_path: Path, server: MailServerUnderTest, replaced_first: bool
) -> None:
    if replaced_first:
        entered(staffed, tmp_path, EVIL)
    erased(staffed)
    staffed.wait(minutes=5)
    entered(staffed, tmp_path, EVIL)

    proposal = proposed(staffed)
    assert "the one before it was erased" in remarks(proposal)[0]
    staffed.approve()
    assert staffed.state is CaseState.DETERMINED
    assert staffed.enforce().state is CaseState.DETERMINED
    assert (len(server.received), staffed.restricted()) == (0, 0)

    staffed.approve("carol", capacity=Capacity.COUNSEL)
    staffed.wait(minutes=1)
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert verify_log(staffed.engine).faults == ()


def test_thirty_days_after_it_was_entered_it_is_an_address_as_any_other(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    erased(staffed)
    entered(staffed, tmp_path, EVIL)
    staffed.wait(days=30)

    assert remarks(proposed(staffed)) == []
    staffed.approve()
    assert staffed.enforce().state is CaseState.SUSPENDED


def test_a_former_address_that_is_known_is_served_beside_and_needs_nobody_else(
    staffed: StaffedDeployment, tmp_path: Path, server: MailServerUnderTest
) -> None:
    entered(staffed, tmp_path, EVIL)

    assert remarks(proposed(staffed)) == []
    staffed.approve()
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert {message.recipient for message in server.received} == {EVIL, "notices@acme.example"}


def test_an_erasure_later_changes_nothing_of_what_was_right_before(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    entered(staffed, tmp_path, "new@acme.example")
    proposed(staffed)
    staffed.approve()
    assert staffed.enforce().state is CaseState.SUSPENDED
    staffed.wait(minutes=10)
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["bella"], reasons="resolved")
    staffed.enforce()
    staffed.wait(minutes=10)
    erased(staffed)
    assert verify_log(staffed.engine).faults == ()
