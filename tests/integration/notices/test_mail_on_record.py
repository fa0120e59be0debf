"""What stays on record of a letter by email: the server, its protection, the key that signed, and never the login."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import AuthResult
from sqlalchemy import Engine, select, text

from cjp_fraud.clock import StandingClock
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import PlatformMode
from cjp_fraud.config_mail import SmtpSecurity
from cjp_fraud.contracts.methods import EMAIL, LETTER
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.letter import Letterhead, LetterMethod
from cjp_fraud.notices.methods.print_folder import MANIFEST, PrintFolder, lines_of
from cjp_fraud.notices.model import NoticeState, Outcome
from cjp_fraud.notices.notice_views import delivery_record
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import reading, transaction
from tests.certificates import a_certificate
from tests.chains import chain_faults
from tests.contract_builders import NOON
from tests.dkim_keys import a_dkim_key, verifies
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.notice_builders import (
    a_mail_server,
    a_plain_plan,
    a_plan_under,
    attempts_of,
    by_email,
    notices_of,
    smtp_of,
)
from tests.return_paths import KEY

HOUR = timedelta(hours=1)
USER, PASSWORD = "notices-user", "Geheim-7!"
POSTAL = "Acme Ltd.; Legal Department; 1 Main Street; New York NY 10001; US"


def _let_in(server: object, session: object, envelope: object, mechanism: str, login: Any) -> AuthResult:
    return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


def everything_in(engine: Engine) -> str:
    """All that the database holds, as text."""
    with reading(engine) as session:
        tables = Base.metadata.sorted_tables
        return repr([tuple(row) for table in tables for row in session.execute(select(table))])


def test_an_attempt_keeps_server_protection_queue_id_and_key_and_never_the_login(
    engine: Engine, tmp_path: Path
) -> None:
    shown, key = a_certificate(tmp_path), a_dkim_key()
    plan_id = a_plain_plan(engine, tmp_path)
    with smtp_server(
        tls_context=shown.context, require_starttls=True, authenticator=_let_in, auth_required=True
    ) as server:
        mail = a_mail_server(
            server,
            security=SmtpSecurity.STARTTLS,
            ca_file=shown.file,
            user=USER,
            password=PASSWORD,
            signing=key,
        )
        wrong = by_email(replace(mail, password="Falsch-8!"))
        dispatch_due(engine, wrong, plan_id, StandingClock(NOON))
        dispatch_due(engine, by_email(mail), plan_id, StandingClock(NOON + HOUR))
    (notice,) = notices_of(engine, plan_id)
    assert notice.state is NoticeState.SENT
    refused, sent = attempts_of(engine, notice.id)
    assert (refused.outcome, sent.outcome) == (Outcome.DEFERRED, Outcome.SENT)
    smtp = smtp_of(engine, sent)
    assert (smtp.tls_version, smtp.certificate_sha256) == ("TLSv1.3", shown.sha256)
    assert (smtp.certificate_verified, smtp.reports_offered) == (True, True)
    assert (smtp.server_address, smtp.queue_id) == (f"127.0.0.1:{server.port}", "4711")
    assert smtp.server_name == "localhost"
    assert smtp_of(engine, refused).reply_code == 535
    assert smtp_of(engine, refused).queue_id is None

    assert server.received[0].content == sent.message == notice.message
    assert smtp.dkim_name is not None
    assert smtp.dkim_record is not None
    assert verifies(server.received[0].content, smtp.dkim_name, smtp.dkim_record)

    whole = everything_in(engine)
    assert shown.sha256 in whole, "the text is what the database holds"
    for secret in (USER, PASSWORD, "Falsch-8!", key.pem.decode().splitlines()[1]):
        assert secret not in whole
    with reading(engine) as session:
        assert chain_faults(session) == []
        details = delivery_record(session, notice.id, NOON + HOUR).attempts[1].smtp
    assert details is not None
    assert (details.tls_version, details.dkim_record) == (smtp.tls_version, smtp.dkim_record)


def test_what_is_kept_of_the_connection_is_covered_by_the_log(sqlite_engine: Engine, tmp_path: Path) -> None:
    shown = a_certificate(tmp_path)
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    with smtp_server(tls_context=shown.context) as server:
        mail = a_mail_server(server, security=SmtpSecurity.STARTTLS, ca_file=shown.file, signing=a_dkim_key())
        dispatch_due(sqlite_engine, by_email(mail), plan_id, StandingClock(NOON))
    assert verify_log(sqlite_engine).faults == ()
    for column, forged in {
        "tls_version": "TLSv1.2",
        "tls_cipher": "NULL-MD5",
        "certificate_sha256": "0" * 64,
        "certificate_verified": False,
        "queue_id": "1",
        "server_address": "192.0.2.1:25",
        "server_name": "mx.other.example",
        "dkim_record": "v=DKIM1; p=",
    }.items():
        with transaction(sqlite_engine) as session:
            (kept,) = session.execute(text(f"SELECT {column} FROM smtp_attempts")).one()
            session.execute(text(f"UPDATE smtp_attempts SET {column} = :value"), {"value": forged})
        assert any("smtp_attempts" in fault for fault in verify_log(sqlite_engine).faults), column
        with transaction(sqlite_engine) as session:
            session.execute(text(f"UPDATE smtp_attempts SET {column} = :value"), {"value": kept})
    assert verify_log(sqlite_engine).faults == ()


def test_bytes_that_go_again_keep_the_key_that_they_were_signed_with(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    old, new = a_dkim_key("old"), a_dkim_key("new")
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    server.data_replies.append(None)
    for hour, key in enumerate((old, new)):
        methods = by_email(a_mail_server(server, signing=key))
        dispatch_due(sqlite_engine, methods, plan_id, StandingClock(NOON + hour * HOUR))
    first, second = server.received
    assert first.content == second.content
    (notice,) = notices_of(sqlite_engine, plan_id)
    for attempt in attempts_of(sqlite_engine, notice.id):
        smtp = smtp_of(sqlite_engine, attempt)
        assert (smtp.dkim_name, smtp.dkim_record) == (old.record.name, old.record.text)


def either_way(folder: Path) -> NoticeStep:
    """Email or, where it fails, a letter; a folder for the letters."""
    (folder / "print").mkdir()
    rules = (MethodRule(EMAIL, Basis.SENT, ("notice",)), MethodRule(LETTER, Basis.ACCEPTED, ("legal",)))
    return NoticeStep(1, Combine.ANY_OF, rules)


def both(server: MailServerUnderTest, folder: Path) -> NoticeMethods:
    letterhead = Letterhead("Example Cloud Ltd.", "1 Cloud Road, Dublin 2, Ireland")
    return NoticeMethods(
        PlatformMode.ACT,
        {
            EMAIL: EmailMethod(a_mail_server(server), KEY),
            LETTER: LetterMethod(letterhead, PrintFolder(folder / "print")),
        },
    )


def test_a_letter_that_email_refused_lies_in_the_print_folder(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plan_under(engine, tmp_path, either_way(tmp_path), "legal", POSTAL, LETTER)
    server.rcpt_replies["notices@acme.example"].append("550 5.1.1 no such user")
    done = dispatch_due(engine, both(server, tmp_path), plan_id, StandingClock(NOON))
    assert {notice.method: notice.state for notice in notices_of(engine, plan_id)} == {
        EMAIL: NoticeState.FAILED,
        LETTER: NoticeState.SENT,
    }
    (line,) = lines_of(tmp_path / "print" / MANIFEST)
    assert (tmp_path / "print" / line["file"]).read_bytes().startswith(b"%PDF")
    assert not done.failed
    assert not server.received
