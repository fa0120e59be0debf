"""Whether two bundles, of whichever editions, are of the same facts of the same case."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cjp_fraud.compliance.archive import opened
from cjp_fraud.compliance.bundle import AUDIT, CONTRACT, DISCLOSURE_KEY, RECEIPTS, read_rows
from cjp_fraud.compliance.disclosure import Shown, document_differences, row_differences
from cjp_fraud.compliance.inclusion_proof import Entry, read_proof
from cjp_fraud.compliance.manifest import MANIFEST, Manifest, read_manifest
from cjp_fraud.compliance.model import Edition
from cjp_fraud.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing two bundles found.

    Parameters
    ----------
    rows : rows that stand in both and say the same.
    opened : values withheld in the disclosable edition whose digests were made again of the internal one.
    faults : where the two do not say the same, a sentence each.
    notes : what is no fault: what was recorded between the two exports.
    """

    case_id: str
    rows: int
    opened: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the two are of the same facts."""
        return not self.faults


def compare(internal: bytes, disclosable: bytes) -> Comparison:
    """Compare an internal bundle with a disclosable one of the same case, value by value.

    Both should be verified first: what is compared here is what they say, not whether anybody changed them.

    Raises
    ------
    BadInputError
        If one is no bundle, of another edition or case, or made with another key.
    """
    full, shown = _read(internal, Edition.INTERNAL), _read(disclosable, Edition.DISCLOSABLE)
    if full.manifest.case_id != shown.manifest.case_id:
        raise BadInputError(
            f"the bundles are of different cases: {full.manifest.case_id} and {shown.manifest.case_id}"
        )
    if full.manifest.key_id != shown.manifest.key_id:
        raise BadInputError(
            "the bundles are signed with different keys, and so their salts differ: export both again"
        )
    try:
        secret = bytes.fromhex(str(json.loads(full.files[DISCLOSURE_KEY])["secret"]))
    except (KeyError, ValueError, TypeError) as error:
        raise BadInputError(f"the internal bundle has no {DISCLOSURE_KEY}: export it again") from error
    faults, notes = list(_log_faults(full, shown)), list[str]()
    rows, values = 0, 0
    there = {(row.record.table, row.record.id): row for row in shown.rows}
    for row in full.rows:
        name = (row.record.table, row.record.id)
        other = there.pop(name, None)
        if other is None:
            notes.append(f"{row.record.where}: is in the internal bundle alone")
            continue
        row_faults = list(row_differences(row.record, other, secret))
        faults += row_faults
        rows += not row_faults
        values += len(other.record.withheld)
    notes += [f"{row.record.where}: is in the disclosable bundle alone" for row in there.values()]
    if not notes:  # the same rows: what is computed of them must be the same too
        for file in (RECEIPTS, CONTRACT):
            faults += document_differences(full.files.get(file), shown.files.get(file), file, secret)
    return Comparison(full.manifest.case_id, rows, values, tuple(faults), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Read:
    files: Mapping[str, bytes]
    manifest: Manifest
    rows: tuple[Shown, ...]
    chain: tuple[str, ...]
    entries: Mapping[int, Entry]


def _read(container: bytes, edition: Edition) -> _Read:
    files = opened(container).files
    try:
        manifest = read_manifest(files[MANIFEST])
        rows = tuple(read_rows(files))
        proof = read_proof(files[AUDIT], manifest.case_id)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadInputError(
            f"this is no {edition} bundle that can be compared ({type(error).__name__}: {error}); "
            "what is wrong with it is said by: cjp-fraud evidence verify"
        ) from error
    if manifest.edition is not edition:
        raise BadInputError(
            f"this is the {manifest.edition} edition; the {edition} one is needed in its place"
        )
    return _Read(files, manifest, rows, proof.chain, {entry.sequence: entry for entry in proof.entries})


def _log_faults(full: _Read, shown: _Read) -> Iterator[str]:
    """Yield where the logs of the two differ as far as both go."""
    both = min(len(full.chain), len(shown.chain))
    for number, (one, other) in enumerate(zip(full.chain, shown.chain, strict=False), start=1):
        if one != other:
            yield f"{AUDIT}: entry {number} is another in the two bundles; of {both} that both have"
            return
    for sequence, entry in full.entries.items():
        if sequence <= both and shown.entries.get(sequence, entry) != entry:
            yield f"{AUDIT}: entry {sequence} is shown differently in the two bundles"
