from __future__ import annotations

import json

import pytest

from cjp_fraud.config import PlatformMode, load_settings
from cjp_fraud.errors import BadInputError


def test_out_of_the_box_nothing_leaves_and_everything_is_local() -> None:
    settings = load_settings()
    assert settings.platform_mode is PlatformMode.OBSERVE
    assert settings.database.startswith("sqlite:///var")
    assert settings.lake == "var/lake"
    assert settings.shown()["database_url"] == "sqlite:///var/cjp_fraud.db"


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CJP_FRAUD_DATABASE_URL", "postgresql+psycopg://me:s3cret@db/x?password=s3cret")
    monkeypatch.setenv("CJP_FRAUD_SMTP_PASSWORD", "s3cret")
    monkeypatch.setenv("CJP_FRAUD_LAKE_URL", "s3://key:s3cret@bucket/lake")
    monkeypatch.setenv("CJP_FRAUD_LAKE_STORAGE_OPTIONS", '{"AWS_SECRET_ACCESS_KEY": "s3cret"}')
    assert "s3cret" not in json.dumps(load_settings().shown())


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
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CJP_FRAUD_{name}", value)
    with pytest.raises(BadInputError, match=f"CJP_FRAUD_{name}"):
        load_settings()
