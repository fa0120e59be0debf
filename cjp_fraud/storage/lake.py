"""The lake: Delta tables cut into UTC days and buckets of tenants, replaced whole partitions at a time."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import ColumnProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from cjp_fraud.errors import StorageError
from cjp_fraud.storage.partition_files import replace_partitions
from cjp_fraud.storage.predicate import Where, fold

__all__ = ["UTC_STAMP", "Lake", "LakeTable", "Where", "bucket_numbers"]

UTC_STAMP = pa.timestamp("us", tz="UTC")
"""The only stamp type of the lake: Delta keeps microseconds, in UTC."""

ENCODED_TEXT = pa.dictionary(pa.int32(), pa.string())
"""Text that repeats: each different one once, and its number in every row."""

LAYOUT = "_layout"
URL = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
OBJECT_STORE = re.compile(
    r"(s3a?|gs|gcs|azure|azblob|abfss?|adls?|wasbs?|https?|file|memory|hdfs)://[^/\s]*/?\S*"
)
COMMIT_ATTEMPTS = 8
_LEAN = WriterProperties(default_column_properties=ColumnProperties(dictionary_enabled=False))
"""A writer keeps every partition of a commit open: without dictionaries each takes a quarter of the
memory."""


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake.

    Parameters
    ----------
    name : folder of the table under the lake's URL.
    schema : Arrow schema; stamps are ``timestamp[us, UTC]``, ``day`` is date32, ``bucket`` int16.
    partition_by : columns that cut the table, usually ``("day", "bucket")``.
    stats_columns : the only columns whose smallest and largest values may stand in the table's log.
        ``None``: any. Columns with content that must be erasable are left out, because the log outlives rows.
    """

    name: str
    schema: pa.Schema
    partition_by: tuple[str, ...] = ("day", "bucket")
    stats_columns: tuple[str, ...] | None = None


