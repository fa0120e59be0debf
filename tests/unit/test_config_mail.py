"""Settings of mail that contradict each other are refused before anything is done, with what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cjp_fraud.config import Settings, load_settings
from cjp_fraud.config_mail import SmtpSecurity
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.methods.mail_server import mail_server
from tests.certificates import a_certificate

ELSEWHERE = "smtp.provider.example"


def a_key_file(folder: Path, *options: str) -> Path:
    file = folder / "dkim.pem"
    command = ["openssl", "genpkey", "-out", str(file), *(options or ("-algorithm", "RSA"))]
    subprocess.run(command, check=True, capture_output=True)
    return file


@pytest.mark.parametrize(
    ("host", "port", "security"),
    [
        (ELSEWHERE, 25, SmtpSecurity.STARTTLS),
        (ELSEWHERE, 587, SmtpSecurity.STARTTLS),
        (ELSEWHERE, 465, SmtpSecurity.TLS),
        ("127.0.0.1", 465, SmtpSecurity.TLS),
        ("127.0.0.1", 25, SmtpSecurity.NONE),
        ("::1", 2525, SmtpSecurity.NONE),
        ("localhost", 587, SmtpSecurity.NONE),
        ("localhost.provider.example", 25, SmtpSecurity.STARTTLS),
    ],
)
def test_a_certificate_is_verified_by_default_except_on_this_machine(
    host: str, port: int, security: SmtpSecurity
) -> None:
    settings = load_settings(smtp_host=host, smtp_port=port)
    assert settings.smtp_security_in_force is security
    assert settings.shown().smtp_security is security


@pytest.mark.parametrize("security", ["none", "opportunistic"])
@pytest.mark.parametrize("in_file", [False, True])
def test_a_password_leaves_this_machine_only_over_a_verified_connection(
    tmp_path: Path, security: str, in_file: bool
) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    password = {"smtp_password_file": tmp_path / "password"} if in_file else {"smtp_password": "s3cret"}
    with pytest.raises(
        BadInputError, match=r"CJP_FRAUD_SMTP_SECURITY: .*another machine.*set tls or starttls"
    ) as told:
        load_settings(smtp_host=ELSEWHERE, smtp_user="me", smtp_security=security, **password)
    assert "s3cret" not in str(told.value) + repr(told.value.__cause__)
    for host, allowed in ((ELSEWHERE, "tls"), (ELSEWHERE, "starttls"), ("127.0.0.1", security)):
        settings = load_settings(smtp_host=host, smtp_user="me", smtp_security=allowed, **password)
        assert settings.smtp_secret == "s3cret"


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"smtp_user": "me"}, "SMTP_PASSWORD: not set"),
        ({"smtp_password": "s3cret"}, "SMTP_USER: not set"),
        ({"smtp_user": "me", "smtp_password": ""}, "SMTP_PASSWORD: empty"),
        ({"smtp_security": "ssl"}, "SMTP_SECURITY: Input should be"),
        ({"dkim_domain": "provider.example"}, "DKIM_DOMAIN: set, and there is no DKIM_KEY_FILE"),
        ({"dkim_selector": "s1"}, "DKIM_KEY_FILE: not set"),
        ({"dkim_selector": "s 1"}, "DKIM_SELECTOR: 's 1' is no selector"),
    ],
)
def test_half_of_what_belongs_together_is_refused(chosen: dict[str, str], told: str) -> None:
    with pytest.raises(BadInputError, match=f"CJP_FRAUD_{told}") as refused:
        load_settings(**chosen)
    assert "s3cret" not in str(refused.value)


def test_a_password_comes_from_one_place(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    with pytest.raises(BadInputError, match="SMTP_PASSWORD_FILE: SMTP_PASSWORD is set too"):
        load_settings(smtp_user="me", smtp_password="other", smtp_password_file=file)


@pytest.mark.parametrize("name", ["smtp_password_file", "smtp_ca_file", "dkim_key_file"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe nonsense"])
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    others = {
        "smtp_password_file": {"smtp_user": "me"},
        "smtp_ca_file": {"smtp_security": "tls"},
        "dkim_key_file": {"dkim_selector": "s1"},
    }
    with pytest.raises(BadInputError, match=f"CJP_FRAUD_{name.upper()}: {file} ") as told:
        load_settings(**others[name], **{name: file})
    assert "nonsense" not in str(told.value)


def test_roots_are_refused_where_nothing_is_verified(tmp_path: Path) -> None:
    roots = a_certificate(tmp_path).file
    with pytest.raises(BadInputError, match="SMTP_CA_FILE: set, and with SMTP_SECURITY opportunistic"):
        load_settings(smtp_security="opportunistic", smtp_ca_file=roots)
    assert mail_server(load_settings(smtp_security="tls", smtp_ca_file=roots)).ca_file == roots


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("-algorithm", "ED25519"), "is not RSA"),
        (("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768"), "has 768 bits"),
        (("-algorithm", "RSA", "-aes256", "-pass", "pass:s3cret"), "is encrypted"),
    ],
)
def test_a_key_that_may_not_sign_is_refused(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadInputError, match=f"CJP_FRAUD_DKIM_KEY_FILE: .*{told}"):
        load_settings(dkim_key_file=a_key_file(tmp_path, *options), dkim_selector="s1")


def signing(file: Path, mail_from: str, domain: str | None) -> Settings:
    return load_settings(mail_from=mail_from, dkim_key_file=file, dkim_selector="s1", dkim_domain=domain)


def test_the_domain_that_signs_is_the_senders_or_above_it(tmp_path: Path) -> None:
    file = a_key_file(tmp_path)
    for mail_from, domain, signed_by in (
        ("notices@provider.example", None, "provider.example"),
        ("notices@Mail.Provider.example", "provider.example", "provider.example"),
        ("notices@mail.provider.example", None, "mail.provider.example"),
    ):
        key = mail_server(signing(file, mail_from, domain)).signing
        assert key is not None
        assert key.record.name == f"s1._domainkey.{signed_by}"
    for mail_from, domain in (
        ("notices@provider.example", "other.example"),
        ("notices@provider.example", "mail.provider.example"),
        ("notices@notprovider.example", "provider.example"),
        ("notices@provider.example", "example"),
    ):
        with pytest.raises(BadInputError, match=f"CJP_FRAUD_DKIM_DOMAIN: {domain} "):
            signing(file, mail_from, domain)
