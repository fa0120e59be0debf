"""Rows of the database as plain documents, to be compared with the log and put into bundles."""

from __future__ import annotations

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.audit.texts import salted_digest
from cjp_fraud.digests import digest, sha256_hex

PERSONAL_TEXTS = "personal_texts"

DIGEST_OF = {"document": "sha256", "message": "message_sha256"}
"""Column of content → column that holds its SHA-256."""


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
