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
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import from_document
from cjp_fraud.review.narrower_measure import Restriction
from cjp_fraud.storage.base import (
    Base,
    Id,
    IdOf,
    Recorded,
    Sha256,
)
from cjp_fraud.suspension.model import UNFINISHED, CommandKind, CommandOutcome, Ending, MeasureState
from cjp_fraud.suspension.platform import Order
from cjp_fraud.suspension.requirements import Basis

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
        ForeignKeyConstraint(
            ["emergency_id", "proposal_id", "emergency_at"],
            ["emergency_orders.id", "emergency_orders.proposal_id", "emergency_orders.at"],
            name="fk_measures_emergency",
        ),
        CheckConstraint(
            "(approval_id IS NULL) = (approved_at IS NULL) AND (emergency_id IS NULL) = (emergency_at IS NULL) "
            "AND (approval_id IS NULL) <> (emergency_id IS NULL)",
            name="stands_on_one_act",
        ),
        _unique("uq_measures_one_unfinished_a_case", "case_id", _UNFINISHED),
        _unique("uq_measures_observed_once", "proposal_id", _OBSERVED),
        CheckConstraint("(mode = 'act') = (state <> 'observed')", name="only_acts_restrict"),
        CheckConstraint("ordered_at >= approved_at", name="after_the_approval"),
        CheckConstraint("ordered_at >= emergency_at", name="after_the_emergency_order"),
        CheckConstraint(
            "mode <> 'act' OR (permitted_at IS NOT NULL AND ordered_at >= permitted_at)",
            name="after_the_notice",
        ),
        CheckConstraint("in_force_at IS NULL OR in_force_at >= ordered_at", name="in_force_after_the_order"),
        CheckConstraint(
            "ended_at IS NULL OR in_force_at IS NULL OR ended_at >= in_force_at", name="ended_after_it_began"
        ),
        CheckConstraint("ordered_at < ends_at", name="has_an_end"),
        CheckConstraint(
            "(corrected_at IS NULL) = (lift_due_at IS NULL) AND (corrected_at IS NULL) = (corrected_by IS NULL) "
            "AND (corrected_at IS NULL) = (correction_text_id IS NULL)",
            name="correction_is_whole",
        ),
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
    approval_id: Mapped[IdOf | None] = mapped_column(
        comment="approval that it stands on; null: it was ordered in an emergency, and one may have followed"
    )
    approved_at: Mapped[datetime | None] = mapped_column(comment="when it was approved; null: as above")
    emergency_id: Mapped[IdOf | None] = mapped_column(
        comment="emergency order that it stands on; null: it was approved before"
    )
    emergency_at: Mapped[datetime | None] = mapped_column(comment="when that was given; null: as above")
    notice_plan_id: Mapped[str] = mapped_column(ForeignKey("notice_plans.id"), comment="notice before it")
    permitted_at: Mapped[datetime | None] = mapped_column(
        comment="from when the contract's notice let it follow; null: only observed, no notice went out"
    )
    without_notice: Mapped[str | None] = mapped_column(
        String(400),
        comment="by what provision of the contract no notice was needed beforehand; null: one was",
    )
    mode: Mapped[PlatformMode] = mapped_column(comment="observe: never sent")
    kind: Mapped[MeasureKind] = mapped_column(comment="kind of measure that was approved")
    scope: Mapped[dict[str, Any]] = mapped_column(comment="what exactly was approved to be restricted")
    narrowed_to: Mapped[dict[str, Any] | None] = mapped_column(
        comment="kind and scope of what it restricts since it was narrowed; null: it never was"
    )
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
    corrected_at: Mapped[datetime | None] = mapped_column(
        comment="when a person found that its cause is gone; null: nobody has"
    )
    corrected_by: Mapped[str | None] = mapped_column(String(140), comment="who found so; null: nobody has")
    correction_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why; null: nobody has"
    )
    lift_due_at: Mapped[datetime | None] = mapped_column(
        comment="by when it is lifted then, by the contract's lift rule; null: nobody has"
    )
    ending: Mapped[Ending | None] = mapped_column(comment="how it ends; null: it stands")
    ended_at: Mapped[datetime | None] = mapped_column(
        comment="from when nothing was in force any more: the order's end where the platform ended it by itself, "
        "else the read-back after the lift; null: it stands"
    )

    @property
    def basis(self) -> Basis:
        """What it stands on."""
        return Basis.EMERGENCY if self.emergency_id is not None else Basis.APPROVAL

    @property
    def restriction(self) -> Restriction:
        """What it restricts, as it was approved or narrowed since."""
        if self.narrowed_to is None:
            return Restriction(self.kind, from_document(Scope, self.scope))
        return from_document(Restriction, self.narrowed_to)

    @property
    def lapses_at(self) -> datetime:
        """When it ends unless it is reaffirmed: its review, or its end where that is nearer."""
        return min(self.review_at, self.ends_at)

    def is_past_its_end(self, at: datetime) -> bool:
        """Whether its end has come at ``at`` (aware) and it is not on record as ended."""
        return self.state in UNFINISHED and self.lapses_at <= at


