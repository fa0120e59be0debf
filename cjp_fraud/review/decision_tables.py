"""Tables of what people decide on cases: determinations, proposals, approvals, statements of need, disputes, stops."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
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
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.review.model import (
    Capacity,
    DisputeState,
    Finding,
    StopKind,
    TenantsPart,
    WrongCause,
)
from cjp_fraud.storage.base import (
    Base,
    Id,
    IdOf,
    Recorded,
    Sha256,
)


class Determination(Recorded, Base):
    """A person's finding, with reasons; the highest number of a case is the latest."""

    __tablename__ = "determinations"
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        UniqueConstraint("id", "at", name="uq_determinations_moment"),
        CheckConstraint(
            "finding <> 'fraudulent' OR (evidence_set_id IS NOT NULL AND tenants_part IS NOT NULL)",
            name="fraud_has_evidence_and_part",
        ),
        CheckConstraint("finding <> 'fraudulent' OR CAST(grounds AS TEXT) <> '[]'", name="fraud_has_grounds"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="case")
    number: Mapped[int] = mapped_column(comment="1, 2, 3 ... in the case")
    finding: Mapped[Finding] = mapped_column(comment="what the person found")
    tenants_part: Mapped[TenantsPart | None] = mapped_column(
        comment="the tenant's part; null where no fraud was found"
    )
    grounds: Mapped[list[str]] = mapped_column(
        comment="why it is fraud, from the catalogue (review/grounds.py); empty where no fraud was found"
    )
    account_taken_over: Mapped[bool] = mapped_column(
        default=False,
        comment="whether the customer's account may have been taken over: every address is served then",
    )
    reasons_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the reasons")
    why_wider_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why no narrower measure is enough; null: not said"
    )
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who determined")
    at: Mapped[datetime] = mapped_column(comment="when")
    evidence_set_id: Mapped[str | None] = mapped_column(
        ForeignKey("evidence_sets.id"), comment="what it rests on; null unless fraudulent"
    )


class DeterminationFlag(Recorded, Base):
    """One flag that a determination names; such a flag is never superseded."""

    __tablename__ = "determination_flags"

    determination_id: Mapped[str] = mapped_column(
        ForeignKey("determinations.id"), primary_key=True, comment="determination"
    )
    flag_id: Mapped[str] = mapped_column(
        ForeignKey("flags.id"), primary_key=True, index=True, comment="flag that it names"
    )


class Proposal(Recorded, Base):
    """What an approver is asked to approve, in one exact version; no row ever changes."""

    __tablename__ = "proposals"
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        UniqueConstraint("id", "sha256", "determined_by", "drawn_at", name="uq_proposals_version"),
        ForeignKeyConstraint(
            ["determination_id", "determined_at"],
            ["determinations.id", "determinations.at"],
            name="fk_proposals_determination",
        ),
        CheckConstraint("drawn_at >= determined_at", name="after_the_determination"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="case")
    number: Mapped[int] = mapped_column(comment="1, 2, 3 ... in the case")
    determination_id: Mapped[IdOf] = mapped_column(comment="determination")
    determined_at: Mapped[datetime] = mapped_column(comment="when the fraud was determined")
    determined_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who may not approve")
    mode: Mapped[PlatformMode] = mapped_column(comment="observe or act")
    document: Mapped[bytes] = mapped_column(comment="canonical JSON of all that is proposed")
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the document: what an approval binds")
    drawn_at: Mapped[datetime] = mapped_column(comment="when it was drawn up")
    expires_at: Mapped[datetime] = mapped_column(comment="unapproved by then, it expires")


