"""Tables of the suspension: measures, commands to the platform, and the embedded platform's entitlements."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.storage.base import (
    Base,
    Id,
    IdOf,
    Recorded,
    Sha256,
)
from cjp_fraud.suspension.model import UNFINISHED, CommandKind, CommandOutcome, Ending, MeasureState

_UNFINISHED = "state NOT IN ('ended', 'never_in_force', 'observed')"
_OBSERVED = "state = 'observed'"


def _unique(name: str, column: str, where: str) -> Index:
    """Return an index that lets no two of the rows that match ``where`` have the same value."""
    rows = text(where)
    return Index(name, column, unique=True, sqlite_where=rows, postgresql_where=rows)


class Measure(Recorded, Base):
    """A restriction of a tenant's service, on an approval, after a notice, with an end."""

    __tablename__ = "measures"
    ROWS_CHANGE = True
    __table_args__ = (
        ForeignKeyConstraint(
            ["approval_id", "proposal_id", "approved_at"],
            ["approvals.id", "approvals.proposal_id", "approvals.at"],
            name="fk_measures_approval",
        ),
        _unique("uq_measures_one_unfinished_a_case", "case_id", _UNFINISHED),
        _unique("uq_measures_observed_once", "proposal_id", _OBSERVED),
        CheckConstraint("(mode = 'act') = (state <> 'observed')", name="only_acts_restrict"),
        CheckConstraint("ordered_at >= approved_at", name="after_the_approval"),
        CheckConstraint(
            "mode <> 'act' OR (permitted_at IS NOT NULL AND ordered_at >= permitted_at)",
            name="after_the_notice",
        ),
        CheckConstraint("in_force_at IS NULL OR in_force_at >= ordered_at", name="in_force_after_the_order"),
        CheckConstraint(
            "ended_at IS NULL OR in_force_at IS NULL OR ended_at >= in_force_at", name="ended_after_it_began"
        ),
        CheckConstraint("ordered_at < ends_at", name="has_an_end"),
        CheckConstraint("review_at <= ends_at", name="review_before_end"),
        CheckConstraint(
            "state NOT IN ('in_force', 'lifting') OR in_force_at IS NOT NULL", name="in_force_since"
        ),
        CheckConstraint(
            "state <> 'ended' OR (ended_at IS NOT NULL AND ending IS NOT NULL)", name="ended_when"
        ),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="case")
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True, comment="tenant restricted")
    proposal_id: Mapped[IdOf] = mapped_column(comment="proposal carried out")
    approval_id: Mapped[IdOf] = mapped_column(comment="approval that it stands on")
    approved_at: Mapped[datetime] = mapped_column(comment="when it was approved")
    notice_plan_id: Mapped[str] = mapped_column(ForeignKey("notice_plans.id"), comment="notice before it")
    permitted_at: Mapped[datetime | None] = mapped_column(
        comment="from when the contract's notice let it follow; null: only observed, no notice went out"
    )
    without_notice: Mapped[str | None] = mapped_column(
        String(400),
        comment="by what provision of the contract no notice was needed beforehand; null: one was",
    )
    mode: Mapped[PlatformMode] = mapped_column(comment="observe: never sent")
    kind: Mapped[MeasureKind] = mapped_column(comment="kind of measure")
    scope: Mapped[dict[str, Any]] = mapped_column(comment="what exactly is restricted")
    state: Mapped[MeasureState] = mapped_column(comment="where it stands")
    ordered_at: Mapped[datetime] = mapped_column(comment="when the gate opened for it")
    in_force_at: Mapped[datetime | None] = mapped_column(
        comment="when read-back confirmed it; null: not yet, or never"
    )
    review_at: Mapped[datetime] = mapped_column(comment="lapses then unless reaffirmed")
    ends_at: Mapped[datetime] = mapped_column(comment="ends then at the latest")
    latest_end_at: Mapped[datetime | None] = mapped_column(
        comment="the term or the contract's longest duration runs out, whichever is first; null: neither is known"
    )
    ending: Mapped[Ending | None] = mapped_column(comment="how it ends; null: it stands")
    ended_at: Mapped[datetime | None] = mapped_column(
        comment="from when nothing was in force any more: the order's end where the platform ended it by itself, "
        "else the read-back after the lift; null: it stands"
    )

    @property
    def lapses_at(self) -> datetime:
        """When it ends unless it is reaffirmed: its review, or its end where that is nearer."""
        return min(self.review_at, self.ends_at)

    def is_past_its_end(self, at: datetime) -> bool:
        """Whether its end has come at ``at`` (aware) and it is not on record as ended."""
        return self.state in UNFINISHED and self.lapses_at <= at


