"""Contract data that a second person confirms: what feeds changed, contracts as entered, standing consents."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.contracts.model import EntryState
from cjp_fraud.storage.base import Base, Id, Recorded, Sha256


class FeedEdit(Recorded, Base):
    """A feed changed contract data of a tenant; a person confirms it before the next measure on that tenant."""

    __tablename__ = "feed_edits"

    id: Mapped[Id]
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True, comment="whose data changed")
    feed: Mapped[str] = mapped_column(String(80), comment="name of the feed (CJP_FRAUD_FEEDS)")
    at: Mapped[datetime] = mapped_column(comment="when")


class ContractConfirmation(Recorded, Base):
    """Counsel, or an approver, confirmed what feeds had changed of a tenant until then."""

    __tablename__ = "contract_confirmations"

    id: Mapped[Id]
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True, comment="whose data")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who confirmed")
    edits_covered: Mapped[int] = mapped_column(
        comment="how many edits by feeds were on record: the confirmation is of these, and of no later one"
    )
    at: Mapped[datetime] = mapped_column(comment="when")


class ContractEntry(Recorded, Base):
    """A contract's file as counsel entered it: it counts once a second person has confirmed it."""

    __tablename__ = "contract_entries"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(
            "(state = 'waiting') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)",
            name="decided_whole",
        ),
        CheckConstraint("state <> 'confirmed' OR decided_by <> entered_by", name="by_a_second_person"),
        Index("ix_contract_entries_state", "state", "id"),
        Index("ix_contract_entries_tenant", "tenant_id"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), comment="whose contract")
    file_name: Mapped[str] = mapped_column(String(150), comment="name of the file; its end says what it is")
    text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="what the file says")
    state: Mapped[EntryState] = mapped_column(comment="where it stands")
    entered_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="counsel who entered it")
    entered_at: Mapped[datetime] = mapped_column(comment="when")
    decided_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who confirmed or withdrew it; null: it waits"
    )
    decided_at: Mapped[datetime | None] = mapped_column(comment="when; null: it waits")


class SignedConsent(Recorded, Base):
    """A customer's standing consent to a cap, as counsel entered it from the signed file; it counts once confirmed."""

    __tablename__ = "standing_consents"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(
            "(confirmed_by IS NULL) = (confirmed_at IS NULL) AND (confirmed_by IS NULL OR confirmed_by <> entered_by)",
            name="second_person",
        ),
        CheckConstraint(
            "(ended_by IS NULL) = (ended_at IS NULL) AND (ended_by IS NULL) = (end_text_id IS NULL)",
            name="end_is_whole",
        ),
        CheckConstraint("confirmed_at >= entered_at", name="confirmed_after_the_entry"),
        UniqueConstraint("tenant_id", "sha256", name="uq_standing_consents_entered_once"),
    )

    id: Mapped[Id]
    tenant_id: Mapped[str] = mapped_column(
        ForeignKey("tenants.id"), index=True, comment="customer who signed"
    )
    document: Mapped[str] = mapped_column(Text, comment="canonical JSON of StandingConsent")
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the document: what was confirmed")
    proof_name: Mapped[str] = mapped_column(String(400), comment="name of the file that the customer signed")
    proof_sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of that file")
    entered_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="counsel who entered it")
    entered_at: Mapped[datetime] = mapped_column(comment="when")
    confirmed_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="second person who confirmed it; null: nobody has"
    )
    confirmed_at: Mapped[datetime | None] = mapped_column(comment="when; null: nobody has")
    ended_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who ended it; null: it stands"
    )
    ended_at: Mapped[datetime | None] = mapped_column(comment="when; null: it stands")
    end_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why; null: it stands"
    )
