"""Where traffic comes from: a source is one class that yields batches of rows with their origin.

Files are one kind (:mod:`cjp_fraud.traffic.sources.files`); a query or a feed of call records is another.
Nothing after the source knows which.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cjp_fraud.errors import BadInputError
from cjp_fraud.traffic.model import MissingColumnsError
from cjp_fraud.traffic.schema import DELIVERED, REQUIRED

BATCH_ROWS = 16_384


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
    rows : columns under our names; texts ("" is null), or the source's own types.
    lines : int64, shape (rows,); where each row stands in the source: a text file's line as in an editor (the
        header is line 1), else the row's number, from 1.
    broken : lines that are no rows.
    """

    rows: pa.Table
    lines: npt.NDArray[np.int64]
    broken: tuple[BrokenLine, ...] = ()


class TrafficSource(Protocol):
    """A source of traffic rows; a new kind of source is one class with these.

    Parameters
    ----------
    name : what people call it: printable, at most about 100 characters.
    sha256 : 64 hex digits, the same if the same is delivered again: a rejected row is in quarantine once,
        under the first 16 of them and its line.
    columns : the columns of ours that it delivers.
    ignored : names of its columns that are none of ours; see :func:`ignored_columns`.
    corrects : its rows take away all earlier rows of their series whose whole time they cover, at whatever step: a
        row with a principal those of that principal, one without principal those of every principal.
    """

    name: str
    sha256: str
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    corrects: bool

    def batches(self) -> Iterator[SourceBatch]:
        """Yield the rows in the source's order.

        Raises
        ------
        BadInputError
            If the source cannot be used as a whole; nothing of it is stored then.
        """
        ...


def readable_name(name: str, longest: int = 100) -> str:
    """Return a name that can be printed, stored and used for a file: bytes that are not UTF-8 and control
    characters escaped, at most ``longest`` bytes of UTF-8, the middle left out."""
    text = name.encode("utf-8", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    content = text.encode()
    if len(content) <= longest:
        return text
    half = (longest - 3) // 2
    return f"{content[:half].decode(errors='ignore')}...{content[-half:].decode(errors='ignore')}"


def parse_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """Return ``{theirs: ours}`` from ``theirs=ours`` texts (the command line's ``--map``).

    Raises
    ------
    BadInputError
        If a text is not a pair, or ``ours`` is no column of the traffic schema, or is named twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        theirs, equals, ours = (part.strip() for part in pair.rpartition("="))
        if not equals or not theirs or not ours:
            raise BadInputError(f"--map {pair!r} is not of the form theirs=ours")
        if ours not in DELIVERED.names:
            raise BadInputError(
                f"--map {pair!r}: the traffic schema has no column {ours!r}; it has "
                f"{', '.join(DELIVERED.names)}"
            )
        if theirs in mapping or ours in mapping.values():
            raise BadInputError(f"--map {pair!r}: a column may be mapped only once")
        mapping[theirs] = ours
    return mapping


def find_columns(names: Sequence[str], mapping: Mapping[str, str], *, source: str) -> dict[str, int]:
    """Return our columns and their positions in the source; columns that we do not know are left out.

    A name that differs from ours, or from one that is mapped, only in capitals or surrounding blanks is taken for it.

    Parameters
    ----------
    names : the source's column names, in order.
    mapping : ``{theirs: ours}``.
    source : the source's name, for messages.

    Raises
    ------
    MissingColumnsError
        If a required column or a mapped one is not there, or a column of ours is there twice.
    """
    shown = ", ".join(repr(readable_name(name, 40)) for name in names[:40])
    renamed: dict[str, str] = {}
    for theirs, ours in mapping.items():
        alike = [name for name in names if name == theirs] or [
            name for name in names if our_name(name) == our_name(theirs)
        ]
        if not alike:
            raise MissingColumnsError(
                f"{source} has no column {theirs!r}, which --map names; it has {shown}. Nothing was stored."
            )
        renamed |= dict.fromkeys(alike, ours)
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        ours = renamed.get(name) or our_name(name)
        if ours not in DELIVERED.names or (ours != name and ours in names and name not in renamed):
            continue
        if ours in positions:
            raise MissingColumnsError(
                f"{source} has two columns for {ours!r} ({names[positions[ours]]!r} and {name!r}); keep one. "
                "Nothing was stored."
            )
        positions[ours] = position
    missing = [name for name in REQUIRED if name not in positions]
    if missing:
        raise MissingColumnsError(
            f"{source} has no column {', '.join(repr(name) for name in missing)}; it has {shown}. "
            f"If it goes by another name, say so: --map theirs={missing[0]}. Nothing was stored."
        )
    return positions


def ignored_columns(names: Sequence[str], used: Collection[int]) -> tuple[str, ...]:
    """Return the names of the columns that are not used, fit to be printed: at most 40 of them, each shortened.

    Parameters
    ----------
    names : the source's column names, in order.
    used : positions of the columns that are ours.
    """
    taken = set(used)
    ignored = [name for position, name in enumerate(names) if position not in taken and name.strip()]
    shown = tuple(readable_name(name, 40) for name in ignored[:40])
    return (*shown, f"and {len(ignored) - 40:,} more") if len(ignored) > 40 else shown


def our_name(name: str) -> str:
    """Return a column's name in small letters without surrounding blanks."""
    return name.strip().lower()
