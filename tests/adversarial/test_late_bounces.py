"""A notice that bounced, before the measure or long after it, asks for a person, with only ``run-due`` running."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import Refused
from cjp_fraud.notices.inbound_folders import inbound_folders
from cjp_fraud.notices.inbound_reports import collect
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import Notice, NoticeAttempt, SmtpAttempt
from cjp_fraud.notices.work_items import work_items
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.dispute import decide_dispute, disputes_on_record, open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.queue import queue
from cjp_fraud.review.stops_on_record import let_notice_stand
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.overdue import overdue
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.delivery_reports import a_report
from tests.mail_servers import MailServerUnderTest
from tests.platforms import UnreliablePlatform
from tests.signed_heads import keep_heads
from tests.simulated_clocks import show_clock


@pytest.fixture
def staffed(suspended: StaffedDeployment) -> StaffedDeployment:
    """A staffed deployment whose one case is suspended."""
    return suspended


def the_notice(staffed: StaffedDeployment) -> tuple[str, SmtpAttempt]:
    """Return the suspension's notice, and its attempt."""
    with reading(staffed.engine) as session:
        return session.execute(
            select(Notice.id, SmtpAttempt)
            .join(NoticeAttempt, NoticeAttempt.notice_id == Notice.id)
            .join(SmtpAttempt, SmtpAttempt.attempt_id == NoticeAttempt.id)
            .where(Notice.kind == NoticeKind.SUSPENSION)
        ).one()  # type: ignore[return-value]


def drop(home: Path, content: bytes, name: str = "report.eml") -> None:
    """Put a report into the folder that the mail server delivers to."""
    folder = inbound_folders(load_settings(home=home)).incoming
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def bounced(staffed: StaffedDeployment, home: Path, name: str = "report.eml") -> int:
    drop(home, a_report(the_notice(staffed)[1].envelope_from, "failed"), name)
    return collect(staffed.engine, load_settings(home=home), staffed.now).new_events


def late(staffed: StaffedDeployment) -> tuple[str, ...]:
    with reading(staffed.engine) as session:
        return overdue(session, staffed.now)


