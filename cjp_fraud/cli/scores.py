"""``cjp-fraud scores``: how unusual each interval was."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.detection import window
from cjp_fraud.cli.frame import Column, JsonOption, deployment, print_table

app = typer.Typer(no_args_is_help=True)

_COLUMNS = (
    Column("interval_start", "start"),
    "channel",
    "direction",
    "observed",
    "baseline",
    "score",
    "flagged",
)


# A callback keeps ``show`` a command of its own: an app with one command would take its place.
@app.callback()
def _scores() -> None:
    """Look at scores."""


@app.command()
def show(
    ctx: typer.Context,
    tenant_id: Annotated[str, typer.Argument(metavar="TENANT")],
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="First moment, with its zone.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="End.")],
    as_json: JsonOption = False,
) -> None:
    """Show the stored scores of TENANT's series, one row an interval; in gaps only the baseline is known."""
    from cjp_fraud.operations.detection import show_scores

    scores = show_scores(deployment(ctx), tenant_id, *window(begin, end))
    print_table(scores, _COLUMNS, as_json=as_json, title=f"Scores of {tenant_id}")
