"""Notice plans, notices, attempts at sending them, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.methods import METHOD_LENGTH
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.model import NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.reports.model import ReportKind
from cjp_fraud.storage.base import (
    Base,
    Id,
    IdOf,
    Recorded,
    Sha256,
)


class NoticePlan(Recorded, Base):
    """What is to be served for an approved proposal; immutable but for its cancellation."""

    __tablename__ = "notice_plans"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("proposal_id", "kind", "round"),
        UniqueConstraint("occasion_id", "kind"),
        CheckConstraint("(proposal_id IS NULL) = (occasion_id IS NOT NULL)", name="one_occasion"),
        UniqueConstraint("id", "created_at", name="uq_notice_plans_moment"),
        CheckConstraint("created_at >= approved_at", name="after_the_approval"),
        Index("ix_notice_plans_case", "case_id"),
    )

    id: Mapped[Id]
    case_id: Mapped[IdOf] = mapped_column(comment="case that it serves")
    proposal_id: Mapped[IdOf | None] = mapped_column(
        comment="proposal that was approved; null: it has an occasion"
    )
    occasion_id: Mapped[IdOf | None] = mapped_column(
        comment="order of a letter that it carries out, or dispute that it answers; null: the proposal"
    )
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), comment="customer that is served")
    kind: Mapped[NoticeKind] = mapped_column(comment="what the notices tell")
    round: Mapped[int] = mapped_column(
        default=0, comment="round of reaffirmations that they tell of; 0: they tell of none"
    )
    mode: Mapped[PlatformMode] = mapped_column(comment="mode that was approved")
    document: Mapped[dict[str, Any]] = mapped_column(
        comment="the draft that was approved: terms, recipients, language, subject, body"
    )
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the document's canonical JSON")
    approved_at: Mapped[datetime] = mapped_column(
        comment="when what it tells of was approved, or ordered in an emergency"
    )
    unless_approved_by: Mapped[datetime | None] = mapped_column(
        comment="ordered in an emergency: what it tells of ends then unless it is approved; null: it was approved"
    )
    created_at: Mapped[datetime] = mapped_column(comment="when it was made; its first step is due")
    cancelled_at: Mapped[datetime | None] = mapped_column(
        comment="nothing of it is sent from then on; null: in force"
    )


class Notice(Recorded, Base):
    """One letter of a plan: one step, one method, one address."""

    __tablename__ = "notices"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("plan_id", "number"),
        CheckConstraint(
            "(message IS NULL) = (message_sha256 IS NULL OR erased_at IS NOT NULL) "
            "AND (message_sha256 IS NULL) = (dispatched_at IS NULL)",
            name="message_whole",
        ),
        CheckConstraint("state <> 'sent' OR message_sha256 IS NOT NULL", name="sent_has_bytes"),
        ForeignKeyConstraint(
            ["plan_id", "planned_at"], ["notice_plans.id", "notice_plans.created_at"], name="fk_notices_plan"
        ),
        CheckConstraint("dispatched_at IS NULL OR dispatched_at >= planned_at", name="after_the_plan"),
    )

    id: Mapped[Id]
    plan_id: Mapped[IdOf] = mapped_column(comment="plan that it belongs to")
    planned_at: Mapped[datetime] = mapped_column(comment="when the plan was made")
    number: Mapped[int] = mapped_column(comment="1, 2, 3 ... within the plan")
    step: Mapped[int] = mapped_column(comment="step of the contract's sequence, from 1")
    method_index: Mapped[int] = mapped_column(comment="place of its method in the step, from 0")
    follows: Mapped[int | None] = mapped_column(
        comment="place of the method whose notice it must follow, from 0; null: it is a notice itself"
    )
    method: Mapped[str] = mapped_column(String(METHOD_LENGTH), comment="method of serving")
    basis: Mapped[DeliveryStatus] = mapped_column(comment="delivery status from which it counts as received")
    required: Mapped[bool] = mapped_column(
        comment="false for an address replaced lately, which is served too but decides nothing"
    )
    kind: Mapped[NoticeKind] = mapped_column(comment="what it tells")
    language: Mapped[str] = mapped_column(String(35), comment="language of the letter, BCP 47")
    template: Mapped[str] = mapped_column(String(100), comment="template that it was made from")
    template_version: Mapped[str] = mapped_column(String(100), comment="version of the template")
    address_id: Mapped[str] = mapped_column(ForeignKey("addresses.id"), comment="address that is served")
    address_known: Mapped[str] = mapped_column(String(800), comment="how we knew the address, and since when")
    clause: Mapped[str] = mapped_column(String(800), comment="document and clause relied on")
    due_at: Mapped[datetime | None] = mapped_column(
        comment="when its step fell due; null: the step before is not complete"
    )
    state: Mapped[NoticeState] = mapped_column(comment="how far it has come")
    dispatched_at: Mapped[datetime | None] = mapped_column(
        comment="Date of the letter: the attempt that it was built for; null: not built yet"
    )
    states_end_at: Mapped[datetime | None] = mapped_column(
        comment="latest end of the measure that the letter states; null: not built yet, or it announces none"
    )
    reference: Mapped[str | None] = mapped_column(
        String(255),
        unique=True,
        comment="name under which its method knows it (email: Message-ID); null: not built yet",
    )
    message: Mapped[bytes | None] = mapped_column(
        comment="the exact bytes that are served, of the newest attempt; null: not built yet, or erased"
    )
    message_sha256: Mapped[Sha256 | None] = mapped_column(comment="SHA-256 of the bytes; null: not built yet")
    erased_at: Mapped[datetime | None] = mapped_column(
        comment="when the bytes were erased; null: still there"
    )


class NoticeAttempt(Recorded, Base):
    """One attempt at serving a notice, by whatever method; the row stands before anything leaves."""

    __tablename__ = "notice_attempts"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("notice_id", "number"),
        CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="outcome_when_finished"),
        CheckConstraint("finished_at IS NULL OR finished_at >= started_at", name="ends_after_it_began"),
        CheckConstraint(
            "(message IS NULL) = (erased_at IS NOT NULL) "
            "AND (evidence IS NULL) = (evidence_sha256 IS NULL OR erased_at IS NOT NULL)",
            name="erased_whole",
        ),
    )

    id: Mapped[Id]
    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id"), comment="notice that is served")
    number: Mapped[int] = mapped_column(comment="1, 2, 3 ... within the notice")
    method: Mapped[str] = mapped_column(String(METHOD_LENGTH), comment="method of serving")
    message: Mapped[bytes | None] = mapped_column(comment="the exact bytes that it serves; null: erased")
    message_sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the bytes")
    started_at: Mapped[datetime] = mapped_column(comment="when it began")
    finished_at: Mapped[datetime | None] = mapped_column(
        comment="when its outcome was known; null: open, or interrupted"
    )
    outcome: Mapped[Outcome | None] = mapped_column(comment="how it ended; null: open, or interrupted")
    evidence: Mapped[str | None] = mapped_column(
        Text, comment="all that was said, for example the SMTP dialogue; null: open, interrupted, or erased"
    )
    evidence_sha256: Mapped[Sha256 | None] = mapped_column(
        comment="SHA-256 of what was said; null: open, or interrupted"
    )
    erased_at: Mapped[datetime | None] = mapped_column(
        comment="when bytes and dialogue were erased; null: still there"
    )


class SmtpAttempt(Recorded, Base):
    """What an attempt by email has beside every other attempt."""

    __tablename__ = "smtp_attempts"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(
            "(tls_version IS NULL) = (tls_cipher IS NULL) "
            "AND (tls_version IS NULL) = (certificate_verified IS NULL)",
            name="tls_whole",
        ),
        CheckConstraint("(dkim_name IS NULL) = (dkim_record IS NULL)", name="dkim_whole"),
    )

    attempt_id: Mapped[IdOf] = mapped_column(
        ForeignKey("notice_attempts.id"), primary_key=True, comment="the attempt"
    )
    envelope_from: Mapped[str] = mapped_column(
        String(255), unique=True, comment="return path of this attempt alone, with an unguessable token"
    )
    envid: Mapped[str] = mapped_column(String(100), unique=True, comment="ENVID of RFC 3461")
    host: Mapped[str] = mapped_column(String(255), comment="mail server")
    port: Mapped[int] = mapped_column(comment="its port")
    reply_code: Mapped[int | None] = mapped_column(
        comment="the reply that decided the outcome; null: none came"
    )
    queue_id: Mapped[str | None] = mapped_column(
        String(255), comment="name under which the server keeps it, from its reply; null: it names none"
    )
    server_name: Mapped[str | None] = mapped_column(
        String(255), comment="name by which the server called itself; null: it did not"
    )
    server_address: Mapped[str | None] = mapped_column(
        String(60), comment="IP address and port that were reached; null: none was"
    )
    reports_offered: Mapped[bool | None] = mapped_column(
        comment="whether the server passes delivery reports on (RFC 3461); null: it did not come to that"
    )
    tls_version: Mapped[str | None] = mapped_column(
        String(40), comment="version of TLS; null: the connection was not encrypted"
    )
    tls_cipher: Mapped[str | None] = mapped_column(String(100), comment="its cipher suite; null: as above")
    certificate_sha256: Mapped[Sha256 | None] = mapped_column(
        comment="SHA-256 of the server's certificate (DER); null: it showed none"
    )
    certificate_verified: Mapped[bool | None] = mapped_column(
        comment="whether it leads to a trusted root and is for the server's name; null: not encrypted"
    )
    dkim_name: Mapped[str | None] = mapped_column(
        String(320), comment="under which DNS has the key that the bytes are signed with; null: unsigned"
    )
    dkim_record: Mapped[str | None] = mapped_column(
        Text, comment="that public key, the text of its TXT record; null: unsigned"
    )


class DeliveryEvent(Recorded, Base):
    """Something that became known of a notice; changed only by a person's resolution, and an erasure."""

    __tablename__ = "delivery_events"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("notice_id", "report_sha256"),
        CheckConstraint("(resolved_at IS NULL) = (resolved_by IS NULL)", name="resolution_whole"),
        CheckConstraint("(raw IS NULL) = (erased_at IS NOT NULL)", name="erased_whole"),
        Index("ix_delivery_events_notice", "notice_id"),
    )

    id: Mapped[Id]
    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id"), comment="notice concerned")
    attempt_id: Mapped[str | None] = mapped_column(
        ForeignKey("notice_attempts.id"), comment="attempt concerned; null where it is of none in particular"
    )
    at: Mapped[datetime] = mapped_column(comment="when it happened, as far as known")
    source_at: Mapped[datetime | None] = mapped_column(
        comment="when it happened by the source's own word, on which nothing rests; null: it does not say"
    )
    source: Mapped[str] = mapped_column(String(200), comment="smtp, delivery report and its file, ...")
    status: Mapped[DeliveryStatus] = mapped_column(comment="delivery status that it shows")
    negative: Mapped[bool] = mapped_column(comment="it says that the notice did not arrive")
    authenticated: Mapped[bool] = mapped_column(comment="false: it proves nothing, either way")
    kind: Mapped[ReportKind | None] = mapped_column(
        comment="kind of the message that says so; null: it is from no message"
    )
    erds_event: Mapped[str | None] = mapped_column(
        String(40), comment="name of the event in ETSI EN 319 522, where it has one; null: it has none"
    )
    needs_person: Mapped[str | None] = mapped_column(
        String(300), comment="why a person must look at it, until it is resolved; null: nobody must"
    )
    raw: Mapped[str | None] = mapped_column(Text, comment="the raw text; null: erased")
    raw_sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the raw text")
    erased_at: Mapped[datetime | None] = mapped_column(
        comment="when the raw text was erased; null: still there"
    )
    report_sha256: Mapped[Sha256 | None] = mapped_column(
        comment="SHA-256 of the report's bytes, so that it counts once; null: not from a report"
    )
    resolved_at: Mapped[datetime | None] = mapped_column(
        comment="when a person decided that the notice stands in spite of it, or dealt with it; null: nobody has"
    )
    resolved_by: Mapped[str | None] = mapped_column(String(140), comment="who decided so; null: nobody has")


