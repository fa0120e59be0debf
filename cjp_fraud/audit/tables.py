"""The audit log and the personal texts that it refers to by digest only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, JsonDocument, UtcDateTime, id_column, new_id


class AuditEntry(Base):
    """One link of the hash chain: ids and digests, never personal text. Append-only by a trigger of the migration."""

    __tablename__ = "audit_entries"
    NOT_AUDITED = "it is the log"
    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_from_one"),
        Index("ix_audit_entries_case", "case_id"),
        Index("ix_audit_entries_subject", "subject_type", "subject_id"),
    )

    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
        comment="1, 2, 3 ... without a gap",
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime, comment="the clock given to the action")
    actor: Mapped[str] = mapped_column(String(140), comment="user id, or system:task")
    action: Mapped[str] = mapped_column(String(80), comment="what was done: case.claimed, notice.dispatched")
    subject_type: Mapped[str] = mapped_column(String(40), comment="table of the row concerned")
    subject_id: Mapped[str] = mapped_column(String(240), comment="id of the row concerned")
    case_id: Mapped[str | None] = mapped_column(id_column(), comment="case concerned; null where none is")
    content: Mapped[dict[str, Any]] = mapped_column(
        JsonDocument, comment="ids, states, digests of what was done"
    )
    rows: Mapped[list[dict[str, str]]] = mapped_column(
        JsonDocument, comment="every row that was written or changed: table, id, SHA-256 as it stood then"
    )
    body_sha256: Mapped[str] = mapped_column(String(64), comment="digest of all the fields above")
    previous_sha256: Mapped[str] = mapped_column(
        String(64), unique=True, comment="entry_sha256 of the entry before; 64 zeros for the first"
    )
    entry_sha256: Mapped[str] = mapped_column(
        String(64), unique=True, comment="SHA-256 of previous_sha256 + body_sha256 (ASCII hex)"
    )


class PersonalText(Base):
    """A text that a person wrote or that names persons; may be erased, its digest stays in the log."""

    __tablename__ = "personal_texts"

    id: Mapped[str] = mapped_column(id_column(), primary_key=True, default=new_id)
    body: Mapped[str | None] = mapped_column(Text, comment="the text; null once erased")
    salt: Mapped[str | None] = mapped_column(String(64), comment="random, hex; null once erased")
    sha256: Mapped[str] = mapped_column(String(64), comment="SHA-256 of salt + text: what the log refers to")
    written_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="when it was written")
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="when erased; null: still there")
