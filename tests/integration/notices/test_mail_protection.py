"""TLS and login: what leaves only under protection, what does not leave, and that no secret stays in the dialogue."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from cjp_fraud.clock import StandingClock
from cjp_fraud.config_mail import SmtpSecurity
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.methods.smtp_dialogue import SmtpDelivery, submit
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.model import Outcome
from tests.certificates import a_certificate
from tests.contract_builders import NOON
from tests.mail_servers import smtp_server
from tests.notice_builders import a_mail_server
from tests.scripted_mail_servers import CLOSE, scripted_server

ENVELOPE = Envelope("bounce+abc@provider.example", "a+b@acme.example", "E-1")
MESSAGE = b"Subject: x\r\n\r\ntext\r\n"
USER, PASSWORD = "notices-user", "Geheim-7é"


def sent_to(mail: MailServer) -> SmtpDelivery:
    return submit(mail, ENVELOPE, lambda: MESSAGE, StandingClock(NOON))


@pytest.mark.parametrize("security", [SmtpSecurity.TLS, SmtpSecurity.STARTTLS])
def test_an_encrypted_connection_is_on_record_with_version_cipher_and_certificate(
    tmp_path: Path, security: SmtpSecurity
) -> None:
    shown = a_certificate(tmp_path)
    offered: Mapping[SmtpSecurity, dict[str, Any]] = {
        SmtpSecurity.TLS: {"ssl_context": shown.context},
        SmtpSecurity.STARTTLS: {"tls_context": shown.context, "require_starttls": True},
    }
    with smtp_server(**offered[security]) as server:
        done = sent_to(a_mail_server(server, security=security, ca_file=shown.file))
    assert done.outcome is Outcome.SENT
    assert server.received[0].content == MESSAGE
    assert done.tls is not None
    assert (done.tls.version, done.tls.verified) == ("TLSv1.3", True)
    assert done.tls.cipher.startswith("TLS_")
    assert done.tls.certificate_sha256 == shown.sha256
    assert f"certificate verified, SHA-256 {shown.sha256}" in done.evidence
    assert (done.server_address, done.queue_id) == (f"127.0.0.1:{server.port}", "4711")
    assert done.reports_offered is True


def test_a_server_from_which_somebody_took_starttls_gets_nothing() -> None:
    with smtp_server() as server:
        done = sent_to(a_mail_server(server, security=SmtpSecurity.STARTTLS, user=USER, password=PASSWORD))
    assert (done.outcome, done.tls, server.received) == (Outcome.DEFERRED, None, [])
    assert "does not offer STARTTLS, and nothing leaves unencrypted" in done.evidence
    assert "AUTH" not in done.evidence


@pytest.mark.parametrize("reply", [b"454 no TLS now\r\n", b"220 go\r\n250 added on the way\r\n"])
def test_starttls_that_is_refused_or_added_to_lets_nothing_out(reply: bytes) -> None:
    offers = {"EHLO": b"250-mx.acme.example\r\n250 STARTTLS\r\n", "STAR": reply}
    with scripted_server(offers) as server:
        done = sent_to(
            MailServer(server.host, server.port, security=SmtpSecurity.STARTTLS, timeout_seconds=5)
        )
    assert (done.outcome, server.contents) == (Outcome.DEFERRED, [])
    assert "MAIL FROM" not in done.evidence


@pytest.mark.parametrize("security", [SmtpSecurity.TLS, SmtpSecurity.STARTTLS])
@pytest.mark.parametrize("fault", ["another name", "expired", "another root"])
def test_a_certificate_that_is_not_right_lets_nothing_out_and_is_named(
    tmp_path: Path, security: SmtpSecurity, fault: str
) -> None:
    shown = a_certificate(
        tmp_path,
        "mx.other.example" if fault == "another name" else "127.0.0.1",
        ends_in=timedelta(days=-1 if fault == "expired" else 1),
    )
    trusted = a_certificate(tmp_path, name_of_file="other") if fault == "another root" else shown
    way = "ssl_context" if security is SmtpSecurity.TLS else "tls_context"
    with smtp_server(**{way: shown.context}) as server:
        done = sent_to(
            a_mail_server(server, security=security, ca_file=trusted.file, user=USER, password=PASSWORD)
        )
    assert (done.outcome, done.tls, server.received) == (Outcome.DEFERRED, None, [])
    said = {"another name": "mismatch", "expired": "expired", "another root": "self-signed certificate"}
    assert "certificate of 127.0.0.1 is not trusted" in done.evidence
    assert said[fault] in done.evidence
    assert "AUTH" not in done.evidence


def test_opportunistic_encryption_takes_any_certificate_and_says_that_none_was_verified(
    tmp_path: Path,
) -> None:
    shown = a_certificate(tmp_path, "mx.other.example")
    with smtp_server(tls_context=shown.context) as server:
        done = sent_to(a_mail_server(server, security=SmtpSecurity.OPPORTUNISTIC))
    assert done.outcome is Outcome.SENT
    assert done.tls is not None
    assert (done.tls.verified, done.tls.certificate_sha256) == (False, shown.sha256)


def test_opportunistic_encryption_goes_on_in_the_clear_and_says_so() -> None:
    with smtp_server() as server:
        done = sent_to(a_mail_server(server, security=SmtpSecurity.OPPORTUNISTIC))
    assert (done.outcome, done.tls) == (Outcome.SENT, None)
    assert "does not offer STARTTLS; not encrypted" in done.evidence


def _let_in(server: object, session: object, envelope: object, mechanism: str, login: Any) -> AuthResult:
    right = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, encoded, base64.b64encode(f"\0{USER}\0{secret}".encode()).decode()}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("password", [PASSWORD, "Falsch-8é"])
def test_a_login_by_either_mechanism_leaves_no_secret_behind(
    tmp_path: Path, mechanism: str, password: str
) -> None:
    shown = a_certificate(tmp_path)
    other = "LOGIN" if mechanism == "PLAIN" else "PLAIN"
    with smtp_server(
        tls_context=shown.context,
        require_starttls=True,
        authenticator=_let_in,
        auth_required=True,
        auth_exclude_mechanism=[other],
    ) as server:
        mail = a_mail_server(
            server, security=SmtpSecurity.STARTTLS, ca_file=shown.file, user=USER, password=password
        )
        done = sent_to(mail)
    right = password == PASSWORD
    assert done.outcome is (Outcome.SENT if right else Outcome.DEFERRED)
    assert (done.reply_code, len(server.received)) == ((250, 1) if right else (535, 0)), done.evidence
    assert f"AUTH {mechanism} (not kept)" in done.evidence
    told = done.evidence + repr(done) + repr(mail)
    assert not any(form in told for form in _forms(password))
    assert USER not in done.evidence


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("repeated", [PASSWORD, f"\0{USER}\0{PASSWORD}"])
def test_a_server_that_repeats_the_password_does_not_bring_it_onto_record(
    repeated: str, closes: bool
) -> None:
    said = repeated if repeated == PASSWORD else base64.b64encode(repeated.encode()).decode()
    reply = f"535 {said} is wrong".encode() + (CLOSE if closes else b"\r\n")
    script = {"EHLO": b"250-mx.acme.example\r\n250 AUTH PLAIN\r\n", "AUTH": reply}
    with scripted_server(script) as server:
        done = sent_to(MailServer(server.host, server.port, user=USER, password=PASSWORD, timeout_seconds=5))
    assert done.outcome is Outcome.DEFERRED
    assert not any(form in done.evidence for form in _forms(PASSWORD))
    assert "Geheim" not in done.evidence, "not its beginning either"


def test_a_server_that_offers_no_login_gets_nothing_and_neither_user_nor_password() -> None:
    with smtp_server() as server:
        done = sent_to(a_mail_server(server, user=USER, password=PASSWORD))
    assert (done.outcome, server.received) == (Outcome.DEFERRED, [])
    assert "offers no login by PLAIN or LOGIN" in done.evidence


@pytest.mark.parametrize("reply", [b"530 5.7.0 Must issue a STARTTLS command first\r\n", b"535 log in\r\n"])
def test_a_server_that_asks_for_protection_says_nothing_of_the_recipient(reply: bytes) -> None:
    with scripted_server({"MAIL": reply}) as server:
        done = sent_to(MailServer(server.host, server.port, timeout_seconds=5))
    assert (done.outcome, done.reply_code) == (Outcome.DEFERRED, int(reply[:3]))
