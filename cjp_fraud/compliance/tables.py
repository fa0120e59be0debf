"""Legal holds: what stops erasure, and nothing else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, Id, Recorded


class LegalHold(Recorded, Base):
    """Nothing of a tenant is erased while it stands."""

    __tablename__ = "legal_holds"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (release_text_id IS NULL)",
            name="release_is_whole",
        ),
    )

    id: Mapped[Id]
    tenant_id: Mapped[str] = mapped_column(
        ForeignKey("tenants.id"), index=True, comment="whose texts are held"
    )
    case_id: Mapped[str | None] = mapped_column(
        ForeignKey("cases.id"), comment="case for whose sake they are held; null: of no one case"
    )
    reason_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="why")
    held_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who ordered it")
    held_at: Mapped[datetime] = mapped_column(comment="since when it stands")
    released_at: Mapped[datetime | None] = mapped_column(comment="when it was released; null: it stands")
    released_by: Mapped[str | None] = mapped_column(String(140), comment="who released it; null: it stands")
    release_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why it was released; null: it stands"
    )
