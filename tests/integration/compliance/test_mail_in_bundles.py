"""How a letter by email left stands in the evidence bundle, and nothing by which one could log in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import AuthResult
from sqlalchemy import Engine

from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.config import PlatformMode
from cjp_fraud.config_mail import SmtpSecurity
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.mail_server import MailServer
from tests.certificates import a_certificate
from tests.dkim_keys import a_dkim_key, verifies
from tests.integration.compliance.case_bundles import exported, files_of
from tests.integration.compliance.conftest import CaseSteps
from tests.mail_servers import smtp_server
from tests.return_paths import KEY

USER, PASSWORD = "notices-user", "Geheim-7!"


def _let_in(server: object, session: object, envelope: object, mechanism: str, login: Any) -> AuthResult:
    return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


def test_a_bundle_alone_shows_how_a_letter_left_and_that_it_is_signed_and_no_password(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    shown, key = a_certificate(tmp_path), a_dkim_key()
    with smtp_server(
        tls_context=shown.context, require_starttls=True, authenticator=_let_in, auth_required=True
    ) as server:
        mail = MailServer(
            "127.0.0.1",
            server.port,
            mail_from="notices@provider.example",
            user=USER,
            password=PASSWORD,
            security=SmtpSecurity.STARTTLS,
            ca_file=shown.file,
            signing=key,
        )

        class OverTls(CaseSteps):
            def mail(self) -> NoticeMethods:
                return NoticeMethods(PlatformMode.ACT, {EMAIL: EmailMethod(mail, KEY)})

        steps = OverTls(sqlite_engine, tmp_path, server.port)
        steps.people()
        steps.suspended()
    file = exported(steps).file
    assert verify_file(file).faults == ()
    files = files_of(file)
    dialogues = [files[name].decode() for name in files if name.startswith("notice_attempts/")]
    assert any("AUTH PLAIN (not kept)" in each and shown.sha256 in each for each in dialogues)
    row = json.loads(files["records/smtp_attempts.json"])[0]["fields"]
    assert (row["tls_version"], row["certificate_sha256"]) == ("TLSv1.3", shown.sha256)
    (sent,) = [files[name] for name in files if name.startswith("notice_attempts/") and name.endswith(".eml")]
    assert verifies(sent, row["dkim_name"], row["dkim_record"])
    whole = b"".join(files.values())
    for secret in (USER, PASSWORD):
        assert secret.encode() not in whole
