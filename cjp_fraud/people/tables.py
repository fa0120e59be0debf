"""Users, their identities and roles, and who took part in which case or edited which tenant's contract data."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.people.model import IdentityKind, Part, Role
from cjp_fraud.storage.base import Base, Id, IdOf, Recorded, new_salt


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
