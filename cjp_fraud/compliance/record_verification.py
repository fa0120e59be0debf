"""Whether the records of a bundle agree with the log, with each other, and with what the gate requires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cjp_fraud.audit.named_rows import CaseMoves, NewestNames, act_faults, own_digest_faults
from cjp_fraud.audit.row_digests import Record, record_digest
from cjp_fraud.compliance.bundle import DISCLOSURE_KEY, has_simulated_clock, readable_faults
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.compliance.case_chronology import CaseChronology
from cjp_fraud.compliance.disclosure import Shown, without_notes
from cjp_fraud.compliance.format_1 import FORMAT_1, digest_1
from cjp_fraud.compliance.inclusion_proof import InclusionProof
from cjp_fraud.compliance.manifest import MANIFEST, Manifest
from cjp_fraud.compliance.model import Edition
from cjp_fraud.suspension.requirements import Requirement

_OF_WITHHELD: Final = frozenset({Requirement.EVIDENCE})
"""What the gate asks of the frozen evidence's exact bytes, which a disclosable bundle does not hold."""


@dataclass(frozen=True, slots=True)
class RecordFaults:
    """What was found, a sentence each; ``notes`` are no faults."""

    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def record_faults(
    files: Mapping[str, bytes], rows: Sequence[Shown], manifest: Manifest, proof: InclusionProof
) -> RecordFaults:
    """Return where records, log and what was written for reading do not agree, and what the gate would say.

    Parameters
    ----------
    rows : as the bundle shows them.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, CjpFraudError, SQLAlchemyError
        If the records do not have the form of their tables' rows.
    """
    records = [row.record for row in rows]
    if [record.id for record in records if record.table == "cases"] != [manifest.case_id]:
        return RecordFaults((f"the records are not those of the one case {manifest.case_id}",))
    if manifest.simulated_clock != has_simulated_clock(records):
        return RecordFaults(
            (f"{MANIFEST}: what it says of a simulated clock is not what the home's record says",)
        )
    entries = proof.of_case(manifest.case_id)
    unreadable = readable_faults(files, rows, entries, manifest.edition)
    if manifest.format == FORMAT_1:
        return RecordFaults((*_first_format(records, proof), *unreadable))
    names, moves = NewestNames(), CaseMoves()
    acts: list[str] = []
    for entry in proof.entries:
        named = [row.document for row in entry.rows]
        names.add(entry.sequence, entry.action, entry.actor, named)
        moves.add(entry.sequence, entry.action, entry.subject_type, entry.subject_id, entry.content)
        if entry.case_id is not None:
            acts += act_faults(entry.sequence, entry.action, entry.actor, named)
    chronology = CaseChronology()
    stated = {(row.record.table, row.record.id): row.digest for row in rows}
    row_faults = names.faults(chronology.through(records), lambda record: stated[record.table, record.id])
    faults = [*row_faults, *moves.faults, *acts, *chronology.faults(), *unreadable]
    faults += _edition_faults(files, rows, manifest)
    if manifest.edition is Edition.INTERNAL:
        return RecordFaults((*faults, *gate_faults(manifest.case_id, records)))
    shown = [without_notes(record) for record in records]
    gate = gate_faults(manifest.case_id, shown, leave_out=_OF_WITHHELD)
    return RecordFaults((*faults, *gate), _notes(rows))


def _first_format(records: Sequence[Record], proof: InclusionProof) -> list[str]:
    moves = CaseMoves()
    for entry in proof.entries:
        moves.add(entry.sequence, entry.action, entry.subject_type, entry.subject_id, entry.content)
    own = [fault for record in records for fault in own_digest_faults(record, digest_1)]
    return [*own, *moves.faults]


def _edition_faults(files: Mapping[str, bytes], rows: Sequence[Shown], manifest: Manifest) -> list[str]:
    """Return what an edition holds that it must not: an internal one withholds nothing, the other has no salts."""
    if manifest.edition is Edition.DISCLOSABLE:
        faults = [
            f"{row.record.where}: says that something is withheld, and the row is whole"
            for row in rows
            if row.withheld is not None and not row.record.withheld
        ]
        if DISCLOSURE_KEY in files:
            faults.append(f"{DISCLOSURE_KEY}: must never be in a disclosable bundle")
        return faults
    return [
        f"{row.record.where}: withholds something in an internal bundle; it was changed"
        for row in rows
        if row.withheld is not None or row.record.withheld
    ]


def _notes(rows: Sequence[Shown]) -> tuple[str, ...]:
    """Say which rows are bound how."""
    partly = [row for row in rows if row.withheld is not None and row.digest != _of_what_is_shown(row)]
    whole = len(rows) - len(partly)
    notes = [f"{whole} of {len(rows)} rows are shown so that their digest in the log can be computed again"]
    if partly:
        tables = sorted({row.record.table for row in partly})
        notes.append(
            f"{len(partly)} rows ({', '.join(tables)}) are shown in part: that they are those of the log rests on the "
            "signature of the manifest, until they are compared with the internal edition (evidence compare)"
        )
        notes.append(
            "of what the gate requires, the digest of the frozen evidence was not asked about: some of it is withheld"
        )
    return tuple(notes)


def _of_what_is_shown(row: Shown) -> str:
    return record_digest(row.record)
