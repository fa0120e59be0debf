"""What goes over the line of a letter by email, what its replies mean, and from which settings the server comes."""

from __future__ import annotations

import pytest

from cjp_fraud.clock import StandingClock
from cjp_fraud.config import PlatformMode, load_settings
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.methods.smtp_dialogue import submit
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.model import Outcome
from tests.contract_builders import NOON
from tests.mail_servers import smtp_server
from tests.notice_builders import a_mail_server

ENVELOPE = Envelope("bounce+abc@provider.example", "a+b@acme.example", "E-1")
MESSAGE = b"Subject: x\r\n\r\nfirst\r\n.second\r\n..third\r\n"


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
