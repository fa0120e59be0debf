"""A measure ends with nothing running but ``run-due``; every command says what is late; an upheld dispute lifts."""

from __future__ import annotations

import json
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
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import Refused
from cjp_fraud.people.model import Decision
from cjp_fraud.review.claim import comment
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.disagreements import DisagreementKind
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.overdue import overdue
from cjp_fraud.suspension.platform import PlatformError
from cjp_fraud.suspension.reconciliation import reconcile
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.tables import PlatformCommand
from cjp_fraud.suspension.views import measure_views
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.contract_builders import a_row, load_rows, read_agreement
from tests.mail_servers import MailServerUnderTest
from tests.platforms import Killed, UnreliablePlatform
from tests.signed_heads import keep_heads
from tests.simulated_clocks import show_clock


def late(staffed: StaffedDeployment) -> tuple[str, ...]:
    with reading(staffed.engine) as session:
        return overdue(session, staffed.now)


def test_a_measure_past_its_end_is_named_by_reconcile_and_by_whoever_looks(
    suspended: StaffedDeployment,
) -> None:
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


def test_the_platform_ends_a_measure_by_itself_with_nothing_running(suspended: StaffedDeployment) -> None:
    ends_at = suspended.measure().review_at
    suspended.wait(hours=71, minutes=59)
    [in_force] = suspended.platform.restrictions(suspended.now)
    assert in_force.ends_at == ends_at

    suspended.wait(minutes=1)

    assert suspended.platform.restrictions(suspended.now) == []
    assert not suspended.platform.read_back(suspended.measure().id, suspended.now).restricted
    [past] = reconcile(suspended.enforcement())
    assert past.sentence.endswith("the platform has ended it by itself")


def test_a_platform_that_ends_nothing_by_itself_is_named_loudly(suspended: StaffedDeployment) -> None:
    assert isinstance(suspended.platform, UnreliablePlatform)
    suspended.platform.endless = True
    suspended.wait(hours=73)

    [past] = reconcile(suspended.enforcement())

    assert past.kind is DisagreementKind.PAST_ITS_END
    assert past.sentence.endswith("the platform STILL RESTRICTS it")


def test_a_reaffirmed_measure_ends_later_at_the_platform_too_and_the_customer_is_told(
    suspended: StaffedDeployment, server: MailServerUnderTest
) -> None:
    suspended.wait(hours=70)
    suspended.reaffirm("adam", "it goes on")
    kept = suspended.reaffirm("bella", "so says the carrier")
    before = len(server.received)
    suspended.enforce()

    said = message_from_bytes(server.received[-1].content, policy=default)
    assert "Continuation of the temporary restriction" in said["subject"]
    assert f"({kept.review_at:%H:%M} UTC) at the latest" in " ".join(said.get_content().split())
    assert len(server.received) == before + 1
    suspended.wait(hours=1)
    suspended.resume_all()
    assert len(server.received) == before + 1
    suspended.wait(hours=70)
    [in_force] = suspended.platform.restrictions(suspended.now)
    assert in_force.ends_at == kept.review_at
    suspended.wait(hours=1)
    assert suspended.platform.restrictions(suspended.now) == []
    suspended.resume_all()
    assert suspended.state is CaseState.LAPSED
    assert verify_log(suspended.engine).faults == ()


def test_an_extension_that_the_platform_refused_is_sent_again_and_moves_no_end_meanwhile(
    suspended: StaffedDeployment,
) -> None:
    assert isinstance(suspended.platform, UnreliablePlatform)
    first_end = suspended.measure().review_at
    suspended.wait(hours=70)
    suspended.reaffirm("adam", "it goes on")
    kept = suspended.reaffirm("bella", "so says the carrier")
    suspended.platform.behaviours.append("refuse")
    report = suspended.enforce()
    assert any("has not changed the measure yet" in sentence for sentence in report.waiting_for)
    assert [each.ends_at for each in suspended.platform.restrictions(suspended.now)] == [first_end]

    suspended.wait(minutes=5)
    assert suspended.resume_all().faults == ()

    assert [each.ends_at for each in suspended.platform.restrictions(suspended.now)] == [kept.review_at]
    assert verify_log(suspended.engine).faults == ()


def test_an_extension_that_comes_too_late_restricts_nothing_anew(suspended: StaffedDeployment) -> None:
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
def test_reaffirming_asks_the_gate(
    suspended: StaffedDeployment, tmp_path: Path, what: str, said: str
) -> None:
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
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    keep_heads(Deployment(load_settings(home=tmp_path)))
    show_clock(staffed.engine, staffed.now + timedelta(hours=73))
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
    assert staffed.state is CaseState.LAPSED
    assert staffed.restricted() == 0
    assert CliRunner().invoke(app, [*home, "run-due"], env=settings).exit_code == 0


