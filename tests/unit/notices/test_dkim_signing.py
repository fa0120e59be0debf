"""Signatures of letters, verified offline with the key record that is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cjp_fraud.notices.methods.dkim_signing import DkimKey
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import WrittenLetter
from cjp_fraud.notices.methods.mail_server import MailServer
from tests import dkim_keys
from tests.dkim_keys import a_dkim_key

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def key() -> DkimKey:
    return a_dkim_key()


def a_letter(subject: str = "Avis, dossier 17", body: str = "Au client\n\n.un point\n") -> WrittenLetter:
    return WrittenLetter("0198c5a2-7f1e-7abc-8def-0123456789ab", "a@acme.example", "fr", subject, body, NOON)


def composed(key: DkimKey, letter: WrittenLetter) -> bytes:
    server = MailServer("127.0.0.1", 25, mail_from="notices@provider.example", signing=key)
    return EmailMethod(server).compose(letter).content


def verifies(message: bytes, key: DkimKey) -> bool:
    return dkim_keys.verifies(message, key.record.name, key.record.text)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Avis, dossier 17", "Au client\n\n.un point\n"),
        ("通話の一時的な制限について " + "長" * 80, "お客様\n\n" + "制限 " * 300),
        ("x", "trailing blanks  \n\n\n"),
    ],
)
def test_a_letter_is_signed_so_that_its_kept_key_record_verifies_it(
    key: DkimKey, subject: str, body: str
) -> None:
    message = composed(key, a_letter(subject, body))
    assert message.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=provider.example;")
    assert verifies(message, key)
    message.decode("ascii")
    lines = message.split(b"\r\n")
    assert all(b"\n" not in line and b"\r" not in line and len(line) <= 998 for line in lines)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"Au client", b"Au Client"),
        (b"Subject: Avis, dossier 17", b"Subject: Avis, dossier 18"),
        (b"To: a@acme.example", b"To: b@acme.example"),
        (b"\r\nFrom: ", b"\r\nFrom: x@evil.example\r\nFrom: "),
        (b"\r\nSubject: ", b"\r\nSubject: Another\r\nSubject: "),
        (b"\r\nDate: ", b"\r\nReply-To: x@evil.example\r\nDate: "),
    ],
)
def test_a_letter_that_was_changed_or_added_to_does_not_verify(
    key: DkimKey, was: bytes, becomes: bytes
) -> None:
    message = composed(key, a_letter())
    assert was in message
    assert not verifies(message.replace(was, becomes, 1), key)


def test_another_keys_record_verifies_nothing(key: DkimKey) -> None:
    other = a_dkim_key(key.selector, key.domain)
    assert not verifies(composed(key, a_letter()), other)


def test_the_same_letter_is_signed_with_the_same_bytes_and_the_letters_date(key: DkimKey) -> None:
    message = composed(key, a_letter())
    assert message == composed(key, a_letter())
    assert f"t={int(NOON.timestamp())};".encode() in message.replace(b"\r\n ", b" ")


def test_the_key_record_stands_where_dns_is_asked_and_holds_no_private_key(key: DkimKey) -> None:
    assert key.record.name == "notices-2026._domainkey.provider.example"
    assert key.record.text.startswith("v=DKIM1; k=rsa; p=MIIB")
    assert "PRIVATE" not in repr(key)


def test_without_a_key_nothing_is_signed() -> None:
    server = MailServer("127.0.0.1", 25, mail_from="notices@provider.example")
    assert b"DKIM-Signature" not in EmailMethod(server).compose(a_letter()).content
