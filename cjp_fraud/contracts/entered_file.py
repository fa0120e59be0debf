"""A TOML or JSON file that people write, parsed, with the line of each field: a fault names file, line and field."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from cjp_fraud.contracts.field_lines import FieldLines, Place, lines_of_json, lines_of_toml
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import DocumentError, Fault, from_document, place_in_words
from cjp_fraud.errors import BadInputError

T = TypeVar("T")

LARGEST_BYTES: Final = 16 * 2**20
"""Larger files are refused: they are read whole."""


@dataclass(frozen=True, slots=True)
class EnteredFile:
    """What a file holds.

    Parameters
    ----------
    sha256 : of its bytes.
    table : its fields as JSON has them: dates and times as text.
    included : at some places stands what another file holds; that file.
    """

    path: Path
    sha256: str
    table: dict[str, Any]
    lines: FieldLines
    included: dict[Place, EnteredFile] = field(default_factory=dict)

    def include(self, place: Place, other: Path) -> dict[str, Any]:
        """Read another file, whose fields stand at ``place``; return them, for whoever puts them there."""
        read = read_entered_file(other)
        self.included[place] = read
        return read.table

    def where(self, place: Place) -> str:
        """Return file and line of a place, in words."""
        for length in range(len(place), 0, -1):
            if (other := self.included.get(place[:length])) is not None:
                return other.where(place[length:])
        return f"{self.path.name} line {self.lines.line(place)}"

    def located(self, fault: Fault) -> str:
        """Return a fault as a sentence that names file, line and field."""
        return f"{self.where(fault.place)}: {fault.sentence}"

    def read_as(self, kind: type[T], document: object, *, at: Place = ()) -> T:
        """Return what stands at a place as a value of ``kind``; ``document``: what stands there.

        Raises
        ------
        BadInputError
            Naming file, line and field of each fault.
        """
        try:
            return from_document(kind, document)
        except DocumentError as error:
            self.refuse(Fault((*at, *fault.place), fault.sentence) for fault in error.faults)

    def refuse(self, faults: Iterable[Fault]) -> NoReturn:
        """Raise what is wrong in the file, each fault with its line, in the order of the lines."""
        ordered = sorted(faults, key=lambda fault: self.lines.line(fault.place))
        raise BadInputError("; ".join(self.located(fault) for fault in ordered))


def read_entered_file(path: Path) -> EnteredFile:
    """Read a file, whose name ends in ``.toml`` or ``.json``.

    Raises
    ------
    BadInputError
        Naming the file, and the line where its text cannot be read.
    """
    content = _content(path)
    suffix = path.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise BadInputError(f"{path.name} is neither .toml nor .json; name the file by what it holds")
    language = suffix[1:].upper()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInputError(f"{path.name} line {line}: it is no UTF-8; save the file as UTF-8") from None
    text = text.replace("\r\n", "\n")
    try:
        if suffix == ".toml":
            table: object = tomllib.loads(text)
        else:
            table = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise BadInputError(
            f"{path.name} line {error.lineno}: it is no {language}: {error.msg} (column {error.colno})"
        ) from error
    except (ValueError, RecursionError) as error:
        said = re.fullmatch(
            r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL
        )
        what, line_number, column = said.groups() if said is not None else (str(error), None, None)
        line_number = line_number or str(text.rstrip().count("\n") + 1)
        where = f" (column {column})" if column is not None else ""
        raise BadInputError(f"{path.name} line {line_number}: it is no {language}: {what}{where}") from error
    if not isinstance(table, dict):
        raise BadInputError(f"{path.name} line 1: it holds no named fields; write NAME = VALUE, or an object")
    try:
        lines = lines_of_toml(text) if suffix == ".toml" else lines_of_json(text)
    except BadInputError as error:
        raise BadInputError(f"{path.name} {error}") from error
    file = EnteredFile(path, sha256_hex(content), plain_values(table), lines)
    if faults := [*_unprintable(file.table)]:
        file.refuse(faults)
    return file


def _unprintable(value: object, place: Place = ()) -> Iterator[Fault]:
    """Yield where text holds a control character, which no letter and no database takes; lines and tabs are none."""
    if isinstance(value, str):
        signs = [sign for sign in value if unicodedata.category(sign) == "Cc" and sign not in "\t\n\r"]
        if signs:
            yield Fault(
                place,
                f"{place_in_words(place)}: it holds the control character U+{ord(signs[0]):04X}; take it out",
            )
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _unprintable(entry, (*place, key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _unprintable(entry, (*place, number))


def plain_values(value: object) -> Any:
    """Return TOML's values as JSON has them: dates and times as text."""
    if isinstance(value, Mapping):
        return {key: plain_values(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain_values(entry) for entry in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadInputError(
                f"{path.name} is larger than {LARGEST_BYTES // 2**20} MiB; nobody wrote that by hand"
            )
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # a zero byte in the name
        raise BadInputError(f"{path}: cannot be read ({error})") from error
