"""Rows of the database as plain documents, and the digests by which the audit log names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import inspect

from cjp_fraud.digests import canonical_json, digest, sha256_hex
from cjp_fraud.storage.base import Base, column_values

ERASABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "personal_texts": {"body": "sha256", "salt": "sha256"},
    "notices": {"message": "message_sha256"},
    "notice_attempts": {"message": "message_sha256", "evidence": "evidence_sha256"},
    "delivery_events": {"raw": "raw_sha256"},
}
"""Table → columns that may be erased → column that stays, and binds what they held by its digest.

The digest of the row leaves out the first and covers the second, and ``erased_at``: so an erasure changes it, and only
an entry of the log that names the row accounts for that.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One row, its values as JSON has them.

    Parameters
    ----------
    table : its table.
    id : its primary key; the parts of a composite key are joined by ``/``.
    fields : column → value; times as ``2026-01-31T09:00:00.000000Z``, enums as their text.
    documents : column → exact bytes, for columns that hold bytes.
    """

    table: str
    id: str
    fields: Mapping[str, Any]
    documents: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The row in words, for sentences."""
        return f"{self.table} {self.id}"


@dataclass(frozen=True, slots=True)
class NamedRow:
    """How an entry of the log names a row: the row as it stood when the entry was written."""

    table: str
    id: str
    sha256: str

    @property
    def document(self) -> dict[str, str]:
        """The row as the entry stores it."""
        return {"table": self.table, "id": self.id, "sha256": self.sha256}

    @property
    def leaf_sha256(self) -> str:
        """What stands for the row in the digest of the entry, so that a bundle can show some rows only."""
        return digest(self.document)


def named_row(row: Base) -> NamedRow:
    """Return how an entry names a row as it stands now; the row must be flushed."""
    table, key, plain, documents = _parts(row)
    return NamedRow(table, key, _digest(table, key, plain, documents))


def record_of(row: Base) -> Record:
    """Return a row as a record."""
    table, key, plain, documents = _parts(row)
    fields: dict[str, Any] = json.loads(canonical_json(plain))
    return Record(table, key, fields, documents)


def record_digest(record: Record) -> str:
    """Return the digest of a row, the same from the object, the database or a bundle.

    Columns without a value are left out, so that a column which is added later changes no digest.
    """
    return _digest(record.table, record.id, record.fields, record.documents)


def _digest(table: str, key: str, fields: Mapping[str, Any], documents: Mapping[str, bytes]) -> str:
    erasable = ERASABLE.get(table, {})
    return digest(
        {
            "table": table,
            "id": key,
            "fields": {
                name: value for name, value in fields.items() if value is not None and name not in erasable
            },
            "documents": {
                name: sha256_hex(content) for name, content in documents.items() if name not in erasable
            },
        }
    )


def _parts(row: Base) -> tuple[str, str, dict[str, Any], dict[str, bytes]]:
    names, key_names = _columns(type(row))
    plain = column_values(row, names)
    documents = {name: plain.pop(name) for name in names if isinstance(plain[name], bytes)}
    key = "/".join([str(plain[name]) for name in key_names])
    return str(row.__tablename__), key, plain, documents


@cache
def _columns(kind: type[Base]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of all attributes that are columns, and of those that are the primary key."""
    mapper = inspect(kind)
    key = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
    return tuple(column.key for column in mapper.column_attrs), key
