"""A measure ends with nothing running but ``run-due``; every command says what is late; an upheld dispute lifts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.people.model import Decision
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.overdue import overdue
from cjp_fraud.suspension.platform import EmbeddedPlatform
from cjp_fraud.suspension.reconciliation import DisagreementKind, reconcile
from cjp_fraud.suspension.tables import PlatformCommand
from tests.case_builders import Office, mail_to, open_office
from tests.mail_servers import MailServerUnderTest
from tests.platforms import UnreliablePlatform
from tests.simulated_clocks import show_clock


@pytest.fixture
def suspended(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> Office:
    """An office whose one case is suspended."""
    office = open_office(
        engine, tmp_path, mail_to(server), platform=UnreliablePlatform(EmbeddedPlatform(engine))
    )
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDED
    return office


def late(office: Office) -> tuple[str, ...]:
    with reading(office.engine) as session:
        return overdue(session, office.now)


def test_a_measure_past_its_end_is_named_by_reconcile_and_by_whoever_looks(suspended: Office) -> None:
    assert late(suspended) == ()
    suspended.wait(hours=72)
    [past] = reconcile(suspended.enforcement())
    assert past.kind is DisagreementKind.PAST_ITS_END
    assert "PAST ITS END" in past.sentence
    assert not past.repaired
    suspended.wait(minutes=16)
    assert late(suspended) == ("the measure of case 1 is PAST ITS END and still in force",)
    suspended.resume_all()
    assert suspended.state is CaseState.LAPSED
    assert suspended.restricted() == 0
    assert late(suspended) == ()
    assert verify_log(suspended.engine).faults == ()


def test_every_command_says_on_its_last_line_what_is_overdue_and_run_due_does_it(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    office = open_office(sqlite_engine, tmp_path, mail_to(server))
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDED
    show_clock(office.engine, office.now + timedelta(hours=73))
    home = ["--home", str(tmp_path)]
    settings = {
        "CJP_FRAUD_PLATFORM_MODE": "act",
        "CJP_FRAUD_SMTP_HOST": server.host,
        "CJP_FRAUD_SMTP_PORT": str(server.port),
        "CJP_FRAUD_MAIL_FROM": "notices@provider.example",
    }
    for words in (["measures", "list"], ["cases", "list"], ["users", "list"]):
        said = CliRunner().invoke(app, [*home, *words], env=settings).output.strip().splitlines()
        assert said[-1].startswith("OVERDUE: the measure of case 1 is PAST ITS END")
        assert said[-1].endswith("Run: cjp-fraud run-due")
    done = CliRunner().invoke(app, [*home, "run-due"], env=settings)
    assert done.exit_code == 0, done.output
    assert "OVERDUE" not in done.output
    assert office.state is CaseState.LAPSED
    assert office.restricted() == 0
    assert CliRunner().invoke(app, [*home, "run-due"], env=settings).exit_code == 0


def upheld(office: Office) -> str:
    office.wait(minutes=5)
    dispute = office.do(open_dispute, "ana", "we did not")
    with transaction(office.engine) as session:
        decision = Decision(session, office.people["carol"], office.now)
        decide_dispute(decision, dispute.id, upheld=True, reasons="a campaign of their own")
    with reading(office.engine) as session:
        command = session.scalars(select(PlatformCommand.kind)).all()
    assert "lift" not in command
    return str(dispute.id)


def test_an_upheld_dispute_lifts_and_tells_the_customer(
    suspended: Office, server: MailServerUnderTest
) -> None:
    upheld(suspended)
    letters = len(server.received)
    suspended.enforce()
    assert suspended.state is CaseState.REINSTATED
    assert suspended.restricted() == 0
    assert len(server.received) == letters + 1
    assert verify_log(suspended.engine).faults == ()


def test_an_upheld_dispute_is_not_forgotten_by_a_kill_nor_by_a_platform_that_does_not_answer(
    suspended: Office,
) -> None:
    """The process died after the decision; then the platform fails twice: run-due alone brings it to its end."""
    upheld(suspended)
    platform = suspended.platform
    assert isinstance(platform, UnreliablePlatform)
    platform.behaviours += ["refuse", "refuse"]
    for _ in range(3):
        suspended.wait(minutes=5)
        suspended.resume_all()
    assert suspended.state is CaseState.REINSTATED
    assert suspended.restricted() == 0
