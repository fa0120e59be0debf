"""Print views as tables or as JSON.

An operation returns *views*: frozen dataclasses (or pydantic models). ``--json`` is the whole view; a table is a
choice of its fields, made to be read at 80 columns.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from cjp_fraud.cli.table_layout import fit, fits, widths_of
from cjp_fraud.digests import digits_needed

if TYPE_CHECKING:
    from rich.console import Console

SHORT = 8
"""Digits of an identifier or a digest in a table; more where two in one column would look the same."""

PIPE_WIDTH = 132
"""Columns of a table that goes into a file or a pipe, where COLUMNS does not say otherwise."""

MOST_LISTED = 40
"""Values of a list that one field prints for people; JSON has all."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal would obey: text of other people's files is shown, never carried out."""

_IDENTIFIER = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_WINDOW = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):\S+/\S+Z")
"""A window of time as an identifier, of which tables show where it begins."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    field : the view's attribute; dots lead into views inside it (``measure.kind``).
    header : what stands above; by default made of the field's name.
    full : an identifier is printed whole where there is room; a name (a tenant's, a user's) is cut after all else.
    wraps : long text takes several lines; without it, it is cut off with an ellipsis.
    spare : it is left out where the table would be too wide.
    """

    field: str
    header: str | None = None
    full: bool = False
    wraps: bool = False
    spare: bool = False

    @property
    def title(self) -> str:
        """The header: the field's last name without ``_at``, one word a line to save width."""
        if self.header is not None:
            return self.header
        return self.field.rpartition(".")[2].removesuffix("_at").replace("_", "\n")


def table_console() -> Console:
    """Return a console as wide as COLUMNS says, else as its terminal; in a file or pipe, wide enough to read well."""
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal or re.fullmatch(r"[1-9]\d*", os.environ.get("COLUMNS", "")):
        return console
    return Console(highlight=False, width=PIPE_WIDTH)


def print_json(document: Any) -> None:
    """Print one JSON document on standard output: views, moments, enums, numbers of any library; NaN as null."""
    from cjp_fraud.plain_json import plain_json

    sys.stdout.write(json.dumps(plain_json(document), indent=2, ensure_ascii=False) + "\n")


