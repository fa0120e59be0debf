"""Whoever edits contract data is named; what a feed edits counts for a measure once a second person confirms it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.confirmation import confirm_contract, feed_standing
from cjp_fraud.contracts.model import FeedStanding, Right
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.errors import BadInputError, NotFoundError, Refused
from cjp_fraud.people.model import FEED, Actor, Decision, machine
from cjp_fraud.review.claim import claim, comment
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading, transaction
from tests.case_builders import StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.contract_builders import NOON, a_row, load_rows, write_csv
from tests.mail_servers import MailServerUnderTest


@pytest.fixture
def fed(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> StaffedDeployment:
    """A staffed deployment whose one tenant was changed by a feed a while ago, and whose case is approved by adam."""
    staffed = open_staffed(engine, tmp_path, mail_to(server))
    row = a_row(notice_address="billing@acme.example")
    load_rows(engine, tmp_path, row, by=Actor(f"{FEED}crm"), at=staffed.now - timedelta(days=40))
    staffed.approved_case()
    return staffed


def confirmed(staffed: StaffedDeployment, by: str) -> None:
    with transaction(staffed.engine) as session:
        confirm_contract(Decision(session, staffed.people[by], staffed.now), "acme")


def test_after_an_edit_by_a_feed_nothing_is_sent_or_restricted(
    fed: StaffedDeployment, server: MailServerUnderTest
) -> None:
    report = fed.enforce()
    assert report.state is CaseState.APPROVED
    assert any("the feed crm changed the contract data" in sentence for sentence in report.waiting_for)
    assert (len(server.received), fed.restricted()) == (0, 0)


@pytest.mark.parametrize("by", ["carol", "bella"])
def test_counsel_or_a_second_approver_confirms_and_the_measure_follows(
    fed: StaffedDeployment, by: str
) -> None:
    confirmed(fed, by)
    fed.wait(minutes=1)
    fed.resume_all()
    assert fed.state is CaseState.SUSPENDED
    assert verify_log(fed.engine).faults == ()


def test_the_approver_of_the_measure_is_no_second_one(fed: StaffedDeployment) -> None:
    confirmed(fed, "adam")
    assert fed.enforce().state is CaseState.APPROVED


def test_who_determined_or_commented_confirms_nothing_for_the_case(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(engine, tmp_path, mail_to(server))
    row = a_row(notice_address="billing@acme.example")
    load_rows(engine, tmp_path, row, by=Actor(f"{FEED}crm"), at=staffed.now - timedelta(days=40))
    flag(engine, a_flag(staffed.now - timedelta(minutes=30)), at=staffed.now)
    staffed.do(claim, "both")
    staffed.determine("both")
    staffed.do(comment, "bella", "at night")
    staffed.approve("adam")
    for who in ("both", "bella"):
        confirmed(staffed, who)
        assert staffed.enforce().state is CaseState.APPROVED
    confirmed(staffed, "carol")
    assert staffed.enforce().state is CaseState.SUSPENDED


def test_an_address_and_terms_that_a_feed_enters_are_confirmed_too(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    feed = Actor(f"{FEED}crm")
    for place, enters in enumerate((enter_an_address, enter_other_terms)):
        row = a_row(tenant_id=f"tenant{place}")
        with transaction(engine) as session:
            load_tenants(session, write_csv(tmp_path / "tenants.csv", row), machine("tenants"), NOON)
            enters(session, f"tenant{place}", feed)
        with reading(engine) as session:
            assert feed_standing(session, f"tenant{place}", "no case").feed == "crm"
    assert verify_log(engine).faults == ()


def enter_an_address(session: Session, tenant_id: str, by: Actor) -> None:
    assert enter_address(session, tenant_id, "notice", ("evil@x.example",), by, NOON)


def enter_other_terms(session: Session, tenant_id: str, by: Actor) -> None:
    assert enter_terms(session, tenant_id, by, NOON, reference="Other", right=Right.CLAUSE_2_4, terms=None)


def test_who_is_neither_counsel_nor_approver_confirms_nothing(fed: StaffedDeployment) -> None:
    with pytest.raises(Refused, match="neither counsel nor an approver"):
        confirmed(fed, "rita")
    with pytest.raises(NotFoundError), transaction(fed.engine) as session:
        confirm_contract(Decision(session, fed.people["carol"], fed.now), "nobody")


def test_a_later_edit_by_the_feed_needs_to_be_confirmed_again(fed: StaffedDeployment, tmp_path: Path) -> None:
    confirmed(fed, "carol")
    fed.wait(minutes=1)
    load_rows(
        fed.engine, tmp_path, a_row(notice_address="new@acme.example"), by=Actor(f"{FEED}crm"), at=fed.now
    )
    assert fed.enforce().state is CaseState.APPROVED


def test_an_edit_at_the_very_moment_of_a_confirmation_is_not_covered_by_it(
    fed: StaffedDeployment, tmp_path: Path
) -> None:
    """A clock that runs behind the log stands still for what it records: moments cannot tell what came first."""
    confirmed(fed, "carol")
    row = a_row(notice_address="new@acme.example")
    load_rows(fed.engine, tmp_path, row, by=Actor(f"{FEED}crm"), at=fed.now)
    with reading(fed.engine) as session:
        assert feed_standing(session, "acme", fed.case().id) == FeedStanding("crm", frozenset())
    confirmed(fed, "bella")
    with reading(fed.engine) as session:
        assert feed_standing(session, "acme", fed.case().id).confirmed_by == {fed.people["bella"].user_id}


def test_whoever_loads_tenants_says_who_they_are(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert CliRunner().invoke(app, [*home, "init", "--user", "ana=analyst"]).exit_code == 0
    file = tmp_path / "tenants.csv"
    file.write_text("tenant_id,time_zone\nacme,Etc/UTC\n")
    load = [*home, "tenants", "load", str(file)]
    for words in ([], ["--as", "ana", "--feed", "crm"]):
        refused = CliRunner().invoke(app, [*load, *words])
        assert isinstance(refused.exception, BadInputError)
        assert "say who edits" in str(refused.exception)
    unknown = CliRunner().invoke(app, [*load, "--feed", "crm"])
    assert "no feed 'crm' is declared in CJP_FRAUD_FEEDS" in str(unknown.exception)
    assert (
        CliRunner().invoke(app, [*load, "--feed", "crm"], env={"CJP_FRAUD_FEEDS": '["crm"]'}).exit_code == 0
    )
    assert CliRunner().invoke(app, [*load, "--as", "ana"]).exit_code == 0
