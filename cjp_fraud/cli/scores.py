"""``cjp-fraud scores``: how unusual each interval was."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.detection import window
from cjp_fraud.cli.frame import JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_table
from features.counting_clocks import Clock

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
_SPANS = (
    *_COLUMNS[:3],
    Column("span_seconds", "seconds", spare=True),
    *_COLUMNS[3:],
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
    clock: Annotated[
        Clock, typer.Option(help="Over what: the intervals, or the hour or 24 hours that end with one.")
    ] = Clock.MINUTE,
    as_json: JsonOption = False,
) -> None:
    """Show the stored scores of TENANT's series, one row an interval; in gaps only the baseline is known."""
    from cjp_fraud.operations.scores import show_scores, show_span_scores

    opened, between = deployment(ctx), window(begin, end)
    if clock is Clock.MINUTE:
        print_table(
            show_scores(opened, tenant_id, *between),
            _COLUMNS,
            as_json=as_json,
            title=f"Scores of {tenant_id}",
        )
        return
    spans = show_span_scores(opened, tenant_id, clock, *between)
    print_table(spans, _SPANS, as_json=as_json, title=f"Scores of {tenant_id} over the {clock}")
