"""Parquet files, read a piece at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from cjp_fraud.traffic.model import UnreadableFileError
from cjp_fraud.traffic.schema import COUNTRIES, START
from cjp_fraud.traffic.sources.model import BATCH_ROWS, BrokenLine, SourceBatch, find_columns, ignored_columns


class ParquetRows:
    """The rows of a Parquet file; a text that is not UTF-8 breaks its row, and not the file.

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
        self.ignored = ignored_columns(schema.names, positions.values())

    def batches(self) -> Iterator[SourceBatch]:
        """Yield the rows; ``lines`` are row numbers."""
        done = 0
        try:
            with pq.ParquetFile(self._path) as file:
                theirs = list(self._theirs.values())
                for batch in file.iter_batches(BATCH_ROWS, columns=theirs, use_threads=False):
                    rows = pa.table({ours: batch[name] for ours, name in self._theirs.items()})
                    lines = np.arange(done + 1, done + len(rows) + 1)
                    done += len(rows)
                    yield _with_readable_texts(rows, lines)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _refuse_type(self, ours: str, field: pa.Field) -> None:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        column = f"{self._name}: column {field.name!r}"
        is_plain = _is_text(kind) or _is_bytes(kind) or pa.types.is_null(kind)
        if ours == COUNTRIES and not (is_plain or _is_numbers_by_country(kind)):
            raise UnreadableFileError(
                f"{column} holds {kind}, not numbers by country: a map or a struct of numbers, or JSON as text. "
                "Nothing was stored."
            )
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


def _is_text(kind: pa.DataType) -> bool:
    is_of = pa.types
    return bool(is_of.is_string(kind) or is_of.is_large_string(kind) or is_of.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    is_of = pa.types
    is_binary = is_of.is_binary(kind) or is_of.is_large_binary(kind) or is_of.is_binary_view(kind)
    return bool(is_binary or is_of.is_fixed_size_binary(kind))


def _is_numbers_by_country(kind: pa.DataType) -> bool:
    if pa.types.is_map(kind):
        return (_is_text(kind.key_type) or _is_bytes(kind.key_type)) and _is_number(kind.item_type)
    is_struct = bool(pa.types.is_struct(kind))
    return is_struct and all(_is_number(field.type) for field in kind)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def _with_readable_texts(rows: pa.Table, lines: npt.NDArray[np.int64]) -> SourceBatch:
    """Return a batch whose texts are UTF-8; a row with other bytes in one is broken, as it is in a CSV file."""
    columns = {name: _decoded(rows[name]) for name in rows.column_names}
    faulty = np.zeros(len(rows), bool)
    for column in columns.values():
        faulty |= _not_utf8(column)
    rows = pa.table(columns)
    broken = tuple(_broken(rows.take([at]), int(lines[at])) for at in np.flatnonzero(faulty))
    whole = rows.filter(pa.array(~faulty)) if broken else rows
    texts = {name: _as_text(whole[name]) for name in whole.column_names}
    return SourceBatch(pa.table(texts), lines[~faulty], broken)


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with its bytes, or those that are keys of a map, as texts."""
    kind = column.type
    if _is_bytes(kind):
        return column.cast(pa.large_string())
    if pa.types.is_map(kind) and _is_bytes(kind.key_type):
        return column.cast(pa.map_(pa.string(), kind.item_type))
    return column


def _not_utf8(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows with bytes that are not UTF-8."""
    faulty = np.zeros(len(column), bool)
    if not _is_utf8(column):
        faulty[:] = [not _is_utf8(column.take([at])) for at in range(len(column))]
    return faulty


def _is_utf8(column: pa.ChunkedArray) -> bool:
    try:
        _as_text(column).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _broken(row: pa.Table, line: int) -> BrokenLine:
    """Return a row of texts that are not UTF-8 as a line of cells; what cannot be read of them is replaced."""
    wrong = ", ".join(repr(name) for name in row.column_names if not _is_utf8(row[name]))
    cells = tuple(_cell(row[name]) for name in row.column_names)
    return BrokenLine(line, ",".join(cells), cells, f"{wrong} is not UTF-8")


def _cell(column: pa.ChunkedArray) -> str:
    kind = column.type
    if _is_text(kind) or _is_bytes(kind):
        value = column.cast(pa.large_binary())[0].as_py()
        return "" if value is None else value.decode("utf-8", "replace")
    if pa.types.is_map(kind):
        entries = column.cast(pa.map_(pa.binary(), kind.item_type))[0].as_py() or []
        return json.dumps({name.decode("utf-8", "replace"): count for name, count in entries})
    if pa.types.is_timestamp(kind):  # Arrow has years that Python has not
        column = column.cast(pa.string())
    value = column[0].as_py()
    return "" if value is None else str(value)
