"""Where traffic comes from: each source is a small class with one method that yields batches of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from cjp_fraud.traffic.column_mapping import find_columns
from cjp_fraud.traffic.errors import FileChangedError, UnreadableFileError

BATCH_ROWS = 16_384
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class BrokenLine:
    """A line that is no row: it cannot be cut into the header's columns.

    Parameters
    ----------
    line : line number as an editor shows it.
    text : the line.
    cells : what its cells seem to be.
    why : what is wrong with it, as the end of a sentence.
    """

    line: int
    text: str
    cells: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class SourceBatch:
    """Some rows of a source, as delivered.

    Parameters
    ----------
    rows : columns under our names; texts from CSV ("" is null), the file's own types from Parquet.
    lines : int64, shape (rows,); CSV: line as in an editor, the header is line 1; Parquet: row, from 1.
    broken : lines that are no rows.
    """

    rows: pa.Table
    lines: npt.NDArray[np.int64]
    broken: tuple[BrokenLine, ...] = ()


class TrafficSource(Protocol):
    """A source of traffic rows; a new kind of source is one class with this method."""

    name: str
    columns: tuple[str, ...]

    def batches(self) -> Iterator[SourceBatch]:
        """Yield the rows in the source's order."""
        ...


class ParquetSource:
    """A Parquet file, read a piece at a time."""

    def __init__(self, path: Path, mapping: Mapping[str, str]) -> None:
        self.name = path.name
        self._path = path
        try:
            names = pq.read_schema(path).names
        except (pa.ArrowInvalid, OSError) as error:
            raise self._unreadable(error) from error
        positions = find_columns(names, mapping, source=self.name)
        self._theirs = {ours: names[position] for ours, position in positions.items()}
        self.columns = tuple(self._theirs)

    def batches(self) -> Iterator[SourceBatch]:
        """Yield the rows; ``lines`` are row numbers."""
        done = 0
        try:
            with pq.ParquetFile(self._path) as file:
                for batch in file.iter_batches(
                    BATCH_ROWS, columns=list(self._theirs.values()), use_threads=False
                ):
                    rows = pa.table({ours: batch[theirs] for ours, theirs in self._theirs.items()})
                    yield SourceBatch(rows, np.arange(done + 1, done + len(rows) + 1))
                    done += len(rows)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> UnreadableFileError:
        reason = str(error).strip().splitlines()[0][:200]
        return UnreadableFileError(f"{self.name} cannot be read as Parquet ({reason}). Nothing was stored.")


@dataclass(frozen=True)
class Fingerprint:
    """A file's identity, size, time of change and content at one moment."""

    inode: int
    size: int
    changed_ns: int
    sha256: str


def fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of a file, reading it once.

    Raises
    ------
    UnreadableFileError
        If it is missing, empty, no file, or may not be read.
    """
    if not path.exists():
        raise UnreadableFileError(f"{path} does not exist")
    if not path.is_file():
        raise UnreadableFileError(f"{path} is not a file; name the traffic files one by one")
    try:
        with path.open("rb") as file:
            found = path.stat()
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from error
    if found.st_size == 0:
        raise UnreadableFileError(f"{path.name} is empty; it has no header and no rows. Nothing was stored.")
    return Fingerprint(found.st_ino, found.st_size, found.st_mtime_ns, content)


def refuse_changed(path: Path, before: Fingerprint) -> None:
    """Refuse a file that is no longer what it was when reading began.

    Raises
    ------
    FileChangedError
        If its identity, size, time of change or content differ.
    """
    try:
        after: Fingerprint | None = fingerprint(path)
    except UnreadableFileError:
        after = None
    if after != before:
        raise FileChangedError(
            f"{path.name} changed while it was read; nothing was stored. Load it again once its writer is "
            "done (write under another name and rename it when it is whole)."
        )


def begins_with(path: Path, magic: bytes) -> bool:
    """Return whether the file's first bytes are these."""
    with path.open("rb") as file:
        return file.read(len(magic)) == magic
