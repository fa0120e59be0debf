"""Traffic files: opened by their first bytes, refused if they change while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cjp_fraud.errors import CjpFraudError
from cjp_fraud.traffic.model import FileChangedError, UnreadableFileError
from cjp_fraud.traffic.sources.csv import CsvRows, zeros_error
from cjp_fraud.traffic.sources.model import SourceBatch, readable_name
from cjp_fraud.traffic.sources.parquet import ParquetRows

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
OTHER_FORMATS = {
    b"PK\x03\x04": "a spreadsheet or ZIP archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of an old format",
    b"%PDF": "a PDF",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"(\xb5/\xfd": "compressed with zstd",
}
"""First bytes of what is often sent by mistake under the name of a CSV file."""


class FileSource:
    """One file: CSV, gzipped CSV or Parquet, told by its first bytes.

    Parameters
    ----------
    path : the file.
    mapping : ``{theirs: ours}``.
    corrects : see :class:`cjp_fraud.traffic.sources.model.TrafficSource`.

    Raises
    ------
    UnreadableFileError
        If the file is missing, empty, no file, may not be read, or is not what its name says.
    MissingColumnsError
        If a required column is missing.
    FileChangedError
        If somebody writes to it meanwhile.
    """

    def __init__(
        self, path: Path, mapping: Mapping[str, str] | None = None, *, corrects: bool = False
    ) -> None:
        self.corrects = corrects
        self.name = readable_name(path.name)
        self._path = path
        self._before = fingerprint(path)
        self.sha256 = self._before.sha256
        try:
            self._rows = _open(path, self.name, mapping or {})
        except Exception as error:
            raise self._refusal(error) from error
        self.columns = self._rows.columns
        self.ignored = self._rows.ignored

    def batches(self) -> Iterator[SourceBatch]:
        """Yield the rows in the file's order; at the end the file must be what it was at the beginning."""
        try:
            yield from self._rows.batches()
        except Exception as error:
            raise self._refusal(error) from error
        refuse_changed(self._path, self._before)

    def _refusal(self, error: Exception) -> CjpFraudError:
        # What went wrong may be the doing of whoever writes the file at this moment: say that first.
        refuse_changed(self._path, self._before)
        if isinstance(error, CjpFraudError):
            return error
        # Files come from outside: whatever a reader raises over one, the files behind it must not wait.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        return UnreadableFileError(
            f"{self.name} cannot be read ({readable_name(reason, 200)}). Nothing was stored."
        )


class _Rows(Protocol):
    columns: tuple[str, ...]
    ignored: tuple[str, ...]

    def batches(self) -> Iterator[SourceBatch]: ...


def _open(path: Path, name: str, mapping: Mapping[str, str]) -> _Rows:
    with path.open("rb") as file:
        start = file.read(8)
    suffix = path.suffix.lower()
    if not start.strip(b"\0"):
        raise zeros_error(name)
    if start.startswith(PARQUET):
        return ParquetRows(path, name, mapping)
    for magic, what in OTHER_FORMATS.items():
        if start.startswith(magic):
            raise UnreadableFileError(
                f"{name} is {what}; deliver CSV, gzipped CSV or Parquet. Nothing was stored."
            )
    if suffix in (".parquet", ".pq"):
        raise UnreadableFileError(f"{name} is not a Parquet file, whatever its name. Nothing was stored.")
    gzipped = start.startswith(GZIP)
    if suffix == ".gz" and not gzipped:
        raise UnreadableFileError(f"{name} is not gzipped, whatever its name. Nothing was stored.")
    return CsvRows(path, name, mapping, gzipped=gzipped)


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
    name = readable_name(str(path), 300)
    try:
        if not path.exists():
            raise UnreadableFileError(f"{name} does not exist")
        if not path.is_file():
            raise UnreadableFileError(f"{name} is not a file; name the traffic files one by one")
        with path.open("rb") as file:
            status = path.stat()
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFileError(f"{name} cannot be read: {error.strerror}") from error
    if status.st_size == 0:
        raise UnreadableFileError(
            f"{readable_name(path.name)} is empty; it has no header and no rows. Nothing was stored."
        )
    return Fingerprint(status.st_ino, status.st_size, status.st_mtime_ns, content)


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
            f"{readable_name(path.name)} changed while it was read; nothing was stored. Load it again once its "
            "writer is done (write under another name and rename it when it is whole)."
        )
