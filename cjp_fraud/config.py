"""Settings from the environment (``CJP_FRAUD_*``); read at the edges only (command line, DAGs, web)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import AwareDatetime, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cjp_fraud.errors import BadInputError

PREFIX = "CJP_FRAUD_"


class PlatformMode(StrEnum):
    """``observe``: neither notice nor command leaves; ``act``: both do."""

    OBSERVE = "observe"
    ACT = "act"


class PlatformKind(StrEnum):
    """Which platform takes the commands; only the embedded one exists so far."""

    EMBEDDED = "embedded"


class Settings(BaseSettings):
    """All settings of a deployment, validated; units are in the names or the descriptions."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Field(Path("var"), description="folder of the embedded database, lake, models and outbox")
    database_url: SecretStr | None = Field(None, description="SQLAlchemy URL; SQLite in the home by default")
    lake_url: str | None = Field(
        None, description="folder or object-store URL of the lake; in the home by default"
    )
    lake_storage_options: dict[str, SecretStr] = Field(
        default_factory=dict, description="object-store options"
    )
    lake_buckets: Annotated[int, Field(ge=1, le=4096)] = Field(
        16, description="tenant buckets, fixed at init"
    )
    grid_seconds: int = Field(300, description="grid of the traffic table, seconds, divides an hour")

    false_discovery_rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="q of an hour's family"
    )
    initial_threshold: Annotated[float, Field(gt=0)] = Field(
        3.6, description="score before the first training"
    )
    spike_min_contacts: Annotated[float, Field(ge=0)] = Field(5.0, description="least excess, contacts")
    spike_min_ratio: Annotated[float, Field(ge=0)] = Field(1.0, description="least excess over the baseline")
    spike_min_contacts_by_channel: dict[str, float] = Field(default_factory=dict)
    spike_min_ratio_by_channel: dict[str, float] = Field(default_factory=dict)
    new_cases_per_hour: Annotated[int, Field(ge=1)] = Field(20, description="cap, by the flag's UTC hour")

    platform_mode: PlatformMode = PlatformMode.OBSERVE
    platform_kind: PlatformKind = PlatformKind.EMBEDDED
    measure_review_hours: Annotated[int, Field(ge=1)] = Field(
        72, description="review date of a measure, hours"
    )
    proposal_expires_hours: Annotated[int, Field(ge=1)] = Field(72, description="unapproved proposals expire")
    fresh_hours: Annotated[int, Field(ge=1)] = Field(72, description="approval and notice stay fresh")

    smtp_host: str = "127.0.0.1"
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 25
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = False
    smtp_timeout_seconds: Annotated[float, Field(gt=0)] = 30.0
    smtp_recipient_domains: list[str] = Field(
        default_factory=list,
        description="domains whose own mail server smtp_host is (250 = accepted by recipient)",
    )
    mail_from: str = Field("notices@cjp-fraud.invalid", description="From and envelope domain of notices")
    provider_name: str = "The provider"

    now: AwareDatetime | None = Field(None, description="simulated clock; embedded platform only")

    @field_validator("grid_seconds")
    @classmethod
    def _divides_an_hour(cls, seconds: int) -> int:
        if not 60 <= seconds <= 3600 or 3600 % seconds:
            raise ValueError(f"grid_seconds is {seconds}; it must divide an hour and be 60 to 3600")
        return seconds

    @field_validator("database_url")
    @classmethod
    def _is_a_database_url(cls, url: SecretStr | None) -> SecretStr | None:
        from sqlalchemy.engine import make_url  # here, since rules import this module's enums
        from sqlalchemy.exc import ArgumentError

        if url is not None:
            from sqlalchemy.engine import make_url  # inside: rules import this module and need no database
            from sqlalchemy.exc import ArgumentError

            try:
                backend = make_url(url.get_secret_value()).get_backend_name()
            except ArgumentError:
                raise ValueError(
                    "not a SQLAlchemy URL (sqlite:///FILE or postgresql+psycopg://...)"
                ) from None
            if backend not in ("sqlite", "postgresql"):
                raise ValueError(f"database {backend!r} is not served; use sqlite or postgresql+psycopg")
        return url

    @model_validator(mode="after")
    def _clock_is_simulated_only_where_nothing_real_happens(self) -> Self:
        if self.now is not None and self.acts_for_real:
            raise ValueError(
                "CJP_FRAUD_NOW is refused when acting on a platform that is not the embedded one"
            )
        return self

    @property
    def acts_for_real(self) -> bool:
        """Whether commands go to a platform outside this process's own database."""
        return self.platform_mode is PlatformMode.ACT and self.platform_kind is not PlatformKind.EMBEDDED

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force, with its password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'cjp_fraud.db'}"

    @property
    def lake(self) -> str:
        """Folder or URL of the lake in force."""
        return self.lake_url or str(self.home / "lake")

    @property
    def model_folder(self) -> Path:
        """Folder of the stored model versions."""
        return self.home / "models"

    @property
    def fresh(self) -> timedelta:
        """How long an approval and a notice stay fresh."""
        return timedelta(hours=self.fresh_hours)

    def clock(self, real: datetime) -> datetime:
        """Return the simulated clock where one is set, else ``real`` (aware)."""
        return self.now or real

    def shown(self) -> dict[str, Any]:
        """Return every setting in force with secrets masked, ready for printing as JSON."""
        rows = self.model_dump(mode="json")
        rows["database_url"] = masked_url(self.database)
        rows["lake_url"] = masked_url(self.lake)
        return rows


def masked_url(url: str) -> str:
    """Return ``url`` without its password and without the values of options that name a secret."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    login = f"{user.partition(':')[0]}:***" if ":" in user else user
    options = [
        (name, "***" if any(word in name.lower() for word in ("pass", "secret", "token", "key")) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    query = f"?{urlencode(options, safe='*/')}" if options else ""
    return f"{parts.scheme}://{login}{at}{host}{parts.path}{query}"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; ``overrides`` win.

    Raises
    ------
    BadInputError
        Names each variable that cannot be used and why.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        rows = [
            f"{PREFIX}{'_'.join(str(part) for part in row['loc']).upper() or 'settings'}: {row['msg']}"
            for row in error.errors()
        ]
        raise BadInputError("settings cannot be used: " + "; ".join(rows)) from error
