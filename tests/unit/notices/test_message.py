"""The bytes of a notice."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.policy import default

import pytest

from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import WrittenLetter
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.reports.addresses import from_xtext, xtext

NOON = datetime(2015, 4, 2, 12, tzinfo=UTC)
NOTICE_ID = "0198c5a2-7f1e-7abc-8def-0123456789ab"


SERVER = MailServer("127.0.0.1", 25, mail_from="notices@provider.example", sender_name="Éxample Cloud, Inc.")


def a_message(
    subject: str = "Avis de restriction temporaire de votre service, dossier 17 " + "é" * 60,
) -> bytes:
    letter = WrittenLetter(
        notice_id=NOTICE_ID,
        address="notices@acme.example",
        language="fr",
        subject=subject,
        body="Au client\n\n.une ligne avec un point\n" + "très long " * 200 + "\n",
        dated=NOON,
    )
    composed = EmailMethod(SERVER).compose(letter)
    assert composed.reference == f"<{NOTICE_ID}@provider.example>"
    return composed.content


def test_it_is_read_back_as_it_was_meant() -> None:
    message = email.message_from_bytes(a_message(), policy=default)
    assert message["To"] == "notices@acme.example"
    assert message["Message-ID"] == f"<{NOTICE_ID}@provider.example>"
    assert message["Date"].datetime == NOON
    assert message["From"].addresses[0].display_name == "Éxample Cloud, Inc."
    assert message["Subject"].endswith("é" * 60)
    assert message["Content-Language"] == "fr"
    content = message.get_content().replace("\r\n", "\n")
    assert content.startswith("Au client\n\n.une ligne avec un point\ntrès long")


def test_it_is_ascii_with_crlf_lines_of_a_length_that_every_server_takes() -> None:
    content = a_message()
    content.decode("ascii")
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert all(b"\n" not in line and b"\r" not in line and len(line) <= 998 for line in lines)


def test_nothing_marks_it_as_bulk_or_made_by_a_machine() -> None:
    names = {name.lower() for name in email.message_from_bytes(a_message()).keys()}  # noqa: SIM118 -- headers, with keys()
    assert not names & {
        "precedence",
        "list-id",
        "list-unsubscribe",
        "auto-submitted",
        "x-auto-response-suppress",
    }


def test_the_text_stands_in_the_body_and_nothing_in_it_is_fetched_when_it_is_looked_at() -> None:
    message = email.message_from_bytes(a_message(), policy=default)
    assert not message.is_multipart()
    assert message.get_content_type() == "text/plain"
    assert message["Disposition-Notification-To"] is None


def test_the_same_notice_gives_the_same_bytes() -> None:
    assert a_message() == a_message()


@pytest.mark.parametrize("subject", ["one\ntwo", "one\r\nBcc: x@y.example"])
def test_a_line_break_cannot_add_a_header(subject: str) -> None:
    with pytest.raises(ValueError):
        a_message(subject=subject)


@pytest.mark.parametrize("text", ["a+b=c@d.example", "plain@x.example", "sp ace"])
def test_xtext_is_read_back(text: str) -> None:
    assert from_xtext(xtext(text)) == text
    assert "=" not in xtext(text)
