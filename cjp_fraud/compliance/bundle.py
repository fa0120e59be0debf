"""What an evidence bundle holds and how it is named: records as JSON, documents as bytes, digests of all."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files as package_files
from typing import Any, Final

from cjp_fraud.audit.row_digests import ERASABLE, Record
from cjp_fraud.compliance.disclosure import WITHHELD, Shown
from cjp_fraud.compliance.inclusion_proof import Entry
from cjp_fraud.compliance.letter_text import is_pdf, letter_text
from cjp_fraud.compliance.manifest import BESIDE
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.readable_json import readable_json
from cjp_fraud.digests import sha256_hex

README, SUMS, AUDIT, TIMELINE = "README.txt", "SHA256SUMS", "audit.jsonl", "timeline.json"
README_SOURCE: Final = "bundle_readme.txt"
"""The file of this package that the bundle's explanation is."""

PERSONS: Final = "persons.json"
"""Who took part, by number; with names in the internal edition alone."""

RECEIPTS, CONTRACT = "receipts.json", "contract.json"
"""How far each notice had come and why it counts as received; what the contract said at each decision."""

SUMMARY: Final = "summary.pdf"
CHARTS: Final = "charts"
DISCLOSURE_KEY: Final = "disclosure_key.json"
"""The secret of the salts of what a disclosable bundle withholds; in the internal edition alone."""

SIGNED_HEAD, PUBLIC_KEY = "signed_head.json", "public_key.pem"
"""The signed head of the bundle's chain, and the key that verifies it, where the home has one."""

UNSUMMED: Final = (*BESIDE, AUDIT, SUMS, SIGNED_HEAD, PUBLIC_KEY)
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

_SUFFIX: Final = {"document": "json", "message": "eml", "content": "bin"}
"""Column of bytes → suffix of the file that holds them; of any other column it is the column's name; of a PDF, pdf."""


def content_files(
    rows: Iterable[Shown],
    entries: Iterable[Entry],
    names: Mapping[str, str],
    derived: Mapping[str, bytes],
) -> dict[str, bytes]:
    """Return the files that do not depend on the export's own entry, ``SHA256SUMS`` over them included.

    Parameters
    ----------
    rows : all rows of the case.
    entries : the case's entries, in order, before the export's own.
    names : user → how the timeline names the person.
    derived : files that are made of the rows for reading: summary, charts, receipts, contract.
    """
    made: dict[str, bytes] = {README: _readme(), **derived}
    by_table: dict[str, list[Shown]] = defaultdict(list)
    for row in rows:
        record = row.record
        by_table[record.table].append(row)
        made |= {_file(row, column): content for column, content in record.documents.items()}
        made |= _readable(record)
    for table, of_table in by_table.items():
        listed = [_document(row) for row in sorted(of_table, key=lambda row: row.record.id)]
        made[f"{RECORDS}/{table}.json"] = readable_json(listed)
    made[TIMELINE] = timeline(entries, names)
    made[SUMS] = sums(made)
    return made


def read_rows(files: Mapping[str, bytes]) -> list[Shown]:
    """Return the rows of a bundle as it shows them, each with its exact bytes.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If a file of records is not one, or a document that it names is not there.
    """
    rows = []
    for name in sorted(files):
        folder, _, rest = name.partition("/")
        if folder != RECORDS:
            continue
        for row in json.loads(files[name]):
            fields, note = dict(row["fields"]), row.get(WITHHELD)
            bare = Record(rest.removesuffix(".json"), str(row["id"]), fields)
            documents = {column: files[str(file)] for column, file in row["documents"].items()}
            partly = {column for column, value in fields.items() if _holds_back(value)}
            of_documents = set((note or {}).get("documents", {}))
            hidden = frozenset({*(note or {}).get("fields", ()), *partly, *of_documents})
            record = replace(bare, documents=documents, withheld=hidden)
            for column, file in row["documents"].items():
                if file != _file(Shown(record), column):
                    raise ValueError(f"{record.where}: its {column} is said to be {file}")
            if note is None:
                rows.append(Shown(record))
            else:
                rows.append(Shown(record, dict(note), str(row["row_sha256"])))
    return rows


