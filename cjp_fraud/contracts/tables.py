"""Who is served under which contract: parties, tenants, subscriptions, their terms and addresses.

Terms, governing documents and addresses are kept in versions: a row is valid from ``valid_from`` (null:
since before it was recorded) until before ``valid_to`` (null: still). After a version is
stored, only its end is changed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from cjp_fraud.contracts.methods import METHOD_LENGTH
from cjp_fraud.contracts.model import NAME_LENGTH, Hosting, Origin, PurchaseModel, Reading, Right
from cjp_fraud.contracts.reason_profiles import ReasonProfile
from cjp_fraud.storage.base import Base, Id, Recorded, Sha256, ZoneName

DEFAULT_PROVIDER = "provider"
"""Id of the one provider that is made by default."""


class Provider(Recorded, Base):
    """A provider of the service; sender, platform and keys belong to it."""

    __tablename__ = "providers"

    id: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True, comment="id of the tenants file")


class ReasonProfileVersion(Recorded, Base):
    """One version of whether a law's list holds for statements of reasons of who contracts; no row ever changes."""

    __tablename__ = "reason_profiles"
    __table_args__ = (
        UniqueConstraint(
            "provider_id", "contracting_entity", "profile", "version", name="uq_reason_profiles_version"
        ),
    )

    id: Mapped[Id]
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"), comment="who provides")
    contracting_entity: Mapped[str] = mapped_column(
        String(400),
        comment="as contracts name it; empty: every entity of the provider of which no row says more",
    )
    profile: Mapped[ReasonProfile] = mapped_column(comment="which law's list")
    version: Mapped[int] = mapped_column(comment="1, 2, 3 ...: the highest counts")
    in_force: Mapped[bool] = mapped_column(comment="whether it is on")
    out_of_court: Mapped[list[str]] = mapped_column(comment="bodies for settlement out of court")
    mediators: Mapped[list[str]] = mapped_column(comment="mediators that the terms name")
    source: Mapped[str] = mapped_column(String(400), comment="what counsel's decision rests on")
    entered_by: Mapped[str] = mapped_column(String(140), comment="who entered it")
    entered_at: Mapped[datetime] = mapped_column(comment="from when on it counts")


class Party(Recorded, Base):
    """Who signed: a customer or a reseller."""

    __tablename__ = "parties"

    id: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True, comment="id of the tenants file")


class Tenant(Recorded, Base):
    """A tenant of the cloud, as it stands now; what it was before is in the log, as digests."""

    __tablename__ = "tenants"
    ROWS_CHANGE = True

    id: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True, comment="tenant_id of the traffic")
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"), comment="who provides")
    party_id: Mapped[str] = mapped_column(ForeignKey("parties.id"), comment="who signed")
    name: Mapped[str | None] = mapped_column(
        String(400),
        comment="legal name of the organisation, as letters name it; null: not given; never in the log",
    )
    time_zone: Mapped[ZoneName] = mapped_column(comment="IANA zone of the tenant's local days")
    country: Mapped[str | None] = mapped_column(
        String(2), comment="country of order, ISO 3166-1 alpha-2; null: not given"
    )
    language: Mapped[str] = mapped_column(String(35), comment="language of notices, BCP 47; en by default")
    critical: Mapped[bool] = mapped_column(comment="hospital, crisis line ...: counsel must consent (gate 9)")


class ZoneChange(Recorded, Base):
    """A tenant's change of time zone; no row ever changes."""

    __tablename__ = "zone_changes"

    id: Mapped[Id]
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True, comment="whose zone changed")
    before: Mapped[Sha256] = mapped_column(comment="IANA zone before")
    time_zone: Mapped[ZoneName] = mapped_column(comment="IANA zone from then on")
    changed_at: Mapped[datetime] = mapped_column(comment="from when on the new zone counts")
    source: Mapped[str] = mapped_column(String(400), comment="file and line that said so")


class Subscription(Recorded, Base):
    """What a tenant bought; governing document, term, notice and measure belong to it."""

    __tablename__ = "subscriptions"

    id: Mapped[Id]
    tenant_id: Mapped[str] = mapped_column(
        ForeignKey("tenants.id"), unique=True, comment="one subscription a tenant, so far"
    )


_VALIDITY = "valid_from IS NULL OR valid_to IS NULL OR valid_from <= valid_to"


