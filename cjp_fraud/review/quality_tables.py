"""Tables of how right people and detection are: what was drawn at random, and what a second reader found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.review.model import DrawKind, Finding
from cjp_fraud.storage.base import Base, Id, Recorded


class QualityDraw(Recorded, Base):
    """What was drawn at random of one week; no row ever changes."""

    __tablename__ = "quality_draws"
    __table_args__ = (
        UniqueConstraint("week", "kind"),
        CheckConstraint("drawn >= 0 AND drawn <= population", name="of_the_population"),
    )

    id: Mapped[Id]
    week: Mapped[datetime] = mapped_column(comment="Monday 00:00 UTC with which the week begins")
    kind: Mapped[DrawKind] = mapped_column(comment="closed cases, or tenants that were not flagged")
    population: Mapped[int] = mapped_column(comment="how many there were to draw from")
    drawn: Mapped[int] = mapped_column(comment="how many were drawn")
    drawn_at: Mapped[datetime] = mapped_column(comment="when")


class QualityReading(Recorded, Base):
    """One case, or one tenant's week, that a second reader looks at."""

    __tablename__ = "quality_readings"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("draw_id", "tenant_id", "case_id"),
        Index("ix_quality_readings_read", "read_at", "id"),
        CheckConstraint(
            "(read_at IS NULL) = (finding IS NULL) AND (read_at IS NULL) = (read_by IS NULL) "
            "AND (read_at IS NULL) = (reasons_text_id IS NULL)",
            name="read_whole",
        ),
    )

    id: Mapped[Id]
    draw_id: Mapped[str] = mapped_column(ForeignKey("quality_draws.id"), comment="with what it was drawn")
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), comment="whose traffic is read")
    case_id: Mapped[str | None] = mapped_column(
        ForeignKey("cases.id"),
        index=True,
        comment="case that is read again; null: the tenant was not flagged",
    )
    read_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"), comment="who read it; null: it waits")
    read_at: Mapped[datetime | None] = mapped_column(comment="when; null: it waits")
    finding: Mapped[Finding | None] = mapped_column(comment="what they found; null: it waits")
    reasons_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why; null: it waits"
    )