def has_simulated_clock(records: Iterable[Record]) -> bool:
    """Whether the home that the records are of has a simulated clock."""
    return any(record.table == HOMES and record.fields["simulated"] for record in records)


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return what ``sha256sum`` prints for the files, sorted by name."""
    return "".join(f"{sha256_hex(files[name])}  {name}\n" for name in sorted(files)).encode()


def people_of(entries: Iterable[Entry], records: Iterable[Record]) -> dict[str, int]:
    """Return the persons on record, numbered from 1 in the order in which they first acted; user → number."""
    users = {record.id for record in records if record.table == "users"}
    acted = dict.fromkeys(entry.actor for entry in entries if entry.actor in users)
    return {user: number for number, user in enumerate([*acted, *sorted(users - set(acted))], start=1)}


def names_of(edition: Edition, entries: Iterable[Entry], records: Sequence[Record]) -> dict[str, str]:
    """Return how an edition names the persons on record: by name, or ``person 1``; user → name."""
    numbers = people_of(entries, records)
    if edition is Edition.DISCLOSABLE:
        return {user: f"person {number}" for user, number in numbers.items()}
    return {record.id: str(record.fields["name"]) for record in records if record.table == "users"}


def persons(edition: Edition, entries: Iterable[Entry], records: Sequence[Record]) -> bytes:
    """Return the list of persons, each with number, id and roles, and in the internal edition by name."""
    names = names_of(Edition.INTERNAL, (), records) if edition is Edition.INTERNAL else {}
    roles: dict[str, list[str]] = defaultdict(list)
    for record in records:
        if record.table == "user_roles":
            roles[record.fields["user_id"]].append(str(record.fields["role"]))
    return readable_json(
        [
            {"person": number, "user_id": user, "roles": sorted(roles[user])}
            | ({"name": names[user]} if user in names else {})
            for user, number in people_of(entries, records).items()
        ]
    )


def timeline(entries: Iterable[Entry], names: Mapping[str, str]) -> bytes:
    """Return the case's entries as a list that people can read: who did what, when."""
    return readable_json(
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


def readable_faults(
    files: Mapping[str, bytes], rows: Sequence[Shown], entries: Sequence[Entry], edition: Edition
) -> list[str]:
    """Return a sentence for each file for human readers that differs from the record or the log it is made from."""
    records = [row.record for row in rows]
    faults = [
        f"{name}: is not what its record says"
        for record in records
        for name, content in _readable(record).items()
        if files.get(name) != content
    ]
    before = entries[:-1]
    if files.get(TIMELINE) != timeline(before, names_of(edition, before, records)):
        faults.append(f"{TIMELINE}: is not what the log says")
    if PERSONS in files and files[PERSONS] != persons(edition, before, records):
        faults.append(f"{PERSONS}: is not what the records and the log say")
    return faults


def erased_sentences(record: Record) -> tuple[str, ...]:
    """Return what was erased of a record and when, a sentence each; none: nothing was."""
    at, erasable = record.fields.get("erased_at"), ERASABLE.get(record.table, {})
    return tuple(
        f"{record.where}: its {column} was erased at {at}; its digest is {record.fields[digest]}"
        for column, digest in erasable.items()
        if at is not None and column != "salt" and record.fields.get(digest) is not None
    )


def _holds_back(value: Any) -> bool:
    """Whether something is withheld inside a value."""
    if isinstance(value, Mapping):
        return WITHHELD in value or any(map(_holds_back, value.values()))
    return isinstance(value, list) and any(map(_holds_back, value))


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


def _document(row: Shown) -> dict[str, Any]:
    record = row.record
    document: dict[str, Any] = {
        "id": record.id,
        "fields": record.fields,
        "documents": {column: _file(row, column) for column in record.documents},
    }
    if row.withheld is not None:
        document |= {WITHHELD: row.withheld, "row_sha256": row.row_sha256}
    return document


def _file(row: Shown, column: str) -> str:
    """Return the name of the file of a row's bytes; what is shown in part is called so."""
    record = row.record
    name = f"{record.table}/{record.id}"
    suffix = "pdf" if is_pdf(record.documents[column]) else _SUFFIX.get(column, column)
    return f"{name}.disclosed.{suffix}" if column in record.withheld else f"{name}.{suffix}"


def _readme() -> bytes:
    return package_files("cjp_fraud.compliance").joinpath(README_SOURCE).read_bytes()
