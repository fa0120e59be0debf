"""Write to the database behind the application's back: no entry of the audit log names what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.orm import Session

from cjp_fraud.audit.chain import GENESIS, body_digest, entry_digest
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.digests import digest


@contextmanager
def unrecorded(engine: Engine) -> Iterator[Session]:
    """Yield a session whose commit does not ask whether the log names its rows."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def rebuild_chain(engine: Engine, change: Callable[[AuditEntry], None], *, keep: int | None = None) -> None:
    """Write the whole log anew: change entries, recompute every digest after them; its guards are off meanwhile.

    Parameters
    ----------
    change : called with each entry in turn; may change its fields.
    keep : entries that are left; the others are removed from the end.
    """
    dropped: Sequence[Any] = ()
    with unrecorded(engine) as session:
        if engine.dialect.name == "sqlite":
            guards = text(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries'"
            )
            dropped = session.execute(guards).all()
            for name, _ in dropped:
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()
        session.expunge_all()
        previous = GENESIS
        for entry in entries:
            change(entry)
            entry.previous_sha256 = previous
            entry.body_sha256 = body_digest(entry, [digest(row) for row in entry.rows])
            entry.entry_sha256 = previous = entry_digest(previous, entry.body_sha256)
            values = {column: getattr(entry, column) for column in AuditEntry.__table__.columns.keys()}  # noqa: SIM118
            at = AuditEntry.sequence == entry.sequence
            session.execute(update(AuditEntry.__table__).where(at).values(values))
        if keep is not None:
            session.execute(delete(AuditEntry.__table__).where(AuditEntry.sequence > keep))
        for _, statement in dropped:
            session.connection().exec_driver_sql(statement)
