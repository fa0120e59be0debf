"""One case's entries of the audit log inside the whole chain, which shows nothing else of the other entries.

Each entry is hashed in two steps (:mod:`cjp_fraud.audit.chain`), so the digest of its body can stand for the body;
and in the body each row that it names is a digest of its own, so that an entry which names rows of many cases is
shown with those of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from cjp_fraud.audit.chain import BODY, GENESIS, Link, entry_digest
from cjp_fraud.audit.row_digests import NamedRow
from cjp_fraud.clock import utc_text
from cjp_fraud.digests import canonical_json, digest

FIELDS: Final = (*BODY, "rows")
"""Fields of an entry that the digest of its body covers; ``rows`` are the digests of what it names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log as a bundle shows it; ``rows`` are those of the bundle's case."""

    sequence: int
    at: str
    recorded_at: str
    machine_at: str | None
    actor: str
    action: str
    subject_type: str
    subject_id: str
    case_id: str | None
    content: Mapping[str, Any]
    rows: tuple[NamedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The chain as a bundle holds it.

    Parameters
    ----------
    entries : those of the case, and those of no case that name rows of it, in order.
    count : entries of the whole chain, from the first on.
    head_sha256 : digest of the last one, recomputed.
    faults : what does not hold, one sentence each.
    chain : digest of every entry, recomputed, from the first on.
    """

    entries: tuple[Entry, ...]
    count: int
    head_sha256: str
    faults: tuple[str, ...]
    chain: tuple[str, ...]

    def of_case(self, case_id: str) -> tuple[Entry, ...]:
        """Return the case's own entries."""
        return tuple(entry for entry in self.entries if entry.case_id == case_id)


def proof_lines(links: Iterable[Link], case_id: str, rows: Set[tuple[str, str]]) -> bytes:
    """Return the chain as JSON lines: what concerns the case is shown, all other entries are a digest.

    Parameters
    ----------
    rows : tables and ids of the case's rows.
    """
    lines = []
    for link in links:
        named = [row for row in link.rows if link.case_id == case_id or (row["table"], row["id"]) in rows]
        shown: dict[str, Any] = {"body_sha256": link.body_sha256}
        if link.case_id == case_id or (named and link.case_id is None):
            body = {name: getattr(link, name) for name in BODY}
            shown |= {"entry": body | {"rows": [digest(row) for row in link.rows]}, "named": named}
        else:
            shown["sequence"] = link.sequence
        lines.append(canonical_json(shown) + b"\n")
    return b"".join(lines)


def read_proof(lines: bytes, case_id: str) -> InclusionProof:
    """Recompute the chain from genesis to its head.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If a line is not what :func:`proof_lines` writes.
    """
    entries: list[Entry] = []
    faults: list[str] = []
    chain: list[str] = []
    previous, recorded_before = GENESIS, ""
    count = 0
    for count, line in enumerate(lines.splitlines(), start=1):
        shown = json.loads(line)
        where = f"audit.jsonl line {count}"
        body = digest_text(shown["body_sha256"])
        if "entry" in shown:
            entry = _entry(shown)
            if entry.recorded_at < recorded_before:
                faults.append(f"{where}: was recorded before the entry that it follows")
            recorded_before = entry.recorded_at
            if digest(shown["entry"]) != body:
                faults.append(f"{where}: its fields do not match its digest; it was changed")
            if any(row.leaf_sha256 not in shown["entry"]["rows"] for row in entry.rows):
                faults.append(f"{where}: names a row that its digest does not cover; it was changed")
            if entry.case_id not in (case_id, None):
                faults.append(f"{where}: is an entry of another case")
            sequence = entry.sequence
            entries.append(entry)
        else:
            sequence = shown["sequence"]
        if canonical_json(shown) != line:
            faults.append(f"{where}: is not written as a log is; it was changed")
        if sequence != count:
            faults.append(f"{where}: holds entry {sequence}; entries are missing or moved")
        previous = entry_digest(previous, body)
        chain.append(previous)
    return InclusionProof(tuple(entries), count, previous, tuple(faults), tuple(chain))


def entry_of(link: Link) -> Entry:
    """Return a link of the chain as a bundle shows it."""
    return Entry(
        sequence=link.sequence,
        at=utc_text(link.at),
        recorded_at=utc_text(link.recorded_at),
        machine_at=utc_text(link.machine_at) if link.machine_at is not None else None,
        actor=link.actor,
        action=link.action,
        subject_type=link.subject_type,
        subject_id=link.subject_id,
        case_id=link.case_id,
        content=json.loads(canonical_json(link.content)),
        rows=tuple(NamedRow(**row) for row in link.rows),
    )


def digest_text(value: Any) -> str:
    """Return a digest that was read from a file.

    Raises
    ------
    ValueError
        If it is not one.
    """
    if not isinstance(value, str) or len(value) != len(GENESIS) or set(value) - set("0123456789abcdef"):
        raise ValueError("a digest is not 64 hex digits")
    return value


def _entry(shown: Mapping[str, Any]) -> Entry:
    body = shown["entry"]
    if set(body) != set(FIELDS) or not isinstance(body["content"], Mapping) or len(shown) != 3:
        raise ValueError("an entry does not have the fields of an entry")
    texts = ("at", "recorded_at", "actor", "action", "subject_type", "subject_id")
    if not all(isinstance(body[name], str) for name in texts):
        raise TypeError("an entry's fields are not texts")
    rows = tuple(NamedRow(str(row["table"]), str(row["id"]), str(row["sha256"])) for row in shown["named"])
    return Entry(**{name: body[name] for name in BODY}, rows=rows)
