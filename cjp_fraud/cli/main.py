"""``cjp-fraud``: the command line, assembled from its groups."""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from cjp_fraud import __version__
from cjp_fraud.cli.frame import Chosen, moment, show_last_lines
from cjp_fraud.cli.groups import LazyCommands
from cjp_fraud.errors import CjpFraudError, Refused

app = typer.Typer(
    name="cjp-fraud",
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="""Find unusual spikes in tenants' contact-centre traffic, review them, serve the notice,
    suspend, and prove every step.

    Start with: cjp-fraud demo. Settings come from CJP_FRAUD_* variables (cjp-fraud config show).
    Exit code 1: refused or failed; 2: wrong usage.""",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cjp-fraud {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    home: Annotated[
        str | None,
        typer.Option(
            "--home", metavar="FOLDER", help="Folder of database, lake and models (CJP_FRAUD_HOME, ./var)."
        ),
    ] = None,
    now: Annotated[
        str | None,
        typer.Option("--now", metavar="TIME", help="Move a simulated clock forward (init --simulated)."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and stop.")
    ] = False,
) -> None:
    ctx.obj = chosen = Chosen(home, moment(now))
    ctx.call_on_close(lambda: show_last_lines(chosen))


def main() -> None:
    """Run the command line; errors that a person can put right end as a sentence and exit code 1."""
    # Importing makes many objects that stay: collecting garbage among them took a seventh of a command's start.
    gc.set_threshold(20_000, 20, 20)
    if any(not _is_unicode(word) for word in sys.argv):
        _say("Error: an argument is not UTF-8 text; write it again, in UTF-8")
        sys.exit(2)
    try:
        app()
    except Refused as refused:
        _say(f"Refused: {refused.action}" if refused.action else "Refused", refused.missing)
    except CjpFraudError as error:
        _say(f"Error: {error}")
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        _say(f"Error: {named}{error.strerror or error}")
    except Exception as error:
        if not _database_did_not_answer(error):
            raise
        _say(f"Error: the database did not answer: {getattr(error, 'orig', error)}")
    else:
        return
    sys.exit(1)


def _database_did_not_answer(error: Exception) -> bool:
    """Whether it is SQLAlchemy's error for this; a command that never loaded SQLAlchemy cannot raise it."""
    if "sqlalchemy" not in sys.modules:
        return False
    from sqlalchemy.exc import OperationalError

    return isinstance(error, OperationalError)


def _is_unicode(word: str) -> bool:
    """Whether a word of the command line is text: bytes that are no UTF-8 arrive as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def _say(head: str, reasons: tuple[str, ...] = ()) -> None:
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(head, style="bold red")
    for reason in reasons:
        console.print(f"  - {reason}")
