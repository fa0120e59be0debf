"""What all commands share: options, the deployment in force, moments and mappings as people type them, progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.printing import stamp
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.progress import Report

if TYPE_CHECKING:
    from cjp_fraud.config import Settings
    from cjp_fraud.deployment import Deployment

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]
AsOption = Annotated[str, typer.Option("--as", metavar="USER", help="Who acts; on record (users list).")]

PublicKeyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--public-key",
        metavar="FILE",
        help="A public key that you keep: only heads signed with it count. May be given more than once.",
    ),
]


@dataclass(frozen=True)
class Chosen:
    """The global options; the settings are read, and a deployment opened, when a command asks for them."""

    home: str | None = None
    now: datetime | None = None

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment that the environment and the global options describe."""
        from cjp_fraud.deployment import open_deployment

        chosen = {"home": self.home, "now": self.now}
        return open_deployment(**{name: value for name, value in chosen.items() if value is not None})


def deployment(ctx: typer.Context) -> Deployment:
    """Return the deployment that the global options chose."""
    from cjp_fraud.deployment import Deployment

    chosen = ctx.find_object(Chosen)
    opened = chosen.deployment if chosen is not None else ctx.find_object(Deployment)
    assert opened is not None, "the main callback stores the options; a caller of one group, a deployment"
    return opened


def show_last_lines(chosen: Chosen) -> None:
    """Say on standard error, after a command that used a home: simulated clock, overflow list, what is overdue."""
    opened = chosen.__dict__.get("deployment")
    if opened is None or "engine" not in opened.__dict__:
        return
    from cjp_fraud.operations.overdue import episodes_without_a_case, overdue_now

    if opened.home_clock.simulated:
        typer.echo(f"simulated clock: {stamp(opened.now)}", err=True)
    if waiting := episodes_without_a_case(opened):
        typer.echo(f"{waiting} episode(s) on the overflow list: cjp-fraud cases list --overflow", err=True)
    late = overdue_now(opened)
    if late:
        typer.echo(f"OVERDUE: {'; '.join(late)}. Run: cjp-fraud run-due", err=True)


def look_at_home(ctx: typer.Context) -> None:
    """Open the home, if there is one, for a command that needs none: its last lines still say what clock it has."""
    with suppress(CjpFraudError):
        deployment(ctx).engine  # noqa: B018 - to open it is all that is wanted


def settings(ctx: typer.Context) -> Settings:
    """Return the settings in force."""
    return deployment(ctx).settings


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
        in_utc = at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is not a time; give one like 2026-01-31T09:00:00Z") from None
    if in_utc is None:
        if len(text) == len("2026-01-31"):
            return at.replace(tzinfo=UTC)
        raise typer.BadParameter(f"{text!r} has no time zone; write {text}Z or add an offset")
    return in_utc


def column_mapping(pairs: Sequence[str] | None) -> dict[str, str]:
    """Return ``{theirs: ours}`` of the texts given to ``--map``; raises typer.BadParameter for one that is wrong."""
    from cjp_fraud.traffic.sources.model import parse_mapping

    try:
        return parse_mapping(pairs or [])
    except BadInputError as error:
        raise typer.BadParameter(str(error)) from None


@contextmanager
def progress(description: str) -> Iterator[Report]:
    """Show a progress bar on standard error while the block runs (nothing where that is no terminal)."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

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
