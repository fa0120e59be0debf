"""Users, their roles, and who took part in which case or edited which tenant's contract data."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.people.model import Part, Role
from cjp_fraud.storage.base import Base, Id, IdOf, Recorded


class User(Recorded, Base):
    """A person who may act."""

    __tablename__ = "users"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True, comment="name given to --as")
    created_at: Mapped[datetime] = mapped_column(comment="when the user was made")


class UserRole(Recorded, Base):
    """One role of one user."""

    __tablename__ = "user_roles"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(primary_key=True)


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