class Lake:
    """Delta tables under one folder or object-store URL.

    Parameters
    ----------
    url : local folder or object-store URL.
    storage_options : options of the object store (credentials, region); none for a folder.
    buckets : the number of buckets that the caller expects; checked against the lake's own.
    """

    def __init__(
        self, url: str, *, storage_options: Mapping[str, str] | None = None, buckets: int | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.storage_options = dict(storage_options) if storage_options else None
        self._expected = buckets
        self._buckets: int | None = None

    # -- making it ----------------------------------------------------------------------------------------

    def create(self, tables: Iterable[LakeTable], *, buckets: int) -> None:
        """Make the lake and the tables that are missing; what is there already stays.

        Raises
        ------
        StorageError
            If the lake was made with another number of buckets, or a table has other columns.
        """
        if not URL.match(self.url):
            Path(self.url).mkdir(parents=True, exist_ok=True)
        self._make(
            LakeTable(LAYOUT, pa.schema([("buckets", pa.int32())]), ()), json.dumps({"buckets": buckets})
        )
        self._expected = buckets
        self._buckets = None
        _ = self.buckets
        for table in tables:
            self._make(table, None)
            actual = pa.schema(self._open(table).schema().to_arrow())
            if not actual.equals(table.schema):
                raise StorageError(
                    f"lake table {table.name!r} at {self.url} has other columns than this version needs: "
                    f"expected {table.schema.names}, found {actual.names}; make a new lake or migrate it"
                )

    @property
    def buckets(self) -> int:
        """Number of buckets, fixed when the lake was made."""
        if self._buckets is None:
            stored = int(json.loads(self._open_name(LAYOUT).metadata().description)["buckets"])
            if self._expected is not None and stored != self._expected:
                raise StorageError(
                    f"the lake at {self.url} has {stored} buckets, the settings say {self._expected}; "
                    f"set CJP_FRAUD_LAKE_BUCKETS={stored} or use another lake"
                )
            self._buckets = stored
        return self._buckets

    def bucket_of(self, tenant_ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int16]:
        """Return each tenant's bucket: CRC-32 (ISO 3309) of the UTF-8 id, modulo the number of buckets.

        The same on every machine and in every version; hashed once for each distinct tenant.

        Parameters
        ----------
        tenant_ids : n ids, none null.

        Returns
        -------
        int16 array of shape (n,).
        """
        ids = (
            tenant_ids
            if isinstance(tenant_ids, pa.Array | pa.ChunkedArray)
            else pa.array(tenant_ids, pa.string())
        )
        return bucket_numbers(ids, self.buckets)

    # -- reading ------------------------------------------------------------------------------------------

    def version(self, table: LakeTable) -> int:
        """Return the version (number of the last commit) of a table."""
        return int(self._open(table).version())

    def read(
        self,
        table: LakeTable,
        *,
        days: tuple[date, date] | None = None,
        buckets: Sequence[int] | None = None,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
        version: int | None = None,
        encoded: Collection[str] = (),
    ) -> pa.Table:
        """Return the rows that meet every condition; only the partitions that can hold them are opened.

        Parameters
        ----------
        days : UTC days, half-open.
        buckets : buckets of tenants.
        columns : the columns wanted, in this order; default all, in the schema's order.
        where : further conditions.
        version : an older version of the table; default the newest.
        encoded : columns of text that come as dictionaries, as Parquet has them; ``where`` names none of them.

        Returns
        -------
        table in no particular order.
        """
        names = list(columns) if columns is not None else table.schema.names
        schema = pa.schema(
            [
                table.schema.field(name).with_type(ENCODED_TEXT)
                if name in encoded
                else table.schema.field(name)
                for name in names
            ]
        )
        conditions = [Where(days=days, buckets=buckets), where or Where()]
        if any(condition.nothing() for condition in conditions):
            return schema.empty_table()
        dataset, rows_meant = self._dataset(table, conditions, version, encoded)
        return dataset.to_table(columns=names, filter=rows_meant).unify_dictionaries().cast(schema)

    def batches(
        self, table: LakeTable, *, columns: Sequence[str], where: Where | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield some columns of the rows that meet a condition, a few thousand rows at a time, in no
        particular order: for sums over more rows than memory should hold."""
        condition = where or Where()
        if not condition.nothing():
            dataset, rows_meant = self._dataset(table, [condition], None)
            yield from dataset.to_batches(columns=list(columns), filter=rows_meant)

    def _dataset(
        self,
        table: LakeTable,
        conditions: Sequence[Where],
        version: int | None,
        encoded: Collection[str] = (),
    ) -> tuple[ds.Dataset, pc.Expression | None]:
        """Return the files that can hold rows that meet every condition, and the condition on their rows."""
        pruning = " AND ".join(f"({text})" for text in (c.pruning_sql() for c in conditions) if text) or None
        parts = [e for e in (c.expression() for c in conditions) if e is not None]
        options = ds.ParquetReadOptions(dictionary_columns=set(encoded)) if encoded else None
        dataset = self._open(table, version).to_pyarrow_dataset(
            file_pruning_predicate=pruning, parquet_read_options=options
        )
        return dataset, fold(parts, lambda a, b: a & b) if parts else None

    def partitions(self, table: LakeTable) -> pa.Table:
        """Return one row a file: ``day``, ``bucket``, ``num_records``, ``min.*`` and ``max.*`` of columns."""
        actions = pa.table(self._open(table).get_add_actions(flatten=True))
        return actions.rename_columns([name.removeprefix("partition.") for name in actions.column_names])

    # -- writing ------------------------------------------------------------------------------------------

    def replace(
        self,
        table: LakeTable,
        rows: pa.Table | Callable[[], pa.RecordBatchReader],
        *,
        where: Where,
    ) -> int:
        """Replace the rows that meet ``where`` by ``rows``, in one commit.

        Every row of ``rows`` must itself meet ``where``. A commit that collides with another writer's on the
        same partitions is tried again with the same rows: callers whose rows depend on what they read hold
        :func:`cjp_fraud.storage.locks.process_lock` over reading and replacing.

        Parameters
        ----------
        rows : the table, or a function that opens a stream of batches (called again for each attempt); a
            stream needs little memory where ``where`` names nothing but ``partitions``.

        Returns
        -------
        version of the table after the commit (unchanged if no row can meet ``where``).
        """
        if where.nothing():
            return self.version(table)

        def commit() -> None:
            if callable(rows) and where == Where(partitions=where.partitions):
                self._stream(table, rows, frozenset(where.partitions or ()))
                return
            write_deltalake(
                self._open(table),
                rows() if callable(rows) else _shaped(rows, table),
                mode="overwrite",
                predicate=where.sql(),
                writer_properties=_LEAN,
            )

        return self._commit(table, commit)

    def append(self, table: LakeTable, rows: pa.Table | Callable[[], pa.RecordBatchReader]) -> int:
        """Add rows (a table, or a function that opens a stream) in one commit; return the table's version."""

        def commit() -> None:
            if callable(rows):
                self._stream(table, rows, None)
                return
            write_deltalake(self._open(table), _shaped(rows, table), mode="append", writer_properties=_LEAN)

        return self._commit(table, commit) if callable(rows) or len(rows) else self.version(table)

    def delete(self, table: LakeTable, *, where: Where) -> int:
        """Delete the rows that meet ``where``, long lists in several commits; return the table's version."""
        if where.nothing():
            return self.version(table)
        for piece in where.pieces():
            self._commit(table, partial(self._delete, table, piece.sql()))
        return self.version(table)

    def vacuum(self, table: LakeTable, *, keep: timedelta) -> list[str]:
        """Remove from the disk the files that no version younger than ``keep`` needs; return their paths.

        Counted by the machine's clock, which stamped the files, never by a simulated one. Whole hours,
        rounded up.
        """
        hours = -(-keep // timedelta(hours=1))
        return list(
            self._open(table).vacuum(
                retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=False
            )
        )

    # -- below --------------------------------------------------------------------------------------------

    def _delete(self, table: LakeTable, sql: str | None) -> None:
        self._open(table).delete(sql)

    def _commit(self, table: LakeTable, commit: Callable[[], object]) -> int:
        attempts = Retrying(
            retry=retry_if_exception_type(CommitFailedError),
            stop=stop_after_attempt(COMMIT_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            reraise=True,
        )
        attempts(commit)
        return self.version(table)

    def _stream(
        self,
        table: LakeTable,
        rows: Callable[[], pa.RecordBatchReader],
        partitions: frozenset[tuple[date, int]] | None,
    ) -> None:
        opened = self._open(table)  # before the rows are read, so that another commit meanwhile is noticed
        replace_partitions(
            opened,
            rows(),
            partitions,
            location=f"{self.url}/{table.name}",
            storage_options=self.storage_options,
            stats_columns=table.stats_columns or (),
        )

    def _make(self, table: LakeTable, description: str | None) -> None:
        configuration: dict[str, str | None] = {}
        if table.stats_columns is not None:
            configuration["delta.dataSkippingStatsColumns"] = ",".join(table.stats_columns)
        location = self._location(table.name)
        try:
            if DeltaTable.is_deltatable(location, self.storage_options):
                return
            DeltaTable.create(
                location,
                schema=table.schema,
                mode="ignore",
                partition_by=list(table.partition_by),
                description=description,
                configuration=configuration,
                storage_options=self.storage_options,
            )
        except CommitFailedError:
            # Another process made it in this very moment; what it made is checked by the caller.
            if not DeltaTable.is_deltatable(location, self.storage_options):
                raise
        except (DeltaError, OSError) as error:
            raise self._unreachable(error) from error

    def _open(self, table: LakeTable, version: int | None = None) -> DeltaTable:
        return self._open_name(table.name, version)

    def _open_name(self, name: str, version: int | None = None) -> DeltaTable:
        location = self._location(name)
        try:
            return DeltaTable(location, version=version, storage_options=self.storage_options)
        except TableNotFoundError:
            raise StorageError(
                f"there is no lake table {name!r} at {self.url}; make the lake first: cjp-fraud init"
            ) from None
        except (DeltaError, OSError) as error:
            raise self._unreachable(error) from error

    def _location(self, name: str) -> str:
        """Return where a table is. What looks like a URL and is none is refused: it would become a folder's name."""
        is_url = URL.match(self.url) and not Path(self.url).is_absolute()
        if is_url and not (OBJECT_STORE.fullmatch(self.url) and self.url.partition("://")[2]):
            raise StorageError(
                f"{self.url!r} is no address of a lake; set CJP_FRAUD_LAKE_URL to a folder or to a URL like "
                "s3://bucket/folder"
            )
        return f"{self.url}/{name}"

    def _unreachable(self, error: Exception) -> StorageError:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return StorageError(
            f"the lake at {self.url} cannot be reached ({reason}); check CJP_FRAUD_LAKE_URL and "
            "CJP_FRAUD_LAKE_STORAGE_OPTIONS"
        )


def bucket_numbers(tenant_ids: pa.Array | pa.ChunkedArray, buckets: int) -> npt.NDArray[np.int16]:
    """Return CRC-32 of each UTF-8 id modulo ``buckets`` (int16, shape (n,))."""
    if len(tenant_ids) == 0:
        return np.zeros(0, np.int16)
    whole = tenant_ids.combine_chunks() if isinstance(tenant_ids, pa.ChunkedArray) else tenant_ids
    encoded = whole.dictionary_encode() if not pa.types.is_dictionary(whole.type) else whole
    of_each = np.array(
        [zlib.crc32(name.encode()) % buckets for name in encoded.dictionary.to_pylist()], np.int16
    )
    picked: npt.NDArray[np.int16] = of_each[encoded.indices.to_numpy(zero_copy_only=False)]
    return picked


def _shaped(rows: pa.Table, table: LakeTable) -> pa.Table:
    return rows.select(table.schema.names).cast(table.schema)
