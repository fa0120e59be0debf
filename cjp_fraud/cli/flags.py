"""``cjp-fraud flags``: what detection found unusual."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, moment
from cjp_fraud.cli.printing import Column, print_table

app = typer.Typer(no_args_is_help=True)

_COLUMNS = (
    Column("case"),
    Column("tenant_id", "tenant", full=True),
    Column("channel", spare=True),
    Column("interval_start", "start"),
    Column("clock", spare=True),
    Column("observed", spare=True),
    Column("baseline", spare=True),
    "score",
    Column("q_value", "chance\nat most", spare=True),
    Column("superseded_at", "superseded"),
)


# A callback keeps ``list`` a command of its own: an app with one command would take its place.
@app.callback()
def _flags() -> None:
    """Look at flags."""


@app.command("list")
def list_flags(
    ctx: typer.Context,
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="Only this tenant's.")] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Only intervals from here on.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Only intervals before.")] = None,
    case: Annotated[int | None, typer.Option(metavar="NUMBER", help="Only those of this case.")] = None,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Also those that a later detection replaced.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List flags in force by time; the reasons of each are in --json and in cases show."""
    from cjp_fraud.operations import detection

    flags = detection.list_flags(
        deployment(ctx),
        tenant_id=tenant,
        begin=moment(begin),
        end=moment(end),
        case=case,
        superseded=superseded,
    )
    print_table(flags, _COLUMNS if superseded else _COLUMNS[:-1], as_json=as_json, title="Flags")