def test_a_bounce_after_the_measure_lifts_nothing_and_asks_for_a_person_within_the_hour(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    staffed.wait(hours=2)
    assert bounced(staffed, tmp_path) == 1
    notice_id, _ = the_notice(staffed)

    assert staffed.resume_all().faults == ()
    assert (staffed.state, staffed.restricted()) == (CaseState.SUSPENDED, 1)
    with reading(staffed.engine) as session:
        [row] = queue(session).cases
        [shown] = case_view(session, staffed.case().id, staffed.now).contradictions
    assert row.person_due_at == staffed.now + timedelta(minutes=60)
    assert (shown.notice_id, shown.answer_due_at) == (notice_id, row.person_due_at)
    assert late(staffed) == ()
    staffed.wait(minutes=61)
    assert late(staffed) == ("1 report(s) against a notice, on which no person has decided within the hour",)


def test_a_bounce_after_the_measure_shuts_reaffirmation_until_a_person_decides(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    staffed.wait(hours=2)
    bounced(staffed, tmp_path)
    staffed.wait(minutes=1)
    with pytest.raises(Refused, match="did not arrive is not resolved by a person"):
        staffed.reaffirm("adam", "it goes on")

    staffed.do(let_notice_stand, "carol", the_notice(staffed)[0], "they answered the telephone")

    assert not staffed.reaffirm("adam", "it goes on").complete
    with reading(staffed.engine) as session:
        assert queue(session).cases[0].person_due_at is None
    assert verify_log(staffed.engine).faults == ()


def test_a_bounce_that_comes_twice_counts_once_and_a_forged_one_proves_nothing(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    staffed.wait(hours=2)
    drop(tmp_path, a_report("notices+guessed@provider.example", "failed"), "forged.eml")
    assert collect(staffed.engine, load_settings(home=tmp_path), staffed.now).new_events == 0
    assert bounced(staffed, tmp_path) == 1
    assert bounced(staffed, tmp_path, "again.eml") == 0

    with reading(staffed.engine) as session:
        assert len(case_view(session, staffed.case().id, staffed.now).contradictions) == 1


def test_a_forged_report_lifts_and_shuts_nothing_and_waits_for_a_person(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    staffed.wait(hours=2)
    notice_id, smtp = the_notice(staffed)
    drop(tmp_path, a_report("notices@provider.example", "failed", envid=smtp.envid))
    assert collect(staffed.engine, load_settings(home=tmp_path), staffed.now).new_events == 1
    with reading(staffed.engine) as session:
        [row] = queue(session).cases
        [item] = work_items(session, [row.id])
        assert case_view(session, row.id, staffed.now).contradictions == ()
    assert (row.reports_to_settle, row.person_due_at) == (1, None)
    assert (item.notice_id, item.negative, item.due_at) == (
        notice_id,
        True,
        staffed.now + timedelta(hours=24),
    )
    assert late(staffed) == ()
    staffed.wait(hours=25)
    assert "1 message(s) about a notice, at which no person has looked within a day" in late(staffed)
    assert staffed.do(let_notice_stand, "carol", notice_id, "the customer says that they have it") == 1
    with reading(staffed.engine) as session:
        assert queue(session).cases[0].reports_to_settle == 0
    assert verify_log(staffed.engine).faults == ()


def test_a_bounce_of_a_measure_that_lapses_meanwhile_keeps_nothing_in_force(
    staffed: StaffedDeployment, tmp_path: Path
) -> None:
    staffed.wait(hours=71)
    bounced(staffed, tmp_path)
    staffed.wait(hours=1)

    staffed.resume_all()

    assert (staffed.state, staffed.restricted()) == (CaseState.LAPSED, 0)
    assert verify_log(staffed.engine).faults == ()


def test_run_due_collects_a_late_bounce_and_says_who_is_needed(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    keep_heads(Deployment(load_settings(home=tmp_path)))
    show_clock(staffed.engine, staffed.now + timedelta(hours=2))
    notice_id, attempt = the_notice(staffed)
    drop(tmp_path, a_report(attempt.envelope_from, "failed"))
    settings = {
        "CJP_FRAUD_PLATFORM_MODE": "act",
        "CJP_FRAUD_SMTP_HOST": server.host,
        "CJP_FRAUD_SMTP_PORT": str(server.port),
        "CJP_FRAUD_MAIL_FROM": "notices@provider.example",
    }

    done = CliRunner().invoke(app, ["--home", str(tmp_path), "run-due"], env=settings)

    assert done.exit_code == 0, done.output
    assert "1 delivery event(s)" in done.output
    number = staffed.case().number
    assert f"  case {number}: a report says that its notice did not arrive" in done.output
    assert (
        f"cjp-fraud cases clear-stop {number} --notice {notice_id} --as USER --because TEXT\n" in done.output
    )
    assert staffed.case().id not in done.output
    listed = CliRunner().invoke(
        app, ["--home", str(tmp_path), "cases", "list"], env=settings | {"COLUMNS": "120"}
    )
    assert "CONTRADICTED" in listed.output


def test_an_upheld_dispute_is_not_closed_until_the_read_back_says_that_nothing_is_in_force(
    staffed: StaffedDeployment,
) -> None:
    assert isinstance(staffed.platform, UnreliablePlatform)
    staffed.wait(hours=1)
    dispute = staffed.do(open_dispute, "ana", "we did not")
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people["carol"], staffed.now)
        decide_dispute(decision, dispute.id, upheld=True, reasons="their own campaign")
    staffed.platform.behaviours.append("refuse")
    staffed.enforce()
    staffed.wait(minutes=16)
    with reading(staffed.engine) as session:
        [open_still] = disputes_on_record(session)
    assert open_still.closed_at is None
    assert any("not known to be lifted" in sentence for sentence in late(staffed))

    staffed.resume_all()

    assert staffed.restricted() == 0
    with reading(staffed.engine) as session:
        assert disputes_on_record(session) == ()
        [closed] = disputes_on_record(session, decided_too=True)
    assert closed.closed_at == staffed.now
    assert verify_log(staffed.engine).faults == ()
