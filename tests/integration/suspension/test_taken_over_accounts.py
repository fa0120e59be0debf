"""Where the account may have been taken over, every contract address is served, and the out-of-band contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.contracts.methods import LETTER
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.notices.tables import Notice
from cjp_fraud.people.model import machine
from cjp_fraud.review.decision_tables import Determination
from cjp_fraud.review.determination import withdraw
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.proposal import document_of, latest_proposal
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from tests.case_builders import START, StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest

NOT_TAKEN_OVER = (Ground.COSTLY_DESTINATIONS,)


@pytest.fixture
def staffed(sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> StaffedDeployment:
    made = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    made.policy = replace(made.policy, methods=frozenset({"email"}))
    at, by = START - timedelta(days=40), machine("contracts")
    with transaction(sqlite_engine) as session:
        enter_address(session, "acme", "notice", ("Acme; Street 1; Riga",), by, at, method=LETTER)
        enter_address(session, "acme", "billing", ("billing@acme.example",), by, at)
        enter_address(session, "acme", "out_of_band", ("ceo@elsewhere.example",), by, at)
    return made


def served(server: MailServerUnderTest) -> list[str]:
    return sorted(each.recipient for each in server.received)


def test_only_the_role_that_the_contract_names_is_served_where_nobody_says_so(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    staffed.approved_case(grounds=NOT_TAKEN_OVER)
    staffed.enforce()
    assert served(server) == ["notices@acme.example"]


@pytest.mark.parametrize(
    "finding",
    [
        {"grounds": NOT_TAKEN_OVER, "taken_over": True},
        {"grounds": (Ground.TAKEN_OVER_ACCESS,)},
        {"grounds": (Ground.UNATTENDED, Ground.COSTLY_DESTINATIONS)},
    ],
)
def test_every_address_and_the_contact_outside_are_served_at_once(
    staffed: StaffedDeployment, server: MailServerUnderTest, finding: dict[str, object]
) -> None:
    staffed.approved_case(**finding)
    assert staffed.enforce().state is CaseState.SUSPENDED
    assert served(server) == ["billing@acme.example", "ceo@elsewhere.example", "notices@acme.example"]
    with reading(staffed.engine) as session:
        required = [notice.required for notice in session.scalars(select(Notice))]
        assert session.scalars(select(Determination)).one().account_taken_over
    assert sorted(required) == [False, False, True]


def test_an_address_replaced_lately_is_served_too_whatever_its_role(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    with transaction(staffed.engine) as session:
        enter_address(
            session, "acme", "billing", ("new@acme.example",), machine("contracts"), START - timedelta(days=3)
        )
    staffed.approved_case(grounds=(Ground.TAKEN_OVER_ACCESS,))
    staffed.enforce()
    assert {"billing@acme.example", "new@acme.example"} <= set(served(server))


def test_the_approver_reads_that_there_is_no_contact_outside_and_which_method_is_passed_over(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.policy = replace(staffed.policy, methods=frozenset({"email"}))
    with transaction(sqlite_engine) as session:
        enter_address(
            session,
            "acme",
            "notice",
            ("Acme; Street 1; Riga",),
            machine("contracts"),
            START - timedelta(days=40),
            method=LETTER,
        )
    staffed.approved_case(grounds=(Ground.TAKEN_OVER_ACCESS,))
    with reading(staffed.engine) as session:
        proposal = latest_proposal(session, staffed.case())
        assert proposal is not None
        remarks = document_of(proposal)["remarks"]
    assert any("no out-of-band contact is on record" in remark for remark in remarks)
    assert "addresses for letter are not served: this deployment does not serve by it" in remarks


def test_a_bounce_at_another_address_decides_nothing(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["billing@acme.example"].append("550 no such user")
    staffed.approved_case(grounds=(Ground.TAKEN_OVER_ACCESS,))
    assert staffed.enforce().state is CaseState.SUSPENDED


def test_what_follows_goes_to_every_address_too(
    staffed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["notices@acme.example"].append("451 later")
    staffed.approved_case(grounds=(Ground.TAKEN_OVER_ACCESS,))
    staffed.enforce()
    staffed.do(withdraw, "rita", reasons="it was a campaign")
    staffed.enforce()
    told = [each.recipient for each in server.received]
    assert told.count("ceo@elsewhere.example") == 2
    assert told.count("billing@acme.example") == 2


def test_the_gate_is_shut_for_a_notice_that_does_not_go_everywhere(staffed: StaffedDeployment) -> None:
    staffed.approved_case(grounds=(Ground.TAKEN_OVER_ACCESS,))
    staffed.enforce()
    with reading(staffed.engine) as session:
        facts = gate_facts(session, staffed.case(), staffed.policy, staffed.now, compare_rows=False)
    assert facts.notice is not None
    assert facts.notice.everywhere
    narrow = replace(facts, notice=replace(facts.notice, everywhere=False))
    assert check(narrow, staffed.now).sentences == (
        "gate point 5: the account may have been taken over, and the notice does not go to every address of the "
        "contract",
    )
