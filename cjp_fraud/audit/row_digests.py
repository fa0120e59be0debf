"""Rows as plain documents, and the digests by which the audit log names them; a pure rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cjp_fraud.digests import canonical_json, canonical_text, sha256_hex

ERASABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "personal_texts": {"body": "sha256", "salt": "sha256"},
    "notices": {"message": "message_sha256"},
    "notice_attempts": {"message": "message_sha256", "evidence": "evidence_sha256"},
    "delivery_events": {"raw": "raw_sha256"},
    "attachment_contents": {"content": "sha256"},
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
    withheld : columns that a disclosable bundle shows nothing of, or not all.
    """

    table: str
    id: str
    fields: Mapping[str, Any]
    documents: Mapping[str, bytes] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()

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
        """What stands for the row in the digest of the entry, so that a bundle can show some rows only.

        It is the digest of :attr:`document`, written here because a load of tenants has tens of thousands of rows.
        """
        key, table, sha256 = map(canonical_text, (self.id, self.table, self.sha256))
        return sha256_hex(f'{{"id":{key},"sha256":{sha256},"table":{table}}}'.encode())


def record_digest(record: Record) -> str:
    """Return the digest of a row, the same from the object, the database or a bundle.

    Columns without a value are left out, so that a column which is added later changes no digest.
    """
    return row_digest(record.table, record.id, record.fields, record.documents)


def row_digest(table: str, key: str, fields: Mapping[str, Any], documents: Mapping[str, bytes]) -> str:
    """Return the digest of a row from its values; see :func:`record_digest`.

    It is the digest of ``{"table", "id", "fields", "documents"}``: canonical JSON, put together from that of its parts.
    """
    erasable = ERASABLE.get(table, {})
    kept = {name: value for name, value in fields.items() if value is not None}
    for name in erasable:
        kept.pop(name, None)
    digests = {name: sha256_hex(content) for name, content in documents.items() if name not in erasable}
    parts = (
        b'{"documents":',
        canonical_json(digests) if digests else b"{}",
        b',"fields":',
        canonical_json(kept),
        f',"id":{canonical_text(key)},"table":{canonical_text(table)}}}'.encode(),
    )
    return sha256_hex(b"".join(parts))


def salted_digest(salt: str, body: str) -> str:
    """Return SHA-256 of salt + text, what the log refers to."""
    return sha256_hex(f"{salt}{body}".encode())