class Narrowing(Recorded, Base):
    """A measure in force made narrower by a dispute's decision or a stage of its reinstatement; the latest counts."""

    __tablename__ = "narrowings"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("measure_id", "number"),
        UniqueConstraint("plan_id", "stage"),
        CheckConstraint("(dispute_id IS NULL) <> (plan_id IS NULL)", name="on_one_decision"),
        CheckConstraint("(plan_id IS NULL) = (stage IS NULL)", name="stage_of_a_plan"),
        CheckConstraint("confirmed_at IS NULL OR confirmed_at >= decided_at", name="confirmed_after"),
        CheckConstraint("freed IS NULL OR (freed >= 0 AND freed <= 1)", name="freed_is_a_part"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    measure_id: Mapped[str] = mapped_column(ForeignKey("measures.id"), comment="measure that is narrowed")
    number: Mapped[int] = mapped_column(comment="1, 2, 3 ... of the measure")
    dispute_id: Mapped[str | None] = mapped_column(
        ForeignKey("disputes.id"),
        unique=True,
        comment="dispute whose decision narrows it; null: a stage of its reinstatement does",
    )
    plan_id: Mapped[str | None] = mapped_column(
        ForeignKey("reinstatement_plans.id"), comment="plan of that stage; null: a dispute narrows it"
    )
    stage: Mapped[int | None] = mapped_column(comment="number of that stage; null: as above")
    decided_at: Mapped[datetime] = mapped_column(comment="when it was decided, or the stage carried out")
    restricted: Mapped[dict[str, Any]] = mapped_column(comment="kind and scope of what was restricted before")
    restricts: Mapped[dict[str, Any]] = mapped_column(comment="kind and scope of what is still restricted")
    freed: Mapped[float | None] = mapped_column(
        comment="part of the usual contacts that were restricted and are no more, 0 to 1, by replay on the frozen "
        "traffic; null: its rows do not tell"
    )
    confirmed_at: Mapped[datetime | None] = mapped_column(
        comment="when read-back showed nothing wider in force; null: not yet, or the measure ended before"
    )

    @property
    def before(self) -> Restriction:
        """What was restricted before."""
        return from_document(Restriction, self.restricted)

    @property
    def after(self) -> Restriction:
        """What is still restricted."""
        return from_document(Restriction, self.restricts)


class Cap(Recorded, Base):
    """A restriction that a customer has consented to beforehand, begun by a machine on a breach, with an end."""

    __tablename__ = "caps"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("consent_id", "breach_to"),
        _unique("uq_caps_one_unfinished_a_consent", "consent_id", _UNFINISHED),
        CheckConstraint("mode = 'act'", name="only_acts_restrict"),
        CheckConstraint("breach_from < breach_to AND ordered_at >= breach_to", name="after_the_breach"),
        CheckConstraint("ordered_at < ends_at", name="has_an_end"),
        CheckConstraint("in_force_at IS NULL OR in_force_at >= ordered_at", name="in_force_after_the_order"),
        CheckConstraint(
            "ended_at IS NULL OR in_force_at IS NULL OR ended_at >= in_force_at", name="ended_after"
        ),
        CheckConstraint(
            "state NOT IN ('in_force', 'lifting') OR in_force_at IS NOT NULL", name="in_force_since"
        ),
        CheckConstraint("state <> 'ended' OR ended_at IS NOT NULL", name="ended_when"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True, comment="tenant restricted")
    consent_id: Mapped[str] = mapped_column(ForeignKey("standing_consents.id"), comment="what was signed")
    evidence_set_id: Mapped[str] = mapped_column(
        ForeignKey("evidence_sets.id"), comment="the traffic that breached it, frozen"
    )
    breach_from: Mapped[datetime] = mapped_column(comment="beginning of the hour in which it was breached")
    breach_to: Mapped[datetime] = mapped_column(comment="first moment after that hour")
    cents: Mapped[float] = mapped_column(comment="charged in that hour for the destination class")
    mode: Mapped[PlatformMode] = mapped_column(comment="mode in which it was ordered: act")
    kind: Mapped[MeasureKind] = mapped_column(comment="kind of measure")
    scope: Mapped[dict[str, Any]] = mapped_column(comment="what exactly is restricted")
    state: Mapped[MeasureState] = mapped_column(comment="where it stands")
    ordered_at: Mapped[datetime] = mapped_column(comment="when it was recorded, before the call")
    in_force_at: Mapped[datetime | None] = mapped_column(
        comment="when read-back confirmed it; null: not yet, or never"
    )
    ends_at: Mapped[datetime] = mapped_column(comment="ends then by itself")
    ended_at: Mapped[datetime | None] = mapped_column(
        comment="since when nothing is in force; null: it stands"
    )
    read_back: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what the platform said last; null: not asked yet"
    )

    @property
    def order(self) -> Order:
        """The order that describes it to the platform."""
        scope = from_document(Scope, self.scope)
        return Order(self.id, self.tenant_id, self.kind, scope, self.ends_at)

    def is_past_its_end(self, at: datetime) -> bool:
        """Whether its end has come at ``at`` (aware) and it is not on record as ended."""
        return self.state in UNFINISHED and self.ends_at <= at


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
