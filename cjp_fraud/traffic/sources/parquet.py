"""Parquet files, read a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cjp_fraud.traffic.model import UnreadableFileError
from cjp_fraud.traffic.schema import COUNTRIES, START
from cjp_fraud.traffic.sources.model import BATCH_ROWS, SourceBatch, find_columns


class ParquetRows:
    """The rows of a Parquet file.

    Parameters
    ----------
    path : the file.
    name : how messages call it.
    mapping : ``{theirs: ours}``.

    Raises
    ------
    UnreadableFileError
        If it is damaged, or a column is of a type that no row of it can be used with.
    MissingColumnsError
        If a required column is missing.
    """

    def __init__(self, path: Path, name: str, mapping: Mapping[str, str]) -> None:
        self._path = path
        self._name = name
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        positions = find_columns(schema.names, mapping, source=name)
        self._theirs = {ours: schema.names[position] for ours, position in positions.items()}
        for ours, position in positions.items():
            self._refuse_type(ours, schema.field(position))
        self.columns = tuple(self._theirs)

    def batches(self) -> Iterator[SourceBatch]:
        """Yield the rows; ``lines`` are row numbers."""
        done = 0
        try:
            with pq.ParquetFile(self._path) as file:
                theirs = list(self._theirs.values())
                for batch in file.iter_batches(BATCH_ROWS, columns=theirs, use_threads=False):
                    rows = pa.table({ours: batch[name] for ours, name in self._theirs.items()})
                    yield SourceBatch(rows, np.arange(done + 1, done + len(rows) + 1))
                    done += len(rows)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _refuse_type(self, ours: str, field: pa.Field) -> None:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        column = f"{self._name}: column {field.name!r}"
        if ours != COUNTRIES and pa.types.is_nested(kind):
            raise UnreadableFileError(
                f"{column} holds {kind}, not one value a row; flatten it. Nothing was stored."
            )
        if ours == START and (pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)):
            raise UnreadableFileError(
                f"{column} holds times without a time zone ({kind}); store it as a timestamp in UTC, for "
                "example with pandas: .dt.tz_localize(zone). Nothing was stored."
            )

    def _unreadable(self, error: Exception) -> UnreadableFileError:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0][:200]
        return UnreadableFileError(f"{self._name} cannot be read as Parquet ({reason}). Nothing was stored.")
