"""Export one case as an evidence bundle; the export itself goes on record."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cjp_fraud.audit.head_keys import PrivateKey
from cjp_fraud.audit.log import append, links, lock_log
from cjp_fraud.audit.row_digests import Record
from cjp_fraud.audit.signed_head import SignedHead, sign_head
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.archive import packed
from cjp_fraud.compliance.bundle import (
    AUDIT,
    EXPORTED,
    KEY_ID,
    PUBLIC_KEY,
    SIGNED_HEAD,
    SUMS,
    SUMS_DIGEST,
    has_simulated_clock,
)
from cjp_fraud.compliance.edition import edition_files
from cjp_fraud.compliance.inclusion_proof import Entry, entry_of, proof_lines
from cjp_fraud.compliance.manifest import FORMAT, MANIFEST, SIGNATURE, Manifest, listed, written
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.verification import verify
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.case_records import records_of_case


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written.

    Parameters
    ----------
    sha256 : of the whole file.
    entries, head_sha256 : the chain up to and with the entry that records this export.
    signed_head : that head, signed; None where no key was given: then the manifest is not signed either.
    faults : what verifying the bundle finds; there are some only where the records were tampered with.
    """

    file: Path
    case_id: str
    edition: Edition
    sha256: str
    files: int
    entries: int
    head_sha256: str
    signed_head: SignedHead | None
    faults: tuple[str, ...]


def export_evidence(
    engine: Engine,
    reference: str,
    out: Path,
    by: Actor,
    at: datetime,
    *,
    force: bool = False,
    key: PrivateKey | None = None,
    edition: Edition = Edition.INTERNAL,
) -> Exported:
    """Write what is on record of a case into one file, whole or not at all.

    Parameters
    ----------
    reference : number or id of the case; any state will do.
    out : file to write; an existing one is kept unless ``force``.
    by : who exports; the log keeps it.
    at : the clock (aware).
    key : signs the manifest and the head of the bundle's chain; its public part goes into the bundle.
    edition : everything, or what may be handed to the customer.

    Raises
    ------
    BadInputError
        If ``out`` exists, or its folder does not, or a disclosable edition is asked for and there is no key.
    CjpFraudError
        If a disclosable edition would hold a protected word, or the summary a character that is in no font.
    NotFoundError
        If there is no such case.
    """
    _require_free(out, force)
    if key is None and edition is Edition.DISCLOSABLE:
        raise BadInputError(
            "a disclosable bundle needs the key that signs, from which its salts follow; make one: cjp-fraud init"
        )
    with reading(
        engine
    ) as session:  # charts and summary take seconds, in which nobody should wait for the log
        ready = _Ready.of(session, reference, edition, key)
    with _beside(out) as scratch:
        with transaction(engine) as session:
            lock_log(session)
            ready = ready.as_of_now(session, reference, edition, key)
            own, container, signed = _bundle(Decision(session, by, at), ready, key, edition)
            write_whole(scratch, container)
        # Only now does the log hold the entry that the bundle ends with; a kill before leaves no bundle.
        _put(scratch, out, force)
    verified = verify(container)
    return Exported(
        file=out,
        case_id=ready.case_id,
        edition=edition,
        sha256=sha256_hex(container),
        files=verified.files,
        entries=own.sequence,
        head_sha256=own.entry_sha256,
        signed_head=signed,
        faults=verified.faults,
    )


def replace_bundle(out: Path, container: bytes) -> None:
    """Put other bytes in the place of a bundle, in one step."""
    with _beside(out) as scratch:
        write_whole(scratch, container)
        _put(scratch, out, force=True)


def write_whole(file: Path, content: bytes) -> None:
    """Write a new file, down to the disk."""
    with file.open("xb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())


@dataclass(frozen=True, slots=True)
class _Ready:
    """The rows and entries of a case, and the files made of them."""

    case_id: str
    records: Sequence[Record]
    entries: Sequence[Entry]
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, session: Session, reference: str, edition: Edition, key: PrivateKey | None) -> Self:
        case_id = case_id_of(session, reference)
        records, entries = _on_record(session, case_id)
        files = edition_files(session, case_id, records, entries, edition, key)
        return cls(case_id, records, entries, files)

    def as_of_now(self, session: Session, reference: str, edition: Edition, key: PrivateKey | None) -> Self:
        """Return the same, made again where something was recorded meanwhile; the log's lock is held."""
        if _on_record(session, self.case_id) == (self.records, self.entries):
            return self
        return self.of(session, reference, edition, key)


def _on_record(session: Session, case_id: str) -> tuple[list[Record], list[Entry]]:
    entries = [entry_of(link) for link in links(session) if link.case_id == case_id]
    return records_of_case(session, case_id), entries


def _bundle(
    decision: Decision, ready: _Ready, key: PrivateKey | None, edition: Edition
) -> tuple[AuditEntry, bytes, SignedHead | None]:
    session, case_id, records = decision.session, ready.case_id, ready.records
    files = dict(ready.files)
    content = {
        "format": FORMAT,
        "edition": edition,
        "files": len(files),
        SUMS_DIGEST: sha256_hex(files[SUMS]),
    }
    if key is not None:
        content[KEY_ID] = key.key_id
    own = append(decision, EXPORTED, "cases", case_id, content, case_id=case_id)
    files[AUDIT] = proof_lines(links(session), case_id, {(record.table, record.id) for record in records})
    simulated = has_simulated_clock(records)
    signed = None
    if key is not None:
        signed_at = max(decision.at, own.recorded_at)
        signed = sign_head(
            key, own.sequence, own.entry_sha256, own.recorded_at, signed_at, simulated_clock=simulated
        )
        files |= {SIGNED_HEAD: signed.content, PUBLIC_KEY: key.public.pem}
    manifest = written(
        Manifest(
            format=FORMAT,
            case_id=case_id,
            entries=own.sequence,
            head_sha256=own.entry_sha256,
            files=listed(files),
            simulated_clock=simulated,
            edition=edition,
            key_id=key.key_id if key is not None else None,
        )
    )
    files[MANIFEST] = manifest
    if key is not None:
        files[SIGNATURE] = key.sign(manifest)
    return own, packed(files), signed


def _require_free(out: Path, force: bool) -> None:
    if out.is_dir():
        raise BadInputError(f"{out} is a folder; name the file to write, for example {out / 'evidence.zip'}")
    if out.exists() and not force:
        raise BadInputError(f"{out} exists; name another file, or replace it with --force")
    if not out.absolute().parent.is_dir():
        raise BadInputError(f"the folder {out.parent} does not exist; make it first")


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    scratch = out.with_name(f".{out.name}.{secrets.token_hex(8)}.part")
    try:
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def _put(scratch: Path, out: Path, force: bool) -> None:
    """Give the finished file its name in one step; without ``force`` never over another file."""
    if force:
        os.replace(scratch, out)
        return
    try:
        os.link(scratch, out)
    except FileExistsError:
        raise BadInputError(
            f"{out} was made by somebody else meanwhile; nothing of it was replaced"
        ) from None
