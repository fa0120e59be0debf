"""Verify an evidence bundle with nothing but its bytes: no database, no lake, no settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.errors import MessageError
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from cjp_fraud.audit.head_keys import PublicKey, read_public_key
from cjp_fraud.audit.named_rows import CaseMoves, NewestNames, act_faults, own_digest_faults
from cjp_fraud.audit.signed_head import read_signed_head, signature_fault
from cjp_fraud.compliance.archive import MAX_BYTES, opened
from cjp_fraud.compliance.bundle import (
    AUDIT,
    EXPORTED,
    FORMAT,
    KEY_ID,
    MANIFEST,
    PUBLIC_KEY,
    README,
    SIGNED_HEAD,
    SUMS,
    SUMS_DIGEST,
    TIMELINE,
    UNSUMMED,
    Manifest,
    erased_sentences,
    has_simulated_clock,
    read_manifest,
    read_records,
    readable_faults,
    sums,
)
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.compliance.case_chronology import CaseChronology
from cjp_fraud.compliance.format_1 import FORMAT_1, digest_1, read_proof_1
from cjp_fraud.compliance.inclusion_proof import InclusionProof, read_proof
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, CjpFraudError

_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)
"""What reading a forged file can raise; each becomes a fault, never a traceback."""


@dataclass(frozen=True, slots=True)
class BundleVerification:
    """What verifying a bundle found.

    Parameters
    ----------
    files : files in the archive.
    entries, head_sha256 : length and head of its chain, recomputed; 0 and empty where it cannot be.
    simulated_clock : whether it says that its clock is simulated: it proves a trial.
    key_id : the key whose signature of its head fits; None: it has no signed head, or the signature does not fit.
    chain : digest of every entry, recomputed, from the first on.
    erased : what was erased before the export and when, a sentence each.
    """

    case_id: str
    files: int
    entries: int
    head_sha256: str
    faults: tuple[str, ...]
    simulated_clock: bool = False
    key_id: str | None = None
    chain: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no fault was found."""
        return not self.faults


def verify_file(file: Path, keys: Sequence[PublicKey] = ()) -> BundleVerification:
    """Verify the bundle in a file.

    Parameters
    ----------
    keys : public keys that count, kept elsewhere; none: the bundle's own.

    Raises
    ------
    BadInputError
        If there is no such file, or it cannot be read.
    """
    try:
        with file.open("rb") as handle:
            content = handle.read(2 * MAX_BYTES)
    except OSError as error:
        raise BadInputError(
            f"{file} cannot be read: {error.strerror}; name a bundle that was exported"
        ) from error
    return verify(content, keys)


def verify(container: bytes, keys: Sequence[PublicKey] = ()) -> BundleVerification:
    """Verify a bundle's bytes; every fault is one sentence, and none means that it holds.

    Parameters
    ----------
    keys : public keys that count, kept elsewhere; none: the bundle's own.
    """
    unpacked = opened(container)
    files, faults = unpacked.files, list(unpacked.faults)
    if not files:
        return BundleVerification("", 0, 0, "", tuple(faults or ["the archive is empty"]))
    missing = [name for name in (README, MANIFEST, SUMS, AUDIT, TIMELINE) if name not in files]
    faults += [f"{name} is missing; this is no evidence bundle, or the file was removed" for name in missing]
    try:
        manifest = read_manifest(files[MANIFEST])
    except _UNREADABLE:
        faults.append(f"{MANIFEST} does not have the form of a manifest")
        return BundleVerification("", len(files), 0, "", tuple(faults))
    if manifest.format not in (FORMAT, FORMAT_1):
        faults.append(f"the bundle's format is {manifest.format!r}; this version verifies {FORMAT!r}")
    faults += _file_faults(files, manifest)
    proof = _chain(files, manifest, faults)
    if proof is None:
        return BundleVerification(manifest.case_id, len(files), 0, "", tuple(faults))
    key_id = _signed_by(files, proof, keys, faults)
    erased: tuple[str, ...] = ()
    try:
        faults += _content_faults(files, manifest, proof)
        erased = tuple(text for record in read_records(files) for text in erased_sentences(record))
    except (*_UNREADABLE, CjpFraudError, SQLAlchemyError) as error:
        faults.append(
            f"the records do not have the form of a bundle's records ({type(error).__name__}: {error})"
        )
    return BundleVerification(
        manifest.case_id,
        len(files),
        proof.count,
        proof.head_sha256,
        tuple(faults),
        simulated_clock=manifest.simulated_clock,
        key_id=key_id,
        chain=proof.chain,
        erased=erased,
    )