class PlatformCommand(Recorded, Base):
    """One command to the platform, recorded before it is sent."""

    __tablename__ = "platform_commands"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(finished_at IS NULL) = (outcome IS NULL)", name="outcome_is_whole"),
        UniqueConstraint("measure_id", "number"),
    )

    id: Mapped[Id]
    measure_id: Mapped[str] = mapped_column(ForeignKey("measures.id"), comment="measure concerned")
    number: Mapped[int] = mapped_column(comment="1, 2, 3 ... of the measure")
    kind: Mapped[CommandKind] = mapped_column(comment="apply or lift")
    idempotency_key: Mapped[str] = mapped_column(
        String(80), unique=True, comment="the same on every try, so that the platform does it once"
    )
    document: Mapped[bytes] = mapped_column(comment="canonical JSON of the order")
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the document")
    ordered_by: Mapped[str] = mapped_column(String(140), comment="user id, or system:task on the approval")
    ordered_at: Mapped[datetime] = mapped_column(comment="when it was recorded, before the call")
    finished_at: Mapped[datetime | None] = mapped_column(
        comment="when its outcome was recorded; null: sent or not, nobody knows yet"
    )
    outcome: Mapped[CommandOutcome | None] = mapped_column(comment="by read-back; null: not known yet")
    read_back: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what the platform said afterwards; null: not asked yet"
    )


class Reaffirmation(Recorded, Base):
    """An approver's fresh reasons to keep a measure; two of them in one round keep it."""

    __tablename__ = "reaffirmations"
    __table_args__ = (
        UniqueConstraint("measure_id", "round", "by_user_id"),
        CheckConstraint("(review_at IS NULL) = (ends_at IS NULL)", name="new_end_whole"),
    )

    id: Mapped[Id]
    measure_id: Mapped[str] = mapped_column(ForeignKey("measures.id"), comment="measure kept")
    round: Mapped[int] = mapped_column(comment="1, 2, 3 ...; a round is complete with two people")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who reaffirms")
    at: Mapped[datetime] = mapped_column(comment="when")
    reasons_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the fresh reasons")
    look_id: Mapped[str] = mapped_column(
        ForeignKey("evidence_sets.id"), comment="the look at the traffic since, on which they rest"
    )
    review_at: Mapped[datetime | None] = mapped_column(
        comment="the measure's review date once the customer was told; null: another approver was needed"
    )
    ends_at: Mapped[datetime | None] = mapped_column(comment="the measure's end then; null: as above")


class Entitlement(Recorded, Base):
    """The embedded platform's own record of one restriction; the product reads it only by the client."""

    __tablename__ = "entitlements"
    ROWS_CHANGE = True

    measure_id: Mapped[IdOf] = mapped_column(primary_key=True, comment="measure that was ordered")
    tenant_id: Mapped[str] = mapped_column(String(200), index=True, comment="tenant restricted")
    kind: Mapped[str] = mapped_column(String(40), comment="kind of measure")
    scope: Mapped[dict[str, Any]] = mapped_column(comment="what exactly is restricted")
    restricted: Mapped[bool] = mapped_column(
        Boolean, comment="true until it is lifted; it works until its end"
    )
    ends_at: Mapped[datetime] = mapped_column(comment="from then on it restricts nothing, whoever reads it")
    emergency_calls: Mapped[bool] = mapped_column(Boolean, comment="whether emergency calls still go through")
    apply_key: Mapped[str] = mapped_column(String(80), comment="key of the order that made it")
    lift_key: Mapped[str | None] = mapped_column(String(80), comment="key of the order to lift; null: none")
    changed_at: Mapped[datetime] = mapped_column(comment="when it changed last")

    @classmethod
    def in_force_at(cls, at: datetime) -> ColumnElement[bool]:
        """Return the condition of a restriction that works at ``at`` (aware)."""
        return cls.restricted & (cls.ends_at > at)
