"""Letters that follow a notice: one that failed is named until a person dealt with it, none leaves altered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.delivery_record import record_event
from cjp_fraud.notices.model import DeliveryEvidence, NoticeKind
from cjp_fraud.notices.tables import Notice
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.determination import withdraw
from cjp_fraud.review.stops_on_record import let_notice_stand
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.failed_letters import failed_letters
from cjp_fraud.suspension.overdue import overdue
from cjp_fraud.suspension.reinstatement import reinstate
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest
from tests.platforms import UnreliablePlatform
from tests.signed_heads import keep_heads
from tests.simulated_clocks import show_clock
from tests.tampering import unrecorded

ADDRESS = "notices@acme.example"


def reinstated(staffed: StaffedDeployment) -> None:
    staffed.wait(hours=1)
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["bella"], reasons="the port is closed")


def lapsed(staffed: StaffedDeployment) -> None:
    staffed.wait(hours=72)


def kept(staffed: StaffedDeployment) -> None:
    staffed.wait(hours=60)
    staffed.reaffirm("adam", "the carrier reports attempts")
    staffed.reaffirm("bella", "credentials were not changed yet")


ENDINGS = {
    "reinstatement": (reinstated, NoticeKind.REINSTATEMENT),
    "lapse": (lapsed, NoticeKind.REINSTATEMENT),
    "continuation": (kept, NoticeKind.REAFFIRMATION),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_letter_that_failed_for_good_is_named_until_a_person_has_dealt_with_it(
    suspended: StaffedDeployment, server: MailServerUnderTest, name: str
) -> None:
    ending, kind = ENDINGS[name]
    server.rcpt_replies[ADDRESS] = deque(["550 no such user"])
    ending(suspended)

    report = suspended.enforce()

    [failed] = report.failed_letters
    assert failed.kind is kind
    assert failed.sentence in report.waiting_for
    assert "tell the customer in another way" in failed.sentence
    suspended.wait(hours=1)
    suspended.resume_all()
    with reading(suspended.engine) as session:
        assert failed in failed_letters(session)
        assert any("did not reach the customer" in late for late in overdue(session, suspended.now))

    dealt = suspended.do(let_notice_stand, "adam", failed.notice_id, reasons="told them by telephone")

    assert dealt == 1
    with reading(suspended.engine) as session:
        assert failed not in failed_letters(session)
        assert not any(failed.notice_id in late for late in overdue(session, suspended.now))
    assert verify_log(suspended.engine).faults == ()


def test_a_withdrawal_that_failed_is_named_too(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    platform = UnreliablePlatform(EmbeddedPlatform(engine))
    staffed = open_staffed(engine, tmp_path, mail_to(server), platform=platform)
    platform.behaviours.append("refuse")
    staffed.approved_case()
    staffed.enforce()
    staffed.do(withdraw, "adam", reasons="a campaign after all")
    server.rcpt_replies[ADDRESS] = deque(["550 no such user"])

    [failed] = staffed.enforce().failed_letters

    assert failed.kind is NoticeKind.WITHDRAWAL


def test_a_letter_that_came_back_after_it_was_taken_is_named(
    suspended: StaffedDeployment, server: MailServerUnderTest
) -> None:
    reinstated(suspended)
    assert suspended.enforce().failed_letters == ()
    with transaction(suspended.engine) as session:
        notice = session.scalars(select(Notice).where(Notice.kind == NoticeKind.REINSTATEMENT)).one()
        bounce = DeliveryEvidence(DeliveryStatus.SENT, True, True, "delivery report", "5.1.1 no such user")
        record_event(Decision(session, machine("collect"), suspended.now), notice.id, bounce)
    with reading(suspended.engine) as session:
        assert [each.notice_id for each in failed_letters(session)] == [notice.id]


def replaced_in_bytes(session: Session) -> None:
    notice = session.scalars(select(Notice).where(Notice.kind == NoticeKind.REINSTATEMENT)).one()
    assert notice.message is not None
    changed = notice.message.replace(b"+1 555 0100", b"+9 666 6666")
    assert changed != notice.message
    session.execute(
        text("UPDATE notices SET message = :bytes, message_sha256 = :digest WHERE id = :id"),
        {"bytes": changed, "digest": sha256_hex(changed), "id": notice.id},
    )


def replaced_in_the_plan(session: Session) -> None:
    session.execute(
        text(
            "UPDATE notice_plans SET document = REPLACE(document, '+1 555 0100', '+9 666 6666') "
            "WHERE kind = 'reinstatement'"
        )
    )


def replaced_the_name(session: Session) -> None:
    session.execute(text("UPDATE tenants SET name = 'Evil Corp.'"))


TAMPERED: dict[str, tuple[str | None, Callable[[Session], None]]] = {
    "bytes and digest, after an unknown outcome": (None, replaced_in_bytes),
    "the plan's words, after a deferral": ("451 later", replaced_in_the_plan),
    "the customer's name": ("451 later", replaced_the_name),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_letter_that_was_changed_behind_the_application_does_not_leave(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, name: str
) -> None:
    reply, tamper = TAMPERED[name]
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    staffed.enforce()
    if reply is None:
        server.data_replies.append(None)
    else:
        server.rcpt_replies[ADDRESS] = deque([reply])
    reinstated(staffed)
    staffed.enforce()
    taken = len(server.received)
    with unrecorded(sqlite_engine) as session:
        tamper(session)
    staffed.wait(hours=1)

    report = staffed.resume_all()

    assert any("do not match their digest" in fault for fault in report.faults)
    assert len(server.received) == taken


def test_a_letter_is_not_even_written_from_rows_that_were_changed(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    staffed.enforce()
    reinstated(staffed)
    with unrecorded(sqlite_engine) as session:
        session.execute(text("UPDATE measures SET ended_at = '2015-04-02 12:00:01.000000'"))

    report = staffed.enforce()

    assert any("the reinstatement letter is not written: measures" in why for why in report.waiting_for)
    assert len(server.received) == 1


def test_the_commands_say_it_and_exit_with_1(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    staffed.enforce()
    settings, home = a_home(staffed, tmp_path, server)
    server.rcpt_replies[ADDRESS] = deque(["550 no such user"])
    words = ("measures", "reinstate", "1", "--as", "adam", "--because", "the port is closed")

    done = CliRunner().invoke(app, [*home, *words], env=settings)

    assert done.exit_code == 1, done.output
    assert "did not reach the customer" in done.output
    assert "the customer was not told" in done.output
    assert "tries again" not in done.output
    again = CliRunner().invoke(app, [*home, "run-due"], env=settings)
    assert again.exit_code == 1, again.output
    assert "the reinstatement letter of case 1 did not reach the customer" in again.output
    listed = CliRunner().invoke(app, [*home, "users", "list"], env=settings)
    assert "OVERDUE: the reinstatement letter of case 1" in listed.output
    with reading(sqlite_engine) as session:
        [failed] = failed_letters(session)
    dealt = (
        "cases",
        "clear-stop",
        "1",
        "--notice",
        failed.notice_id,
        "--as",
        "adam",
        "--because",
        "telephoned",
    )
    assert CliRunner().invoke(app, [*home, *dealt], env=settings).exit_code == 0
    quiet = CliRunner().invoke(app, [*home, "run-due"], env=settings)
    assert quiet.exit_code == 0, quiet.output


def a_home(
    staffed: StaffedDeployment, folder: Path, server: MailServerUnderTest
) -> tuple[dict[str, str], tuple[str, str]]:
    """Return settings and options of the command line for the home whose database a staffed deployment uses."""
    keep_heads(Deployment(load_settings(home=folder)))
    show_clock(staffed.engine, staffed.now)
    settings = {
        "CJP_FRAUD_PLATFORM_MODE": "act",
        "CJP_FRAUD_SMTP_HOST": server.host,
        "CJP_FRAUD_SMTP_PORT": str(server.port),
        "CJP_FRAUD_MAIL_FROM": "notices@provider.example",
        "CJP_FRAUD_CONTACT": "+1 555 0100",
        "CJP_FRAUD_PROVIDER_LEGAL_NAME": "Example Cloud Ltd.",
    }
    return settings, ("--home", str(folder))
