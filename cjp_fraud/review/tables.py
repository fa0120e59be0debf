"""Tables of what is reviewed: cases, episodes, flags, joint spikes, comments, attachments, frozen evidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.review.attachment_rules import AttachmentKind
from cjp_fraud.review.case_traits import MOST_CHARACTERS, TraitKind
from cjp_fraud.review.joint_spikes import GroupKind
from cjp_fraud.review.model import (
    CLOSED_STATES,
    CaseReason,
    CaseState,
    CommentKind,
    EvidenceOccasion,
    Quantity,
)
from cjp_fraud.storage.base import (
    Base,
    Id,
    JsonDocument,
    Recorded,
    Sha256,
)
from features.counting_clocks import Clock

_STILL_OPEN = text(f"state NOT IN ({', '.join(repr(str(state)) for state in sorted(CLOSED_STATES))})")
_IN_QUEUE, _IN_QUEUE_SQLITE = text("in_queue"), text("in_queue = 1")
_IN_FORCE = text("superseded_at IS NULL")


class Case(Recorded, Base):
    """What a person reviews: the flags of one tenant, close in time; one open case a tenant."""

    __tablename__ = "cases"
    ROWS_CHANGE = True
    __table_args__ = (
        Index(
            "uq_cases_one_open_a_tenant",
            "tenant_id",
            unique=True,
            sqlite_where=_STILL_OPEN,
            postgresql_where=_STILL_OPEN,
        ),
        # The queue is read in the order of these, a page at a time (review/queue.py).
        Index(
            "ix_cases_queue_by_age",
            "opened_at",
            "number",
            sqlite_where=_IN_QUEUE_SQLITE,
            postgresql_where=_IN_QUEUE,
        ),
        *(
            Index(
                f"ix_cases_queue_{name}",
                *columns,
                sqlite_where=_IN_QUEUE_SQLITE,
                postgresql_where=_IN_QUEUE,
            )
            # What the queue's page counts (SQLite reads no row, since the condition's column is in the index too), and
            # the times between which its joint events lie.
            for name, columns in (
                ("counts", ("state", "opened_at", "id", "in_queue")),
                ("first_flag", ("first_flag_at",)),
                ("last_flag", ("last_flag_at",)),
            )
        ),
        Index("ix_cases_state_by_age", "state", "opened_at", "number"),
        Index("ix_cases_tenant", "tenant_id", "state"),
        Index("ix_cases_queue_revision", "queue_revision", "number"),
        CheckConstraint("(claimed_by IS NULL) = (claimed_at IS NULL)", name="claim_is_whole"),
        CheckConstraint("in_queue OR closed_at IS NOT NULL", name="open_cases_wait"),
    )

    id: Mapped[Id]
    number: Mapped[int] = mapped_column(unique=True, comment="1, 2, 3 ...: what people type")
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), comment="tenant under review")
    state: Mapped[CaseState] = mapped_column(comment="where the case stands")
    opened_at: Mapped[datetime] = mapped_column(comment="when the case was opened")
    opened_hour: Mapped[datetime] = mapped_column(
        index=True, comment="UTC hour of the flags that opened it: what the cap counts"
    )
    first_flag_at: Mapped[datetime] = mapped_column(comment="start of its earliest flag")
    last_flag_at: Mapped[datetime] = mapped_column(comment="start of its latest flag")
    top_score: Mapped[float] = mapped_column(comment="highest score of its flags, -log10 p")
    exposure_per_hour: Mapped[int] = mapped_column(
        BigInteger, default=0, comment="cents per hour of waiting, as its line says; 0 before its first flag"
    )
    claimed_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who works the case now; null: nobody"
    )
    claimed_at: Mapped[datetime | None] = mapped_column(comment="since when it is claimed; null: by nobody")
    closed_at: Mapped[datetime | None] = mapped_column(
        comment="when it reached a closed state; null while open"
    )
    in_queue: Mapped[bool] = mapped_column(
        Boolean, comment="whether it waits for somebody: not closed, or flagged since it was closed"
    )
    queue_revision: Mapped[int] = mapped_column(
        comment="rises when it is opened or its score or exposure changes: how a reader of pages tells"
    )


Index(
    "ix_cases_queue_by_score",
    Case.top_score.desc(),
    Case.number,
    sqlite_where=_IN_QUEUE_SQLITE,
    postgresql_where=_IN_QUEUE,
)
Index("ix_cases_state_by_score", Case.state, Case.top_score.desc(), Case.number)
Index(
    "ix_cases_queue_worst_first",
    Case.exposure_per_hour.desc(),
    Case.top_score.desc(),
    Case.number,
    sqlite_where=_IN_QUEUE_SQLITE,
    postgresql_where=_IN_QUEUE,
)
Index(
    "ix_cases_state_worst_first",
    Case.state,
    Case.exposure_per_hour.desc(),
    Case.top_score.desc(),
    Case.number,
)


class CaseLine(Recorded, Base):
    """A case as the queue shows it in one line, kept as flags are taken, so that reading the queue reads no flags."""

    __tablename__ = "case_lines"
    NOT_AUDITED = "it is computed from the flags in force, and no decision reads it"
    ROWS_CHANGE = True
    __table_args__ = (Index("ix_case_lines_country", "country"),)

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True, comment="whose line")
    channel: Mapped[str] = mapped_column(String(20), comment="of the flag with the highest score")
    direction: Mapped[str] = mapped_column(String(20), comment="of that flag")
    application_id: Mapped[str | None] = mapped_column(String(200), comment="of that flag; null: none")
    observed: Mapped[float] = mapped_column(comment="contacts of that flag's span")
    baseline: Mapped[float] = mapped_column(comment="what is usual in it")
    since: Mapped[datetime] = mapped_column(comment="first flag of that channel, direction and application")
    country: Mapped[str | None] = mapped_column(String(10), comment="that a flag names; null: none does")
    exposure_cents: Mapped[int] = mapped_column(
        BigInteger, comment="charge of the excess so far; a contact counts a cent where no charge is known"
    )
    exposure_per_hour: Mapped[int] = mapped_column(
        BigInteger, comment="of the hour that ends with the last flag"
    )
    charge_known: Mapped[bool] = mapped_column(Boolean, comment="whether the charge of every flag is known")
    reason: Mapped[CaseReason] = mapped_column(comment="what that flag is about")
    course: Mapped[list[float]] = mapped_column(JsonDocument, comment="excess by time, first to last flag")
    earlier_cases: Mapped[int] = mapped_column(comment="cases of the tenant with a lower number")


class CaseTrait(Recorded, Base):
    """Something that a case shows and that cases of other tenants may show too, by which similar ones are found."""

    __tablename__ = "case_traits"
    NOT_AUDITED = "it is computed from flags, frozen rows and findings, and no decision reads it"
    __table_args__ = (
        Index("ix_case_traits_value", "kind", "value", "case_id"),
        Index("ix_case_traits_case", "case_id"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="which case shows it")
    kind: Mapped[TraitKind] = mapped_column(comment="what it is")
    value: Mapped[str] = mapped_column(
        String(MOST_CHARACTERS), comment="id, range, direction and country, ground, or hour of the local day"
    )


class Episode(Recorded, Base):
    """Flags of one tenant close in time; the id outlives late flags."""

    __tablename__ = "episodes"
    ROWS_CHANGE = True
    __table_args__ = (Index("ix_episodes_tenant_first", "tenant_id", "first_flag_at"),)

    id: Mapped[Sha256] = mapped_column(
        primary_key=True, comment="hash of the tenant and the first flag when it was made"
    )
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), comment="tenant flagged")
    case_id: Mapped[str | None] = mapped_column(
        ForeignKey("cases.id"), index=True, comment="its case; null: overflow, or joined to another"
    )
    first_flag_at: Mapped[datetime] = mapped_column(comment="its earliest flag in force")
    last_flag_at: Mapped[datetime] = mapped_column(comment="its latest flag in force")
    top_score: Mapped[float] = mapped_column(comment="highest score of its flags in force")
    flag_count: Mapped[int] = mapped_column(comment="flags in force; 0: all superseded or moved")
    joined_to: Mapped[str | None] = mapped_column(
        ForeignKey("episodes.id"), comment="older episode that took its flags over; null: none did"
    )
    made_at: Mapped[datetime] = mapped_column(comment="when the episode was first recorded")


class Flag(Recorded, Base):
    """One interval of one series, or a span that ends with it, that is unusual upward; superseded, never deleted."""

    __tablename__ = "flags"
    ROWS_CHANGE = True
    __table_args__ = (
        Index(
            "uq_flags_one_in_force",
            "series_id",
            "interval_start",
            "clock",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
        Index("ix_flags_tenant_interval", "tenant_id", "interval_start"),
        Index("ix_flags_interval", "interval_start"),
        CheckConstraint("excess > 0", name="upward"),
        CheckConstraint("span_seconds >= interval_seconds", name="span_holds_the_interval"),
    )

    id: Mapped[Id]
    series_id: Mapped[Sha256] = mapped_column(
        comment="hash of tenant, channel, direction, application and interval length"
    )
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), comment="tenant flagged")
    channel: Mapped[str] = mapped_column(String(20), comment="voice, chat, email, sms or social")
    direction: Mapped[str] = mapped_column(String(20), comment="inbound or outbound")
    application_id: Mapped[str | None] = mapped_column(
        String(200), comment="third-party application or bot that carried it; null: none"
    )
    interval_seconds: Mapped[int] = mapped_column(comment="length of the interval, seconds")
    interval_start: Mapped[datetime] = mapped_column(comment="start of the interval")
    clock: Mapped[Clock] = mapped_column(comment="over what it was judged: its interval, or a longer span")
    quantity: Mapped[Quantity] = mapped_column(comment="what the excess is counted in")
    span_seconds: Mapped[int] = mapped_column(
        comment="what is counted: so many seconds that end with the interval, the interval or more"
    )
    observed: Mapped[float] = mapped_column(
        comment="what was seen in the span, in the quantity; in proportion where a part of it was covered"
    )
    baseline: Mapped[float] = mapped_column(comment="what is usual in the span, in the quantity")
    excess: Mapped[float] = mapped_column(comment="observed minus baseline")
    cents_per_contact: Mapped[float | None] = mapped_column(
        comment="what a contact of the span was charged, cents; null: not known"
    )
    score: Mapped[float] = mapped_column(comment="-log10 p")
    p_value: Mapped[float] = mapped_column(comment="chance of such an interval, or a worse one")
    q_value: Mapped[float | None] = mapped_column(
        comment="share of chance among this hour's intervals that are as unusual, at most; decides nothing; null: its "
        "hour is not closed, or was not when the flag was determined"
    )
    threshold: Mapped[float] = mapped_column(comment="score at which the model version flags")
    model_version: Mapped[Sha256 | None] = mapped_column(
        comment="model version that scored it; null: before the first"
    )
    reasons: Mapped[dict[str, Any]] = mapped_column(comment="why, in words and numbers")
    episode_id: Mapped[str | None] = mapped_column(
        ForeignKey("episodes.id"), index=True, comment="its episode; null only while it is recorded"
    )
    superseded_at: Mapped[datetime | None] = mapped_column(
        comment="when a later scoring took it back or replaced it; null: in force"
    )

    @property
    def span_start(self) -> datetime:
        """Start of what is counted, which ends with the interval."""
        return self.interval_start + timedelta(seconds=self.interval_seconds - self.span_seconds)


class JointSpike(Recorded, Base):
    """A quarter of an hour in which many more tenants of a group were flagged than usual; superseded, never deleted."""

    __tablename__ = "joint_spikes"
    ROWS_CHANGE = True
    __table_args__ = (
        Index(
            "uq_joint_spikes_one_in_force",
            "quarter_start",
            "group_kind",
            "group_name",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )

    id: Mapped[Id]
    quarter_start: Mapped[datetime] = mapped_column(comment="start of the quarter of an hour")
    begins_at: Mapped[datetime] = mapped_column(comment="start of the first flagged interval in it")
    ends_at: Mapped[datetime] = mapped_column(comment="end of the last flagged interval in it")
    group_kind: Mapped[GroupKind] = mapped_column(comment="what the tenants have in common")
    group_name: Mapped[str] = mapped_column(
        String(200), comment="country, channel and direction, or application; empty for all"
    )
    tenant_ids: Mapped[list[str]] = mapped_column(comment="tenants flagged together")
    with_traffic: Mapped[int] = mapped_column(comment="tenants of the group that were scored")
    usual: Mapped[float] = mapped_column(comment="how many flagged tenants would be usual")
    by_chance: Mapped[float] = mapped_column(
        comment="how likely so many are, at most, if the tenants had nothing to do with each other"
    )
    superseded_at: Mapped[datetime | None] = mapped_column(
        comment="when a later detection took it back or replaced it; null: in force"
    )


class CaseComment(Recorded, Base):
    """What somebody wrote on a case; the words are erasable."""

    __tablename__ = "case_comments"
    __table_args__ = (
        CheckConstraint("(kind = 'refused') = (proposal_id IS NOT NULL)", name="refuses_a_proposal"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    kind: Mapped[CommentKind] = mapped_column(comment="why it was written")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who wrote it")
    at: Mapped[datetime] = mapped_column(comment="when")
    text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the words")
    proposal_id: Mapped[str | None] = mapped_column(
        ForeignKey("proposals.id"), comment="the proposal that it refuses; null: it refuses none"
    )


class Attachment(Recorded, Base):
    """A file that somebody put beside a comment; its name is erasable, and so is what it holds."""

    __tablename__ = "attachments"

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    comment_id: Mapped[str] = mapped_column(
        ForeignKey("case_comments.id"),
        index=True,
        comment="the comment with which it came: by whom, and when",
    )
    name_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="the file's name")
    kind: Mapped[AttachmentKind] = mapped_column(comment="what it is by its content")


class AttachmentContent(Recorded, Base):
    """The bytes of an attachment, apart from it, so that nobody reads them who only lists or judges the case."""

    __tablename__ = "attachment_contents"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(content IS NULL) = (erased_at IS NOT NULL)", name="erased_whole"),
        CheckConstraint("size_bytes > 0", name="not_empty"),
    )

    id: Mapped[Id]
    attachment_id: Mapped[str] = mapped_column(
        ForeignKey("attachments.id"), unique=True, comment="whose bytes"
    )
    content: Mapped[bytes | None] = mapped_column(comment="the bytes as they came; null once erased")
    size_bytes: Mapped[int] = mapped_column(comment="how many")
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the bytes")
    erased_at: Mapped[datetime | None] = mapped_column(comment="when erased; null: still there")


class EvidenceSet(Recorded, Base):
    """Rows of the lake that a case rests on, frozen, so that they outlive the lake's retention."""

    __tablename__ = "evidence_sets"

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True, comment="case")
    occasion: Mapped[EvidenceOccasion] = mapped_column(comment="when it was frozen, and so what is inside")
    document: Mapped[bytes] = mapped_column(comment="canonical JSON of flags and traffic")
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the document")
    row_count: Mapped[int] = mapped_column(comment="rows of the lake inside")
    frozen_at: Mapped[datetime] = mapped_column(comment="when it was frozen")
