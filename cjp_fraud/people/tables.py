"""Users, their identities and roles, who took part in which case or edited which contract data, and who is on call."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.people.model import IdentityKind, Part, Reach, Role
from cjp_fraud.storage.base import (
    Base,
    Id,
    IdOf,
    JsonDocument,
    NullableDocument,
    Recorded,
    Sha256,
    ZoneName,
    new_salt,
)


class User(Recorded, Base):
    """A person who may act; one person is one user."""

    __tablename__ = "users"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(disabled_at IS NULL) = (disabled_by IS NULL)", name="disabling_is_whole"),
        CheckConstraint("created_by <> id", name="not_by_themself"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True, comment="name given to --as")
    display_name: Mapped[str | None] = mapped_column(String(200), comment="name shown; null: the user name")
    created_at: Mapped[datetime] = mapped_column(comment="when the user was made")
    created_by: Mapped[str] = mapped_column(String(140), comment="who made it: user id, or system:task")
    disabled_at: Mapped[datetime | None] = mapped_column(comment="may not act from then on; null: may")
    disabled_by: Mapped[str | None] = mapped_column(String(140), comment="who disabled it; null: nobody")
    salt: Mapped[str] = mapped_column(
        String(32),
        default=new_salt,
        comment="random; so that nobody guesses a name from the digest of its row in a disclosable bundle",
    )


class Identity(Recorded, Base):
    """By what a person is known outside: an account or a mail address; it belongs to one user, for good."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True, comment="whose")
    kind: Mapped[IdentityKind] = mapped_column(comment="what kind of identity")
    value: Mapped[str] = mapped_column(String(320), comment="the account or address, in its one form")
    added_by: Mapped[str] = mapped_column(
        String(140), comment="who put it on record: user id, or system:task"
    )


class UserRole(Recorded, Base):
    """One role of one user, while it was held."""

    __tablename__ = "user_roles"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("granted_by <> user_id", name="not_to_themself"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revocation_is_whole"),
        Index(
            "uq_user_roles_held",
            "user_id",
            "role",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who has it")
    role: Mapped[Role] = mapped_column(comment="what they may do")
    granted_at: Mapped[datetime] = mapped_column(comment="from when on")
    granted_by: Mapped[str] = mapped_column(String(140), comment="who granted it: user id, or system:task")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="until when; null: still")
    revoked_by: Mapped[str | None] = mapped_column(String(140), comment="who took it away; null: nobody")
    channels: Mapped[list[str] | None] = mapped_column(
        NullableDocument, comment="channels of the cases to which it is narrowed; null: to none"
    )
    countries: Mapped[list[str] | None] = mapped_column(
        NullableDocument, comment="countries of the tenants to which it is narrowed; null: to none"
    )

    @property
    def reach(self) -> Reach:
        """To what it is narrowed."""
        return Reach(frozenset(self.channels or ()), frozenset(self.countries or ()))


class Participation(Recorded, Base):
    """Somebody took part in a case, or edited a tenant's contract data; never removed."""

    __tablename__ = "participations"
    __table_args__ = (
        Index("ix_participations_case", "case_id"),
        Index("ix_participations_tenant", "tenant_id"),
    )

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who")
    part: Mapped[Part] = mapped_column(comment="how they took part")
    tenant_id: Mapped[str] = mapped_column(String(200), comment="tenant concerned")
    case_id: Mapped[IdOf | None] = mapped_column(comment="case concerned; null for an edit of contract data")
    at: Mapped[datetime] = mapped_column(comment="when")


class LocalAccount(Recorded, Base):
    """By what a user signs in here, where no other provider of identities does it: a password and a second factor."""

    __tablename__ = "local_accounts"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(set_up_sha256 IS NULL) = (set_up_expires_at IS NULL)", name="invitation_is_whole"),
        CheckConstraint("failures >= 0", name="failures_are_counted"),
    )

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), unique=True, comment="whose")
    password_hash: Mapped[str | None] = mapped_column(
        String(200), comment="argon2id with its salt and costs; null: no password was set"
    )
    password_set_at: Mapped[datetime | None] = mapped_column(comment="when; null: no password was set")
    totp_secret: Mapped[str | None] = mapped_column(
        String(200),
        comment="secret of the second factor, encrypted by a key outside the database; null: none",
    )
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(
        comment="since when codes of it are asked for; null: it is not set up"
    )
    last_code_step: Mapped[int | None] = mapped_column(
        comment="half minutes since 1970 of the last code that was taken, so that none is taken twice; null: none was"
    )
    failures: Mapped[int] = mapped_column(
        default=0, comment="wrong passwords and codes since somebody signed in"
    )
    refused_until: Mapped[datetime | None] = mapped_column(
        comment="until when nothing is tried; null: it may be"
    )
    set_up_sha256: Mapped[Sha256 | None] = mapped_column(
        unique=True, comment="SHA-256 of the invitation's token; null: none is open"
    )
    set_up_expires_at: Mapped[datetime | None] = mapped_column(
        comment="until when the invitation may be used; null: none is open"
    )
    invited_by: Mapped[str] = mapped_column(
        String(140), comment="who made the newest invitation: user id, or system:task"
    )


