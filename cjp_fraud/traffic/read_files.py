"""Files as gridded rows in memory, for back-tests and notebooks: the same checks as ingest, and no lake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from cjp_fraud.clock import aware
from cjp_fraud.traffic.checks import check_batch
from cjp_fraud.traffic.grid import grid_table
from cjp_fraud.traffic.merge import deduplicated
from cjp_fraud.traffic.model import Reason, Rejection, TenantTraffic
from cjp_fraud.traffic.quarantine import DISAGREES, TOTAL_OR_REST, rejected_rows
from cjp_fraud.traffic.schema import METRICS, SECONDS, SERIES, START, TRAFFIC
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.zero_fill import implied_rows, refuse_endless, series_spans


@dataclass(frozen=True)
class TrafficRead:
    """Traffic on the grid, and what could not be used.

    Parameters
    ----------
    rows : frame as of :func:`cjp_fraud.traffic.grid.grid_rows`.
    read : rows in the files.
    rejected : rows that cannot be used as they are (file name, rejection); here they are only reported.
    refused : rows of deployments that the provider does not run.
    """

    rows: pd.DataFrame
    read: int
    rejected: tuple[tuple[str, Rejection], ...]
    refused: int


def read_traffic(
    paths: Sequence[Path],
    tenants: Mapping[str, TenantTraffic],
    *,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    complete: bool = False,
    grid_seconds: int = 300,
    progress: Callable[[str, int, int], None] | None = None,
) -> TrafficRead:
    """Read, check and grid whole files; a later file replaces what an earlier one said.

    Parameters
    ----------
    paths : CSV, gzipped CSV or Parquet.
    tenants : the tenants whose rows are wanted, by id.
    now : aware; stamps over a day ahead of it are rejected.
    mapping : ``{theirs: ours}``.
    complete : missing intervals inside a series' span are zero.
    grid_seconds : the grid.
    progress : called with ("reading", rows read, 0).

    Raises
    ------
    BadInputError
        If a file cannot be used as a whole.
    """
    parts: list[pa.Table] = []
    rejected: list[tuple[str, Rejection]] = []
    unusable: list[pa.Table] = []
    read = refused = 0
    names: set[str] = set()
    sources: list[str] = []
    for order, path in enumerate(paths):
        source = FileSource(path, mapping)
        sources.append(source.name)
        names |= set(source.columns)
        for batch in source.batches():
            checked = check_batch(batch, tenants, now=aware(now))
            read += checked.read
            refused += checked.refused
            rejected += [(source.name, rejection) for rejection in checked.rejected]
            unusable.append(checked.unusable)
            known = [n for n in checked.accepted.column_names if n not in METRICS or n in source.columns]
            part = checked.accepted.select(known)
            parts.append(part.append_column("source_order", pa.array(np.full(len(part), order, np.int64))))
            if progress is not None:
                progress("reading", read, 0)
    if not parts:
        return TrafficRead(TRAFFIC.schema.empty_table().to_pandas(), read, (), refused)
    rows = pa.concat_tables(parts, promote_options="default")
    rows, *unusable_rows = deduplicated(rows, grid_seconds=grid_seconds)
    faults = ((Reason.DISAGREES, DISAGREES), (Reason.TOTAL_OR_REST, TOTAL_OR_REST))
    for faulty, (reason, why) in zip(unusable_rows, faults, strict=True):
        for order, name in enumerate(sources):
            theirs = faulty.filter(pa.compute.equal(faulty["source_order"], order))
            rejected += [(name, rejection) for rejection in rejected_rows(theirs, reason, why)]
    if complete and len(rows):
        spans = series_spans(rows)
        refuse_endless(spans)
        known = pa.concat_tables([rows.select([*SERIES, SECONDS, START]), *unusable])
        zeros = implied_rows(known, spans, zeroed=names)
        rows = pa.concat_tables([rows, zeros], promote_options="default")
    frame: pd.DataFrame = grid_table(rows, grid_seconds=grid_seconds).to_pandas()
    return TrafficRead(frame, read, tuple(rejected), refused)
