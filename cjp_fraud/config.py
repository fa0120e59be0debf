"""Settings from the environment (``CJP_FRAUD_*``); read at the edges only (command line, DAGs, web)."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from cjp_fraud.config_mail import MailSettings
from cjp_fraud.config_storage import StorageSettings
from cjp_fraud.config_values import PREFIX, Json, NotEmpty, hex_key, is_loopback, masked_url, one_line
from cjp_fraud.errors import BadInputError

UNNAMED_PROVIDER: Final = "The provider"
"""What stands in the place of the provider's name where none is set; no notice leaves under it."""

_SHORTEST_CONTACT: Final = 5
"""Letters and digits that a telephone number or an address has at least."""

NOT_SETTINGS = frozenset({"CJP_FRAUD_SHARED_DATA"})
"""Variables of this prefix that are no settings: where the tests find the full real sample."""


class PlatformMode(StrEnum):
    """``observe``: neither notice nor command leaves; ``act``: both do."""

    OBSERVE = "observe"
    ACT = "act"


class PersonFigures(StrEnum):
    """Whether figures of single persons are shown: not at all, or under names that are not theirs."""

    OFF = "off"
    PSEUDONYMOUS = "pseudonymous"


class PlatformKind(StrEnum):
    """Which platform takes the commands; only the embedded one exists so far."""

    EMBEDDED = "embedded"


