"""Verify an evidence bundle with nothing but its bytes: no database, no lake, no settings, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from pathlib import Path
from typing import Final

from cryptography import x509
from sqlalchemy.exc import SQLAlchemyError

from cjp_fraud.audit.head_keys import PublicKey, read_public_key
from cjp_fraud.audit.signed_head import read_signed_head, signature_fault
from cjp_fraud.compliance.archive import MAX_BYTES, Opened, opened
from cjp_fraud.compliance.bundle import (
    AUDIT,
    EXPORTED,
    KEY_ID,
    PUBLIC_KEY,
    README,
    SIGNED_HEAD,
    SUMS,
    SUMS_DIGEST,
    TIMELINE,
    UNSUMMED,
    erased_sentences,
    read_rows,
    sums,
)
from cjp_fraud.compliance.changed_byte import changed_byte
from cjp_fraud.compliance.format_1 import FORMAT_1, read_proof_1
from cjp_fraud.compliance.inclusion_proof import InclusionProof, read_proof
from cjp_fraud.compliance.manifest import (
    FORMAT,
    FORMATS,
    MANIFEST,
    SIGNATURE,
    STAMP,
    Manifest,
    file_faults,
    read_manifest,
    signature_faults,
)
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.record_verification import record_faults
from cjp_fraud.compliance.time_stamp import TimeStamp, TimeStampError, stamp_of
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
    format, edition : as the manifest says; empty where there is none.
    manifest_signed : whether the manifest is signed with a key that counts.
    stamp : its time stamp, if it has one that holds.
    notes : what is no fault and should be known.
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
    format: str = ""
    edition: Edition = Edition.INTERNAL
    manifest_signed: bool = False
    stamp: TimeStamp | None = None
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no fault was found."""
        return not self.faults


def verify_file(
    file: Path, keys: Sequence[PublicKey] = (), tsa_roots: Sequence[x509.Certificate] = ()
) -> BundleVerification:
    """Verify the bundle in a file; parameters as of :func:`verify`.

    Raises
    ------
    BadInputError
        If there is no such file, or it cannot be read.
    """
    return verify(read_bundle(file), keys, tsa_roots)


def read_bundle(file: Path) -> bytes:
    """Return the bytes of a file that should be a bundle.

    Raises
    ------
    BadInputError
        If there is no such file, or it cannot be read.
    """
    try:
        with file.open("rb") as handle:
            return handle.read(2 * MAX_BYTES)
    except OSError as error:
        raise BadInputError(
            f"{file} cannot be read: {error.strerror}; name a bundle that was exported"
        ) from error


def verify(
    container: bytes, keys: Sequence[PublicKey] = (), tsa_roots: Sequence[x509.Certificate] = ()
) -> BundleVerification:
    """Verify a bundle's bytes; every fault is one sentence, and none means that it holds.

    Parameters
    ----------
    keys : public keys that count, kept elsewhere; none: the bundle's own.
    tsa_roots : certificates that a time stamp's must lead to; none: nobody vouches for a stamp, which is said.
    """
    unpacked = opened(container)
    files, faults = unpacked.files, list(unpacked.faults)
    if not files:
        return BundleVerification("", 0, 0, "", tuple(faults or ["the archive is empty"]))
    missing = [name for name in (README, MANIFEST, SUMS, AUDIT, TIMELINE) if name not in files]
    faults += [f"{name} is missing; this is no evidence bundle, or the file was removed" for name in missing]
    counting = list(keys) or _own_keys(files)
    try:
        manifest = read_manifest(files[MANIFEST])
    except _UNREADABLE:
        faults.append(f"{MANIFEST} does not have the form of a manifest")
        faults += _changed_bytes(unpacked, {}, counting)
        return BundleVerification("", len(files), 0, "", tuple(faults))
    if manifest.format not in FORMATS:
        faults.append(f"the bundle's format is {manifest.format!r}; this version verifies {FORMAT!r}")
    unsigned = _signature_faults(files, manifest, counting)
    faults += [*file_faults(manifest, files), *_sum_faults(files), *unsigned]
    faults += _changed_bytes(unpacked, manifest.digests, counting)
    notes = list(_notes(manifest))
    stamp = _stamp(files, tsa_roots, faults, notes)
    proof = _chain(files, manifest, faults)
    if proof is None:
        return BundleVerification(
            manifest.case_id, len(files), 0, "", tuple(faults), format=manifest.format, notes=tuple(notes)
        )
    key_id = _signed_by(files, proof, manifest, keys, faults)
    erased: tuple[str, ...] = ()
    try:
        rows = read_rows(files)
        records = record_faults(files, rows, manifest, proof)
        faults += records.faults
        notes += records.notes
        erased = tuple(text for row in rows for text in erased_sentences(row.record))
    except (*_UNREADABLE, CjpFraudError, SQLAlchemyError) as error:
        faults.append(
            f"the records do not have the form of a bundle's records ({type(error).__name__}: {error})"
        )
    return BundleVerification(
        manifest.case_id,
        len(files),
        proof.count,
        proof.head_sha256,
        tuple(dict.fromkeys(faults)),
        simulated_clock=manifest.simulated_clock,
        key_id=key_id,
        chain=proof.chain,
        erased=erased,
        format=manifest.format,
        edition=manifest.edition,
        manifest_signed=manifest.key_id is not None and not unsigned,
        stamp=stamp,
        notes=tuple(notes),
    )