class PageCode(Recorded, Base):
    """A one-time code that was asked for on a notice's page, and the visit that it opened.

    A row is made for an address that is no contact's too: so asking tells nobody which addresses are on record.
    """

    __tablename__ = "page_codes"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("tries >= 0 AND tries <= 5", name="five_tries"),
        CheckConstraint(
            "(used_at IS NULL) = (session_sha256 IS NULL) AND (used_at IS NULL) = (session_ends_at IS NULL)",
            name="used_whole",
        ),
        CheckConstraint("used_at IS NULL OR address_id IS NOT NULL", name="used_by_a_contact"),
        Index("ix_page_codes_notice", "notice_id", "requested_at"),
        Index("ix_page_codes_client", "client", "requested_at"),
    )

    id: Mapped[Id]
    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id"), comment="notice whose page it opens")
    address_id: Mapped[str | None] = mapped_column(
        ForeignKey("addresses.id"),
        comment="contact's address that it is mailed to; null: the address was none",
    )
    client: Mapped[Sha256] = mapped_column(comment="keyed digest of the network address that asked")
    requested_at: Mapped[datetime] = mapped_column(comment="when it was asked for")
    expires_at: Mapped[datetime] = mapped_column(comment="from then on it opens nothing")
    salt: Mapped[Sha256] = mapped_column(comment="random, hex")
    code_sha256: Mapped[Sha256] = mapped_column(comment="keyed digest of salt and code (HMAC-SHA256)")
    tries: Mapped[int] = mapped_column(
        default=0, comment="how often it was tried; it is compared five times at most"
    )
    used_at: Mapped[datetime | None] = mapped_column(comment="when it opened the page; null: not yet")
    session_sha256: Mapped[Sha256 | None] = mapped_column(
        unique=True, comment="SHA-256 of what the browser keeps for the visit; null: not used yet"
    )
    session_ends_at: Mapped[datetime | None] = mapped_column(comment="end of the visit; null: not used yet")
