"""Bundles of the first format, which verify still: their log names no rows, and its JSON is not RFC 8785.

What is checked of them: that every file is as the export's own entry recorded it, the chain, and each digest in a row.
"""

from __future__ import annotations

import json
from typing import Any, Final

from cjp_fraud.audit.chain import BODY, GENESIS, entry_digest
from cjp_fraud.compliance.inclusion_proof import Entry, InclusionProof, digest_text
from cjp_fraud.digests import sha256_hex

FORMAT_1: Final = "cjp-fraud-evidence-1"

_FIELDS: Final = tuple(name for name in BODY if name not in ("recorded_at", "machine_at"))
"""Fields that the digest of an entry covered then: one moment, not two."""


def digest_1(document: Any) -> str:
    """Return the SHA-256 of a document that was read from JSON, in the canonical form of the first format.

    Floats stand as Python writes them (``3.2e-07``), whole ones below 2^53 without a point.
    """
    text = json.dumps(_plain(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256_hex(text.encode())


def read_proof_1(lines: bytes, case_id: str) -> InclusionProof:
    """Recompute the chain from genesis to its head.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If a line is not one of the first format.
    """
    entries: list[Entry] = []
    faults: list[str] = []
    chain: list[str] = []
    previous = GENESIS
    count = 0
    for count, line in enumerate(lines.splitlines(), start=1):
        shown = json.loads(line)
        where = f"audit.jsonl line {count}"
        body = digest_text(shown["body_sha256"])
        if shown["sequence"] != count:
            faults.append(f"{where}: holds entry {shown['sequence']}; entries are missing or moved")
        if len(shown) > 2:
            if digest_1({name: shown[name] for name in _FIELDS}) != body:
                faults.append(f"{where}: its fields do not match its digest; it was changed")
            if shown["case_id"] != case_id:
                faults.append(f"{where}: is an entry of another case")
            shown_fields = {name: shown[name] for name in _FIELDS}
            entries.append(Entry(**shown_fields, recorded_at=str(shown["at"]), machine_at=None))
        previous = entry_digest(previous, body)
        chain.append(previous)
    return InclusionProof(tuple(entries), count, previous, tuple(faults), tuple(chain))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
