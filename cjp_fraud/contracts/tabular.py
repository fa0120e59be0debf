"""The rows of a small CSV, JSON or TOML file, each with the line at which it begins."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cjp_fraud.errors import BadInputError

LARGEST_BYTES: Final = 256 * 1024 * 1024
"""Larger files are refused: they are read whole."""

SEPARATORS: Final = (",", ";", "\t", "|")
"""What may separate the cells of a CSV file; the one that cuts its header into most cells does."""

_SEPARATOR_NAMED: Final = re.compile(r'\s*"?sep=([,;\t|])"? *(?=[\r\n]|$)', re.IGNORECASE)

Rows = list[tuple[int, dict[str, object]]]
"""Rows as a file holds them: the line at which one begins, and its cells without the empty ones."""


def read_cells(file: Path, faults: list[str]) -> tuple[tuple[str, ...], Rows]:
    """Return the columns and rows of a file; what is wrong with its form is added to ``faults``.

    Parameters
    ----------
    file : its suffix says what it is: ``.csv`` (names of columns may be in capitals), ``.json`` (a list of objects,
        or one under "tenants"), ``.toml`` ([[tenants]]).

    Raises
    ------
    BadInputError
        If the file cannot be read at all.
    """
    readers = {".csv": _csv_cells, ".json": _json_cells, ".toml": _toml_cells}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise BadInputError(f"{file.name} is neither .csv, .json nor .toml; name the file by what it holds")
    if not file.is_file():
        raise BadInputError(f"{file} is not there, or is no file")
    if file.stat().st_size > LARGEST_BYTES:
        raise BadInputError(f"{file.name} is larger than {LARGEST_BYTES // 2**20} MiB; split it")
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file.name} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    if not content.strip():
        raise BadInputError(f"{file.name} is empty")
    columns, rows = reader(content, faults)
    return columns, [(line, _without_empty(cells)) for line, cells in rows]


def _without_empty(cells: Mapping[str, object]) -> dict[str, object]:
    stripped = {name: cell.strip() if isinstance(cell, str) else cell for name, cell in cells.items()}
    return {name: cell for name, cell in stripped.items() if cell not in (None, "")}


def _csv_cells(content: str, faults: list[str]) -> tuple[tuple[str, ...], Rows]:
    separator, content = _separator(content)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    header: tuple[str, ...] | None = None
    rows: Rows = []
    next_line = 1
    try:
        for cells in reader:
            line, next_line = next_line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = tuple(cell.strip().lower() for cell in cells)
                faults += [f"line {line}: {fault}" for fault in _header_faults(header)]
            elif len(cells) != len(header):
                faults.append(f"line {line}: {len(cells)} cells, where the header has {len(header)}")
            else:
                rows.append((line, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}; the quotes do not match, or it is no CSV")
    return header or (), rows


def _separator(content: str) -> tuple[str, str]:
    """Return what separates the cells, and the content without Excel's first line ``sep=;`` (left blank)."""
    if named := _SEPARATOR_NAMED.match(content):
        return named[1], content[: named.start(1) - len("sep=")].rstrip('"') + content[named.end() :]
    header = next(line for line in content.splitlines() if line.strip())
    return max(SEPARATORS, key=lambda mark: len(next(csv.reader([header], delimiter=mark)))), content


def _header_faults(header: tuple[str, ...]) -> list[str]:
    faults = []
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        faults.append(f"columns stand twice: {', '.join(doubled)}")
    if "" in header:
        faults.append(f"column {header.index('') + 1} has no name")
    return faults


def _json_cells(content: str, faults: list[str]) -> tuple[tuple[str, ...], Rows]:
    doubled: list[str] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        doubled.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return dict(pairs)

    def refuse_constant(name: str) -> object:
        raise ValueError(f"{name} is no JSON value")

    decoder = json.JSONDecoder(object_pairs_hook=object_of, parse_constant=refuse_constant)
    try:
        document = decoder.decode(content)
    except (ValueError, RecursionError) as error:
        faults.append(f"no JSON: {error}")
        return (), []
    faults += [f"{name!r} stands twice in one object" for name in dict.fromkeys(doubled)]
    objects = (
        document.get("tenants") if isinstance(document, dict) and set(document) == {"tenants"} else document
    )
    if not isinstance(objects, list):
        faults.append('expected a list of objects, or {"tenants": [...]}')
        return (), []
    # The standard decoder tells no lines: decode element by element again and count the line ends before each.
    lines, place = [], content.index("[") + 1
    for _ in objects:
        place = re.compile(r"[\s,]*").match(content, place).end()  # type: ignore[union-attr]
        lines.append(content.count("\n", 0, place) + 1)
        _, place = decoder.raw_decode(content, place)
    return _object_cells(objects, lines, faults)


def _toml_cells(content: str, faults: list[str]) -> tuple[tuple[str, ...], Rows]:
    try:
        document = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        faults.append(f"no TOML: {error}")
        return (), []
    objects = document.get("tenants")
    if set(document) != {"tenants"} or not isinstance(objects, list):
        faults.append("expected nothing but [[tenants]] tables")
        return (), []
    heads = [head.start() for head in re.finditer(r"(?m)^[ \t]*\[\[[ \t]*tenants[ \t]*\]\]", content)]
    if len(heads) != len(objects):  # an inline array: all of it stands at one place
        heads = [content.index("tenants")] * len(objects)
    return _object_cells(objects, [content.count("\n", 0, head) + 1 for head in heads], faults)


def _object_cells(objects: list[Any], lines: list[int], faults: list[str]) -> tuple[tuple[str, ...], Rows]:
    columns: dict[str, None] = {}
    rows: Rows = []
    for line, item in zip(lines, objects, strict=True):
        if not isinstance(item, dict):
            faults.append(f"line {line}: expected named fields, not {type(item).__name__}")
            continue
        columns |= dict.fromkeys(item)
        rows.append((line, item))
    return tuple(columns), rows
