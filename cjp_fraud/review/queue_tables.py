"""Tables of how people work the queue: leases, waits, mentions, views, known events, bulk dismissals, shifts, pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.review.claim_rules import Wait
from cjp_fraud.review.known_event import KnownEventKind
from cjp_fraud.review.mention_rules import MailOutcome
from cjp_fraud.review.model import Awaited, BulkResult, CauseKind, CustomersAnswer, PageOutcome
from cjp_fraud.storage.base import Base, Id, IdOf, Recorded


class CaseLease(Recorded, Base):
    """Until when somebody works a case; it counts while the case says that they hold it."""

    __tablename__ = "case_leases"
    NOT_AUDITED = "it is extended while a page is used; that it began and how it ended are entries of the log"
    ROWS_CHANGE = True

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True, comment="case")
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who holds it")
    begun_at: Mapped[datetime] = mapped_column(comment="since when")
    ends_at: Mapped[datetime] = mapped_column(index=True, comment="until when, if it is not extended")
    handed_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who handed it to them; null: they claimed it themself"
    )


class CaseWait(Recorded, Base):
    """Somebody put a case aside until a moment or an event."""

    __tablename__ = "case_waits"
    NOT_AUDITED = (
        "its beginning and its end are entries of the log that hold all of it, and no decision reads it"
    )
    ROWS_CHANGE = True
    __table_args__ = (
        Index("ix_case_waits_case", "case_id", "begun_at"),
        Index("ix_case_waits_until", "ended_at", "until_at"),
        CheckConstraint("begun_at < until_at", name="it_lasts"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="case")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who promised to come back to it")
    begun_at: Mapped[datetime] = mapped_column(comment="since when")
    until_at: Mapped[datetime] = mapped_column(comment="when it is back at the latest")
    awaited: Mapped[Awaited] = mapped_column(comment="for what: a moment, the customer, a further flag")
    last_flag_at: Mapped[datetime] = mapped_column(comment="newest flag of the case then")
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it was back; null: not on record yet")

    @property
    def wait(self) -> Wait:
        """The row as the rules take it."""
        return Wait(self.begun_at, self.until_at, self.awaited, self.last_flag_at, self.ended_at)


class CustomerQuestion(Recorded, Base):
    """A customer's out-of-band contact was asked whether the flagged traffic was theirs."""

    __tablename__ = "customer_questions"
    NOT_AUDITED = (
        "its asking and its answer are entries of the log that hold all of it, the words are comments, and no decision "
        "reads it"
    )
    ROWS_CHANGE = True
    __table_args__ = (
        Index("ix_customer_questions_case", "case_id", "asked_at"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="an_answer_has_its_moment"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="case")
    address_id: Mapped[str] = mapped_column(ForeignKey("addresses.id"), comment="who was asked")
    asked_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who asked")
    asked_at: Mapped[datetime] = mapped_column(comment="when")
    waits_until: Mapped[datetime] = mapped_column(comment="when the case is back in the queue at the latest")
    answer: Mapped[CustomersAnswer | None] = mapped_column(comment="what was answered; null: nothing yet")
    answered_at: Mapped[datetime | None] = mapped_column(comment="when it was recorded; null: not yet")
    answer_recorded_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who recorded it; null: nobody yet"
    )


class CaseViewer(Recorded, Base):
    """Who has a case on the screen."""

    __tablename__ = "case_viewers"
    NOT_AUDITED = "it changes every half minute; that somebody read a case is an entry of the log"
    ROWS_CHANGE = True

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True, comment="case")
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, comment="who")
    seen_at: Mapped[datetime] = mapped_column(comment="when their page last said so")


