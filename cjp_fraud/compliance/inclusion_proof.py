"""One case's entries of the audit log inside the whole chain, which shows nothing else of the other entries.

Each entry is hashed in two steps (:mod:`cjp_fraud.audit.chain`), so a body's digest can stand for the body.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cjp_fraud.audit.chain import GENESIS, Link, entry_digest
from cjp_fraud.clock import utc_text
from cjp_fraud.compliance.story import Entry
from cjp_fraud.digests import canonical_json, digest

BODY = ("sequence", "at", "actor", "action", "subject_type", "subject_id", "case_id", "content", "rows")
"""Fields of an entry that its body digest covers."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The chain as a bundle holds it.

    Parameters
    ----------
    entries : the case's entries, in order.
    count : entries of the whole chain, from the first on.
    head_sha256 : digest of the last one, recomputed.
    faults : what does not hold, one sentence each.
    """

    entries: tuple[Entry, ...]
    count: int
    head_sha256: str
    faults: tuple[str, ...]


def excerpt_lines(links: Iterable[Link], case_id: str) -> bytes:
    """Return the chain as JSON lines: the case's entries whole, all others as sequence and body digest."""
    lines = []
    for link in links:
        shown: dict[str, Any] = {"sequence": link.sequence, "body_sha256": link.body_sha256}
        if link.case_id == case_id:
            shown |= {name: getattr(link, name) for name in BODY}
        lines.append(canonical_json(shown) + b"\n")
    return b"".join(lines)


def read_excerpt(lines: bytes, case_id: str) -> Excerpt:
    """Recompute the chain from genesis to its head.

    Raises
    ------
    ValueError, KeyError, TypeError
        If a line is not what :func:`excerpt_lines` writes.
    """
    entries: list[Entry] = []
    found: list[str] = []
    previous = GENESIS
    count = 0
    for count, line in enumerate(lines.splitlines(), start=1):
        shown = json.loads(line)
        body = _digest_text(shown["body_sha256"])
        if shown["sequence"] != count:
            found.append(
                f"audit.jsonl line {count}: holds entry {shown['sequence']}; entries are missing or moved"
            )
        if len(shown) > 2:
            entry = _entry(shown)
            if (
                digest({**{name: shown[name] for name in BODY}, "rows": [digest(r) for r in shown["rows"]]})
                != body
            ):
                found.append(f"audit.jsonl line {count}: its fields do not match its digest; it was changed")
            if entry.case_id != case_id:
                found.append(f"audit.jsonl line {count}: is an entry of another case")
            entries.append(entry)
        previous = entry_digest(previous, body)
    return Excerpt(tuple(entries), count, previous, tuple(found))


def entry_of(link: Link) -> Entry:
    """Return a link of the chain as the story needs it."""
    return Entry(
        sequence=link.sequence,
        at=utc_text(link.at),
        actor=link.actor,
        action=link.action,
        subject_type=link.subject_type,
        subject_id=link.subject_id,
        case_id=link.case_id,
        content=json.loads(canonical_json(link.content)),
    )


def _entry(shown: Mapping[str, Any]) -> Entry:
    if set(shown) != {*BODY, "body_sha256"} or not isinstance(shown["content"], Mapping):
        raise ValueError("an entry does not have the fields of an entry")
    texts = ("at", "actor", "action", "subject_type", "subject_id")
    if not all(isinstance(shown[name], str) for name in texts):
        raise TypeError("an entry's fields are not texts")
    return Entry(**{name: shown[name] for name in BODY if name != "rows"})


def _digest_text(value: Any) -> str:
    if not isinstance(value, str) or len(value) != len(GENESIS) or set(value) - set("0123456789abcdef"):
        raise ValueError("a body_sha256 is not 64 hex digits")
    return value