def upheld(staffed: StaffedDeployment) -> str:
    staffed.wait(minutes=5)
    dispute = staffed.do(open_dispute, "ana", "we did not")
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people["carol"], staffed.now)
        decide_dispute(decision, dispute.id, upheld=True, reasons="a campaign of their own")
    return str(dispute.id)


def test_an_upheld_dispute_lifts_and_tells_the_customer(
    suspended: StaffedDeployment, server: MailServerUnderTest
) -> None:
    upheld(suspended)
    letters = len(server.received)
    suspended.enforce()
    assert suspended.state is CaseState.REINSTATED
    assert suspended.restricted() == 0
    assert len(server.received) == letters + 2, "the answer, and that service is restored"
    assert verify_log(suspended.engine).faults == ()


def test_an_upheld_dispute_is_not_forgotten_by_a_kill_nor_by_a_platform_that_does_not_answer(
    suspended: StaffedDeployment,
) -> None:
    """The process died after the decision; then the platform fails twice: run-due alone brings it to its end."""
    upheld(suspended)
    with reading(suspended.engine) as session:
        assert "lift" not in session.scalars(select(PlatformCommand.kind)).all()
    platform = suspended.platform
    assert isinstance(platform, UnreliablePlatform)
    platform.behaviours += ["refuse", "refuse"]
    for _ in range(3):
        suspended.wait(minutes=5)
        suspended.resume_all()
    assert suspended.state is CaseState.REINSTATED
    assert suspended.restricted() == 0


def brought_to_suspending(engine: Engine, folder: Path, server: MailServerUnderTest) -> StaffedDeployment:
    """Return a staffed deployment whose platform restricts, and does not say so: the measure is not confirmed."""
    platform = UnreliablePlatform(EmbeddedPlatform(engine))
    staffed = open_staffed(engine, folder, mail_to(server), platform=platform)
    staffed.approved_case()
    platform.unreachable = True
    assert staffed.enforce().state is CaseState.SUSPENDING
    assert staffed.restricted() == 1
    return staffed


def subjects(server: MailServerUnderTest) -> list[str]:
    return [str(message_from_bytes(each.content, policy=default)["Subject"]) for each in server.received]


def test_a_dispute_upheld_before_the_measure_is_confirmed_lifts_it_and_tells_the_customer(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = brought_to_suspending(engine, tmp_path, server)
    upheld(staffed)
    report = staffed.enforce()
    assert (report.state, staffed.restricted()) == (CaseState.SUSPENDING, 1)
    assert report.waiting_for != ()

    staffed.platform.unreachable = False  # type: ignore[attr-defined]
    staffed.wait(minutes=5)
    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.WITHDRAWN, 0)
    assert subjects(server)[1:] == [
        "Answer to your dispute, case 1",
        "Withdrawal of our notice, case 1",
    ]
    said = message_from_bytes(server.received[-1].content, policy=default).get_content()  # type: ignore[attr-defined]
    words = " ".join(said.split())
    assert "It is withdrawn because your dispute was decided in your favour." in words
    assert "may have been in force for a time before this letter; it is no longer in force" in words
    assert "This letter is about our notice " in words
    with reading(engine) as session:
        assert session.scalars(select(Dispute.closed_at)).one() is not None
    assert verify_log(engine).faults == ()


