"""Settings from the environment (``CJP_FRAUD_*``); read at the edges only (command line, DAGs, web)."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cjp_fraud.errors import BadInputError

PREFIX = "CJP_FRAUD_"

UNNAMED_PROVIDER: Final = "The provider"
"""What stands in the place of the provider's name where none is set; no notice leaves under it."""

_SHORTEST_CONTACT: Final = 5
"""Letters and digits that a telephone number or an address has at least."""

NOT_SETTINGS = frozenset({"CJP_FRAUD_SHARED_DATA"})
"""Variables of this prefix that are no settings: where the tests find the full real sample."""

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "file")
"""Schemes of a lake's URL."""

_NAMES_A_SECRET = re.compile("pass|secret|token|key", re.IGNORECASE)


def _json_document(value: Any) -> Any:
    """Parse a setting that is written as JSON in the environment."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('not JSON; write an object as {"name": "value"}, a list as ["a", "b"]') from None


def _not_empty(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("empty; give a folder (. is the current one), or unset the variable")
    return value


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("it must be one line of text, and not empty")
    return text.strip()


def _hex_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2}){32,}", key.get_secret_value()):
        raise ValueError("it must be 64 hex digits or more (openssl rand -hex 32)")
    return key


_Json = (NoDecode, BeforeValidator(_json_document))
_NotEmpty = BeforeValidator(_not_empty)


class PlatformMode(StrEnum):
    """``observe``: neither notice nor command leaves; ``act``: both do."""

    OBSERVE = "observe"
    ACT = "act"


class PlatformKind(StrEnum):
    """Which platform takes the commands; only the embedded one exists so far."""

    EMBEDDED = "embedded"


class ImapSecurity(StrEnum):
    """How the connection to the mailbox is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class Settings(BaseSettings):
    """All settings of a deployment, validated; units are in the names or the descriptions."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Annotated[Path, _NotEmpty] = Field(
        Path("var"), description="folder of the embedded database, lake, models and outbox"
    )
    database_url: SecretStr | None = Field(None, description="SQLAlchemy URL; SQLite in the home by default")
    lake_url: Annotated[str | None, _NotEmpty] = Field(
        None, description="folder or object-store URL of the lake; in the home by default"
    )
    lake_storage_options: Annotated[dict[str, SecretStr], *_Json] = Field(
        default_factory=dict, description="object-store options"
    )
    lake_buckets: Annotated[int, Field(ge=1, le=4096)] = Field(
        16, description="tenant buckets, fixed at init"
    )
    grid_seconds: int = Field(300, description="grid of the traffic table, seconds, divides an hour")

    initial_threshold: Annotated[float, Field(gt=0)] = Field(
        2.4, description="score of a flag before there are four weeks of scores"
    )
    spike_min_contacts: Annotated[float, Field(ge=0)] = Field(5.0, description="least excess, contacts")
    spike_min_ratio: Annotated[float, Field(ge=0)] = Field(0.1, description="least excess over the baseline")
    spike_min_contacts_by_channel: Annotated[dict[str, float], *_Json] = Field(default_factory=dict)
    spike_min_ratio_by_channel: Annotated[dict[str, float], *_Json] = Field(default_factory=dict)
    cases_per_day: Annotated[float, Field(gt=0)] = Field(
        20.0,
        description="budget of new cases a day, whole deployment; the next Monday's threshold follows it",
    )
    episodes_per_series_week: Annotated[float, Field(gt=0)] = Field(
        0.5, description="budget of episodes per series and week; the next Monday's threshold follows it"
    )
    cases_per_hour: Annotated[int, Field(ge=1)] = Field(
        20, description="most new cases of one UTC hour of flags; the rest goes to the overflow list"
    )
    trial_tenants: Annotated[int, Field(ge=0, le=2000)] = Field(
        100, description="simulated tenants on which a new model version is tried; 0: on decided cases only"
    )

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
    smtp_recipient_domains: Annotated[list[str], *_Json] = Field(
        default_factory=list,
        description="domains whose own mail server smtp_host is (250 = accepted by recipient)",
    )
    feeds: Annotated[list[Annotated[str, Field(pattern=r"^[a-z0-9._-]{2,64}$")]], *_Json] = Field(
        default_factory=list, description="feeds that may load tenants (tenants load --feed NAME)"
    )

    heads_url: Annotated[str | None, _NotEmpty] = Field(
        None, description="second place of signed heads: folder or fsspec URL; heads/ in the home by default"
    )
    heads_storage_options: Annotated[dict[str, SecretStr], *_Json] = Field(
        default_factory=dict, description="options of its file system, in fsspec's names"
    )
    heads_mail_to: Annotated[str | None, _NotEmpty] = Field(
        None, description="address that signed heads are mailed to (counsel)"
    )

    tsa_url: Annotated[str | None, _NotEmpty] = Field(
        None, description="RFC 3161 time stamp authority, asked about each exported bundle; null: none is"
    )
    tsa_roots: Annotated[Path | None, _NotEmpty] = Field(
        None,
        description="PEM file of the roots that its certificate must lead to; null: not asked at the export",
    )
    tsa_timeout_seconds: Annotated[float, Field(gt=0)] = 20.0

    mail_from: str = Field("notices@cjp-fraud.invalid", description="From and envelope domain of notices")
    provider_name: str = UNNAMED_PROVIDER
    provider_legal_name: Annotated[str, AfterValidator(_one_line)] | None = Field(
        None, description="legal name of the provider in letters; its name by default; needed in act"
    )
    contact: Annotated[str, AfterValidator(_one_line)] | None = Field(
        None,
        description="telephone, postal or mail address in letters, not the one that they come from; needed in act",
    )
    postal_address: Annotated[str, AfterValidator(_one_line)] | None = Field(
        None, description="postal address of the provider on letters, a line with commas, the country last"
    )
    fonts: Annotated[Path | None, _NotEmpty] = Field(
        None,
        description="folder of fonts for letters as PDF, beside those of the Debian packages fonts-noto-*",
    )
    print_folder: Annotated[Path | None, _NotEmpty] = Field(
        None, description="folder from which a printer takes letters; notices by letter are served through it"
    )
    print_url: Annotated[str | None, _NotEmpty] = Field(
        None, description="interface of a company that prints and posts letters, https; in the folder's place"
    )
    print_token: SecretStr | None = Field(None, description="bearer token of that interface")
    dispute_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        30, description="how long after its date a letter may be disputed, days"
    )
    dispute_answer_hours: Annotated[int, Field(ge=1, le=8760)] = Field(
        72, description="within how many hours letters say that a dispute is decided"
    )

    return_path_key: Annotated[SecretStr, AfterValidator(_hex_key)] | None = Field(
        None, description="key of the return paths, 64 hex digits or more; a file in the home by default"
    )
    own_mail_servers: Annotated[list[str], *_Json] = Field(
        default_factory=list,
        description="names and addresses of our mail servers, whose reports over the local hop count",
    )
    bounce_maildir: Annotated[Path | None, _NotEmpty] = Field(
        None, description="Maildir folder that receives what comes back (notices collect)"
    )
    imap_host: Annotated[str | None, _NotEmpty] = Field(
        None, description="IMAP server of the mailbox that receives what comes back (notices collect)"
    )
    imap_port: Annotated[int, Field(ge=1, le=65535)] = 993
    imap_user: str | None = None
    imap_password: SecretStr | None = None
    imap_folder: str = "INBOX"
    imap_security: ImapSecurity = Field(
        ImapSecurity.TLS, description="tls from the start, starttls, or none (this machine only)"
    )
    imap_timeout_seconds: Annotated[float, Field(gt=0)] = 30.0

    now: AwareDatetime | None = Field(
        None, description="moves a simulated clock forward to this moment; refused in any other home"
    )

    @field_validator("contact")
    @classmethod
    def _is_not_the_senders_address(cls, contact: str | None, info: ValidationInfo) -> str | None:
        if contact is None:
            return None
        sender = str(info.data.get("mail_from", ""))
        if _mailbox(sender) in {_mailbox(word) for word in re.findall(r"[^\s,;:<>()\"']+", contact)}:
            raise ValueError(
                f"it is the address that letters come from ({sender}); give another one, or a telephone number"
            )
        if sum(map(str.isalnum, contact)) < _SHORTEST_CONTACT or not re.search(r"\d|@|://", contact):
            raise ValueError("nobody is reached by it; give a telephone number, or a postal or mail address")
        return contact

    @field_validator("imap_security")
    @classmethod
    def _is_protected(cls, security: ImapSecurity, info: ValidationInfo) -> ImapSecurity:
        host = info.data.get("imap_host")
        if security is ImapSecurity.NONE and host is not None and not _is_loopback(host):
            raise ValueError(f"{host} is another machine, and a mailbox is read unprotected on this one only")
        return security

    @field_validator("print_url")
    @classmethod
    def _is_a_web_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        if not safe or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not an interface's URL; write https://HOST/PATH (http on this machine alone)")
        return url

    @field_validator("grid_seconds")
    @classmethod
    def _divides_an_hour(cls, seconds: int) -> int:
        if not 60 <= seconds <= 3600 or 3600 % seconds:
            raise ValueError(f"grid_seconds is {seconds}; it must divide an hour and be 60 to 3600")
        return seconds

    @field_validator("tsa_url")
    @classmethod
    def _is_an_http_url(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("not a URL of HTTP; write https://HOST/PATH, as the authority gives it")
        return url

    @field_validator("lake_url")
    @classmethod
    def _is_a_folder_or_an_object_store(cls, url: str | None) -> str | None:
        if url is None or not re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
            return url
        parts = urlsplit(url)
        if "://" not in url or not (parts.netloc or parts.scheme == "file"):
            raise ValueError(
                "not a lake's URL; write s3://BUCKET/FOLDER, or ./NAME for a folder with a colon"
            )
        if parts.scheme not in OBJECT_STORES:
            raise ValueError(
                f"{parts.scheme}:// is no known object store; use one of {', '.join(OBJECT_STORES)}"
            )
        return url

    @field_validator("database_url")
    @classmethod
    def _is_a_database_url(cls, url: SecretStr | None) -> SecretStr | None:
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

    @property
    def reaches_outside(self) -> str | None:
        """Which setting leads out of this machine, so that no simulated clock may be used; None: none does."""
        if self.platform_kind is not PlatformKind.EMBEDDED:
            return "CJP_FRAUD_PLATFORM_KIND"
        if not _is_loopback(self.smtp_host):
            return "CJP_FRAUD_SMTP_HOST"
        if self.imap_host is not None and not _is_loopback(self.imap_host):
            return "CJP_FRAUD_IMAP_HOST"
        if self.print_url is not None and not _is_loopback(urlsplit(self.print_url).hostname or ""):
            return "CJP_FRAUD_PRINT_URL"
        if "://" in self.heads and not self.heads.startswith("file://"):
            return "CJP_FRAUD_HEADS_URL"
        if self.tsa_url is not None and not _is_loopback(urlsplit(self.tsa_url).hostname or ""):
            return "CJP_FRAUD_TSA_URL"
        return None

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
    def sender_legal_name(self) -> str:
        """Name under which the provider writes letters."""
        return self.provider_legal_name or self.provider_name

    @property
    def heads(self) -> str:
        """Folder or URL of the second place of signed heads in force."""
        return self.heads_url or str(self.home / "heads")

    @property
    def heads_are_beside_the_database(self) -> bool:
        """Whether that place lies in the home, where whoever rewrites the log can remove it too."""
        folder = self.heads.removeprefix("file://")
        return "://" not in folder and Path(folder).resolve().is_relative_to(self.home.resolve())

    @property
    def key_folder(self) -> Path:
        """Folder of the keys that sign the head of the log."""
        return self.home / "keys"

    @property
    def model_folder(self) -> Path:
        """Folder of the stored model versions."""
        return self.home / "models"

    @property
    def fresh(self) -> timedelta:
        """How long an approval and a notice stay fresh."""
        return timedelta(hours=self.fresh_hours)

    def shown(self) -> ShownSettings:
        """Return every setting in force, with secrets masked."""
        in_force = {"database_url": self.database, "lake_url": self.lake, "heads_url": self.heads}
        return ShownSettings.model_construct(
            **dict(self) | {name: masked_url(url) for name, url in in_force.items()}
        )


class ShownSettings(Settings):
    """Settings for people to read: the URLs in force, without their secrets."""

    database_url: str  # type: ignore[assignment]
    lake_url: str
    heads_url: str


def _mailbox(address: str) -> str:
    """Return a mail address so that two forms of one mailbox are equal: without capitals and sub-address (``+tag``)."""
    plain = unicodedata.normalize("NFKC", unquote(address)).casefold()
    local, _, domain = plain.rpartition("@")
    return f"{local.partition('+')[0]}@{domain.rstrip('.')}"


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name alone; what a name server says of it does not count."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def masked_url(url: str) -> str:
    """Return ``url`` without its password and without the values of options that name a secret."""
    if "://" not in url:
        return url
    from sqlalchemy.engine import make_url  # inside: rules import this module and need no database

    parsed = make_url(url)
    secrets = {name: "..." for name in parsed.query if _NAMES_A_SECRET.search(name)}
    return parsed.update_query_dict(secrets).render_as_string(hide_password=True)


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; ``overrides`` win.

    Raises
    ------
    BadInputError
        Names each variable that cannot be used and why, and each that is no setting with the nearest that is.
    """
    unknown = _unknown_variables(os.environ)
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        unusable = [
            f"{PREFIX}{'_'.join(str(part) for part in row['loc'][:1]).upper() or 'settings'}: "
            f"{row['msg'].removeprefix('Value error, ')}"
            for row in error.errors()
        ]
        raise BadInputError("settings cannot be used: " + "; ".join(unusable + unknown)) from error
    if unknown:
        raise BadInputError("settings cannot be used: " + "; ".join(unknown))
    return settings


def _unknown_variables(names: Iterable[str]) -> list[str]:
    """Return a sentence for each variable that has the prefix and is no setting."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    sentences = []
    for name in sorted(names):
        if not name.upper().startswith(PREFIX) or name.upper() in known | NOT_SETTINGS:
            continue
        near = get_close_matches(name.upper(), known, n=1)
        advice = f"did you mean {near[0]}?" if near else "cjp-fraud config show lists them"
        sentences.append(f"{name}: there is no such setting; {advice}")
    return sentences
