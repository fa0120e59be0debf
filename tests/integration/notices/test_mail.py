"""What the mail server asks for: encryption, a login, and what must not be kept of either."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult

from cjp_fraud.clock import StandingClock
from cjp_fraud.config import PlatformMode, load_settings
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.methods.smtp_dialogue import Envelope, MailServer, submit
from cjp_fraud.notices.model import Outcome
from tests.contract_builders import NOON
from tests.mail_servers import smtp_server
from tests.notice_builders import a_mail_server

ENVELOPE = Envelope("bounce+abc@provider.example", "a+b@acme.example", "E-1")
MESSAGE = b"Subject: x\r\n\r\nfirst\r\n.second\r\n..third\r\n"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a certificate of its own, and of a client that trusts it."""
    key, crt = tmp_path / "key.pem", tmp_path / "crt.pem"
    subprocess.run(
        (
            f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {crt} -days 2 "
            "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
        ).split(),
        check=True,
        capture_output=True,
    )
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(crt, key)
    return ours, ssl.create_default_context(cafile=str(crt))


def test_dots_are_doubled_on_the_line_and_arrive_as_they_were() -> None:
    with smtp_server() as server:
        done = submit(a_mail_server(server), ENVELOPE, lambda: MESSAGE, StandingClock(NOON))
    assert done.outcome is Outcome.SENT
    assert server.received[0].content == MESSAGE


def test_the_original_recipient_is_told_in_xtext() -> None:
    with smtp_server() as server:
        submit(a_mail_server(server), ENVELOPE, lambda: MESSAGE, StandingClock(NOON))
    assert "ORCPT=rfc822;a+2Bb@acme.example" in server.received[0].recipient_command
    assert "ENVID=E-1" in server.received[0].mail_command


def test_mail_is_encrypted_where_the_settings_say_so(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    ours, theirs = certificate
    with smtp_server(tls_context=ours, require_starttls=True) as server:
        mail = a_mail_server(server, starttls=True, tls_context=theirs)
        assert submit(mail, ENVELOPE, lambda: MESSAGE, StandingClock(NOON)).outcome is Outcome.SENT


def test_nothing_is_sent_in_the_clear_or_to_a_stranger_where_encryption_is_asked_for(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    ours, _ = certificate
    with smtp_server() as server:
        plain = submit(a_mail_server(server, starttls=True), ENVELOPE, lambda: MESSAGE, StandingClock(NOON))
    with smtp_server(tls_context=ours) as stranger:
        untrusted = submit(
            a_mail_server(stranger, starttls=True), ENVELOPE, lambda: MESSAGE, StandingClock(NOON)
        )
    assert (plain.outcome, untrusted.outcome) == (Outcome.DEFERRED, Outcome.DEFERRED)
    assert not server.received
    assert not stranger.received


def _let_in(server: object, session: object, envelope: object, mechanism: str, login: object) -> AuthResult:
    return AuthResult(success=getattr(login, "password", b"") == b"geheim", handled=False)


@pytest.mark.parametrize(("password", "outcome"), [("geheim", Outcome.SENT), ("falsch", Outcome.DEFERRED)])
def test_a_login_is_used_and_its_secret_is_not_kept(password: str, outcome: Outcome) -> None:
    with smtp_server(authenticator=_let_in, auth_required=True, auth_require_tls=False) as server:
        mail = a_mail_server(server, user="notices", password=password)
        done = submit(mail, ENVELOPE, lambda: MESSAGE, StandingClock(NOON))
    assert done.outcome is outcome
    assert "AUTH (not kept)" in done.evidence
    assert password not in repr(mail)
    kept = [line for line in done.evidence.splitlines() if " C: " in line and "AUTH" in line]
    assert all(line.endswith("AUTH (not kept)") for line in kept)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("550 no", Outcome.FAILED), ("552 full", Outcome.FAILED), ("452 full", Outcome.DEFERRED)],
)
def test_a_refusal_is_final_or_not_by_its_first_digit(reply: str, outcome: Outcome) -> None:
    with smtp_server() as server:
        server.data_replies.append(reply)
        done = submit(a_mail_server(server), ENVELOPE, lambda: MESSAGE, StandingClock(NOON))
    assert (done.outcome, done.reply_code) == (outcome, int(reply[:3]))


def test_a_server_without_delivery_reports_is_not_asked_for_them() -> None:
    with smtp_server(enable_SMTPUTF8=False) as server:
        server.offers_reports = False
        submit(a_mail_server(server), ENVELOPE, lambda: MESSAGE, StandingClock(NOON))
    assert "ENVID" not in server.received[0].mail_command
    assert "NOTIFY" not in server.received[0].recipient_command


def test_the_settings_make_the_mail_server() -> None:
    settings = load_settings(
        smtp_port=2525, platform_mode="act", smtp_recipient_domains=["acme.example"], fresh_hours=5
    )
    methods = Deployment(settings).notice_methods
    assert methods.mode is PlatformMode.ACT
    assert methods.give_up_after.total_seconds() == 5 * 3600
    mail = methods.named(EMAIL).server  # type: ignore[attr-defined]
    assert (mail.host, mail.port) == ("127.0.0.1", 2525)
    assert mail.is_the_recipients_own("x@ACME.example")
    assert not mail.is_the_recipients_own("x@acme.example.evil")


def test_an_unusable_sender_is_refused_early() -> None:
    with pytest.raises(BadInputError):
        MailServer("127.0.0.1", 25, mail_from="nobody")