class Settings(MailSettings, StorageSettings):
    """All settings of a deployment, validated; units are in the names or the descriptions."""

    initial_threshold: Annotated[float, Field(gt=0)] = Field(
        2.4, description="score of a flag before there are four weeks of scores"
    )
    spike_min_contacts: Annotated[float, Field(ge=0)] = Field(5.0, description="least excess, contacts")
    spike_min_ratio: Annotated[float, Field(ge=0)] = Field(0.1, description="least excess over the baseline")
    spike_min_contacts_by_channel: Annotated[dict[str, float], *Json] = Field(default_factory=dict)
    spike_min_ratio_by_channel: Annotated[dict[str, float], *Json] = Field(default_factory=dict)
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

    offers_dir: Annotated[Path | None, NotEmpty] = Field(
        None, description="folder of further versions of the offer description, a TOML file each"
    )

    platform_mode: PlatformMode = PlatformMode.OBSERVE
    platform_kind: PlatformKind = PlatformKind.EMBEDDED
    measure_review_hours: Annotated[int, Field(ge=1)] = Field(
        72, description="review date of a measure, hours"
    )
    proposal_expires_hours: Annotated[int, Field(ge=1)] = Field(72, description="unapproved proposals expire")
    fresh_hours: Annotated[int, Field(ge=1)] = Field(72, description="approval and notice stay fresh")

    lease_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        20, description="how long a claim of a case lasts from its last use, minutes"
    )
    handed_minutes: Annotated[int, Field(ge=1, le=10080)] = Field(
        240, description="how long a case that was handed to somebody waits for them, minutes"
    )
    service_minutes: Annotated[int, Field(ge=1)] = Field(
        60,
        description="within what time a case should be decided; it stands still while the customer is waited for",
    )

    approval_code_minutes: Annotated[int, Field(ge=0, le=1440)] = Field(
        60, description="how old the second factor of a session may be at an approval on the pages, minutes"
    )
    queue_url: Annotated[str | None, NotEmpty] = Field(
        None, description="where staff reach the review queue (https://HOST); pages to who is on call name it"
    )
    attachment_megabytes: Annotated[int, Field(ge=1, le=20)] = Field(
        10, description="how large a file may be that is attached to a case, MB"
    )
    attachments_per_case: Annotated[int, Field(ge=0, le=20)] = Field(
        20, description="how many files may be attached to a case; 0: none"
    )
    bulk_undo_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        15, description="how long a bulk dismissal can be undone, minutes"
    )
    second_reading_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.05, description="share of closed cases that a second reader sees who does not know the decision"
    )
    control_tenants_per_week: Annotated[int, Field(ge=0, le=10_000)] = Field(
        10, description="tenants without a flag that are read each week, to estimate what is missed"
    )
    figures_of_persons: PersonFigures = Field(
        PersonFigures.OFF, description="figures of single readers on the page Quality: off or pseudonymous"
    )

    oidc_issuer: Annotated[str | None, NotEmpty] = Field(
        None,
        description="OpenID Connect provider by which staff sign in; null: with a password and a code here",
    )
    oidc_client_id: Annotated[str, NotEmpty] = "cjp-fraud"
    oidc_client_secret: SecretStr | None = None
    oidc_redirect_url: Annotated[str | None, NotEmpty] = Field(
        None, description="address of this queue with /sign-in/provider/done, as it is known to the provider"
    )
    oidc_user_claim: Annotated[str, NotEmpty] = Field(
        "sub", description="claim that holds the account of a user (users create --identity account:VALUE)"
    )
    oidc_acr: Annotated[list[str], *Json] = Field(
        default_factory=list, description="authentication classes (acr) of which one is asked for; empty: any"
    )
    oidc_roles_claim: Annotated[str, NotEmpty] = "groups"
    oidc_roles: Annotated[
        dict[str, list[Literal["analyst", "reviewer", "approver", "counsel", "auditor", "admin"]]], *Json
    ] = Field(
        default_factory=dict,
        description="value of that claim → roles; those that are named here follow the provider at each sign-in",
    )

    feeds: Annotated[list[Annotated[str, Field(pattern=r"^[a-z0-9._-]{2,64}$")]], *Json] = Field(
        default_factory=list, description="feeds that may load tenants (tenants load --feed NAME)"
    )

    tsa_url: Annotated[str | None, NotEmpty] = Field(
        None, description="RFC 3161 time stamp authority, asked about each exported bundle; null: none is"
    )
    tsa_roots: Annotated[Path | None, NotEmpty] = Field(
        None,
        description="PEM file of the roots that its certificate must lead to; null: not asked at the export",
    )
    tsa_timeout_seconds: Annotated[float, Field(gt=0)] = 20.0

    provider_name: str = UNNAMED_PROVIDER
    provider_legal_name: Annotated[str, AfterValidator(one_line)] | None = Field(
        None, description="legal name of the provider in letters; its name by default; needed in act"
    )
    contact: Annotated[str, AfterValidator(one_line)] | None = Field(
        None,
        description="telephone, postal or mail address in letters, not the one that they come from; needed in act",
    )
    postal_address: Annotated[str, AfterValidator(one_line)] | None = Field(
        None, description="postal address of the provider on letters, a line with commas, the country last"
    )
    fonts: Annotated[Path | None, NotEmpty] = Field(
        None,
        description="folder of fonts for letters as PDF, beside those of the Debian packages fonts-noto-*",
    )
    print_folder: Annotated[Path | None, NotEmpty] = Field(
        None, description="folder from which a printer takes letters; notices by letter are served through it"
    )
    print_url: Annotated[str | None, NotEmpty] = Field(
        None, description="interface of a company that prints and posts letters, https; in the folder's place"
    )
    print_token: SecretStr | None = Field(None, description="bearer token of that interface")
    dispute_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        30, description="how long after its date a letter may be disputed, days"
    )
    dispute_answer_hours: Annotated[int, Field(ge=1, le=8760)] = Field(
        72, description="within how many hours letters say that a dispute is decided"
    )

    public_url: Annotated[str | None, NotEmpty] = Field(
        None,
        description="where customers reach the notice page (https://HOST); letters name no page without it",
    )
    notice_page_key: Annotated[SecretStr, AfterValidator(hex_key)] | None = Field(
        None,
        description="key of the notice page's links, 64 hex digits or more; a file in the home by default",
    )
    notice_page_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        90, description="how long a link to a notice's page is valid, days; never less than dispute_days"
    )

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

    @field_validator("print_url")
    @classmethod
    def _is_a_web_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        if not safe or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not an interface's URL; write https://HOST/PATH (http on this machine alone)")
        return url

    @field_validator("queue_url", "public_url")
    @classmethod
    def _is_a_public_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ValueError("not the address of a page; write https://notices.example.com")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            raise ValueError("notices and cases are read over https only; write https://HOST")
        if not re.fullmatch(r"[!-~]+", url):
            raise ValueError(
                "it holds a character that no URL holds; write an internationalised name as xn--..."
            )
        return url.rstrip("/")

    @field_validator("tsa_url")
    @classmethod
    def _is_an_http_url(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("not a URL of HTTP; write https://HOST/PATH, as the authority gives it")
        return url

    @property
    def reaches_outside(self) -> str | None:
        """Which setting leads out of this machine, so that no simulated clock may be used; None: none does."""
        if self.platform_kind is not PlatformKind.EMBEDDED:
            return "CJP_FRAUD_PLATFORM_KIND"
        if not is_loopback(self.smtp_host):
            return "CJP_FRAUD_SMTP_HOST"
        if self.imap_host is not None and not is_loopback(self.imap_host):
            return "CJP_FRAUD_IMAP_HOST"
        if self.print_url is not None and not is_loopback(urlsplit(self.print_url).hostname or ""):
            return "CJP_FRAUD_PRINT_URL"
        if "://" in self.heads and not self.heads.startswith("file://"):
            return "CJP_FRAUD_HEADS_URL"
        if self.tsa_url is not None and not is_loopback(urlsplit(self.tsa_url).hostname or ""):
            return "CJP_FRAUD_TSA_URL"
        if self.oidc_issuer is not None and not is_loopback(urlsplit(self.oidc_issuer).hostname or ""):
            return "CJP_FRAUD_OIDC_ISSUER"
        return None

    @property
    def sender_legal_name(self) -> str:
        """Name under which the provider writes letters."""
        return self.provider_legal_name or self.provider_name

    @property
    def fresh(self) -> timedelta:
        """How long an approval and a notice stay fresh."""
        return timedelta(hours=self.fresh_hours)

    def shown(self) -> ShownSettings:
        """Return every setting in force, with secrets masked."""
        urls = {"database_url": self.database, "lake_url": self.lake, "heads_url": self.heads}
        in_force = {name: masked_url(url) for name, url in urls.items()}
        return ShownSettings.model_construct(
            **dict(self) | in_force | {"smtp_security": self.smtp_security_in_force}
        )


class ShownSettings(Settings):
    """Settings for people to read: what is in force, URLs without their secrets."""

    database_url: str  # type: ignore[assignment]
    lake_url: str
    heads_url: str


def _mailbox(address: str) -> str:
    """Return a mail address so that two forms of one mailbox are equal: without capitals and sub-address (``+tag``)."""
    plain = unicodedata.normalize("NFKC", unquote(address)).casefold()
    local, _, domain = plain.rpartition("@")
    return f"{local.partition('+')[0]}@{domain.rstrip('.')}"


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
            "".join(f"{PREFIX}{part}".upper() + ": " for part in row["loc"][:1])
            + row["msg"].removeprefix("Value error, ")
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