def _content_faults(files: Mapping[str, bytes], manifest: Manifest, proof: InclusionProof) -> list[str]:
    """Return where records, log and what was written for reading do not agree, and what the gate would say."""
    records = read_records(files)
    if [record.id for record in records if record.table == "cases"] != [manifest.case_id]:
        return [f"the records are not those of the one case {manifest.case_id}"]
    if manifest.simulated_clock != has_simulated_clock(records):
        return [f"{MANIFEST}: what it says of a simulated clock is not what the home's record says"]
    unreadable = readable_faults(files, proof.of_case(manifest.case_id))
    if manifest.format == FORMAT_1:
        moves = CaseMoves()
        for entry in proof.entries:
            moves.add(entry.sequence, entry.action, entry.subject_type, entry.subject_id, entry.content)
        own = [fault for record in records for fault in own_digest_faults(record, digest_1)]
        return [*own, *moves.faults, *unreadable]
    names, moves = NewestNames(), CaseMoves()
    acts: list[str] = []
    for entry in proof.entries:
        rows = [row.document for row in entry.rows]
        names.add(entry.sequence, entry.action, entry.actor, rows)
        moves.add(entry.sequence, entry.action, entry.subject_type, entry.subject_id, entry.content)
        if entry.case_id is not None:
            acts += act_faults(entry.sequence, entry.action, entry.actor, rows)
    chronology = CaseChronology()
    row_faults = list(names.faults(chronology.through(records)))
    gate = gate_faults(manifest.case_id, records)
    return [*row_faults, *moves.faults, *acts, *chronology.faults(), *unreadable, *gate]


def _file_faults(files: Mapping[str, bytes], manifest: Manifest) -> list[str]:
    faults = [
        f"{name}: listed in the manifest, but not there"
        for name in sorted(set(manifest.digests) - set(files))
    ]
    unlisted = sorted(set(files) - set(manifest.digests) - {MANIFEST})
    faults += [f"{name}: not listed in the manifest; it was added" for name in unlisted]
    faults += [
        f"{name}: its content does not match the manifest; it was changed"
        for name, digest in sorted(manifest.digests.items())
        if name in files and sha256_hex(files[name]) != digest
    ]
    summed = {name: content for name, content in files.items() if name not in UNSUMMED}
    if files.get(SUMS) != sums(summed):
        faults.append(f"{SUMS} does not match the files")
    return faults


def _signed_by(
    files: Mapping[str, bytes], proof: InclusionProof, keys: Sequence[PublicKey], faults: list[str]
) -> str | None:
    """Return the key that signed the head of the bundle's chain, if one did and the signature fits."""
    recorded = proof.entries[-1].content.get(KEY_ID) if proof.entries else None
    if SIGNED_HEAD not in files or PUBLIC_KEY not in files:
        if recorded is not None:
            faults.append(
                f"{SIGNED_HEAD} or {PUBLIC_KEY} is missing: the head was signed with key {recorded}"
            )
        elif keys:
            faults.append("the bundle has no signed head, so that no key can verify it")
        return None
    try:
        signed = read_signed_head(files[SIGNED_HEAD])
        key = read_public_key(files[PUBLIC_KEY])
    except BadInputError as error:
        faults.append(f"{SIGNED_HEAD} or {PUBLIC_KEY} cannot be read: {error}")
        return None
    if recorded != key.key_id:
        faults.append(f"{PUBLIC_KEY} is not the key that the log recorded at the export, {recorded}")
    unsigned = signature_fault(signed, keys or [key])
    if unsigned is not None:
        faults.append(f"{SIGNED_HEAD}: {unsigned}")
        return None
    if (signed.head.sequence, signed.head.entry_sha256) != (proof.count, proof.head_sha256):
        faults.append(
            f"{SIGNED_HEAD}: is of entry {signed.head.sequence}, {signed.head.entry_sha256}, and the chain ends "
            f"with entry {proof.count}, {proof.head_sha256}: the log was written anew after it was signed"
        )
    return signed.head.key_id


def _chain(files: Mapping[str, bytes], manifest: Manifest, faults: list[str]) -> InclusionProof | None:
    try:
        read = read_proof_1 if manifest.format == FORMAT_1 else read_proof
        proof = read(files[AUDIT], manifest.case_id)
    except _UNREADABLE as error:
        faults.append(f"{AUDIT} does not have the form of a log ({type(error).__name__}: {error})")
        return None
    faults += proof.faults
    if (proof.count, proof.head_sha256) != (manifest.entries, manifest.head_sha256):
        faults.append(
            f"{AUDIT}: the chain has {proof.count} entries and ends at {proof.head_sha256}, the manifest "
            f"says {manifest.entries} and {manifest.head_sha256}; entries were changed or removed"
        )
    last = proof.entries[-1] if proof.entries else None
    if last is None or last.action != EXPORTED or last.sequence != proof.count:
        faults.append(f"{AUDIT}: the chain does not end with the entry that records the export")
    elif last.content.get(SUMS_DIGEST) != sha256_hex(files.get(SUMS, b"")):
        faults.append(f"{SUMS} is not the one that the log recorded at the export; files were changed since")
    return proof