def test_a_dispute_upheld_before_the_measure_withdraws_the_notice_at_once(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    platform = UnreliablePlatform(EmbeddedPlatform(engine))
    staffed = open_staffed(engine, tmp_path, mail_to(server), platform=platform)
    staffed.approved_case()
    platform.behaviours += ["refuse"] * 9
    assert staffed.enforce().state is CaseState.NOTICED

    upheld(staffed)
    staffed.resume_all()

    assert staffed.state is CaseState.WITHDRAWN
    assert subjects(server)[1:] == [
        "Answer to your dispute, case 1",
        "Withdrawal of our notice, case 1",
    ]
    staffed.wait(hours=1)
    staffed.resume_all()
    assert len(server.received) == 3
    assert verify_log(engine).faults == ()


@pytest.mark.parametrize("unreachable", [True, False])
def test_the_command_that_upholds_it_says_whether_the_restriction_is_known_to_be_gone(
    sqlite_engine: Engine,
    tmp_path: Path,
    server: MailServerUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    unreachable: bool,
) -> None:
    staffed = brought_to_suspending(sqlite_engine, tmp_path, server)
    staffed.wait(minutes=5)
    dispute = staffed.do(open_dispute, "ana", "we did not")
    keep_heads(Deployment(load_settings(home=tmp_path)))
    show_clock(sqlite_engine, staffed.now)

    def no_answer(*_args: object) -> None:
        raise PlatformError("no answer")

    if unreachable:
        monkeypatch.setattr(EmbeddedPlatform, "read_back", no_answer)
    words = ["disputes", "decide", dispute.id, "upheld", "--as", "carol", "--because", "their own campaign"]
    settings = {
        "CJP_FRAUD_PLATFORM_MODE": "act",
        "CJP_FRAUD_SMTP_HOST": server.host,
        "CJP_FRAUD_SMTP_PORT": str(server.port),
    }

    done = CliRunner().invoke(app, ["--home", str(tmp_path), *words], env=settings)

    assert ("the restriction is not known to be gone" in done.output) is unreachable, done.output
    assert done.exit_code == (1 if unreachable else 0), done.output
    assert (staffed.state is CaseState.WITHDRAWN) is not unreachable


def test_measures_list_names_a_measure_past_its_end_at_once_as_reconcile_does(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    staffed.enforce()
    home, ends_at = ["--home", str(tmp_path)], staffed.measure().lapses_at
    before = CliRunner().invoke(app, [*home, "measures", "list"])
    assert (before.exit_code, "past its end" in before.output) == (0, False)
    show_clock(sqlite_engine, ends_at)

    listed = CliRunner().invoke(app, [*home, "measures", "list"])
    as_json = CliRunner().invoke(app, [*home, "measures", "list", "--json"])
    compared = CliRunner().invoke(app, [*home, "measures", "reconcile"])

    assert (listed.exit_code, as_json.exit_code, compared.exit_code) == (1, 1, 1)
    assert "past its end" in listed.stdout
    assert "the measure of case 1 is PAST ITS END" in listed.stderr
    [row] = json.loads(as_json.stdout)
    assert (row["state"], row["standing"], row["past_its_end"]) == ("in_force", "past its end", True)


@pytest.mark.parametrize("state", ["lifting", "suspending"])
def test_a_measure_past_its_end_is_named_whatever_its_platform_did_not_answer(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest, state: str
) -> None:
    staffed = brought_to_suspending(engine, tmp_path, server)
    platform = staffed.platform
    assert isinstance(platform, UnreliablePlatform)
    if state == "lifting":
        platform.unreachable = False
        staffed.enforce()
        platform.unreachable = True
        platform.behaviours.append("refuse")
        reinstate(
            staffed.enforcement(), staffed.case().id, staffed.people["bella"], reasons="the port is closed"
        )
    staffed.now = staffed.measure().lapses_at
    platform.unreachable, platform.endless = False, True

    [past] = reconcile(staffed.enforcement())

    assert past.kind is DisagreementKind.PAST_ITS_END
    assert past.sentence.endswith("the platform STILL RESTRICTS it")
    with reading(engine) as session:
        [view] = measure_views(session, staffed.now)
    assert view.standing == "past its end"


def test_run_due_names_a_shut_gate_with_its_case_and_first_reason_and_exits_with_1(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    keep_heads(Deployment(load_settings(home=tmp_path)))
    staffed.wait(minutes=1)
    staffed.do(order_stop, "carol", "the court has been asked")
    show_clock(sqlite_engine, staffed.now)
    settings = {
        "CJP_FRAUD_PLATFORM_MODE": "act",
        "CJP_FRAUD_SMTP_HOST": server.host,
        "CJP_FRAUD_SMTP_PORT": str(server.port),
    }

    done = CliRunner().invoke(app, ["--home", str(tmp_path), "run-due"], env=settings)

    assert done.exit_code == 1, done.output
    assert "case 1: its gate is shut: gate point 6: counsel ordered a stop" in done.output


def test_run_due_counts_the_letter_that_leaves_with_its_case(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    keep_heads(Deployment(load_settings(home=tmp_path)))
    show_clock(sqlite_engine, staffed.now)
    settings = {"CJP_FRAUD_PLATFORM_MODE": "act", "CJP_FRAUD_SMTP_HOST": server.host}
    settings["CJP_FRAUD_SMTP_PORT"] = str(server.port)

    first, again = (
        CliRunner().invoke(app, ["--home", str(tmp_path), "run-due"], env=settings) for _ in range(2)
    )

    assert len(server.received) == 1
    assert "1 case(s) moved on, 1 letter(s) handed over" in first.output
    assert "0 case(s) moved on, 0 letter(s) handed over" in again.output


def test_a_case_that_only_waits_for_its_time_is_no_shut_gate(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(engine, tmp_path, mail_to(server))
    rule = MethodRule(EMAIL, Basis.SENT, ("notice",))
    terms = NoticeTerms((NoticeStep(1, Combine.ALL_OF, (rule,), Wait(24, WaitUnit.HOURS)),), clause="12.9")
    with transaction(engine) as session:
        read_agreement(session, terms)
    staffed.approved_case()

    report = staffed.enforce()

    assert (report.state, report.shut) == (CaseState.NOTICED, ())
    assert report.waiting_for != ()
