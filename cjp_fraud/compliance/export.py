"""Export one case as an evidence bundle; the export itself goes on record."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cjp_fraud.audit.head_keys import PrivateKey
from cjp_fraud.audit.log import append, links, lock_log
from cjp_fraud.audit.signed_head import SignedHead, sign_head
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.archive import packed
from cjp_fraud.compliance.bundle import (
    EXPORTED,
    FORMAT,
    KEY_ID,
    PUBLIC_KEY,
    SIGNED_HEAD,
    SUMS,
    SUMS_DIGEST,
    content_files,
    has_simulated_clock,
    with_chain,
)
from cjp_fraud.compliance.inclusion_proof import entry_of, proof_lines
from cjp_fraud.compliance.verification import verify
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import transaction
from cjp_fraud.suspension.case_records import records_of_case


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written.

    Parameters
    ----------
    sha256 : of the whole file.
    entries, head_sha256 : the chain up to and with the entry that records this export.
    signed_head : that head, signed; None where no key was given.
    faults : what verifying the bundle finds; there are some only where the records were tampered with.
    """

    file: Path
    case_id: str
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
) -> Exported:
    """Write everything that is on record of a case into one file, whole or not at all.

    Parameters
    ----------
    reference : number or id of the case; any state will do.
    out : file to write; an existing one is kept unless ``force``.
    by : who exports; the log keeps it.
    at : the clock (aware).
    key : signs the head of the bundle's chain; its public part goes into the bundle.

    Raises
    ------
    BadInputError
        If ``out`` exists, or its folder does not.
    NotFoundError
        If there is no such case.
    """
    _require_free(out, force)
    with _beside(out) as scratch:
        with transaction(engine) as session:
            case_id, own, container, signed = _bundle(session, reference, by, at, key)
            with scratch.open("xb") as handle:
                handle.write(container)
                handle.flush()
                os.fsync(handle.fileno())
        # Only now does the log hold the entry that the bundle ends with; a kill before leaves no bundle.
        _put(scratch, out, force)
    verified = verify(container)
    return Exported(
        file=out,
        case_id=case_id,
        sha256=sha256_hex(container),
        files=verified.files,
        entries=own.sequence,
        head_sha256=own.entry_sha256,
        signed_head=signed,
        faults=verified.faults,
    )


def _bundle(
    session: Session, reference: str, by: Actor, at: datetime, key: PrivateKey | None
) -> tuple[str, AuditEntry, bytes, SignedHead | None]:
    lock_log(session)
    case_id = case_id_of(session, reference)
    entries = [entry_of(link) for link in links(session) if link.case_id == case_id]
    records = records_of_case(session, case_id)
    files = content_files(records, entries)
    content = {"format": FORMAT, "files": len(files), SUMS_DIGEST: sha256_hex(files[SUMS])}
    if key is not None:
        content[KEY_ID] = key.key_id
    own = append(Decision(session, by, at), EXPORTED, "cases", case_id, content, case_id=case_id)
    audit = proof_lines(links(session), case_id, {(record.table, record.id) for record in records})
    simulated = has_simulated_clock(records)
    signed, signature = None, {}
    if key is not None:
        signed_at = max(at, own.recorded_at)
        signed = sign_head(
            key, own.sequence, own.entry_sha256, own.recorded_at, signed_at, simulated_clock=simulated
        )
        signature = {SIGNED_HEAD: signed.content, PUBLIC_KEY: key.public.pem}
    whole = with_chain(
        *(files, audit, case_id, own.sequence, own.entry_sha256),
        simulated_clock=simulated,
        signature=signature,
    )
    return case_id, own, packed(whole), signed


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
