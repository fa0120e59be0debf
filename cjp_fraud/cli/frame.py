"""What all commands share: the deployment in force, output as table or JSON, progress, errors as sentences."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from cjp_fraud.clock import utc_text
from cjp_fraud.config import Settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.people.model import Actor
from cjp_fraud.people.participation import actor_named

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]
AsOption = Annotated[str, typer.Option("--as", metavar="USER", help="Who acts; on record (users list).")]

Report = Callable[[int, int, str], None]
"""Progress callback: done, total, what is being done now."""


def deployment(ctx: typer.Context) -> Deployment:
    """Return the deployment that the global options chose."""
    found = ctx.find_object(Deployment)
    assert found is not None, "the main callback stores it"
    return found


def settings(ctx: typer.Context) -> Settings:
    """Return the settings in force."""
    return deployment(ctx).settings


def person(session: Session, name: str) -> Actor:
    """Return the user given to ``--as``; raises NotFoundError for an unknown name."""
    return actor_named(session, name)


def moment(text: str | None) -> datetime | None:
    """Parse an option's ISO 8601 moment; it must carry a zone (a bare date is its UTC midnight).

    Raises
    ------
    typer.BadParameter
        Says what is wrong and shows a right one.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time; give one like 2026-01-31T09:00:00Z") from None
    if at.tzinfo is None:
        if len(text) == len("2026-01-31"):
            return at.replace(tzinfo=UTC)
        raise typer.BadParameter(f"{text!r} has no time zone; write {text}Z or add an offset")
    return at.astimezone(UTC)


def column_mapping(pairs: Sequence[str] | None) -> dict[str, str]:
    """Return ``{theirs: ours}`` of the texts given to ``--map``; raises typer.BadParameter for one that is wrong."""
    from cjp_fraud.traffic.column_mapping import parse_mapping

    try:
        return parse_mapping(pairs or [])
    except BadInputError as error:
        raise typer.BadParameter(str(error)) from None


def wide_console() -> Console:
    """Return a console as wide as its terminal; into a file or pipe at least 132 columns, so that tables read well."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, 132))


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=_as_json, ensure_ascii=False) + "\n")


def print_rows(
    rows: Sequence[Mapping[str, Any]], *, as_json: bool, title: str, columns: Sequence[str] | None = None
) -> None:
    """Print rows as JSON, or as a table of ``columns`` (default: the first row's keys)."""
    if as_json:
        print_json(list(rows))
        return
    console = wide_console()
    if not rows:
        console.print(f"{title}: none", markup=False)
        return
    shown = columns or list(rows[0])
    table = Table(title=Text(title), title_justify="left")
    for column in shown:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_as_cell(row.get(column))) for column in shown))
    console.print(table)


def print_record(fields: Mapping[str, Any], *, as_json: bool, title: str) -> None:
    """Print one thing as JSON, or as a table of names and values."""
    if as_json:
        print_json(dict(fields))
        return
    table = Table(title=Text(title), title_justify="left", show_header=False)
    table.add_column("field", style="bold")
    table.add_column("value", overflow="fold")
    for key, value in fields.items():
        table.add_row(Text(str(key).replace("_", " ")), Text(_as_cell(value)))
    wide_console().print(table)


@contextmanager
def progress(description: str) -> Iterator[Report]:
    """Show a progress bar on standard error while the block runs (nothing where that is no terminal)."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=None)

        def report(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{description}: {what}")

        yield report


def _as_cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=_as_json, ensure_ascii=False)
    return str(value)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
