"""Which entry of the audit log changed something last: by it, a process knows that what it computed before still holds.

Every row that is written or changed is named by an entry of the log in the same transaction, and entries are committed
in the order of their numbers. So what was computed from audited rows holds until an entry names others; that somebody
read a case is an entry too, which names none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Text, bindparam, case, cast, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import AuditEntry

_AT_MOST: Final = 200
"""Entries that are read on; where there are more, the newest counts as a change, whatever it names."""

_LARGE: Final = 50_000
"""Characters from which on what an entry names is not read: it counts as a change."""

_NAMED: Final = cast(AuditEntry.rows, Text)

_NEWEST: Final = (
    select(AuditEntry.sequence, AuditEntry.entry_sha256).order_by(AuditEntry.sequence.desc()).limit(1)
)
_READ_ON: Final = (
    select(
        AuditEntry.sequence,
        AuditEntry.entry_sha256,
        case(
            (AuditEntry.sequence == bindparam("read_to"), None), (func.length(_NAMED) < _LARGE, _NAMED)
        ).label("named"),
    )
    .where(AuditEntry.sequence >= bindparam("read_to"))
    .order_by(AuditEntry.sequence)
    .limit(_AT_MOST + 1)
)


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the log, by its number and its digest: with the digest, all entries before it are the same too."""

    sequence: int
    entry_sha256: str


class NewestChange:
    """Reads on in the log, each time from where it was read before.

    Parameters
    ----------
    passed_over : tables; an entry that names rows of these alone, or none, changes nothing.
    """

    def __init__(self, passed_over: frozenset[str]) -> None:
        self._passed_over = passed_over
        self._read: tuple[Change, Change] | None = None  # how far, and the newest change until there

    def of(self, session: Session) -> Change | None:
        """Return the newest change that the session sees.

        None: nothing can be said, because the log is empty, or the session reads of an earlier moment than another did.
        """
        if self._read is None:
            return self._begin(session)
        read_to, changed = self._read
        entries = session.execute(_READ_ON, {"read_to": read_to.sequence}).all()
        if not entries:
            return None
        if entries[0].entry_sha256 != read_to.entry_sha256 or len(entries) > _AT_MOST:
            return self._begin(session)  # another log stands there now, or too much of it is new
        changing = [entry for entry in entries[1:] if self._changes(entry.named)]
        if changing:
            changed = _change(changing[-1])
        self._read = (_change(entries[-1]), changed)
        return changed

    def _begin(self, session: Session) -> Change | None:
        entry = session.execute(_NEWEST).one_or_none()
        if entry is None:
            return None
        self._read = (_change(entry), _change(entry))
        return self._read[1]

    def _changes(self, named: str | None) -> bool:
        if named is None:
            return True
        rows: Sequence[dict[str, Any]] = json.loads(named)
        return not self._passed_over.issuperset(row["table"] for row in rows)


def _change(entry: Any) -> Change:
    return Change(entry.sequence, entry.entry_sha256)