class CaseMention(Recorded, Base):
    """A comment names somebody, who has the case before them until they open it."""

    __tablename__ = "case_mentions"
    NOT_AUDITED = (
        "the comment's entry of the log says who is named, mention.mailing and mention.mailed say what was sent to "
        "them, and no decision reads it"
    )
    ROWS_CHANGE = True
    __table_args__ = (
        Index("ix_case_mentions_unseen", "user_id", "seen_at", "case_id"),
        Index("ix_case_mentions_at", "at"),
        CheckConstraint("(mail_outcome IS NULL) = (mail_at IS NULL)", name="mail_is_whole"),
    )

    id: Mapped[Id]
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="case")
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who is named")
    comment_id: Mapped[str] = mapped_column(ForeignKey("case_comments.id"), comment="in which comment")
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who wrote it")
    at: Mapped[datetime] = mapped_column(comment="when")
    seen_at: Mapped[datetime | None] = mapped_column(
        comment="when they opened the case after it; null: not yet"
    )
    mail_at: Mapped[datetime | None] = mapped_column(
        comment="when a mail to them was tried last; null: never"
    )
    mail_outcome: Mapped[MailOutcome | None] = mapped_column(
        comment="whether the mail left; null: it was not tried"
    )


class SavedView(Recorded, Base):
    """Filters of the queue under a name."""

    __tablename__ = "saved_views"
    NOT_AUDITED = "it is how somebody looks at the queue, and no decision reads it"
    ROWS_CHANGE = True
    __table_args__ = (Index("ix_saved_views_owner", "user_id"),)

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="whose")
    name: Mapped[str] = mapped_column(String(80), comment="as it is shown")
    filters: Mapped[dict[str, Any]] = mapped_column(comment="name of a filter → value, as in the address")
    shared: Mapped[bool] = mapped_column(Boolean, comment="whether everybody sees it")
    removed_at: Mapped[datetime | None] = mapped_column(comment="since when it is shown no more; null: it is")


class KnownEvent(Recorded, Base):
    """Something that people know of and that explains unusual traffic; it changes no flag, no score and no case."""

    __tablename__ = "known_events"
    ROWS_CHANGE = True
    __table_args__ = (
        Index("ix_known_events_tenant", "tenant_id", "ends_at"),
        CheckConstraint("begins_at < ends_at", name="it_lasts"),
        CheckConstraint("(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name="withdrawal_is_whole"),
    )

    id: Mapped[Id]
    kind: Mapped[KnownEventKind] = mapped_column(comment="what it is")
    tenant_id: Mapped[str | None] = mapped_column(
        ForeignKey("tenants.id"), comment="whose traffic it explains; null: that of many tenants"
    )
    channel: Mapped[str | None] = mapped_column(
        String(20), comment="voice, chat, email, sms or social; null: every channel"
    )
    countries: Mapped[list[str]] = mapped_column(
        comment="of the tenants, ISO 3166-1; empty: all, or a tenant is named"
    )
    begins_at: Mapped[datetime] = mapped_column(comment="from when")
    ends_at: Mapped[datetime] = mapped_column(comment="until when; half-open")
    words_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="what happens")
    entered_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who entered it")
    entered_at: Mapped[datetime] = mapped_column(comment="when; it may have begun before")
    withdrawn_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who withdrew it; null: nobody"
    )
    withdrawn_at: Mapped[datetime | None] = mapped_column(comment="when; null: it counts")


class BulkDismissal(Recorded, Base):
    """Cases of one cause that somebody dismissed together, with one reason."""

    __tablename__ = "bulk_dismissals"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(undone_by IS NULL) = (undone_at IS NULL)", name="undoing_is_whole"),
        CheckConstraint("(joint_spike_id IS NULL) <> (known_event_id IS NULL)", name="one_cause"),
    )

    id: Mapped[Id]
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who dismissed them")
    at: Mapped[datetime] = mapped_column(comment="when")
    kind: Mapped[CauseKind] = mapped_column(comment="what they have in common")
    joint_spike_id: Mapped[str | None] = mapped_column(
        ForeignKey("joint_spikes.id"),
        comment="first quarter of an hour in which they were flagged together; null: of a known event",
    )
    known_event_id: Mapped[str | None] = mapped_column(
        ForeignKey("known_events.id"), comment="the event in which their flags lie; null: of a joint spike"
    )
    cause: Mapped[str] = mapped_column(String(400), comment="the same in words, as it was shown")
    case_count: Mapped[int] = mapped_column(comment="how many cases were shown, and are in it")
    reasons_text_id: Mapped[str] = mapped_column(
        ForeignKey("personal_texts.id"), comment="the reasons; stored with each case too"
    )
    undo_until: Mapped[datetime] = mapped_column(comment="until when it can be undone")
    undone_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who had it undone; null: nobody"
    )
    undone_at: Mapped[datetime | None] = mapped_column(comment="when; null: it stands")