class WebSession(Recorded, Base):
    """One browser in which somebody is signed in, or is about to be: until the second factor it may do nothing."""

    __tablename__ = "web_sessions"
    NOT_AUDITED = "it changes while pages are read; that it began and how it ended are entries of the log"
    ROWS_CHANGE = True

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True, comment="who")
    token_sha256: Mapped[Sha256] = mapped_column(unique=True, comment="SHA-256 of what the browser keeps")
    created_at: Mapped[datetime] = mapped_column(comment="when the password was right")
    second_factor_at: Mapped[datetime | None] = mapped_column(
        comment="when the code was right; null: nobody is signed in yet"
    )
    seen_at: Mapped[datetime] = mapped_column(comment="last use, to the minute")
    ends_at: Mapped[datetime] = mapped_column(comment="when it ends, used or not")
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it was ended before; null: it was not")


class UserSettings(Recorded, Base):
    """How pages are shown to somebody."""

    __tablename__ = "user_settings"
    ROWS_CHANGE = True

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, comment="whose")
    language: Mapped[str | None] = mapped_column(
        String(20), comment="language of the pages; null: as the browser asks"
    )
    time_zone: Mapped[ZoneName] = mapped_column(comment="zone in which moments are shown")


class FormSubmission(Recorded, Base):
    """A form that was acted on: sent again, it acts no more."""

    __tablename__ = "form_submissions"
    NOT_AUDITED = "it only keeps a form from acting twice; what the form did has entries of its own"

    id: Mapped[Id] = mapped_column(comment="id that the form bears")
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who sent it")
    digest: Mapped[Sha256] = mapped_column(comment="SHA-256 of its fields")
    leads_to: Mapped[str] = mapped_column(String(500), comment="page that shows the result")
    at: Mapped[datetime] = mapped_column(comment="when")


class FormDraft(Recorded, Base):
    """What somebody typed into a form that has not acted yet: no page, lease or session takes it with it."""

    __tablename__ = "form_drafts"
    NOT_AUDITED = "it changes while somebody types, is emptied when the form acts, and no decision reads it"
    ROWS_CHANGE = True

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, comment="whose")
    form: Mapped[str] = mapped_column(String(300), primary_key=True, comment="path that the form is sent to")
    fields: Mapped[dict[str, str]] = mapped_column(
        JsonDocument, comment="field → text; empty: the form acted"
    )
    at: Mapped[datetime] = mapped_column(comment="when it was typed last")


class ApiToken(Recorded, Base):
    """A token by which a program acts as a user: good for what it says, as far as the user's roles go."""

    __tablename__ = "api_tokens"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revocation_is_whole"),
        CheckConstraint("expires_at > created_at", name="ends_after_it_begins"),
    )

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True, comment="as whom it acts")
    label: Mapped[str] = mapped_column(String(100), comment="what it is for, in its owner's words")
    token_sha256: Mapped[Sha256] = mapped_column(unique=True, comment="SHA-256 of the token, kept nowhere")
    scopes: Mapped[list[str]] = mapped_column(comment="what it is good for")
    created_at: Mapped[datetime] = mapped_column(comment="when it was made")
    expires_at: Mapped[datetime] = mapped_column(comment="until when it counts")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="counts no more from then on; null: does")
    revoked_by: Mapped[str | None] = mapped_column(String(140), comment="user id; null: nobody")


class OncallTurn(Recorded, Base):
    """When somebody is on call to approve or to review, and how they are paged."""

    __tablename__ = "oncall_turns"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("place >= 1", name="place"),
        CheckConstraint("webhook IS NOT NULL OR mail IS NOT NULL", name="can_be_paged"),
    )

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="who")
    place: Mapped[int] = mapped_column(comment="1 is paged first")
    days: Mapped[list[str]] = mapped_column(comment="mon, tue ... on which the turn begins")
    begins: Mapped[str] = mapped_column(String(5), comment="HH:MM in the zone")
    ends: Mapped[str] = mapped_column(
        String(5), comment="HH:MM; not after the beginning: on the next day, 24 hours where equal"
    )
    time_zone: Mapped[ZoneName] = mapped_column(comment="zone of the hours")
    webhook: Mapped[str | None] = mapped_column(String(2000), comment="URL that pages them; null: none")
    mail: Mapped[str | None] = mapped_column(String(320), comment="address that pages them; null: none")
    removed_at: Mapped[datetime | None] = mapped_column(comment="since when it counts no more; null: it does")