class Approval(Recorded, Base):
    """A person's approval of a proposal's exact version, never by the one who determined."""

    __tablename__ = "approvals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["proposal_id", "proposal_sha256", "determined_by", "drawn_at"],
            ["proposals.id", "proposals.sha256", "proposals.determined_by", "proposals.drawn_at"],
            name="fk_approvals_version",
        ),
        UniqueConstraint("proposal_id", "by_user_id"),
        UniqueConstraint("id", "proposal_id", "at", name="uq_approvals_of_proposal"),
        CheckConstraint("at >= drawn_at", name="after_the_proposal"),
        CheckConstraint("by_user_id <> determined_by", name="second_person"),
    )

    id: Mapped[Id]
    proposal_id: Mapped[IdOf] = mapped_column(comment="proposal approved")
    proposal_sha256: Mapped[Sha256] = mapped_column(comment="digest of the version approved")
    determined_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who determined")
    drawn_at: Mapped[datetime] = mapped_column(comment="when the proposal was drawn up")
    capacity: Mapped[Capacity] = mapped_column(comment="approver or counsel")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who approved")
    at: Mapped[datetime] = mapped_column(comment="when")


class EmergencyOrder(Recorded, Base):
    """A reviewer's order to restrict at once, before anybody has approved: it stands for the approval, for a while."""

    __tablename__ = "emergency_orders"
    __table_args__ = (
        ForeignKeyConstraint(
            ["proposal_id", "proposal_sha256", "determined_by", "drawn_at"],
            ["proposals.id", "proposals.sha256", "proposals.determined_by", "proposals.drawn_at"],
            name="fk_emergency_orders_version",
        ),
        UniqueConstraint("proposal_id"),
        UniqueConstraint("id", "proposal_id", "at", name="uq_emergency_orders_of_proposal"),
        CheckConstraint("at >= drawn_at", name="after_the_proposal"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    proposal_id: Mapped[IdOf] = mapped_column(comment="proposal that is carried out")
    proposal_sha256: Mapped[Sha256] = mapped_column(comment="digest of the version that is carried out")
    determined_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who determined")
    drawn_at: Mapped[datetime] = mapped_column(comment="when the proposal was drawn up")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who ordered it")
    at: Mapped[datetime] = mapped_column(comment="when")
    reasons_text_id: Mapped[str] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why it could not wait"
    )


class LetterOrder(Recorded, Base):
    """A person's order that a letter go out which carries out no approval: a warning, or a notice of breach."""

    __tablename__ = "letter_orders"
    __table_args__ = (
        CheckConstraint("kind IN ('conditional_warning', 'breach')", name="kinds_ordered"),
        CheckConstraint("(kind = 'breach') = (term_concerned IS NOT NULL)", name="breach_names_its_term"),
        CheckConstraint("hours >= 1", name="has_an_end"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    kind: Mapped[NoticeKind] = mapped_column(comment="what the letter tells")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who ordered it")
    at: Mapped[datetime] = mapped_column(comment="when")
    reasons_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the reasons")
    measure: Mapped[MeasureKind] = mapped_column(comment="kind of measure that it announces")
    scope: Mapped[dict[str, Any]] = mapped_column(comment="what exactly would be restricted")
    hours: Mapped[int] = mapped_column(comment="for how long at most, hours")
    term_concerned: Mapped[str | None] = mapped_column(
        String(800), comment="the term of the contract that is not met; null: a warning, which concerns none"
    )
    account_taken_over: Mapped[bool] = mapped_column(
        comment="whether the customer's account may have been taken over: every address is served then"
    )


class NeedStatement(Recorded, Base):
    """A person says again, with reasons, that the measure is needed though no flag is fresh."""

    __tablename__ = "need_statements"

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who says so")
    at: Mapped[datetime] = mapped_column(comment="when")
    reasons_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the reasons")


class Dispute(Recorded, Base):
    """The tenant disputes; decided by somebody who neither determined nor approved."""

    __tablename__ = "disputes"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL) "
            "AND (decided_at IS NULL) = (decision_text_id IS NULL)",
            name="decision_is_whole",
        ),
        CheckConstraint("closed_at IS NULL OR closed_at >= decided_at", name="closed_after_the_decision"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case disputed")
    state: Mapped[DisputeState] = mapped_column(comment="where it stands")
    opened_by: Mapped[str] = mapped_column(String(140), comment="who entered it: user id or system:")
    opened_at: Mapped[datetime] = mapped_column(comment="when it was received")
    answer_due_at: Mapped[datetime] = mapped_column(comment="internal target of the answer")
    decide_by: Mapped[datetime | None] = mapped_column(
        comment="by when the letter that is disputed says that it is decided; null: no letter says so"
    )
    notice_id: Mapped[str | None] = mapped_column(
        ForeignKey("notices.id"), comment="letter on whose page it was entered; null: a person entered it"
    )
    text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the tenant's words")
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"), comment="who decided; null: open")
    decided_at: Mapped[datetime | None] = mapped_column(comment="when decided; null: open")
    closed_at: Mapped[datetime | None] = mapped_column(
        comment="when nothing was left to do: decided and, where upheld, nothing in force any more; null: not yet"
    )
    decision_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="the decision's reasons; null: open"
    )


class WrongfulMeasure(Recorded, Base):
    """A measure that should not have been, or not so wide: a dispute was decided for the tenant, or a person said so.

    How long it was in force is not here: the measure itself says it, and it may still be being lifted.
    """

    __tablename__ = "wrongful_measures"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(assessed_at IS NULL) = (assessed_by IS NULL)", name="assessment_is_whole"),
        CheckConstraint("assessed_at IS NULL OR cause IS NOT NULL", name="assessed_with_a_cause"),
        CheckConstraint("credit_cents IS NULL OR credit_cents >= 0", name="credit_is_no_charge"),
        CheckConstraint("(dispute_id IS NULL) = (reasons_text_id IS NOT NULL)", name="found_somehow"),
        CheckConstraint("narrowing_id IS NULL OR dispute_id IS NOT NULL", name="narrowed_by_a_dispute"),
        Index(
            "uq_wrongful_measures_whole_once",
            "measure_id",
            unique=True,
            sqlite_where=text("narrowing_id IS NULL"),
            postgresql_where=text("narrowing_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measures.id"), index=True, comment="measure that was wrongful; as a whole it stands once"
    )
    narrowing_id: Mapped[str | None] = mapped_column(
        ForeignKey("narrowings.id"),
        unique=True,
        comment="narrowing that says what of it was too wide; null: all that it restricts was wrongful",
    )
    dispute_id: Mapped[str | None] = mapped_column(
        ForeignKey("disputes.id"),
        comment="dispute decided for the tenant; null: a person found it without one",
    )
    found_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who decided so")
    found_at: Mapped[datetime] = mapped_column(comment="when")
    reasons_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why; null: the dispute's decision says it"
    )
    usual_per_hour: Mapped[float | None] = mapped_column(
        comment="usual contacts an hour of what it stopped, by the frozen evidence; null: it does not say"
    )
    cause: Mapped[WrongCause | None] = mapped_column(
        comment="what it goes back to; null: nobody has said it yet"
    )
    credit_cents: Mapped[int | None] = mapped_column(
        comment="credited to the customer, hundredths; null: nothing was decided yet"
    )
    assessed_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who said cause or credit last; null: nobody has"
    )
    assessed_at: Mapped[datetime | None] = mapped_column(comment="when; null: nobody has")


class Stop(Recorded, Base):
    """Something that shuts the gate until it is cleared."""

    __tablename__ = "stops"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("case_id", "kind", "subject_id"),
        CheckConstraint("(cleared_at IS NULL) = (cleared_by IS NULL)", name="clearing_is_whole"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="case stopped")
    kind: Mapped[StopKind] = mapped_column(comment="what kind of stop")
    subject_id: Mapped[Sha256] = mapped_column(
        comment="dispute concerned; the order's own id where counsel orders"
    )
    opened_by: Mapped[str] = mapped_column(String(140), comment="user id, or system:task")
    opened_at: Mapped[datetime] = mapped_column(comment="since when it stands")
    reason_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why; null where the subject says it"
    )
    cleared_by: Mapped[str | None] = mapped_column(String(140), comment="who cleared it; null: it stands")
    cleared_at: Mapped[datetime | None] = mapped_column(comment="when cleared; null: it stands")
    clearing_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"), comment="why cleared; null: it stands, or a dispute was rejected"
    )
