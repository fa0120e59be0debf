"""Find what the audit log says last of a case's rows, without reading the whole of it."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final, TypeAlias

from sqlalchemy import Text, bindparam, case, cast, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.named_rows import NewestNames
from cjp_fraud.audit.tables import AuditEntry, EntryOfRow
from cjp_fraud.storage.database import in_parts, is_reading

_LARGE: Final = 50_000
"""Characters from which on what an entry names is kept; an act on one case names some thousands."""

_MOST: Final = 8
"""Large entries that are kept."""

_KEPT_ENTRIES: Final = "entries about a case"
"""Where a session that only reads keeps the entries about the case that it read last."""

_Named: TypeAlias = dict[tuple[str, str], dict[str, str]]

_OF_ROWS: Final = select(EntryOfRow.sequence).where(
    EntryOfRow.row_id.in_(bindparam("row_ids", expanding=True))
)
_ROWS: Final = cast(AuditEntry.rows, Text)
_ABOUT: Final = (
    select(
        AuditEntry.sequence,
        AuditEntry.at,
        AuditEntry.actor,
        AuditEntry.action,
        AuditEntry.subject_type,
        AuditEntry.subject_id,
        _ROWS.label("rows"),
    )
    .where(AuditEntry.case_id == bindparam("case_id"))
    .order_by(AuditEntry.sequence)
)
_ROWS_OF: Final = select(_ROWS).where(AuditEntry.sequence == bindparam("number"))
_ENTRIES: Final = (
    select(
        AuditEntry.sequence,
        AuditEntry.action,
        AuditEntry.actor,
        AuditEntry.case_id,
        AuditEntry.subject_type,
        AuditEntry.subject_id,
        AuditEntry.entry_sha256,
        case((AuditEntry.sequence.in_(bindparam("kept", expanding=True)), None), else_=_ROWS).label("rows"),
    )
    .where(AuditEntry.sequence.in_(bindparam("numbers", expanding=True)))
    .order_by(AuditEntry.sequence)
)


@dataclass(frozen=True, slots=True)
class EntryAboutCase:
    """An entry of the log that is about a case itself, with the rows that it names, by table and id."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    case_id: str
    named: Mapping[tuple[str, str], Mapping[str, str]]


def entries_about(session: Session, case_id: str) -> Sequence[EntryAboutCase]:
    """Return the entries about a case itself, in order; a session for reading only keeps those of the last case."""
    kept: tuple[str, Sequence[EntryAboutCase]] | None = session.info.get(_KEPT_ENTRIES)
    if kept is not None and kept[0] == case_id:
        return kept[1]
    entries = [
        EntryAboutCase(
            sequence=row.sequence,
            at=row.at,
            actor=row.actor,
            action=row.action,
            case_id=case_id,
            subject_type=row.subject_type,
            subject_id=row.subject_id,
            named=_named_in(row.rows),
        )
        for row in session.execute(_ABOUT, {"case_id": case_id})
    ]
    if is_reading(session):
        session.info[_KEPT_ENTRIES] = (case_id, entries)
    return entries


def newest_names(
    session: Session,
    rows: Collection[tuple[str, str]],
    case_id: str,
    subjects: Collection[tuple[str, str]],
    tables_of_subjects: Collection[str],
) -> NewestNames:
    """Return what the log says last of a case's rows, those that are gone too, without reading the whole of it.

    Parameters
    ----------
    session : whoever decides by what is said holds the log's lock (:func:`cjp_fraud.audit.log.lock_log`).
    rows : tables and ids of the rows that are there.
    case_id : whatever its own entries name must be among them.
    subjects : tables and ids (tenant, subscription, users); what entries about these name in
        ``tables_of_subjects`` must be among them too.
    """
    names, own_rows = NewestNames(), set(rows)
    for entry, named in _entries_naming(session, own_rows, case_id):
        own = {row for row in own_rows if row in named}
        if entry.case_id == case_id:
            own |= named.keys()
        elif (entry.subject_type, entry.subject_id) in subjects:
            own |= {row for row in named if row[0] in tables_of_subjects}
        names.add(entry.sequence, entry.action, entry.actor, [named[row] for row in own])
    return names


class _LargeEntries:
    """What large entries name, kept: a load of all tenants is one entry, which each of their cases asks for.

    They are kept by number and digest. The digest of an entry covers what it names and every entry before it, so one
    that stands elsewhere, or was written anew, is read anew.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], _Named] = OrderedDict()
        self._guard = Lock()

    @property
    def numbers(self) -> list[int]:
        """Numbers of the entries that are kept."""
        with self._guard:
            return sorted({sequence for sequence, _ in self._kept})

    def get(self, sequence: int, entry_sha256: str) -> _Named | None:
        """Return the rows that an entry names; None: it is not kept."""
        with self._guard:
            return self._kept.get((sequence, entry_sha256))

    def keep(self, sequence: int, entry_sha256: str, named: _Named) -> None:
        """Keep what an entry names."""
        with self._guard:
            self._kept[sequence, entry_sha256] = named
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)


_large_entries: Final = _LargeEntries()


def _entries_naming(
    session: Session, wanted: set[tuple[str, str]], case_id: str
) -> Iterator[tuple[Any, Mapping[tuple[str, str], Mapping[str, str]]]]:
    """Yield the case's own entries, and those that name a row that is wanted, in order, each with what it names."""
    own = {entry.sequence: entry for entry in entries_about(session, case_id)}
    others = {entry.sequence: entry for entry in _naming(session, wanted, but=own.keys())}
    for _, entry in sorted((own | others).items()):
        yield entry, entry.named if isinstance(entry, EntryAboutCase) else _named_by(session, entry)


def _naming(session: Session, wanted: set[tuple[str, str]], but: Collection[int]) -> Iterator[Any]:
    """Yield the entries that name a row that is wanted, with the text of what they name where it is not kept."""
    sequences: set[int] = set()
    for ids in in_parts(sorted({row_id for _, row_id in wanted})):
        sequences |= set(session.scalars(_OF_ROWS, {"row_ids": ids}))
    for numbers in in_parts(sorted(sequences.difference(but))):
        yield from session.execute(_ENTRIES, {"numbers": numbers, "kept": _large_entries.numbers})


def _named_by(session: Session, entry: Any) -> _Named:
    """Return the rows that an entry names, by table and id."""
    rows = entry.rows
    if rows is None:  # a large one of this number is kept
        kept = _large_entries.get(entry.sequence, entry.entry_sha256)
        if kept is not None:
            return kept
        rows = session.scalars(_ROWS_OF, {"number": entry.sequence}).one()
    named = _named_in(rows)
    if len(rows) >= _LARGE:
        _large_entries.keep(entry.sequence, entry.entry_sha256, named)
    return named


def _named_in(rows: str) -> _Named:
    """Return rows by table and id; of one that stands there twice, the last."""
    return {(row["table"], row["id"]): row for row in json.loads(rows)}
