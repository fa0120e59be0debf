"""Proof: a case's bundle exported, stamped, compared and verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.x509 import Certificate

from cjp_fraud.audit.signed_head import SignedHead, head_faults
from cjp_fraud.compliance.archive import opened as read_archive
from cjp_fraud.compliance.comparison import compare
from cjp_fraud.compliance.export import export_evidence, replace_bundle
from cjp_fraud.compliance.log_verification import chain_holds_head
from cjp_fraud.compliance.manifest import MANIFEST
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.stamp_authority import StampAuthority, with_stamp
from cjp_fraud.compliance.time_stamp import TimeStamp, read_roots
from cjp_fraud.compliance.verification import BundleVerification, read_bundle, verify_file
from cjp_fraud.config import Settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, CjpFraudError, StorageError
from cjp_fraud.operations.head_keeping import (
    given_keys,
    keep_signed,
    trusted_heads,
)
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.model import Role, machine
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.case_reach import require_reach
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What verifying a bundle found; it holds where there are no faults."""

    holds: bool
    case_id: str
    format: str
    edition: Edition
    files: int
    manifest_signed: bool
    """Whether its manifest is signed with a key that counts."""
    time_stamp: TimeStamp | None
    """Its time stamp, where it has one that holds."""
    entries: int
    """Length of its chain; 0 where it cannot be recomputed."""
    head_sha256: str
    simulated_clock: bool
    """Whether its clock is simulated: it proves a trial."""
    key_id: str | None
    """The key whose signature of its head fits; None: there is none."""
    erased: tuple[str, ...]
    """What was erased before the export and when, a sentence each."""
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    """What is no fault and should be known."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A bundle that was written, and whether it has a time stamp."""

    file: Path
    case_id: str
    edition: Edition
    sha256: str
    """Of the whole file, with its time stamp if it has one."""
    files: int
    entries: int
    head_sha256: str
    """The chain up to and with the entry that records this export."""
    signed_head: SignedHead | None
    """That head, signed; None: there is no key, and the manifest is not signed either."""
    time_stamp: TimeStamp | None
    """None: no authority is set, or it gave none."""
    notes: tuple[str, ...]
    """What is no fault and should be known."""
    faults: tuple[str, ...]
    """What verifying the bundle finds; there are some only where the records were tampered with."""


@dataclass(frozen=True, slots=True)
class StampReport:
    """A time stamp that was put into a bundle."""

    file: Path
    sha256: str
    """Of the whole file, with the stamp."""
    manifest_sha256: str
    """What the stamp is of."""
    time_stamp: TimeStamp


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """Whether two editions are of the same facts."""

    same: bool
    case_id: str
    rows: int
    """Rows that stand in both and say the same."""
    opened: int
    """Withheld columns whose digests were made again of the internal edition."""
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def export_case(
    deployment: Deployment,
    by: str | None,
    now: datetime,
    case: str,
    out: Path,
    *,
    replace: bool = False,
    edition: Edition = Edition.INTERNAL,
) -> ExportReport:
    """Write what is on record of a case into one file; the export goes on record itself.

    Where an authority is set, the bundle is stamped once it is written; if that fails, it stays as it is and says so.

    Parameters
    ----------
    by : the user who exports; None for the account of this machine.
    case : number or id, in any state.
    out : file to write; an existing one is kept unless ``replace``.
    edition : everything, or what may be handed to the customer.

    Raises
    ------
    BadInputError
        If ``out`` exists, or its folder does not, or a disclosable edition is asked for and there is no key.
    CjpFraudError
        If a disclosable edition would hold a protected word.
    NotFoundError
        If there is no such case or user.
    OutOfReach
        If the case lies outside of what the user's roles as counsel and auditor are narrowed to.
    """
    actor = machine("account-of-this-machine")
    if by is not None:
        with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
            actor = actor_named(session, by)
            row = session.get_one(Case, case_id_of(session, case))
            require_reach(session, actor, row, {Role.COUNSEL, Role.AUDITOR})
    keys = deployment.head_keys
    key = keys.private() if keys.private_file.exists() else None
    exported = export_evidence(
        deployment.engine, case, out, actor, now, force=replace, key=key, edition=edition
    )
    if exported.signed_head is not None:
        keep_signed(deployment, exported.signed_head)
    stamped: StampReport | None = None
    notes: tuple[str, ...] = ()
    if deployment.settings.tsa_url is not None:
        try:
            stamped = stamp_bundle(out, deployment.settings)
        except CjpFraudError as error:
            notes = (
                f"the bundle has no time stamp: {error}. Attach one later: cjp-fraud evidence stamp {out}",
            )
    return ExportReport(
        file=exported.file,
        case_id=exported.case_id,
        edition=exported.edition,
        sha256=stamped.sha256 if stamped is not None else exported.sha256,
        files=exported.files + (stamped is not None),
        entries=exported.entries,
        head_sha256=exported.head_sha256,
        signed_head=exported.signed_head,
        time_stamp=stamped.time_stamp if stamped is not None else None,
        notes=notes,
        faults=exported.faults,
    )


