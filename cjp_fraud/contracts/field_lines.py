"""In which line of a TOML or JSON file each field stands: whoever mends a file finds the place.

The parsers of the standard library say where a text breaks their grammar, and not where a value stood that they read.
So a text that they have read is gone through once more, for its structure alone.
"""

from __future__ import annotations

import json
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cjp_fraud.errors import BadInputError

Place = tuple[str | int, ...]
"""Names of fields and positions in lists (from 0), from the outside in."""

_BLANK: Final = " \t\r\n"
_BARE_ENDS: Final = frozenset(_BLANK + ",]}#=:.[{")
_DEEPEST: Final = 100
"""Lists and tables in each other; a contract needs a tenth of it."""


class FieldLines:
    """The line of each field of a text.

    Parameters
    ----------
    lines : place → line, from 1.
    """

    def __init__(self, lines: Mapping[Place, int]) -> None:
        self._lines = lines

    def line(self, place: Sequence[str | int]) -> int:
        """Return the line of a place, or of the nearest thing around it that is in the text."""
        whole = tuple(place)
        around = (whole[:length] for length in range(len(whole), -1, -1))
        return next((self._lines[each] for each in around if each in self._lines), 1)

    @property
    def places(self) -> frozenset[Place]:
        """All places that the text has."""
        return frozenset(self._lines)


def lines_of_toml(text: str) -> FieldLines:
    """Return where the fields of a TOML text stand, which :mod:`tomllib` has read."""
    lines: dict[Place, int] = {}
    for place, line in _TomlScanner(text).statements():
        lines.setdefault(place, line)
    return FieldLines(lines)


def lines_of_json(text: str) -> FieldLines:
    """Return where the fields of a JSON text stand, which :mod:`json` has read.

    Raises
    ------
    BadInputError
        If an object has a field twice, of which :mod:`json` would take the second without a word.
    """
    scanner = _Scanner(text, toml=False)
    lines: dict[Place, int] = {}
    for place, line in scanner.value(()):
        if place in lines and place != ():
            raise BadInputError(
                f"line {line}: {place[-1]} stands in line {lines[place]} already; leave one of the two out"
            )
        lines[place] = line
    return FieldLines(lines)


class _Scanner:
    """Reads values: strings, numbers, lists and tables (of JSON: objects)."""

    def __init__(self, text: str, *, toml: bool) -> None:
        self.text = text
        self.toml = toml
        self.at = 0
        self._starts = [0, *(place + 1 for place, sign in enumerate(text) if sign == "\n")]

    @property
    def line(self) -> int:
        return bisect_right(self._starts, self.at)

    def skip(self) -> None:
        """Go to the next sign that is neither blank nor in a comment."""
        while self.at < len(self.text):
            if self.text[self.at] in _BLANK:
                self.at += 1
            elif self.toml and self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def sees(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    def value(self, place: Place) -> Iterator[tuple[Place, int]]:
        """Yield a value's place and line, and those of all that it holds; go behind it."""
        if len(place) > _DEEPEST:
            raise BadInputError(
                f"line {self.line}: more than {_DEEPEST} lists and tables stand in each other"
            )
        self.skip()
        yield place, self.line
        if self.sees("["):
            yield from self._list(place)
        elif self.sees("{"):
            yield from self._table(place)
        elif self.sees('"') or self.sees("'"):
            self.string()
        else:
            self._scalar()

    def _list(self, place: Place) -> Iterator[tuple[Place, int]]:
        self.at += 1
        number = 0
        self.skip()
        while not self.sees("]"):
            yield from self.value((*place, number))
            number += 1
            self._separator()
        self.at += 1

    def _table(self, place: Place) -> Iterator[tuple[Place, int]]:
        self.at += 1
        self.skip()
        while not self.sees("}"):
            begins = self.line
            key = self.key()
            for length in range(1, len(key)):
                yield (*place, *key[:length]), begins
            self.skip()
            self.at += 1  # = or :
            yield from self._of_key((*place, *key), begins)
            self._separator()
        self.at += 1

    def _of_key(self, place: Place, begins: int) -> Iterator[tuple[Place, int]]:
        """Yield what a key's value holds; the value itself stands in the line of its key."""
        for inner, line in self.value(place):
            yield inner, begins if inner == place else line

    def _separator(self) -> None:
        self.skip()
        if self.sees(","):
            self.at += 1
            self.skip()

    def key(self) -> tuple[str, ...]:
        """Return the parts of a key, which TOML writes with dots between them; go behind it."""
        parts = []
        while True:
            self.skip()
            if self.sees('"') or self.sees("'"):
                parts.append(self.string())
            else:
                begin = self.at
                while self.at < len(self.text) and self.text[self.at] not in _BARE_ENDS:
                    self.at += 1
                parts.append(self.text[begin : self.at])
            self.skip()
            if not (self.toml and self.sees(".")):
                return tuple(parts)
            self.at += 1

    def string(self) -> str:
        """Return what a string says; go behind it."""
        begin, quote = self.at, self.text[self.at]
        marks = quote * 3 if self.toml and self.sees(quote * 3) else quote
        self.at += len(marks)
        while not self.sees(marks):
            self.at += 2 if quote == '"' and self.sees("\\") else 1
        self.at += len(marks)
        while len(marks) == 3 and self.sees(quote):  # one or two quotes may stand before the closing ones
            self.at += 1
        whole = self.text[begin : self.at]
        said = tomllib.loads(f"x = {whole}")["x"] if self.toml else json.loads(whole, strict=False)
        return str(said)

    def _scalar(self) -> None:
        ends = frozenset(",]}#\n") if self.toml else frozenset(_BLANK + ",]}")
        while self.at < len(self.text) and self.text[self.at] not in ends:
            self.at += 1


class _TomlScanner(_Scanner):
    """Reads a whole TOML text: tables, lists of tables, and fields."""

    def __init__(self, text: str) -> None:
        super().__init__(text, toml=True)
        self._entries: dict[Place, int] = {}

    def statements(self) -> Iterator[tuple[Place, int]]:
        table: Place = ()
        yield (), 1
        self.skip()
        while self.at < len(self.text):
            begins = self.line
            if self.sees("["):
                table, places = self._header()
                yield from ((place, begins) for place in places)
            else:
                key = self.key()
                for length in range(1, len(key)):
                    yield (*table, *key[:length]), begins
                self.at += 1  # =
                yield from self._of_key((*table, *key), begins)
            self.skip()

    def _header(self) -> tuple[Place, list[Place]]:
        """Return the place of the table that a header opens, and all places that it is the first to name."""
        marks = 2 if self.sees("[[") else 1
        self.at += marks
        parts = self.key()
        self.at += marks
        place: Place = ()
        places: list[Place] = []
        for number, part in enumerate(parts, 1):
            place = (*place, part)
            new_entry = number == len(parts) and marks == 2
            if new_entry:
                self._entries[place] = self._entries.get(place, 0) + 1
            places.append(place)
            if place in self._entries:
                place = (*place, self._entries[place] - 1)
                places.append(place)
        return place, places