def print_table(
    rows: Iterable[Any],
    columns: Sequence[str | Column] | None = None,
    *,
    as_json: bool = False,
    title: str,
) -> None:
    """Print views as a table, one line a row but where a column wraps, or all that they hold as a JSON list.

    Parameters
    ----------
    rows : views (frozen dataclasses, pydantic models or mappings), all of one kind.
    columns : what the table shows of each; all fields where absent.
    as_json : print JSON instead, with every field.
    title : what the rows are; "TITLE: none" is printed where there are none.
    """
    rows = list(rows)
    if as_json:
        print_json(rows)
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = table_console()
    if not rows:
        console.print(f"{title}: none", markup=False)
        return
    table = Table(
        title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    chosen = [_column(column) for column in columns or _names(rows[0])]
    values = [[_value(row, column.field) for row in rows] for column in chosen]
    shown: list[list[Text]] = []
    for column, texts, width in _laid_out(chosen, values, console.width):
        table.add_column(Text(column.title), width=width, no_wrap=True, overflow="ellipsis")
        overflow: Literal["fold", "ellipsis"] = "fold" if column.wraps else "ellipsis"
        shown.append([Text(text, no_wrap=not column.wraps, overflow=overflow) for text in texts])
    for line in zip(*shown, strict=True):
        table.add_row(*line)
    console.print(table)


def print_view(
    view: Any,
    fields: Sequence[str | Column] | None = None,
    *,
    as_json: bool = False,
    title: str,
    tables: Mapping[str, tuple[str, Sequence[str | Column] | None]] | None = None,
) -> None:
    """Print one view as a list of names and values with tables of what it holds, or as JSON.

    Parameters
    ----------
    view : a frozen dataclass, pydantic model or mapping.
    fields : what is shown of it, identifiers whole; all but ``tables`` where absent.
    as_json : print JSON instead, with every field.
    title : what the view is.
    tables : field that holds views → its title and columns; printed below, empty ones left out.
    """
    if as_json:
        print_json(view)
        return
    from rich.table import Table
    from rich.text import Text

    tables = tables or {}
    record = Table(title=Text(title, style="bold"), title_justify="left", show_header=False, box=None)
    record.add_column("field", style="bold", no_wrap=True)
    record.add_column("value", overflow="fold")
    for column in map(_column, fields or [name for name in _names(view) if name not in tables]):
        record.add_row(Text(column.title.replace("\n", " ")), Text(_cell(_value(view, column.field))))
    table_console().print(record)
    for field, (heading, columns) in tables.items():
        if inside := _value(view, field):
            print_table(inside, columns, title=heading)


def stamp(at: datetime) -> str:
    """Return an aware moment as people read it: ``2026-01-31 09:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def unprintable_escaped(text: str) -> str:
    """Return text in which nothing is left that a terminal would obey."""
    return _CONTROL.sub(lambda control: control.group().encode("unicode_escape").decode(), text)


def _column(column: str | Column) -> Column:
    return Column(column) if isinstance(column, str) else column


def _names(view: Any) -> list[str]:
    """Return the names of a view's fields, in order."""
    if isinstance(view, Mapping):
        return list(view)
    if is_dataclass(view):
        return [field.name for field in fields(view)]
    return list(type(view).model_fields)


def _value(view: Any, field: str) -> Any:
    """Return a field of a view; None where a view on the way to it is None."""
    if isinstance(view, Mapping):
        return view.get(field)
    for name in field.split("."):
        if view is None:
            return None
        view = getattr(view, name)
    return view


def _laid_out(
    columns: Sequence[Column], values: Sequence[Sequence[Any]], room: int
) -> Iterator[tuple[Column, list[str], int]]:
    """Yield the columns that there is room for, each with its cells and its width."""
    for whole in (True, False):  # identifiers: those that are wanted whole are shortened where room is short
        cells = [
            _column_cells(column_values, whole=whole and column.full)
            for column, column_values in zip(columns, values, strict=True)
        ]
        needed = [
            widths_of(
                [column.title, *texts],
                is_text=any(isinstance(value, str | Collection) for value in column_values),
                full=column.full,
                spare=column.spare,
            )
            for column, column_values, texts in zip(columns, values, cells, strict=True)
        ]
        if fits(needed, room):
            break
    for column, texts, width in zip(columns, cells, fit(needed, room), strict=True):
        if width is not None:
            yield column, texts, width


def _column_cells(values: Sequence[Any], *, whole: bool) -> list[str]:
    """Return a column's cells; identifiers as short as they stay different."""
    texts = [_cell(value) for value in values]
    identifiers = {text for text in texts if _IDENTIFIER.fullmatch(text)}
    if whole or not identifiers:
        return texts
    digits = digits_needed(identifiers, SHORT)
    return [text[:digits] if text in identifiers else text for text in texts]


def _listed(texts: Sequence[str]) -> str:
    """Return texts one after the other; of thousands (a first load of tenants) the first ones and how many more."""
    if len(texts) <= MOST_LISTED:
        return ", ".join(texts) or "–"
    return f"{', '.join(texts[:MOST_LISTED])} and {len(texts) - MOST_LISTED:,} more (--json names all)"


def _cell(value: Any) -> str:
    """Return a value as text for people; collections of views as their number."""
    if value is None:
        return "–"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value / timedelta(hours=1):g} h"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    if isinstance(value, str):
        if window := _WINDOW.fullmatch(value):
            return "{} {}Z".format(*window.groups())
        return unprintable_escaped(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(inside)}" for name, inside in value.items()) or "–"
    if isinstance(value, list | tuple | set | frozenset):
        if any(isinstance(inside, Mapping) or is_dataclass(inside) for inside in value):
            return str(len(value))
        return _listed([_cell(inside) for inside in value])
    if is_dataclass(value):
        return ", ".join(
            f"{name.replace('_', ' ')} {_cell(inside)}"
            for name in _names(value)
            if (inside := _value(value, name)) not in (None, (), [], {})
        )
    return str(value)