class InForce:
    """What every version of contract data has: since when and until when it is in force, and where it came from."""

    subscription_id: Mapped[str] = mapped_column(
        ForeignKey("subscriptions.id"), comment="of which subscription"
    )
    valid_from: Mapped[datetime | None] = mapped_column(
        comment="valid from; null: since before it was recorded"
    )
    valid_to: Mapped[datetime | None] = mapped_column(
        comment="valid until before, replaced or withdrawn then; null: still"
    )
    source: Mapped[str] = mapped_column(
        String(400), comment="how we know it: file and line, or who entered it"
    )

    @classmethod
    def counts_at(cls, at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
        """The condition that a row is in force at ``at`` (aware)."""
        return and_(
            or_(cls.valid_from.is_(None), cls.valid_from <= at),
            or_(cls.valid_to.is_(None), cls.valid_to > at),
        )

    def was_in_force(self, at: datetime) -> bool:
        """Whether this row is in force at ``at`` (aware): the same as :meth:`counts_at`, of a row that was read."""
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_to is None or self.valid_to > at)


class Versioned(InForce):
    """A row that stands in versions, of which one at a time is in force."""

    version: Mapped[int] = mapped_column(comment="1, 2, 3 ... within the subscription")


_IN_FORCE = text("valid_to IS NULL")


def _versions_of(table: str, *further: CheckConstraint | Index) -> tuple[SchemaItem, ...]:
    """Return the constraints of a versioned table: one row a version, one version in force at a time."""
    return (
        UniqueConstraint("subscription_id", "version"),
        CheckConstraint(_VALIDITY, name="validity"),
        *further,
        Index(
            f"uq_{table}_current",
            "subscription_id",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )


class SubscriptionTerms(Versioned, Recorded, Base):
    """One version of what was bought, where it runs, and its term."""

    __tablename__ = "subscription_terms"
    ROWS_CHANGE = True
    __table_args__ = _versions_of(
        "subscription_terms",
        CheckConstraint("term_from IS NULL OR term_to IS NULL OR term_from < term_to", name="term"),
        CheckConstraint(
            "(agents_standard IS NULL OR agents_standard >= 0) "
            "AND (agents_premium IS NULL OR agents_premium >= 0)",
            name="agents",
        ),
        Index("ix_subscription_terms_plan", "plan", sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE),
    )

    id: Mapped[Id]
    plan: Mapped[str | None] = mapped_column(String(100), comment="plan bought; null: not given")
    offer_version: Mapped[str | None] = mapped_column(String(40), comment="10.0, 9.9; null: not given")
    features: Mapped[str | None] = mapped_column(
        String(400), comment="features in use, with semicolons between them (clause 2.5); null: not given"
    )
    purchase_model: Mapped[PurchaseModel | None] = mapped_column(
        comment="named or concurrent agents; null: not given"
    )
    agents_standard: Mapped[int | None] = mapped_column(comment="standard agents; null: not given")
    agents_premium: Mapped[int | None] = mapped_column(comment="premium agents; null: not given")
    hosting: Mapped[Hosting] = mapped_column(comment="who runs it (clause 3)")
    product: Mapped[str | None] = mapped_column(String(100), comment="product deployed; null: not given")
    support_level: Mapped[str | None] = mapped_column(String(40), comment="clause 2.2; null: not given")
    term_from: Mapped[datetime | None] = mapped_column(
        comment="first moment of the term (clause 2.1); null: not given"
    )
    term_to: Mapped[datetime | None] = mapped_column(comment="first moment after the term; null: not given")
    notice_method: Mapped[str | None] = mapped_column(
        String(METHOD_LENGTH), comment="method named in the tenants file; null: not given"
    )


class ProvisioningRecord(InForce, Recorded, Base):
    """A notice of provisioning of a part of what was bought (clause 2.1); the term runs from the first.

    ``valid_to`` is when it was withdrawn or replaced.
    """

    __tablename__ = "provisioning_notices"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(_VALIDITY, name="validity"),
        Index("ix_provisioning_notices_subscription", "subscription_id"),
    )

    id: Mapped[Id]
    given_on: Mapped[str | None] = mapped_column(
        String(10), comment="the tenant's local day on which it was given, ISO 8601; null: not said"
    )
    part: Mapped[str | None] = mapped_column(
        String(400), comment="part of what was bought that it is of; null: not said"
    )
    how: Mapped[str | None] = mapped_column(
        String(400), comment="how it was given: by email, in the order portal ...; null: not said"
    )
    proof: Mapped[str | None] = mapped_column(
        String(500), comment="where its proof lies: file:NAME sha256:DIGEST, or dms:ID; null: not given"
    )
    page: Mapped[str | None] = mapped_column(
        String(400), comment="page from which it was entered; null: not said"
    )
    origin: Mapped[Origin] = mapped_column(comment="where it came from")


