"""Rows of a small CSV, JSON or TOML file, each with the line at which it begins."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cjp_fraud.errors import BadInputError

LARGEST_BYTES = 256 * 1024 * 1024
"""Larger files are refused: they are read whole."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as its file holds it; a missing or null cell is absent."""

    line: int
    cells: Mapping[str, object]


def raw_rows(file: Path, faults: list[str]) -> tuple[tuple[str, ...], list[RawRow]]:
    """Return the columns and rows of a file; what is wrong with its form is added to ``faults``.

    Parameters
    ----------
    file : its suffix says what it is: ``.csv``, ``.json``, ``.toml``.

    Raises
    ------
    BadInputError
        If the file cannot be read at all.
    """
    reader = {".csv": _csv_rows, ".json": _json_rows, ".toml": _toml_rows}.get(file.suffix.lower())
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
    return reader(content, faults)


def _csv_rows(content: str, faults: list[str]) -> tuple[tuple[str, ...], list[RawRow]]:
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    header: tuple[str, ...] | None = None
    rows: list[RawRow] = []
    line = 1
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = tuple(cell.strip() for cell in cells)
                twice = [name for name, count in Counter(header).items() if count > 1]
                if twice:
                    faults.append(f"line {begins}: columns stand twice: {', '.join(twice)}")
                if "" in header:
                    faults.append(f"line {begins}: column {header.index('') + 1} has no name")
                continue
            if len(cells) != len(header):
                faults.append(f"line {begins}: {len(cells)} cells, where the header has {len(header)}")
                continue
            rows.append(RawRow(begins, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}; the quotes do not match, or it is no CSV")
    return header or (), rows


def _json_rows(content: str, faults: list[str]) -> tuple[tuple[str, ...], list[RawRow]]:
    twice: list[str] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return dict(pairs)

    decoder = json.JSONDecoder(object_pairs_hook=object_of, parse_constant=_no_constant)
    try:
        whole = decoder.decode(content)
    except (ValueError, RecursionError) as error:
        faults.append(f"no JSON: {error}")
        return (), []
    faults += [f"{name!r} stands twice in one object" for name in dict.fromkeys(twice)]
    listed = whole.get("tenants") if isinstance(whole, dict) and set(whole) == {"tenants"} else whole
    if not isinstance(listed, list):
        faults.append('expected a list of objects, or {"tenants": [...]}')
        return (), []
    return _objects(listed, _json_lines(content, decoder, len(listed)), faults)


def _json_lines(content: str, decoder: json.JSONDecoder, count: int) -> list[int]:
    """Return the line at which each element of the (only) list begins."""
    place, counted, line, lines = content.index("[") + 1, 0, 1, []
    for _ in range(count):
        place = _next_value(content, place)
        line, counted = line + content.count("\n", counted, place), place
        lines.append(line)
        _, place = decoder.raw_decode(content, place)
    return lines


def _next_value(content: str, place: int) -> int:
    while content[place] in " \t\r\n,":
        place += 1
    return place


def _toml_rows(content: str, faults: list[str]) -> tuple[tuple[str, ...], list[RawRow]]:
    try:
        whole = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        faults.append(f"no TOML: {error}")
        return (), []
    listed = whole.get("tenants")
    if set(whole) != {"tenants"} or not isinstance(listed, list):
        faults.append("expected nothing but [[tenants]] tables")
        return (), []
    heads = [
        found.start() for found in re.finditer(r"^[ \t]*\[\[[ \t]*tenants[ \t]*\]\]", content, re.MULTILINE)
    ]
    lines = [content.count("\n", 0, start) + 1 for start in heads]
    if len(lines) != len(listed):  # an inline array: all of it stands at one place
        lines = [content.count("\n", 0, content.index("tenants")) + 1] * len(listed)
    return _objects(listed, lines, faults)


def _objects(listed: list[Any], lines: list[int], faults: list[str]) -> tuple[tuple[str, ...], list[RawRow]]:
    columns: dict[str, None] = {}
    rows = []
    for line, item in zip(lines, listed, strict=True):
        if not isinstance(item, dict):
            faults.append(f"line {line}: expected named fields, not {type(item).__name__}")
            continue
        columns |= dict.fromkeys(item)
        rows.append(RawRow(line, {name: cell for name, cell in item.items() if cell is not None}))
    return tuple(columns), rows


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")
