"""The audit log and the personal texts that it refers to by digest only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, Index, Integer, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, JsonDocument, UtcDateTime, id_column, new_id


class AuditEntry(Base):
    """One link of the hash chain: ids and digests, never personal text. Append-only by trigger."""

    __tablename__ = "audit_entries"
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


APPEND_ONLY_DDL = {
    "sqlite": (
        "CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries "
        "BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
        "CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries "
        "BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit_entries is append-only'; END $$",
        "CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION audit_entries_append_only()",
        "CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_append_only()",
    ),
}
"""What keeps the log append-only, by dialect; the migration runs the same statements."""

for _dialect, _statements in APPEND_ONLY_DDL.items():
    for _statement in _statements:
        event.listen(
            AuditEntry.__table__,
            "after_create",
            DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect),
        )
