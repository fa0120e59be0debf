"""What an evidence bundle holds and how it is named: records as JSON, documents as bytes, digests of all."""

from __future__ import annotations

import email
import email.policy
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files as package_files
from types import MappingProxyType
from typing import Any, Final

from cjp_fraud.audit.row_digests import ERASABLE, Record
from cjp_fraud.compliance.inclusion_proof import Entry
from cjp_fraud.digests import canonical_json, sha256_hex

FORMAT: Final = "cjp-fraud-evidence-2"
README, MANIFEST, SUMS, AUDIT, TIMELINE = (
    "README.txt",
    "manifest.json",
    "SHA256SUMS",
    "audit.jsonl",
    "timeline.json",
)
SIGNED_HEAD, PUBLIC_KEY = "signed_head.json", "public_key.pem"
"""The signed head of the bundle's chain, and the key that verifies it, where the home has one."""

UNSUMMED: Final = (MANIFEST, AUDIT, SUMS, SIGNED_HEAD, PUBLIC_KEY)
"""Files of which ``SHA256SUMS`` has no digest, because they are made after it."""
RECORDS = "records"
EXPORTED: Final = "evidence.exported"
"""Action of the entry that records an export; it is the last one of the bundle's chain."""

SUMS_DIGEST: Final = "sha256sums_sha256"
"""Name in that entry's content under which it binds the digest of ``SHA256SUMS``."""

KEY_ID: Final = "key_id"
"""Name there of the key that signs the head; where it is absent, the bundle has no signed head."""

HOMES: Final = "homes"
"""Table of the home, whose record says whether its clock is simulated."""

_SUFFIX = {"document": "json", "message": "eml"}
"""Column of bytes → suffix of the file that holds them."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    Parameters
    ----------
    digests : file → SHA-256, of every file but the manifest.
    entries, head_sha256 : the chain up to and with the export's own entry.
    simulated_clock : whether the home's clock is simulated: the bundle proves a trial.
    """

    format: str
    case_id: str
    entries: int
    head_sha256: str
    digests: Mapping[str, str]
    simulated_clock: bool


def content_files(records: Iterable[Record], entries: Iterable[Entry]) -> dict[str, bytes]:
    """Return the files that do not depend on the export's own entry, ``SHA256SUMS`` over them included.

    Parameters
    ----------
    records : all rows of the case.
    entries : the case's entries, in order, before the export's own.
    """
    rows = list(records)
    made: dict[str, bytes] = {README: _readme()}
    by_table: dict[str, list[Record]] = defaultdict(list)
    for record in rows:
        by_table[record.table].append(record)
        made |= {_file(record, column): content for column, content in record.documents.items()}
        made |= _readable(record)
    for table, of_table in by_table.items():
        listed = [_document(record) for record in sorted(of_table, key=lambda record: record.id)]
        made[f"{RECORDS}/{table}.json"] = _readable_json(listed)
    made[TIMELINE] = timeline(entries, rows)
    made[SUMS] = sums(made)
    return made


