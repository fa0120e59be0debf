"""A measure ends with nothing running but ``run-due``; every command says what is late; an upheld dispute lifts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import PlatformMode, load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import Decision
from cjp_fraud.review.claim import comment
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops import order_stop
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.overdue import overdue
from cjp_fraud.suspension.reconciliation import DisagreementKind, reconcile
from cjp_fraud.suspension.tables import PlatformCommand
from tests.case_builders import Office, mail_to, open_office
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest
from tests.platforms import Killed, UnreliablePlatform
from tests.signed_heads import keep_heads
from tests.simulated_clocks import show_clock


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
    assert late(suspended) == ("the measure of case 1 is PAST ITS END and still on record as in force",)
    suspended.resume_all()
    assert suspended.state is CaseState.LAPSED
    assert suspended.restricted() == 0
    assert late(suspended) == ()
    assert verify_log(suspended.engine).faults == ()


def test_the_platform_ends_a_measure_by_itself_with_nothing_running(suspended: Office) -> None:
    ends_at = suspended.measure().review_at
    suspended.wait(hours=71, minutes=59)
    [in_force] = suspended.platform.restrictions(suspended.now)
    assert in_force.ends_at == ends_at

    suspended.wait(minutes=1)

    assert suspended.platform.restrictions(suspended.now) == []
    assert not suspended.platform.read_back(suspended.measure().id, suspended.now).restricted
    [past] = reconcile(suspended.enforcement())
    assert past.sentence.endswith("the platform has ended it by itself")


def test_a_platform_that_ends_nothing_by_itself_is_named_loudly(suspended: Office) -> None:
    assert isinstance(suspended.platform, UnreliablePlatform)
    suspended.platform.endless = True
    suspended.wait(hours=73)

    [past] = reconcile(suspended.enforcement())

    assert past.kind is DisagreementKind.PAST_ITS_END
    assert past.sentence.endswith("the platform STILL RESTRICTS it")


def test_a_reaffirmed_measure_ends_later_at_the_platform_too_and_the_customer_is_told(
    suspended: Office, server: MailServerUnderTest
) -> None:
    suspended.wait(hours=70)
    suspended.reaffirm("adam", "it goes on")
    kept = suspended.reaffirm("bella", "so says the carrier")
    suspended.enforce()

    said = message_from_bytes(server.received[-1].content, policy=default)
    assert "Continuation of the temporary restriction" in said["subject"]
    assert f"({kept.review_at:%H:%M} UTC) at the latest" in " ".join(said.get_content().split())
    assert len(server.received) == 2
    suspended.wait(hours=1)
    assert suspended.resume_all().follow_ups == 0
    suspended.wait(hours=70)
    [in_force] = suspended.platform.restrictions(suspended.now)
    assert in_force.ends_at == kept.review_at
    suspended.wait(hours=1)
    assert suspended.platform.restrictions(suspended.now) == []
    suspended.resume_all()
    assert suspended.state is CaseState.LAPSED
    assert verify_log(suspended.engine).faults == ()


def test_an_extension_that_the_platform_refused_is_sent_again_and_moves_no_end_meanwhile(
    suspended: Office,
) -> None:
    assert isinstance(suspended.platform, UnreliablePlatform)
    first_end = suspended.measure().review_at
    suspended.wait(hours=70)
    suspended.reaffirm("adam", "it goes on")
    kept = suspended.reaffirm("bella", "so says the carrier")
    suspended.platform.behaviours.append("refuse")
    report = suspended.enforce()
    assert any("not moved the end" in sentence for sentence in report.waiting_for)
    assert [each.ends_at for each in suspended.platform.restrictions(suspended.now)] == [first_end]

    suspended.wait(minutes=5)
    assert suspended.resume_all().faults == ()

    assert [each.ends_at for each in suspended.platform.restrictions(suspended.now)] == [kept.review_at]
    assert verify_log(suspended.engine).faults == ()


def test_an_extension_that_comes_too_late_restricts_nothing_anew(suspended: Office) -> None:
    assert isinstance(suspended.platform, UnreliablePlatform)
    suspended.wait(hours=71)
    suspended.reaffirm("adam", "it goes on")
    suspended.reaffirm("bella", "so says the carrier")
    suspended.platform.behaviours.append("kill_before")
    with pytest.raises(Killed):
        suspended.enforce()
    suspended.wait(hours=2)

    report = suspended.enforce()

    assert any("restricts nothing any more" in sentence for sentence in report.waiting_for)
    assert suspended.restricted() == 0


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("stop", "counsel ordered a stop"),
        ("switch", "only act restricts"),
        ("contract", "gives no right to suspend|has not been read"),
        ("no look", "no look at the traffic is named"),
        ("another's look", "another person's"),
        ("old look", "older than 24 hours"),
        ("used look", "was a reason before"),
        ("a participant", "took part"),
        ("an editor", "edited the tenant's addresses or terms"),
    ],
)
def test_reaffirming_asks_the_gate(suspended: Office, tmp_path: Path, what: str, said: str) -> None:
    suspended.wait(hours=30)
    if what == "a participant":
        suspended.do(comment, "adam", "I know them")
    look = suspended.look("adam")
    if what == "stop":
        suspended.do(order_stop, "carol", "the court has been asked")
    elif what == "switch":
        suspended.policy = replace(suspended.policy, mode=PlatformMode.OBSERVE)
    elif what in ("contract", "an editor"):
        by = suspended.people["adam"] if what == "an editor" else None
        changes = {"governing_document": ""} if what == "contract" else {"notice_address": "new@acme.example"}
        load_rows(suspended.engine, tmp_path, a_row(**changes), by=by, at=suspended.now)
    elif what == "no look":
        look = "0" * 8
    elif what == "another's look":
        look = suspended.look("bella")
    elif what == "old look":
        suspended.wait(hours=25)
    elif what == "used look":
        suspended.reaffirm("adam", "it goes on", look=look)
        suspended.reaffirm("bella", "so says the carrier")
        suspended.enforce()
        suspended.wait(hours=1)

    with pytest.raises(Refused, match=said):
        suspended.reaffirm("adam", "and on", look=look)


def test_every_command_says_on_its_last_line_what_is_overdue_and_run_due_does_it(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    office = open_office(sqlite_engine, tmp_path, mail_to(server))
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDED
    keep_heads(Deployment(load_settings(home=tmp_path)))
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
