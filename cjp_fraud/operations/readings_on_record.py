"""That a person read a case or a tenant: on record once an hour, by one rule for every page and endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.deployment import Deployment
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.review.quality import READ_EVERY
from cjp_fraud.storage.database import transaction

# Made once: to make a statement takes longer than to run it.
_READ: Final = select(
    exists().where(
        AuditEntry.subject_type == bindparam("table"),
        AuditEntry.subject_id == bindparam("row_id"),
        AuditEntry.action == bindparam("action"),
        AuditEntry.actor == bindparam("reader"),
        AuditEntry.at > bindparam("since"),
    )
)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read.

    Parameters
    ----------
    action : what the log calls it: ``case.read``.
    table, row_id : of the row that was read.
    content : of the log's entry, beside these.
    """

    action: str
    table: str
    row_id: str
    content: Mapping[str, Any] = field(default_factory=dict)


def read_lately(session: Session, read: Read, reader: str, now: datetime) -> bool:
    """Whether it is on record within the last hour that somebody read it.

    Parameters
    ----------
    reader : as the log names them.
    """
    asked = {"table": read.table, "row_id": read.row_id, "action": read.action, "reader": reader}
    return bool(session.scalar(_READ, asked | {"since": now - READ_EVERY}))


def put_reading_on_record(deployment: Deployment, reader: Actor, now: datetime, read: Read) -> None:
    """Append the entry that somebody read it."""
    with transaction(deployment.engine) as session:
        append(Decision(session, reader, now), read.action, read.table, read.row_id, read.content)