def with_chain(
    files: Mapping[str, bytes],
    audit: bytes,
    case_id: str,
    entries: int,
    head: str,
    *,
    simulated_clock: bool,
    signature: Mapping[str, bytes] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Add the chain and the manifest to the files of :func:`content_files`.

    Parameters
    ----------
    signature : the files of the signed head and its key; none where the home has no key.
    """
    whole = dict(files) | {AUDIT: audit} | dict(signature)
    manifest = {
        "format": FORMAT,
        "case_id": case_id,
        "simulated_clock": simulated_clock,
        "chain": {"entries": entries, "head_sha256": head},
        "files": {
            name: {"bytes": len(content), "sha256": sha256_hex(content)} for name, content in whole.items()
        },
    }
    return whole | {MANIFEST: _readable_json(manifest)}


def read_manifest(content: bytes) -> Manifest:
    """Read a manifest.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is not one.
    """
    document = json.loads(content)
    chain = document["chain"]
    return Manifest(
        format=str(document["format"]),
        case_id=str(document["case_id"]),
        entries=int(chain["entries"]),
        head_sha256=str(chain["head_sha256"]),
        simulated_clock=bool(document.get("simulated_clock", False)),
        digests={str(name): str(listed["sha256"]) for name, listed in document["files"].items()},
    )


def read_records(files: Mapping[str, bytes]) -> list[Record]:
    """Return the records of a bundle, each with its exact bytes.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If a file of records is not one, or a document that it names is not there.
    """
    faults = []
    for name in sorted(files):
        folder, _, rest = name.partition("/")
        if folder != RECORDS:
            continue
        for row in json.loads(files[name]):
            fields, bare = dict(row["fields"]), Record(rest.removesuffix(".json"), str(row["id"]), {})
            documents = {column: files[_file(bare, column)] for column in row["documents"]}
            faults.append(replace(bare, fields=fields, documents=documents))
    return faults


def has_simulated_clock(records: Iterable[Record]) -> bool:
    """Whether the home that the records are of has a simulated clock."""
    return any(record.table == HOMES and record.fields["simulated"] for record in records)


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return what ``sha256sum`` prints for the files, sorted by name."""
    return "".join(f"{sha256_hex(files[name])}  {name}\n" for name in sorted(files)).encode()


def timeline(entries: Iterable[Entry], records: Iterable[Record]) -> bytes:
    """Return the case's entries as a list that people can read: who did what, when."""
    names = {record.id: record.fields["name"] for record in records if record.table == "users"}
    return _readable_json(
        [
            {
                "sequence": entry.sequence,
                "at": entry.at,
                "who": names.get(entry.actor, entry.actor),
                "did": entry.action,
                "to": f"{entry.subject_type} {entry.subject_id}",
            }
            for entry in entries
        ]
    )


def readable_faults(files: Mapping[str, bytes], entries: Sequence[Entry]) -> list[str]:
    """Return a sentence for each file for human readers that differs from the record or the log it is made from."""
    records = read_records(files)
    faults = [
        f"{name}: is not what its record says"
        for record in records
        for name, content in _readable(record).items()
        if files.get(name) != content
    ]
    if files.get(TIMELINE) != timeline(entries[:-1], records):
        faults.append(f"{TIMELINE}: is not what the log says")
    return faults


def letter_text(message: bytes) -> str:
    """Return the text that the reader of a message sees: subject, date, addresses, body."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    head = [
        f"{name}: {parsed[name]}" for name in ("Date", "From", "To", "Subject") if parsed[name] is not None
    ]
    body = parsed.get_body(("plain",))
    return "\n".join(head) + "\n\n" + (str(body.get_content()) if body is not None else "")


def erased_sentences(record: Record) -> tuple[str, ...]:
    """Return what was erased of a record and when, a sentence each; none: nothing was."""
    at, erasable = record.fields.get("erased_at"), ERASABLE.get(record.table, {})
    return tuple(
        f"{record.where}: its {column} was erased at {at}; its digest is {record.fields[digest]}"
        for column, digest in erasable.items()
        if at is not None and column != "salt" and record.fields.get(digest) is not None
    )


def _readable(record: Record) -> dict[str, bytes]:
    """Return what people read of a record, beside the bytes that count."""
    if erased := erased_sentences(record):
        return {f"{record.table}/{record.id}.txt": ("\n".join(erased) + "\n").encode()}
    if record.table == "notices" and "message" in record.documents:
        return {f"notices/{record.id}.txt": letter_text(record.documents["message"]).encode()}
    if record.table == "notice_attempts" and record.fields.get("evidence"):
        return {f"notice_attempts/{record.id}.txt": str(record.fields["evidence"]).encode()}
    if record.table == "notice_attempts" and record.fields.get("dialogue"):  # bundles of the first format
        return {f"notice_attempts/{record.id}.smtp.txt": str(record.fields["dialogue"]).encode()}
    return {}


def _document(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "fields": record.fields,
        "documents": {column: _file(record, column) for column in record.documents},
    }


def _file(record: Record, column: str) -> str:
    return f"{record.table}/{record.id}.{_SUFFIX[column]}"


def _readable_json(document: Any) -> bytes:
    plain = json.loads(canonical_json(document))
    return (json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _readme() -> bytes:
    return package_files("cjp_fraud.compliance").joinpath("bundle_readme.txt").read_bytes()
