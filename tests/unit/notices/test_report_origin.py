"""Who vouches for a message besides the return path: our own server, and the recipient's domain by DKIM; no network."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cjp_fraud.notices.report_origin import comes_from_own_server, is_signed_by_domain_of
from tests.delivery_reports import a_report

ADDRESS = "legal@acme.example"
OWN = ("mta.provider.example", "192.0.2.10")
REPORT = a_report("x@provider.example", "delivered")
SIGNED_HEADERS = [b"From", b"To", b"Subject", b"Content-Type"]


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def signed(
    content: bytes, key: RSAPrivateKey, domain: str, headers: list[bytes] = SIGNED_HEADERS, **options: object
) -> bytes:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    line = dkim.sign(content, b"s1", domain.encode(), pem, include_headers=headers, **options)
    return bytes(line) + content


class NameServer:
    """TXT records in memory, asked as dkimpy asks."""

    def __init__(self, key: RSAPrivateKey, *domains: str) -> None:
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
        self.records: Mapping[bytes, bytes] = {f"s1._domainkey.{name}.".encode(): record for name in domains}

    def __call__(self, name: bytes | str, timeout: int = 5) -> bytes | None:
        return self.records.get(name if isinstance(name, bytes) else name.encode())


def test_a_signature_by_another_algorithm_counts_for_nothing_and_does_not_hide_the_one_beside_it(
    key: RSAPrivateKey,
) -> None:
    """Ed25519 (RFC 8463) is not verified here; whoever signs by it signs with RSA too."""
    ed25519 = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=acme.example; s=s2; h=from:to:subject:content-type;"
        b" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
    )
    names = NameServer(key, "acme.example")
    assert is_signed_by_domain_of(ed25519 + signed(REPORT, key, "acme.example"), ADDRESS, names)
    assert not is_signed_by_domain_of(ed25519 + REPORT, ADDRESS, names)


@pytest.mark.parametrize("domain", ["acme.example", "mx.acme.example"])
def test_a_signature_of_the_recipients_domain_vouches(key: RSAPrivateKey, domain: str) -> None:
    content = signed(REPORT, key, domain)
    assert is_signed_by_domain_of(content, ADDRESS, NameServer(key, domain))


def test_a_signature_of_the_domain_above_vouches(key: RSAPrivateKey) -> None:
    content = signed(REPORT, key, "acme.example")
    assert is_signed_by_domain_of(content, "legal@sales.acme.example", NameServer(key, "acme.example"))


@pytest.mark.parametrize(
    "domain", ["evil.example", "notacme.example", "acme.example.evil.example", "example"]
)
def test_a_signature_of_another_domain_does_not(key: RSAPrivateKey, domain: str) -> None:
    content = signed(REPORT, key, domain)
    assert not is_signed_by_domain_of(content, ADDRESS, NameServer(key, domain))


def test_a_changed_body_is_not_signed(key: RSAPrivateKey) -> None:
    content = signed(a_report("x@provider.example", "failed"), key, "acme.example")
    forged = content.replace(b"Action: failed", b"Action: delivered")
    assert not is_signed_by_domain_of(forged, ADDRESS, NameServer(key, "acme.example"))


def test_a_signature_that_leaves_the_end_open_does_not(key: RSAPrivateKey) -> None:
    content = signed(REPORT, key, "acme.example", length=True)
    assert not is_signed_by_domain_of(content, ADDRESS, NameServer(key, "acme.example"))


def test_a_signature_that_leaves_the_content_type_open_does_not(key: RSAPrivateKey) -> None:
    content = signed(REPORT, key, "acme.example", headers=[b"From", b"To", b"Subject"])
    assert not is_signed_by_domain_of(content, ADDRESS, NameServer(key, "acme.example"))


def test_without_a_name_server_nothing_is_signed(key: RSAPrivateKey) -> None:
    assert not is_signed_by_domain_of(signed(REPORT, key, "acme.example"), ADDRESS, None)


@pytest.mark.parametrize(
    "line", [b"DKIM-Signature: \r\n", b"DKIM-Signature: v=1; d=acme.example; h=content-type\r\n"]
)
def test_a_broken_signature_is_none(key: RSAPrivateKey, line: bytes) -> None:
    assert not is_signed_by_domain_of(line + REPORT, ADDRESS, NameServer(key, "acme.example"))


def with_trace(*lines: str) -> bytes:
    return b"".join(f"Received: {line}\r\n".encode() for line in lines) + REPORT


MADE_HERE = "by mta.provider.example (Postfix) id 4711; Mon, 2 Mar 2026 10:00:00 +0000"


@pytest.mark.parametrize(
    "lines",
    [
        (MADE_HERE,),
        ("from mta (localhost [127.0.0.1]) by mta.provider.example with LMTP id 1; Mon", MADE_HERE),
        ("from mta (mta.provider.example [192.0.2.10]) by mta.provider.example with ESMTPA id 1; Mon",),
    ],
)
def test_a_report_made_by_our_own_server_is_vouched_for(lines: tuple[str, ...]) -> None:
    assert comes_from_own_server(with_trace(*lines), "mta.provider.example", OWN)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (
            "from mta.provider.example (evil [198.51.100.9]) by mta.provider.example with ESMTP id 1; Mon",
            MADE_HERE,
        ),
        ("from [192.0.2.10] (evil [198.51.100.9]) by mta.provider.example with ESMTP id 1; Mon", MADE_HERE),
        (
            "from localhost ([127.0.0.1]) by mta.provider.example with ESMTP id 1; Mon",
            "from evil (evil [198.51.100.9]) by mta.provider.example with ESMTP id 2; Mon",
        ),
        ("by mx.acme.example (Postfix) id 1; Mon",),
        ("from x ([192.0.2.10]) by mx.acme.example with ESMTP; Mon",),
    ],
)
def test_a_report_that_anybody_else_had_in_hands_is_not(lines: tuple[str, ...]) -> None:
    assert not comes_from_own_server(with_trace(*lines), "mta.provider.example", OWN)


def test_a_report_about_another_server_is_not_ours() -> None:
    assert not comes_from_own_server(with_trace(MADE_HERE), "mx.acme.example", OWN)
    assert not comes_from_own_server(with_trace(MADE_HERE), None, OWN)


def test_without_the_setting_no_server_is_ours() -> None:
    assert not comes_from_own_server(with_trace(MADE_HERE), "mta.provider.example", ())