class Site(Recorded, Base):
    """A provisioned place of a subscription; one by default."""

    __tablename__ = "sites"
    ROWS_CHANGE = True

    id: Mapped[Id]
    subscription_id: Mapped[str] = mapped_column(
        ForeignKey("subscriptions.id"), unique=True, comment="one site a subscription, so far"
    )
    country: Mapped[str | None] = mapped_column(String(2), comment="ISO 3166-1 alpha-2; null: not given")


class GoverningDocument(Versioned, Recorded, Base):
    """One version of which document governs a subscription, and whether it gives the right of clause 2.4."""

    __tablename__ = "governing_documents"
    ROWS_CHANGE = True
    __table_args__ = _versions_of(
        "governing_documents",
        CheckConstraint("longest_measure_hours IS NULL OR longest_measure_hours > 0", name="longest_measure"),
    )

    id: Mapped[Id]
    reference: Mapped[str | None] = mapped_column(
        String(400), comment="title, number, version of the document; null: not known which governs"
    )
    right: Mapped[Right] = mapped_column(
        "suspension_right", comment="whether it gives the right of clause 2.4"
    )
    longest_measure_hours: Mapped[int | None] = mapped_column(
        comment="longest suspension that it allows, hours; null: it names none, or was not read"
    )
    filing_stops: Mapped[bool] = mapped_column(comment="a dispute that is only filed already stops a measure")
    origin: Mapped[Origin] = mapped_column(comment="where it came from")


class ContractDocuments(Versioned, Recorded, Base):
    """One version of the documents of a contract, with amendments and supplements, as counsel entered them."""

    __tablename__ = "contract_documents"
    ROWS_CHANGE = True
    __table_args__ = _versions_of("contract_documents")

    id: Mapped[Id]
    documents: Mapped[str] = mapped_column(Text, comment="canonical JSON of DocumentSet")
    origin: Mapped[Origin] = mapped_column(comment="where it came from")


class NoticeTermsVersion(Versioned, Recorded, Base):
    """One version of how notices must be served; ``not_read`` is a version too."""

    __tablename__ = "notice_terms"
    ROWS_CHANGE = True
    __table_args__ = _versions_of(
        "notice_terms",
        CheckConstraint("(reading = 'read') = (terms IS NOT NULL)", name="terms_if_read"),
    )

    id: Mapped[Id]
    reading: Mapped[Reading] = mapped_column(comment="whether the clause was read")
    terms: Mapped[str | None] = mapped_column(
        Text, comment="canonical JSON of ContractTerms; null exactly where the clause was not read"
    )
    origin: Mapped[Origin] = mapped_column(comment="where it came from")


class Address(InForce, Recorded, Base):
    """One address for notices while it is valid; the address itself is a personal text."""

    __tablename__ = "addresses"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(_VALIDITY, name="validity"),
        Index("ix_addresses_subscription", "subscription_id", "role"),
    )

    id: Mapped[Id]
    role: Mapped[str] = mapped_column(String(40), comment="what the contract calls it for: notice, legal ...")
    method: Mapped[str] = mapped_column(String(METHOD_LENGTH), comment="method that it serves")
    origin: Mapped[Origin] = mapped_column(
        default=Origin.TENANTS_FILE,  # where an older bundle's addresses came from, which does not say it
        comment="where it came from; the tenants file replaces what came from it alone",
    )
    end_recorded_at: Mapped[datetime | None] = mapped_column(
        comment="when its end was recorded, whatever valid_to says; null: it has none"
    )
    verified_at: Mapped[datetime | None] = mapped_column(
        comment="when it was verified that it reaches the customer; null: it was not"
    )
    verified_how: Mapped[str | None] = mapped_column(
        String(400), comment="how it was verified; null where it was not"
    )
    text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the address itself")
