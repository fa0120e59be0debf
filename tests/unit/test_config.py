from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cjp_fraud.cli.printing import print_view
from cjp_fraud.config import PlatformMode, Settings, load_settings
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letter_facts import Sender
from cjp_fraud.review.provider_policy import ProviderPolicy


def test_out_of_the_box_nothing_leaves_and_everything_is_local() -> None:
    settings = load_settings()
    assert settings.platform_mode is PlatformMode.OBSERVE
    assert settings.database.startswith("sqlite:///var")
    assert settings.lake == "var/lake"
    assert settings.shown().database_url == "sqlite:///var/cjp_fraud.db"


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CJP_FRAUD_DATABASE_URL", "postgresql+psycopg://me:s3cret@db/x?password=s3cret")
    monkeypatch.setenv("CJP_FRAUD_SMTP_USER", "me")
    monkeypatch.setenv("CJP_FRAUD_SMTP_PASSWORD", "s3cret")
    monkeypatch.setenv("CJP_FRAUD_LAKE_URL", "s3://key:s3cret@bucket/lake")
    monkeypatch.setenv("CJP_FRAUD_LAKE_STORAGE_OPTIONS", '{"AWS_SECRET_ACCESS_KEY": "s3cret"}')
    shown = load_settings().shown()
    print_view(shown, title="Settings")
    print_view(shown, as_json=True, title="Settings")
    assert "s3cret" not in capsys.readouterr().out + shown.model_dump_json() + repr(shown)


def test_what_is_shown_of_the_settings_is_typed_and_names_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_view(load_settings(smtp_port=465).shown(), as_json=True, title="Settings")
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == list(Settings.model_fields)
    assert (printed["smtp_security"], printed["home"], printed["grid_seconds"]) == ("tls", "var", 300)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRID_SECONDS", "420"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "nonsense"),
        ("PLATFORM_MODE", "shoot"),
        ("NOW", "2026-01-01T00:00:00"),
        ("SMTP_PORT", "70000"),
        ("FALSE_DISCOVERY_RATE", "1.5"),
        ("LAKE_STORAGE_OPTIONS", "notjson"),
        ("LAKE_STORAGE_OPTIONS", '["a list"]'),
        ("LAKE_STORAGE_OPTIONS", '{"region": 1}'),
        ("SMTP_RECIPIENT_DOMAINS", "acme.example"),
        ("SPIKE_MIN_RATIO_BY_CHANNEL", '{"voice": "much"}'),
        ("LAKE_URL", "s3:/x"),
        ("LAKE_URL", "s3://"),
        ("LAKE_URL", "s4://bucket/lake"),
        ("LAKE_URL", ""),
        ("LAKE_URL", "  "),
        ("HOME", ""),
        ("CONTACT", ""),
        ("CONTACT", "notices@cjp-fraud.invalid"),
        ("CONTACT", "Write to: <Notices@cjp-fraud.invalid>"),
        ("CONTACT", "two\nlines"),
        ("CONTACT", "notices+disputes@cjp-fraud.invalid"),
        ("CONTACT", "mailto:Notices%2Bx@CJP-FRAUD.invalid."),
        ("CONTACT", "x"),
        ("CONTACT", "+1 55"),
        ("CONTACT", "the usual people"),
        ("DISPUTE_DAYS", "0"),
        ("DISPUTE_ANSWER_HOURS", "0"),
        ("HOME", " "),
        ("HOME", "\t"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CJP_FRAUD_{name}", value)
    with pytest.raises(BadInputError, match=f"CJP_FRAUD_{name}"):
        load_settings()


def test_letters_name_a_contact_that_is_not_the_senders_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CJP_FRAUD_MAIL_FROM", "notices@provider.example")
    monkeypatch.setenv("CJP_FRAUD_CONTACT", "legal-notices@provider.example, +1 555 0100")
    monkeypatch.setenv("CJP_FRAUD_PROVIDER_NAME", "Example Cloud")
    sender = ProviderPolicy.of(load_settings()).sender
    assert sender == Sender(
        "Example Cloud",
        "notices@provider.example",
        "legal-notices@provider.example, +1 555 0100",
        dispute_days=30,
        answer_hours=72,
    )
    monkeypatch.setenv("CJP_FRAUD_PROVIDER_LEGAL_NAME", "Example Cloud Ltd.")
    assert ProviderPolicy.of(load_settings()).sender.legal_name == "Example Cloud Ltd."


def test_a_sub_address_of_the_sender_is_no_contact_whichever_of_them_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CJP_FRAUD_MAIL_FROM", "notices+out@provider.example")
    monkeypatch.setenv("CJP_FRAUD_CONTACT", "notices@provider.example")
    with pytest.raises(BadInputError, match="the address that letters come from"):
        load_settings()


@pytest.mark.parametrize("contact", ["1 High Street, Reading", "https://provider.example/help", "0800 555"])
def test_a_contact_is_any_way_to_reach_somebody(monkeypatch: pytest.MonkeyPatch, contact: str) -> None:
    monkeypatch.setenv("CJP_FRAUD_CONTACT", contact)
    assert load_settings().contact == contact


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("CJP_FRAUD_PLATFROM_MODE", "CJP_FRAUD_PLATFORM_MODE"),
        ("CJP_FRAUD_DATABASEURL", "CJP_FRAUD_DATABASE_URL"),
        ("cjp_fraud_smtp_hots", "CJP_FRAUD_SMTP_HOST"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_setting(
    monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str
) -> None:
    monkeypatch.setenv(misspelt, "act")
    with pytest.raises(BadInputError, match=f"{misspelt}.*did you mean {meant}"):
        load_settings()


def test_all_faults_of_the_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CJP_FRAUD_PLATFROM_MODE", "act")
    monkeypatch.setenv("CJP_FRAUD_SMTP_PORT", "0")
    with pytest.raises(BadInputError, match=r"SMTP_PORT.*PLATFROM_MODE"):
        load_settings()


def test_a_secret_in_a_setting_that_cannot_be_used_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CJP_FRAUD_LAKE_STORAGE_OPTIONS", "{AWS_SECRET_ACCESS_KEY: s3cret}")
    monkeypatch.setenv("CJP_FRAUD_LAKE_URL", "s3:/key:s3cret@bucket")
    with pytest.raises(BadInputError) as refused:
        load_settings()
    assert "s3cret" not in str(refused.value)


def test_an_object_store_and_a_folder_are_lakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("s3://bucket/lake", "abfss://files@account.dfs.core.windows.net/lake", "/mnt/lake", "./a:b"):
        monkeypatch.setenv("CJP_FRAUD_LAKE_URL", url)
        assert load_settings().shown().lake_url == url


def test_the_settings_are_imported_without_a_database() -> None:
    script = "import sys, cjp_fraud.config; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
