"""``cjp-fraud train`` and ``cjp-fraud models``: model versions."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import (
    AsOption,
    Column,
    JsonOption,
    deployment,
    moment,
    print_table,
    print_view,
    progress,
)

app = typer.Typer(no_args_is_help=True)
VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="The Monday's date, the id, or its first digits.")
]
_COLUMNS = (
    "id",
    "monday",
    "threshold",
    "days",
    "scored_days",
    "episodes",
    Column("counts_from", "valid from"),
)


def train(
    ctx: typer.Context,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only Mondays up to here; the clock if absent.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit, register and promote the model version of each Monday that has none."""
    from cjp_fraud.operations.models import train_versions

    opened = deployment(ctx)
    with progress("training") as report:
        made = train_versions(opened, opened.now, until=moment(until), report=report)
    print_table(made, _COLUMNS, as_json=as_json, title="New model versions")


@app.command("list")
def list_versions(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the versions, the newest first, with the moments from which they count."""
    from cjp_fraud.operations.models import list_versions

    print_table(list_versions(deployment(ctx)), _COLUMNS, as_json=as_json, title="Model versions")


@app.command()
def show(ctx: typer.Context, version: VersionArgument, as_json: JsonOption = False) -> None:
    """Show a version's card: window, parameters, features, libraries, metrics, hash."""
    from cjp_fraud.operations.models import show_version

    view = show_version(deployment(ctx), version)
    print_view(view, as_json=as_json, title=f"Model version of {view.monday}")


@app.command()
def promote(ctx: typer.Context, version: VersionArgument, as_user: AsOption) -> None:
    """Let a version count from the next UTC midnight on (to go back to an earlier one, for example)."""
    from cjp_fraud.operations.models import promote_version

    opened = deployment(ctx)
    view = promote_version(opened, as_user, opened.now, version)
    typer.echo(f"version {view.id} counts from {view.valid_from[-1]:%Y-%m-%d %H:%M}Z")
