"""``cjp-fraud cases warn``, ``breach``, ``withdraw-letter`` and ``measures corrected``, run as commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cjp_fraud.cli import cases, contracts, disputes, measures
from cjp_fraud.contracts.contract_terms import ConditionalNotice, ContractTerms, LiftRule, LiftWhen
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.terms import NoticeTerms, plain_terms
from cjp_fraud.deployment import Deployment
from cjp_fraud.storage.database import transaction
from tests.contract_builders import read_agreement
from tests.integration.cli.test_cases import a_deployment, answered, done, refusal, run, to_determined
from tests.mail_servers import MailServerUnderTest, smtp_server

TERMS = ContractTerms(
    suspension=plain_terms(),
    conditional_warning=NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS)),
    conditional_notice=ConditionalNotice(True, False),
    breach=NoticeTerms(plain_terms().steps, cure=Wait(2, WaitUnit.CALENDAR_DAYS)),
    lift=LiftRule(LiftWhen.UNTIL_CORRECTED),
    law="England and Wales",
    to_provider="registered letter",
)
WARN = ("warn", "1", "--as", "rita", "--because", "the customer may know the cause")


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes, server: MailServerUnderTest) -> Deployment:
    """A deployment in act mode whose first tenant may be warned, has a cure period and a lift rule."""
    made = a_deployment(tmp_path, sqlite_template, server, "act")
    with transaction(made.engine) as session:
        read_agreement(session, TERMS)
    return made


def test_a_warning_is_served_and_told_what_it_counts_for(
    opened: Deployment, server: MailServerUnderTest
) -> None:
    said = done(cases.app, opened, *WARN)
    assert "case 1: conditional warning, plan " in said
    assert "the contract does not let it be a measure's notice" in said
    assert len(server.received) == 1
    answer = answered(cases.app, opened, *WARN)
    assert answer["kind"] == "conditional_warning"
    assert answer["suffices"] is False


def test_a_warning_is_withdrawn_by_its_plan_and_when_the_case_is_dismissed(
    opened: Deployment, server: MailServerUnderTest
) -> None:
    plan = answered(cases.app, opened, *WARN)["plan_id"]
    done(cases.app, opened, "withdraw-letter", "1", plan, "--as", "rita", "--because", "too early")
    assert len(server.received) == 2
    done(cases.app, opened, *WARN)
    done(cases.app, opened, "claim", "1", "--as", "rita")
    done(cases.app, opened, "dismiss", "1", "--as", "rita", "--because", "a campaign")
    assert len(server.received) == 4


def test_earliest_waits_for_a_warning_and_says_what_else_the_contract_asks(opened: Deployment) -> None:
    done(cases.app, opened, *WARN)
    to_determined(opened)
    text = done(contracts.app, opened, "earliest", "1")
    assert "the contract also says, of any measure:" in text
    assert "governing law: England and Wales" in text
    assert "registered letter" in text
    assert "a conditional notice may go out before the determination (cases warn)" in text
    (proposed,) = [row for row in answered(contracts.app, opened, "earliest", "1") if row["proposed"]]
    assert proposed["earliest_at"].startswith("2015-04-03T12:3")
    explained = done(contracts.app, opened, "explain", "acme")
    assert "the measure may last until its cause is corrected" in explained


def test_a_notice_of_breach_and_a_correction_by_command(
    opened: Deployment, server: MailServerUnderTest
) -> None:
    breach = ("breach", "1", "--because", "it goes on", "--term", "clause 7")
    assert "no determination of fraud" in refusal(cases.app, opened, *breach, "--as", "adam")
    to_determined(opened)
    said = done(cases.app, opened, *breach, "--as", "adam")
    assert "case 1: breach, plan " in said
    assert "nothing is restricted before 2015-04-04 12:3" in said
    assert "only a measure in force" in refusal(
        measures.app, opened, "corrected", "1", "--as", "rita", "--because", "closed"
    )


def test_a_correction_lifts_and_a_decided_dispute_is_answered(
    opened: Deployment, server: MailServerUnderTest
) -> None:
    to_determined(opened)
    done(cases.app, opened, "approve", "1", "--as", "adam")
    done(disputes.app, opened, "open", "1", "--as", "ana", "--text", "it was our campaign")
    (dispute,) = answered(disputes.app, opened, "list")
    decide = ("decide", dispute["id"], "rejected", "--as", "carol", "--because", "looked at")
    done(disputes.app, opened, *decide)
    assert len(server.received) == 2
    said = done(measures.app, opened, "corrected", "1", "--as", "rita", "--because", "closed")
    assert "it is reinstated" in said
    assert len(server.received) == 3


def test_a_warning_that_did_not_leave_says_so_by_its_exit_code(
    opened: Deployment, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["notices@acme.example"].append("451 later")
    assert run(cases.app, opened, *WARN).exit_code == 1