def stamp_bundle(bundle: Path, settings: Settings, *, url: str | None = None) -> StampReport:
    """Have an authority stamp a bundle's manifest, and put its answer beside the manifest; nothing else changes.

    Parameters
    ----------
    url : of the authority, in the place of the settings' one.

    Raises
    ------
    BadInputError
        If no authority is named, or the file is no bundle with a manifest of the newest format, or has a stamp already.
    TimeStampError
        If the authority gives none that holds.
    """
    asked = url or settings.tsa_url
    if asked is None:
        raise BadInputError("no time stamp authority is named; set CJP_FRAUD_TSA_URL, or give --tsa-url")
    roots = given_roots([settings.tsa_roots] if settings.tsa_roots is not None else [])
    authority = StampAuthority(asked, roots, settings.tsa_timeout_seconds)
    container, stamp = with_stamp(read_bundle(bundle), authority, bundle.name)
    replace_bundle(bundle, container)
    manifest = read_archive(container).files[MANIFEST]
    return StampReport(bundle, sha256_hex(container), sha256_hex(manifest), stamp)


def compare_editions(internal: Path, disclosable: Path) -> ComparisonReport:
    """Compare an internal bundle with a disclosable one of the same case, what is withheld included.

    Raises
    ------
    BadInputError
        If one is no bundle, of another edition or case, or made with another key.
    """
    comparison = compare(read_bundle(internal), read_bundle(disclosable))
    return ComparisonReport(
        comparison.same,
        comparison.case_id,
        comparison.rows,
        comparison.opened,
        comparison.faults,
        comparison.notes,
    )


def given_roots(files: Sequence[Path]) -> tuple[Certificate, ...]:
    """Read root certificates of time stamp authorities from files; raises BadInputError where one holds none."""
    roots: list[Certificate] = []
    for file in files:
        try:
            roots += read_roots(file.read_bytes())
        except OSError as error:
            raise BadInputError(
                f"{file} cannot be read: {error.strerror}; name a file of certificates"
            ) from error
        except BadInputError as error:
            raise BadInputError(f"{file}: {error}") from error
    return tuple(dict.fromkeys(roots))


def verify_bundle(
    bundle: Path,
    against: Deployment | None = None,
    *,
    home: Deployment | None = None,
    public_keys: Sequence[Path] = (),
    tsa_roots: Sequence[Path] = (),
) -> BundleReport:
    """Verify a bundle with nothing but the file, and with what else is there.

    Parameters
    ----------
    against : also verify that the bundle's head is in this database's chain, and the chain against its signed heads.
    home : where the bundle's head is signed with this home's key, also verify the chain against the heads in the
        home's second place. Its database is not opened.
    public_keys : files of the keys that count, kept elsewhere; none: the bundle's own.
    tsa_roots : files of the certificates that a time stamp's must lead to.
    """
    verification = verify_file(bundle, given_keys(public_keys), given_roots(tsa_roots))
    faults, notes = verification.faults, _bundle_notes(verification, home, keys_given=bool(public_keys))
    asked = against or (home if _is_key_of(home, verification.key_id) else None)
    if asked is not None and verification.chain:
        trusted = trusted_heads(asked, public_keys)
        notes += tuple(f"in this home: {fault}" for fault in trusted.faults)
        in_reach = [signed for signed in trusted.heads if signed.head.sequence <= verification.entries]
        chain = dict(enumerate(verification.chain, start=1))
        faults += tuple(head_faults(in_reach, chain, verification.entries))
    if against is not None and verification.head_sha256:
        faults += tuple(chain_holds_head(against.engine, verification.entries, verification.head_sha256))
    return BundleReport(
        holds=not faults,
        case_id=verification.case_id,
        format=verification.format,
        edition=verification.edition,
        files=verification.files,
        manifest_signed=verification.manifest_signed,
        time_stamp=verification.stamp,
        entries=verification.entries,
        head_sha256=verification.head_sha256,
        simulated_clock=verification.simulated_clock,
        key_id=verification.key_id,
        erased=verification.erased,
        faults=faults,
        notes=notes,
    )


def _bundle_notes(
    verification: BundleVerification, home: Deployment | None, *, keys_given: bool
) -> tuple[str, ...]:
    """Return what whoever verifies should know of the signature, where nobody gave the key."""
    key_id, notes = verification.key_id, verification.notes
    if keys_given or _is_key_of(home, key_id):
        return notes
    if key_id is None:
        return (*notes, "the bundle has no signed head: compare its head with one that you keep")
    return (
        *notes,
        f"the head is signed with key {key_id}, which lies in the bundle itself: compare it with the one that you "
        "keep, or name its file with --key",
    )


def _is_key_of(home: Deployment | None, key_id: str | None) -> bool:
    if home is None or key_id is None:
        return False
    try:
        return key_id in {key.key_id for key in home.head_keys.public()}
    except StorageError:
        return False
