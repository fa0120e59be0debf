"""CSV files, plain or gzipped, read in blocks, with the line numbers that an editor shows."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from cjp_fraud.traffic.model import UnreadableFileError
from cjp_fraud.traffic.schema import DELIVERED
from cjp_fraud.traffic.sources.model import (
    BATCH_ROWS,
    BrokenLine,
    SourceBatch,
    find_columns,
    ignored_columns,
    our_name,
)

BLOCK_BYTES = 1024 * 1024
LONGEST_LINE = 16 * 1024 * 1024
csv.field_size_limit(LONGEST_LINE)  # of the whole process; the library's own limit is 128 KiB a cell
HEADER_BYTES = 65_536
SEPARATORS = (",", ";", "\t", "|")
BOM = b"\xef\xbb\xbf"
_BLANKS = b' \t,;|"'
_SEPARATOR_NAMED = re.compile(rb' *"?sep=([,;\t|])"? *', re.IGNORECASE)
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a"))
"""Bytes that no text has; 26 is the end of a file in DOS."""


class CsvRows:
    """The rows of a CSV file: UTF-8, one header line, "" for unknown, cells separated by commas (or ; tab |).

    Blank lines before the header, and Excel's line ``sep=;``, are skipped.

    Blocks without quotes are cut by Arrow; from the first quote on, Python's csv module reads the rest,
    because only it can tell a line break inside a cell from the end of a row. The lines are counted here:
    Arrow's reader says at which row a file is broken, but not at which line (it skips blank lines, and a
    cell may hold line breaks), and stops at a stray quote; a person who corrects the file needs the line.

    Parameters
    ----------
    path : the file.
    name : how messages call it.
    mapping : ``{theirs: ours}``.
    gzipped : whether its content is compressed.

    Raises
    ------
    UnreadableFileError
        If the file has no header, is not text, or is cut short.
    MissingColumnsError
        If a required column is missing.
    """

    def __init__(self, path: Path, name: str, mapping: Mapping[str, str], *, gzipped: bool) -> None:
        self._name = name
        self._path = path
        self._gzipped = gzipped
        self._before, self._separator, self._header = self._read_header(mapping)
        self._positions = find_columns(self._header, mapping, source=name)
        self.columns = tuple(self._positions)
        self.ignored = ignored_columns(self._header, self._positions.values())

    def batches(self) -> Iterator[SourceBatch]:
        """Yield the rows; ``lines`` are line numbers, counted from the file's first line."""
        try:
            lines_read = yield from self._plain_batches()
            if lines_read is not None:
                yield from self._quoted_batches(skip=lines_read)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self._cut_short(error) from error

    # -- without quotes -----------------------------------------------------------------------------------

    def _plain_batches(self) -> Generator[SourceBatch, None, int | None]:
        """Yield the rows up to the first block with a quote; return how many lines were read before that block,
        or None where there is none."""
        with self._open() as stream:
            if any(_needs_care(stream.readline(LONGEST_LINE)) for _ in range(self._before + 1)):
                return self._before
            line, rest, ended = self._before + 2, b"", False
            while not ended:
                chunk = stream.read(BLOCK_BYTES)
                ended = not chunk
                block = rest + chunk
                cut = len(block) if ended else block.rfind(b"\n") + 1
                block, rest = block[:cut], block[cut:]
                if len(rest) > LONGEST_LINE:
                    raise UnreadableFileError(f"{self._name} line {line} is over {LONGEST_LINE:,} bytes long")
                if not block:
                    continue
                if _needs_care(block):
                    return line - 1
                if not block.endswith(b"\n"):
                    block += b"\n"
                yield self._cut_block(block, line)
                line += block.count(b"\n")
        return None

    def _cut_block(self, block: bytes, first_line: int) -> SourceBatch:
        content = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(content == ord("\n"))
        begins = np.concatenate([[0], ends[:-1] + 1])
        separators = np.flatnonzero(content == ord(self._separator))
        cells = np.searchsorted(separators, ends) - np.searchsorted(separators, begins) + 1
        returns = (ends > begins) & (content[np.maximum(ends - 1, 0)] == ord("\r"))
        blank = ends - begins - returns == 0
        whole = (cells == len(self._header)) & ~blank
        whole &= _decodable(block, begins, ends, whole)
        lines = np.arange(first_line, first_line + len(ends))
        broken = tuple(
            self._broken(int(lines[at]), block[begins[at] : ends[at]], int(cells[at]))
            for at in np.flatnonzero(~whole & ~blank)
        )
        if not whole.all():
            block = content[np.repeat(whole, ends - begins + 1)].tobytes()
        return SourceBatch(self._table(block, int(whole.sum())), lines[whole], broken)

    def _table(self, block: bytes, count: int) -> pa.Table:
        names = {position: ours for ours, position in self._positions.items()}
        columns = [names.get(position, f"ignored {position}") for position in range(len(self._header))]
        if count == 0:
            return pa.table({ours: pa.array([], pa.string()) for ours in self.columns})
        rows = pacsv.read_csv(
            io.BytesIO(block),
            read_options=pacsv.ReadOptions(column_names=columns, use_threads=False, block_size=len(block)),
            parse_options=pacsv.ParseOptions(
                delimiter=self._separator, quote_char=False, ignore_empty_lines=False
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                include_columns=list(self.columns),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        if len(rows) != count:  # the count of lines and of separators above and Arrow's parser always agree
            raise UnreadableFileError(f"{self._name}: {count} lines were cut into {len(rows)} rows")
        return rows

    def _broken(self, line: int, text: bytes, cells: int) -> BrokenLine:
        shown = text.decode("utf-8", "replace").rstrip("\r")
        if cells == len(self._header):
            why = "it is not UTF-8"
        else:
            why = f"it has {cells} cells, the header has {len(self._header)}"
        return BrokenLine(line, shown, tuple(shown.split(self._separator)), why)

    # -- with quotes --------------------------------------------------------------------------------------

    def _quoted_batches(self, *, skip: int) -> Iterator[SourceBatch]:
        with self._open() as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
            taken: list[str] = []
            lines = itertools.islice(text, skip, None)
            reader = csv.reader(_remembered(lines, taken), delimiter=self._separator, strict=True)
            rows: list[list[str]] = []
            at: list[int] = []
            broken: list[BrokenLine] = []
            header = skip == self._before
            while True:
                line = skip + reader.line_num + 1
                taken.clear()
                try:
                    row = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    broken.append(self._misquoted(line, taken, error))
                    continue
                if header:
                    header = False
                elif len(row) == len(self._header) and "\ufffd" not in "".join(row):
                    rows.append(row)
                    at.append(line)
                elif row:
                    shown = "".join(taken).rstrip("\r\n")
                    is_text = len(row) != len(self._header)
                    why = f"it has {len(row)} cells, the header has {len(self._header)}"
                    broken.append(BrokenLine(line, shown, tuple(row), why if is_text else "it is not UTF-8"))
                if len(rows) + len(broken) >= BATCH_ROWS:
                    yield self._gathered(rows, at, broken)
                    rows, at, broken = [], [], []
            yield self._gathered(rows, at, broken)

    def _gathered(
        self, rows: Sequence[Sequence[str]], at: list[int], broken: list[BrokenLine]
    ) -> SourceBatch:
        columns = {
            ours: pa.array([row[position] or None for row in rows], pa.string())
            for ours, position in self._positions.items()
        }
        return SourceBatch(pa.table(columns), np.array(at, np.int64), tuple(broken))

    def _misquoted(self, line: int, taken: list[str], error: csv.Error) -> BrokenLine:
        # Without the closing quote nobody knows where rows end: guessing would lose rows in silence.
        if "unexpected end" in str(error) or "field larger" in str(error):
            raise UnreadableFileError(
                f"{self._name} line {line}: a quote is opened and never closed, or a cell is over {LONGEST_LINE:,} "
                "characters long. Nothing was stored."
            ) from error
        shown = "".join(taken).rstrip("\r\n")
        return BrokenLine(
            line, shown, tuple(shown.replace('"', "").split(self._separator)), "its quotes do not match"
        )

    # -- the file -----------------------------------------------------------------------------------------

    def _open(self) -> IO[bytes]:
        if self._gzipped:
            return cast(IO[bytes], gzip.open(self._path))
        return self._path.open("rb")

    def _read_header(self, mapping: Mapping[str, str]) -> tuple[int, str, list[str]]:
        """Return how many lines stand before the header, the separator, and the names in the header."""
        try:
            with self._open() as stream:
                start = stream.read(HEADER_BYTES)
                if start[:2] in UTF_16:
                    raise UnreadableFileError(
                        f"{self._name} is UTF-16; save it as UTF-8. Nothing was stored."
                    )
                line = start if b"\n" in start or b"\r" in start else start + stream.readline(LONGEST_LINE)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self._cut_short(error) from error
        if not line.strip(b"\0"):
            raise zeros_error(self._name)
        if len(line) > LONGEST_LINE:
            raise UnreadableFileError(
                f"{self._name} line 1 is over {LONGEST_LINE:,} bytes long. Nothing was stored."
            )
        lines = line.removeprefix(BOM).splitlines()
        before = next((at for at, text in enumerate(lines) if text.strip(_BLANKS)), None)
        if before is None:
            raise UnreadableFileError(f"{self._name} is empty; it has no header. Nothing was stored.")
        named = _SEPARATOR_NAMED.fullmatch(lines[before])
        if named:  # Excel's first line "sep=;"
            before += 1 + next((at for at, text in enumerate(lines[before + 1 :]) if text.strip(_BLANKS)), 0)
        header = lines[before].decode("utf-8", "replace") if before < len(lines) else ""
        separator = (
            named[1].decode()
            if named
            else max(SEPARATORS, key=lambda mark: _known_names(header, mark, mapping))
        )
        is_text = all(c.isprintable() or c == "\t" for c in header)
        names_ours = _known_names(header, separator, mapping) > 0
        if not is_text or (not names_ours and ("\ufffd" in header or _is_binary(start))):
            # The header is not shown: it is not text.
            raise UnreadableFileError(
                f"{self._name} holds binary content, not text; deliver CSV, gzipped CSV or Parquet. "
                "Nothing was stored."
            )
        return before, separator, [cell.strip() for cell in _cells(header, separator)]

    def _cut_short(self, error: Exception) -> UnreadableFileError:
        return UnreadableFileError(
            f"{self._name} is cut short or damaged: its gzip content does not end as it should ({error}). "
            "Nothing was stored; fetch it again."
        )


def zeros_error(name: str) -> UnreadableFileError:
    """Return the error for a file whose content is zero bytes: room was made for it, and it was never written."""
    return UnreadableFileError(
        f"{name} holds zero bytes in the place of content: its copy did not end. Nothing was stored; fetch it again."
    )


def _cells(header: str, separator: str) -> list[str]:
    return next(csv.reader([header], delimiter=separator), [])


def _known_names(header: str, separator: str, mapping: Mapping[str, str]) -> int:
    """Return how many columns of ours a header has if it is cut at this separator."""
    theirs = {our_name(name) for name in mapping}
    return sum(our_name(name) in {*theirs, *DELIVERED.names} for name in _cells(header, separator))


def _is_binary(block: bytes) -> bool:
    """Return whether a file's first block is no text in any encoding that people use."""
    text = block.decode("utf-8", "replace")
    return any(byte in block for byte in CONTROLS) or text.count("\ufffd") > len(text) / 3


def _needs_care(block: bytes) -> bool:
    return b'"' in block or block.count(b"\r") != block.count(b"\r\n")


def _decodable(
    block: bytes, begins: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], whole: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    decodable = np.ones(len(ends), bool)
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        for at in np.flatnonzero(whole):
            try:
                block[begins[at] : ends[at]].decode("utf-8")
            except UnicodeDecodeError:
                decodable[at] = False
    return decodable


def _remembered(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line