class BulkDismissalCase(Recorded, Base):
    """One case of a bulk dismissal, and what became of it."""

    __tablename__ = "bulk_dismissal_cases"
    NOT_AUDITED = "what became of the case is an entry of the log about the case"
    ROWS_CHANGE = True
    __table_args__ = (Index("ix_bulk_dismissal_cases_result", "result"),)

    dismissal_id: Mapped[str] = mapped_column(
        ForeignKey("bulk_dismissals.id"), primary_key=True, comment="which"
    )
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True, comment="case")
    result: Mapped[BulkResult] = mapped_column(comment="what became of it")
    why_not: Mapped[str | None] = mapped_column(
        String(1000), comment="why it was left, or not opened again; null: nothing stood in the way"
    )
    version: Mapped[int | None] = mapped_column(
        comment="newest entry of the log about it once it was dismissed; null: it was not"
    )


class ShiftHandover(Recorded, Base):
    """What one shift left to the next, and who took it over."""

    __tablename__ = "shift_handovers"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(
            "(acknowledged_by IS NULL) = (acknowledged_at IS NULL)", name="acknowledgement_is_whole"
        ),
        CheckConstraint("acknowledged_by <> by_user_id", name="not_by_themself"),
    )

    id: Mapped[Id]
    by_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who handed over")
    at: Mapped[datetime] = mapped_column(comment="when")
    items: Mapped[list[dict[str, str]]] = mapped_column(
        comment="what was open then: at, kind, case (number), who (user name)"
    )
    acknowledged_by: Mapped[str | None] = mapped_column(
        ForeignKey("users.id"), comment="who took it over; null: nobody yet"
    )
    acknowledged_at: Mapped[datetime | None] = mapped_column(comment="when; null: not yet")


class OncallPage(Recorded, Base):
    """One paging of one person: about a proposal that waits for approval, or about a case that has just been opened."""

    __tablename__ = "oncall_pages"
    NOT_AUDITED = "the entries oncall.paging and oncall.paged hold it, and no decision reads it"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("proposal_id", "step"),
        Index("ix_oncall_pages_case", "case_id"),
        CheckConstraint("(proposal_id IS NULL) = (step = 0)", name="step_of_a_proposal"),
    )

    id: Mapped[Id]
    message_id: Mapped[IdOf] = mapped_column(
        comment="by which receivers know a message that comes twice; one message may page about several new cases"
    )
    proposal_id: Mapped[str | None] = mapped_column(
        ForeignKey("proposals.id"), comment="what waits for approval; null: the case is new"
    )
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), comment="its case")
    step: Mapped[int] = mapped_column(
        comment="0: the case is new; 1, 2, 3: after 5, 10, 15 minutes; 11, 12, 13: so long after the first of two"
    )
    turn_id: Mapped[str | None] = mapped_column(
        ForeignKey("oncall_turns.id"), comment="who is paged; null: nobody on call could be"
    )
    at: Mapped[datetime] = mapped_column(comment="when it was tried last")
    outcome: Mapped[PageOutcome] = mapped_column(comment="whether it left")
    detail: Mapped[str] = mapped_column(String(500), comment="what the receivers answered, or what failed")
