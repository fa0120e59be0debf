"""A folder of temporary files between reading a source and storing it: memory holds one piece at a time.

A source comes in its own order, say minute by minute over all tenants, and is stored partition by partition.
Nothing of it may be stored before all of it was read and checked, and its rows may be more than memory holds: so
they wait here. Each batch becomes one row group of a Parquet file, and it is remembered which partitions have rows
in which group, so that a piece of partitions is read back from few groups.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cjp_fraud.storage.lake import bucket_numbers
from cjp_fraud.traffic.columns import days_of, stamps_of, values_of, widened
from cjp_fraud.traffic.schema import (
    BUCKET,
    DAY,
    DELIVERED,
    IMPLIED,
    INGESTED_AT,
    INTAKE,
    LINE,
    METRICS,
    SECONDS,
    SERIES,
    SERIES_ID,
    SOURCE,
    START,
    TENANT,
)
from cjp_fraud.traffic.sources.model import BATCH_ROWS
from cjp_fraud.traffic.usable_rows import ORDER
from cjp_fraud.traffic.zero_fill import implied_rows, merged_spans, refuse_endless, series_spans

CHUNK_ROWS = 12_500
"""Rows merged at once; merging takes several times their own memory."""
SPOOLED = pa.schema(
    [field for field in INTAKE.schema if field.name != SERIES_ID] + [pa.field(ORDER, pa.int64())]
)
Partition = tuple[date, int]


class SpoolFile:
    """One temporary Parquet file of tables with one schema."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self._writer: pq.ParquetWriter | None = None

    def add(self, rows: pa.Table) -> None:
        """Append rows (as one row group)."""
        if len(rows) == 0:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, self.schema, write_statistics=False)
        self._writer.write_table(widened(rows, self.schema))
        self.rows += len(rows)

    def close(self) -> None:
        """Finish the file; from now on it can be read."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def stream(self) -> pa.RecordBatchReader:
        """Return the rows in the order in which they were added, a batch at a time."""
        self.close()
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return all rows, or some columns of them."""
        self.close()
        names = list(columns or self.schema.names)
        schema = pa.schema([self.schema.field(name) for name in names])
        if self.rows == 0:
            return schema.empty_table()
        return pq.read_table(self.path, columns=names, use_threads=False).select(names).cast(schema)

    def read(
        self, columns: Sequence[str], groups: Collection[int], partitions: Collection[Partition]
    ) -> pa.Table:
        """Return some columns of some partitions, all of which stand in the tables added as ``groups``."""
        self.close()
        names = list(columns)
        parts = [pa.schema([self.schema.field(name) for name in names]).empty_table()]
        if groups:
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                for group in sorted(groups):
                    rows = file.read_row_group(group, names, use_threads=False).select(names)
                    parts.append(by_partition(rows, partitions))
        return pa.concat_tables(parts)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self.rows:
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                yield from file.iter_batches(BATCH_ROWS, use_threads=False)


