"""The rule of the hash chain: how an entry is hashed, and whether entries hold together as a chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cjp_fraud.digests import digest, sha256_hex

TOLERANCE: Final = timedelta(seconds=5)
"""How far two clocks may differ: of the act and of the recording, or of two recordings."""

GENESIS = "0" * 64
"""``previous_sha256`` of the first entry."""


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as the chain sees it."""

    sequence: int
    at: datetime
    recorded_at: datetime
    machine_at: datetime | None
    actor: str
    action: str
    subject_type: str
    subject_id: str
    case_id: str | None
    content: Mapping[str, Any]
    rows: Sequence[Mapping[str, str]]
    body_sha256: str
    previous_sha256: str
    entry_sha256: str


BODY: Final = (
    "sequence",
    "at",
    "recorded_at",
    "machine_at",
    "actor",
    "action",
    "subject_type",
    "subject_id",
    "case_id",
    "content",
)
"""Fields of an entry that its digest covers, beside the rows that it names."""


def body_digest(entry: Any, rows_sha256: Sequence[str]) -> str:
    """Return the SHA-256 of an entry's own fields in canonical JSON.

    Parameters
    ----------
    entry : a :class:`Link`, or a row of the log; it has the fields of :data:`BODY`.
    rows_sha256 : for each row that the entry names, the SHA-256 of its table, id and digest, in order; so
        that a bundle can show the rows of its case and of all others nothing but these.
    """
    return digest_of_body({name: getattr(entry, name) for name in BODY}, rows_sha256)


def digest_of_body(fields: Mapping[str, Any], rows_sha256: Sequence[str]) -> str:
    """Return :func:`body_digest` of an entry whose fields of :data:`BODY` are given."""
    return digest({**fields, "rows": list(rows_sha256)})


def entry_digest(previous_sha256: str, body_sha256: str) -> str:
    """Return the SHA-256 that links an entry to the one before it.

    Two steps (body, then link), so that a bundle can prove one case's entries inside the whole chain
    while it shows of all others nothing but their digests.
    """
    return sha256_hex(f"{previous_sha256}{body_sha256}".encode("ascii"))


def faults(links: Iterable[Link]) -> list[str]:
    """Return one sentence for each fault of the chain, in order; none means that it holds.

    Parameters
    ----------
    links : all entries from the first on, by sequence.
    """
    problems: list[str] = []
    previous = GENESIS
    recorded_before: datetime | None = None
    for expected, link in enumerate(links, start=1):
        where = f"entry {link.sequence}"
        if link.sequence != expected:
            problems.append(f"{where}: expected entry {expected}; entries are missing or out of order")
            break
        body = body_digest(link, [digest(row) for row in link.rows])
        if body != link.body_sha256:
            problems.append(
                f"{where}: its fields do not match its digest; it was changed after it was written"
            )
        if link.at > link.recorded_at + TOLERANCE:
            problems.append(f"{where}: is dated after it was recorded")
        if recorded_before is not None and link.recorded_at < recorded_before:
            problems.append(f"{where}: was recorded before the entry that it follows")
        recorded_before = link.recorded_at
        if link.previous_sha256 != previous:
            problems.append(f"{where}: does not follow from entry {link.sequence - 1}")
        if entry_digest(link.previous_sha256, link.body_sha256) != link.entry_sha256:
            problems.append(f"{where}: its link digest is wrong")
        previous = link.entry_sha256
    return problems
