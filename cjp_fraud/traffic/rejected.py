"""The rejected rows of a delivery, put into the quarantine in the place of what it had of the same files."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import QUARANTINE
from cjp_fraud.traffic.spool import SpoolFile

WHICH = ("quarantine_id", "reason")


def store_rejected(
    lake: Lake, rejected: SpoolFile, sha256s: Sequence[str], submitted: Collection[str] | None = None
) -> None:
    """Commit the rejected rows of some files; nothing is written if the quarantine has just these.

    Parameters
    ----------
    lake : the lake; the caller holds the lock.
    rejected : rows of the quarantine table.
    sha256s : the content of the files that were checked.
    submitted : ids of the rows that were checked again (the files' others stay); ``None``: all of them.
    """
    of_files = Where(equal={"source_sha256": list(dict.fromkeys(sha256s))})
    there = lake.read(QUARANTINE, where=of_files, columns=WHICH)
    if submitted is not None:
        staying = lake.read(QUARANTINE, where=of_files)
        again = pc.is_in(staying["quarantine_id"], value_set=pa.array(list(submitted), pa.string()))
        rows = pa.concat_tables([rejected.table(), staying.filter(pc.invert(again))])
        if not _same(rows, there):
            lake.replace(QUARANTINE, rows, where=of_files)
    elif len(there) == 0 and rejected.rows:
        lake.append(QUARANTINE, rejected.stream)
    elif len(there) != rejected.rows or not _same(rejected.table(WHICH), there):
        lake.replace(QUARANTINE, rejected.stream, where=of_files)


def _same(rows: pa.Table, there: pa.Table) -> bool:
    if len(rows) != len(there):
        return False
    order = [(name, "ascending") for name in WHICH]
    return bool(rows.select(WHICH).sort_by(order).equals(there.select(WHICH).sort_by(order)))
