"""Tables of a reinstatement in stages: what was ordered, and when it was held."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.documents import from_document
from cjp_fraud.storage.base import Base, Id, Recorded
from cjp_fraud.suspension.stage_rules import HoldCause, StagePlan

_STANDS = text("released_at IS NULL")


class ReinstatementPlan(Recorded, Base):
    """An approver's order to lift a measure in stages; no row ever changes."""

    __tablename__ = "reinstatement_plans"

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measures.id"), unique=True, comment="measure that is lifted in stages"
    )
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who ordered every stage of it")
    at: Mapped[datetime] = mapped_column(comment="when; the first stage begins then")
    reasons_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="why")
    stages: Mapped[dict[str, Any]] = mapped_column(
        comment="what stays restricted in each stage, its earliest moment, and that of the full lift"
    )

    @property
    def ordered(self) -> StagePlan:
        """What was ordered."""
        return from_document(StagePlan, self.stages)


class ReinstatementHold(Recorded, Base):
    """A time in which no further stage of a plan is carried out."""

    __tablename__ = "reinstatement_holds"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("plan_id", "number"),
        Index(
            "uq_reinstatement_holds_one_stands",
            "plan_id",
            unique=True,
            sqlite_where=_STANDS,
            postgresql_where=_STANDS,
        ),
        CheckConstraint("(cause = 'new_flag') = (flag_id IS NOT NULL)", name="by_a_flag"),
        CheckConstraint("(cause = 'person') = (reasons_text_id IS NOT NULL)", name="by_a_person"),
        CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (release_text_id IS NULL)",
            name="release_is_whole",
        ),
        CheckConstraint("released_at IS NULL OR released_at >= held_at", name="released_after"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    plan_id: Mapped[str] = mapped_column(ForeignKey("reinstatement_plans.id"), comment="plan that is held")
    number: Mapped[int] = mapped_column(comment="1, 2, 3 ... of the plan")
    cause: Mapped[HoldCause] = mapped_column(comment="a person, or a new flag of the tenant")
    held_at: Mapped[datetime] = mapped_column(comment="since when")
    held_by: Mapped[str] = mapped_column(String(140), comment="user id, or system:task where a flag holds it")
    reasons_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why; null: a flag holds it"
    )
    flag_id: Mapped[str | None] = mapped_column(
        ForeignKey("flags.id"), comment="flag that holds it; null: a person does"
    )
    released_at: Mapped[datetime | None] = mapped_column(comment="until when; null: it stands")
    released_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who let it go on; null: it stands"
    )
    release_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why; null: it stands"
    )
