"""The audit log and the personal texts that it refers to by digest only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, Id, IdOf, Recorded, Sha256


class AuditEntry(Base):
    """One link of the hash chain: ids and digests, never personal text. Append-only by a trigger of the migration."""

    __tablename__ = "audit_entries"
    NOT_AUDITED = "it is the log"
    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_from_one"),
        Index("ix_audit_entries_case", "case_id"),
        Index("ix_audit_entries_subject", "subject_type", "subject_id"),
        Index("ix_audit_entries_actor", "actor", "sequence"),
        Index("ix_audit_entries_action", "action", "sequence"),
    )

    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
        comment="1, 2, 3 ... without a gap",
    )
    at: Mapped[datetime] = mapped_column(comment="the moment of the act")
    recorded_at: Mapped[datetime] = mapped_column(
        comment="when it was recorded, by the clock of the machine or of the database server; never runs backwards"
    )
    machine_at: Mapped[datetime | None] = mapped_column(
        comment="in a simulated home, what the machine's clock showed; null in any other"
    )
    actor: Mapped[str] = mapped_column(String(140), comment="user id, or system:task")
    action: Mapped[str] = mapped_column(String(80), comment="what was done: case.claimed, notice.dispatched")
    subject_type: Mapped[str] = mapped_column(String(40), comment="table of the row concerned")
    subject_id: Mapped[str] = mapped_column(String(240), comment="id of the row concerned")
    case_id: Mapped[IdOf | None] = mapped_column(comment="case concerned; null where none is")
    content: Mapped[dict[str, Any]] = mapped_column(comment="ids, states, digests of what was done")
    rows: Mapped[list[dict[str, str]]] = mapped_column(
        comment="every row that was written or changed: table, id, SHA-256 as it stood then"
    )
    body_sha256: Mapped[Sha256] = mapped_column(comment="digest of all the fields above")
    previous_sha256: Mapped[Sha256] = mapped_column(
        unique=True, comment="entry_sha256 of the entry before; 64 zeros for the first"
    )
    entry_sha256: Mapped[Sha256] = mapped_column(
        unique=True, comment="SHA-256 of previous_sha256 + body_sha256 (ASCII hex)"
    )


class EntryOfRow(Base):
    """Which entries of the log name a row: what is asked before a measure does not read the whole log.

    It is made of the entries, one row for each that they name, when they are appended; ``audit verify`` compares it
    with them.
    """

    __tablename__ = "audit_entries_of_rows"
    NOT_AUDITED = "it repeats what the entries of the log say, and audit verify compares it with them"

    row_id: Mapped[str] = mapped_column(
        String(240), primary_key=True, comment="id of the row, of whatever table"
    )
    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        comment="number of an entry that names it",
    )


class PersonalText(Recorded, Base):
    """A text that a person wrote or that names persons; may be erased, its digest stays in the log."""

    __tablename__ = "personal_texts"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint(
            "(body IS NULL) = (erased_at IS NOT NULL) AND (salt IS NULL) = (erased_at IS NOT NULL)",
            name="erased_whole",
        ),
    )

    id: Mapped[Id]
    body: Mapped[str | None] = mapped_column(Text, comment="the text; null once erased")
    salt: Mapped[Sha256 | None] = mapped_column(comment="random, hex; null once erased")
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of salt + text: what the log refers to")
    written_at: Mapped[datetime] = mapped_column(comment="when it was written")
    erased_at: Mapped[datetime | None] = mapped_column(comment="when erased; null: still there")


class Home(Recorded, Base):
    """What a deployment is for good: whether its clock is simulated, and where that clock stands; one row."""

    __tablename__ = "homes"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("id = 'home'", name="one_home"),
        CheckConstraint(
            "simulated = (shown_at IS NOT NULL) AND simulated = (machine_at IS NOT NULL)",
            name="clock_is_whole",
        ),
    )

    id: Mapped[IdOf] = mapped_column(primary_key=True, comment="always 'home'")
    simulated: Mapped[bool] = mapped_column(comment="whether the clock is simulated; set at init, for good")
    shown_at: Mapped[datetime | None] = mapped_column(
        comment="what the simulated clock showed when it was set last; null: not simulated"
    )
    machine_at: Mapped[datetime | None] = mapped_column(
        comment="what the machine's clock showed then; null: not simulated"
    )