class Spool:
    """The rows of one delivery: accepted ones, and what else is to be written.

    Parameters
    ----------
    buckets : number of buckets of the lake.
    at : aware; when the rows came.
    complete : the source leaves out intervals without contacts.
    """

    def __init__(self, *, buckets: int, at: datetime, complete: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cjp-fraud-"))
        self._buckets = buckets
        self._at = at
        self._complete = complete
        self._accepted = SpoolFile(self._folder / "accepted.parquet", SPOOLED)
        self._counts: Counter[Partition] = Counter()
        self._groups: dict[Partition, list[int]] = {}
        self._added = 0
        self._days_met = 0
        self._buckets_met = 0
        self._spans: pa.Table | None = None
        self._unusable: list[pa.Table] = []
        self._columns: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def file(self, name: str, schema: pa.Schema) -> SpoolFile:
        """Return a further file in this spool's folder."""
        return SpoolFile(self._folder / f"{name}.parquet", schema)

    def add(
        self, accepted: pa.Table, *, source: str, order: int, columns: Collection[str], unusable: pa.Table
    ) -> None:
        """Add usable rows of one source.

        Parameters
        ----------
        accepted : columns of ``DELIVERED`` and ``line``.
        source : the source's name.
        order : a later source has a higher number.
        columns : the columns that the source delivers.
        unusable : series, step and start of rejected rows, where these are known.
        """
        if self._complete and len(accepted):
            spans = series_spans(accepted)
            self._spans = (
                spans if self._spans is None else merged_spans(pa.concat_tables([self._spans, spans]))
            )
            if len(unusable):
                self._unusable.append(unusable)
        if len(accepted) == 0:
            return
        self._columns.update(columns)
        rows = self._as_intake(accepted, source=source, order=order, implied=False)
        pairs = (
            rows.select([DAY, BUCKET])
            .group_by([DAY, BUCKET], use_threads=False)
            .aggregate([([], "count_all")])
        )
        for pair in pairs.to_pylist():
            self._counts[pair[DAY], pair[BUCKET]] += pair["count_all"]
            self._groups.setdefault((pair[DAY], pair[BUCKET]), []).append(self._added)
        self._days_met += len(pairs[DAY].unique())
        self._buckets_met += len(pairs[BUCKET].unique())
        self._accepted.add(rows)
        self._added += 1

    def chunks(self) -> list[list[Partition]]:
        """Return the partitions touched, cut into pieces of rows that fit into memory."""
        counts = Counter(self._counts)
        for pair, steps in self._spanned().items():
            counts[pair] = max(counts[pair], steps)
        # Partitions whose rows lie near each other in the file are read together, so that no part of it is read often.
        by_day = self._days_met <= self._buckets_met
        pieces: list[list[Partition]] = []
        size = CHUNK_ROWS
        for pair in sorted(counts, key=lambda pair: pair if by_day else (pair[1], pair[0])):
            if size + counts[pair] > CHUNK_ROWS:
                pieces.append([])
                size = 0
            pieces[-1].append(pair)
            size += counts[pair]
        return pieces

    def read(self, partitions: Collection[Partition]) -> pa.Table:
        """Return the rows of some partitions, with the zeros that a complete source implies."""
        keys = [name for name in SPOOLED.names if name not in METRICS or name in self._columns]
        groups = set().union(*(self._groups.get(pair, ()) for pair in partitions))
        rows = self._accepted.read(keys, groups, partitions)
        if self._spans is None:
            return rows
        # A rejected row says that there was something: its interval is unknown, not zero.
        known = pa.concat_tables([rows.select([*SERIES, SECONDS, START]), *self._unusable])
        bucket_of_span = bucket_numbers(self._spans[TENANT], self._buckets)
        zeros = [rows]
        for bucket in sorted({bucket for _, bucket in partitions}):
            spans = self._spans.filter(pa.array(bucket_of_span == bucket))
            for first, end in _runs(sorted(day for day, b in partitions if b == bucket)):
                implied = implied_rows(known, spans, zeroed=self._columns, days=(first, end))
                zeros.append(self._as_intake(implied, source="", order=0, implied=True))
        return pa.concat_tables([zero.select(keys) for zero in zeros])

    def _as_intake(self, rows: pa.Table, *, source: str, order: int, implied: bool) -> pa.Table:
        count = len(rows)
        columns = {
            name: rows[name] if name in rows.column_names else pa.nulls(count, DELIVERED.field(name).type)
            for name in DELIVERED.names
        }
        columns[IMPLIED] = pa.repeat(implied, count)
        columns[SOURCE] = pa.repeat(source, count) if source else pa.nulls(count, pa.string())
        columns[LINE] = rows[LINE] if LINE in rows.column_names else pa.nulls(count, pa.int64())
        columns[INGESTED_AT] = pa.repeat(pa.scalar(self._at, INTAKE.schema.field(INGESTED_AT).type), count)
        columns[DAY] = days_of(stamps_of(rows, START))
        columns[BUCKET] = pa.array(bucket_numbers(rows[TENANT], self._buckets), pa.int16())
        columns[ORDER] = pa.repeat(pa.scalar(order, pa.int64()), count)
        return pa.table(columns, schema=SPOOLED)

    def _spanned(self) -> Counter[Partition]:
        counts: Counter[Partition] = Counter()
        if self._spans is None:
            return counts
        steps = values_of(self._spans, SECONDS).astype(np.int64) * 1_000_000
        firsts, lasts = stamps_of(self._spans, "first"), stamps_of(self._spans, "last")
        refuse_endless(self._spans)
        day = 86_400_000_000
        buckets = bucket_numbers(self._spans[TENANT], self._buckets).tolist()
        for bucket, step, first, last in zip(buckets, steps, firsts // day, lasts // day, strict=True):
            for number in range(int(first), int(last) + 1):
                counts[date.fromordinal(719_163 + number), bucket] += int(day // step)
        return counts


def _runs(days: list[date]) -> Iterator[tuple[date, date]]:
    """Yield runs of consecutive days as (first, end), half-open."""
    start = 0
    for at in range(1, len(days) + 1):
        if at == len(days) or days[at].toordinal() - days[at - 1].toordinal() > 1:
            yield days[start], date.fromordinal(days[at - 1].toordinal() + 1)
            start = at


def by_partition(rows: pa.Table, partitions: Collection[Partition]) -> pa.Table:
    """Return the rows of some partitions."""
    numbers = rows[DAY].cast(pa.int32()).to_numpy().astype(np.int64) * 65_536 + rows[BUCKET].to_numpy()
    chosen = np.array([(day.toordinal() - 719_163) * 65_536 + bucket for day, bucket in partitions], np.int64)
    return rows.filter(pa.array(np.isin(numbers, chosen)))
