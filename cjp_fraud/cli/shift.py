"""``cjp-fraud shift``: what is before a shift, and its handover."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table, stamp

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(
    ctx: typer.Context,
    as_user: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="USER", help="Who reads: what their roles reach, and comments that name them."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is held, promised, due and lapsing in the next 12 hours, and what is late."""
    from cjp_fraud.operations import shift

    opened = deployment(ctx)
    view = shift.look_at_shift(opened, opened.now, as_user)
    if as_json:
        print_json(view)
        return
    columns: list[str | Column] = ["at", "kind", "case", Column("tenant_id", "tenant", full=True), "who"]
    print_table(view.items, columns, as_json=False, title=f"Until {stamp(view.until)}")
    for mention in view.mentions:
        typer.echo(
            f"{mention.by} mentions {as_user} in case {mention.case} ({mention.tenant_id}), {stamp(mention.at)}"
        )
    for each in view.handovers:
        if each.acknowledged_by is None:
            typer.echo(
                f"{each.by} handed over at {stamp(each.at)}, and nobody has taken it over: "
                f"cjp-fraud shift acknowledge {each.id} --as USER"
            )


@app.command("hand-over")
def hand_over(ctx: typer.Context, as_user: AsOption) -> None:
    """Put on record what is open now, for the next lead."""
    from cjp_fraud.operations import shift

    opened = deployment(ctx)
    made = shift.hand_over(opened, as_user, opened.now)
    typer.echo(f"handover {made.id}: {made.items} thing(s) open; the next lead takes it over")


@app.command()
def acknowledge(
    ctx: typer.Context,
    handover: Annotated[
        str, typer.Argument(metavar="HANDOVER", help="Its id, or how it begins (shift handovers).")
    ],
    as_user: AsOption,
) -> None:
    """Take a shift over that another lead handed over."""
    from cjp_fraud.operations import shift

    opened = deployment(ctx)
    taken = shift.acknowledge(opened, as_user, opened.now, handover)
    typer.echo(f"handover {taken.id}: {taken.acknowledged_by} took it over from {taken.by}")


@app.command()
def handovers(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List handovers, the newest first."""
    from cjp_fraud.operations import shift

    columns: list[str | Column] = [
        Column("id", full=True),
        "at",
        "by",
        "items",
        "acknowledged_by",
        "acknowledged_at",
    ]
    print_table(shift.list_handovers(deployment(ctx)), columns, as_json=as_json, title="Handovers")