def _notes(manifest: Manifest) -> Sequence[str]:
    """Return what a bundle of an older format cannot show."""
    if manifest.format == FORMAT_1:
        return (
            "format 1: its log does not name rows, its manifest and the head of its log are not signed; that the files "
            "are as exported rests on the log alone",
        )
    if manifest.format != FORMAT:
        return (
            "format 2: its manifest is not signed; that the files are as exported rests on the log's signed head",
        )
    return ()


def _own_keys(files: Mapping[str, bytes]) -> list[PublicKey]:
    """Return the key that lies in the bundle, if there is one."""
    try:
        return [read_public_key(files[PUBLIC_KEY])]
    except (KeyError, BadInputError):
        return []


def _signature_faults(files: Mapping[str, bytes], manifest: Manifest, keys: Sequence[PublicKey]) -> list[str]:
    return signature_faults(files[MANIFEST], files.get(SIGNATURE), manifest, keys)


def _sum_faults(files: Mapping[str, bytes]) -> list[str]:
    summed = {name: content for name, content in files.items() if name not in UNSUMMED}
    return [] if files.get(SUMS) == sums(summed) else [f"{SUMS} does not match the files"]


def _changed_bytes(unpacked: Opened, digests: Mapping[str, str], keys: Sequence[PublicKey]) -> list[str]:
    """Return for each file of which one byte alone was changed which one, and what it was."""
    faults = []
    for name, content in unpacked.files.items():
        is_original = _recogniser(name, unpacked.files, digests, keys)
        byte = changed_byte(content, unpacked.crcs[name], is_original)
        if byte is not None:
            faults.append(f"{name}: {byte.words}")
    return faults


def _recogniser(
    name: str, files: Mapping[str, bytes], digests: Mapping[str, str], keys: Sequence[PublicKey]
) -> Callable[[bytes], bool] | None:
    """Return what tells whether bytes are a file's original ones; None: nothing does."""
    if name in digests:
        return lambda content: sha256_hex(content) == digests[name]
    if name == MANIFEST and SIGNATURE in files and keys:
        return lambda content: any(key.fits(files[SIGNATURE], content) for key in keys)
    if name == SIGNATURE and MANIFEST in files and keys:
        return lambda content: any(key.fits(content, files[MANIFEST]) for key in keys)
    return None


def _stamp(
    files: Mapping[str, bytes], roots: Sequence[x509.Certificate], faults: list[str], notes: list[str]
) -> TimeStamp | None:
    """Return the time stamp of the manifest; what is wrong with it is a fault, that nobody vouches for it a note."""
    if STAMP not in files:
        if roots:
            notes.append("there is no time stamp, so that the roots given were not asked")
        return None
    try:
        stamp = stamp_of(files[STAMP], files[MANIFEST], roots)
    except TimeStampError as error:
        faults.append(f"{STAMP}: {error}")
        return None
    if not stamp.vouched_for:
        notes.append(
            f"the time stamp says {_shown(stamp.at)} by {stamp.authority}, and nobody vouches for that authority: "
            "give its root certificate with --tsa-roots"
        )
    return stamp


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"


def _signed_by(
    files: Mapping[str, bytes],
    proof: InclusionProof,
    manifest: Manifest,
    keys: Sequence[PublicKey],
    faults: list[str],
) -> str | None:
    """Return the key that signed the head of the bundle's chain, if one did and the signature fits."""
    recorded = proof.entries[-1].content.get(KEY_ID) if proof.entries else None
    if manifest.format == FORMAT and manifest.key_id != recorded:
        faults.append(
            f"{MANIFEST}: is signed with key {manifest.key_id}; the log recorded {recorded} at the export"
        )
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
    elif last.content.get("format", manifest.format) != manifest.format:
        faults.append(f"{MANIFEST}: says {manifest.format}, and the log recorded {last.content['format']}")
    elif manifest.format == FORMAT and last.content.get("edition") != manifest.edition:
        faults.append(
            f"{MANIFEST}: says {manifest.edition}, and the log recorded {last.content.get('edition')}"
        )
    return proof
