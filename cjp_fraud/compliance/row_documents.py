"""Rows of the database as plain documents, to be compared with the log and put into bundles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect

from cjp_fraud.audit.texts import salted_digest
from cjp_fraud.digests import canonical_json, digest, sha256_hex
from cjp_fraud.storage.base import Base

PERSONAL_TEXTS = "personal_texts"

DIGEST_OF = {"document": "sha256", "message": "message_sha256"}
"""Column of content → column that holds its SHA-256."""


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


def record_of(row: Base) -> Record:
    """Return a row as a record."""
    mapper = inspect(type(row))
    values = {column.key: getattr(row, column.key) for column in mapper.column_attrs}
    documents = {name: value for name, value in values.items() if isinstance(value, bytes)}
    plain = {name: value for name, value in values.items() if not isinstance(value, bytes)}
    key = "/".join(str(part) for part in mapper.primary_key_from_instance(row))
    fields: dict[str, Any] = json.loads(canonical_json(plain))
    return Record(str(row.__tablename__), key, fields, documents)


def digests_of(record: Record) -> dict[str, str]:
    """Return digest column → digest computed again from what it is the digest of; erased texts have none."""
    found: dict[str, str] = {}
    for content, column in DIGEST_OF.items():
        if content in record.documents:
            found[column] = sha256_hex(record.documents[content])
        elif record.fields.get(content) is not None and column in record.fields:
            found[column] = digest(record.fields[content])
    if record.table == PERSONAL_TEXTS and record.fields["body"] is not None:
        found["sha256"] = salted_digest(str(record.fields["salt"]), str(record.fields["body"]))
    return found


def digest_faults(record: Record) -> list[str]:
    """Return one sentence for each digest that does not match what the row holds."""
    return [
        f"{record.where}: its content does not match its {column}; it was changed after it was written"
        for column, computed in digests_of(record).items()
        if record.fields.get(column) != computed
    ]
