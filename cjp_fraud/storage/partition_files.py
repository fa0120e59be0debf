"""Whole partitions written file by file and put in place in one commit.

Why not the library's own writer: it keeps every partition of a commit in memory until the end, and a bulk load of
two years and 16 buckets has 11,000. Here at most 16 files are open and what is written leaves the memory: a CSV
of 200 MB takes less than 100 MB more than one of three rows. Why not several commits of a few partitions each,
which the library could write: what needs room on the disk is written before the table's commit, so that a full disk
or a kill leaves the table as it was instead of with half a file, and no reader sees half a delivery.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, RemoveAction

from cjp_fraud.clock import utc_text

PARTITION = ("day", "bucket")
OPEN_FILES = 16


def replace_partitions(
    delta: DeltaTable,
    stream: pa.RecordBatchReader,
    partitions: frozenset[tuple[date, int]] | None,
    *,
    location: str,
    storage_options: dict[str, str] | None,
    stats_columns: tuple[str, ...],
) -> None:
    """Replace whole partitions by a stream of rows, in one commit.

    Parameters
    ----------
    delta : the table at the version that the rows were computed from.
    stream : rows of these partitions only; those of one partition should stand close together.
    partitions : the (day, bucket) pairs to replace; ``None``: the rows are added to what is there.
    location, storage_options : where the table is.
    stats_columns : the columns whose smallest and largest values go into the log.

    Raises
    ------
    deltalake.exceptions.CommitFailedError
        If another writer replaced one of the files meanwhile.
    """
    filesystem = pafs.PyFileSystem(DeltaStorageHandler(location, storage_options))
    actions: list[AddAction | RemoveAction] = []
    files: OrderedDict[tuple[date, int], _PartitionFile] = OrderedDict()
    with ExitStack() as opened:
        for pair, rows in _pieces(stream):
            if partitions is not None and pair not in partitions:
                raise ValueError(f"rows of partition {pair} are outside the partitions to replace")
            if pair not in files:
                if len(files) == OPEN_FILES:
                    # The one not written to for the longest time; further rows of its partition get a second file.
                    actions.append(files.popitem(last=False)[1].finish())
                files[pair] = opened.enter_context(_PartitionFile(filesystem, pair, stats_columns))
            files.move_to_end(pair)
            files[pair].write(rows)
        actions += [file.finish() for file in files.values()]
    if partitions is not None:
        actions += _removals(delta, partitions)
    delta.create_write_transaction(
        actions, mode="append", schema=delta.schema(), partition_by=list(PARTITION)
    )


class _PartitionFile:
    """A file of one partition that is being written."""

    def __init__(
        self, filesystem: pafs.FileSystem, pair: tuple[date, int], stats_columns: tuple[str, ...]
    ) -> None:
        self._partition = {"day": pair[0].isoformat(), "bucket": str(pair[1])}
        self._path = f"day={pair[0].isoformat()}/bucket={pair[1]}/part-{uuid4()}.snappy.parquet"
        self._filesystem = filesystem
        self._stats_columns = stats_columns
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0
        self._least: dict[str, Any] = {}
        self._most: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._close(quietly=error is not None)
        if error is not None:
            # No commit will name the file: on a full disk it would only take the room that the next attempt needs.
            with suppress(OSError):
                self._filesystem.delete_file(self._path)

    def write(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, rows.schema, filesystem=self._filesystem)
        self._writer.write_table(rows)
        self._rows += len(rows)
        for name in self._stats_columns:
            extremes = pc.min_max(rows[name]).as_py()
            if extremes["min"] is not None:
                self._least[name] = min(extremes["min"], self._least.get(name, extremes["min"]))
                self._most[name] = max(extremes["max"], self._most.get(name, extremes["max"]))

    def finish(self) -> AddAction:
        """Close the file and return the action that adds it to the table's log."""
        self._close()
        stats = {
            "numRecords": self._rows,
            "minValues": {name: _plain(value) for name, value in self._least.items()},
            "maxValues": {name: _plain(value) for name, value in self._most.items()},
            "nullCount": dict.fromkeys(self._least, 0),
        }
        return AddAction(
            path=self._path,
            size=self._filesystem.get_file_info(self._path).size,
            partition_values=dict(self._partition),
            modification_time=_now_ms(),
            data_change=True,
            stats=json.dumps(stats),
        )

    def _close(self, *, quietly: bool = False) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError) if quietly else nullcontext():
                writer.close()


def _removals(delta: DeltaTable, partitions: frozenset[tuple[date, int]]) -> list[RemoveAction]:
    files = pa.table(delta.get_add_actions(flatten=True))
    return [
        RemoveAction(
            path=file["path"],
            data_change=True,
            deletion_timestamp=_now_ms(),
            size=file["size_bytes"],
            partition_values={
                "day": file["partition.day"].isoformat(),
                "bucket": str(file["partition.bucket"]),
            },
        )
        for file in files.to_pylist()
        if (file["partition.day"], file["partition.bucket"]) in partitions
    ]


def _pieces(stream: pa.RecordBatchReader) -> Iterator[tuple[tuple[date, int], pa.Table]]:
    """Yield each batch's rows partition by partition, without the partition's columns."""
    for batch in stream:
        if len(batch) == 0:
            continue
        rows = pa.Table.from_batches([batch])
        inner = rows.drop_columns(list(PARTITION))
        positions = rows.select(PARTITION).to_pandas().groupby(list(PARTITION)).indices
        for (day, bucket), at in positions.items():
            yield (day, bucket), inner.take(pa.array(at))


def _plain(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


def _now_ms() -> int:
    # The machine's clock on purpose: vacuum compares it with that of the files.
    return int(datetime.now(UTC).timestamp() * 1000)
