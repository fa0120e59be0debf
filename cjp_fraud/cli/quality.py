"""``cjp-fraud quality``: second readings, control samples, agreement, and what is missed."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table
from cjp_fraud.review.model import Finding

app = typer.Typer(no_args_is_help=True)
_ReadingArgument = Annotated[str, typer.Argument(metavar="READING", help="Its id (quality show).")]


@app.command()
def draw(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Draw at random what second readers look at, of the newest whole week, once; run-due does so."""
    from cjp_fraud.operations import quality_draws

    opened = deployment(ctx)
    made = quality_draws.draw_samples(opened, opened.now)
    print_table(made, ("week", "kind", "population", "drawn"), as_json=as_json, title="Drawn")


@app.command()
def show(ctx: typer.Context, as_user: AsOption, as_json: JsonOption = False) -> None:
    """Show what waits for a second reader, how far readers and detection agree, and what is missed."""
    from cjp_fraud.operations import quality

    desk = quality.look_at_quality(deployment(ctx), as_user)
    if as_json:
        print_json(desk)
        return
    columns = (Column("id", full=True), "kind", "tenant_id", "week", Column("may_not", wraps=True))
    print_table(desk.waiting, columns, title="Waits for a second reader")
    for name, agreement in (
        ("first and second reader", desk.between_readers),
        ("reader and detector", desk.with_detector),
    ):
        if agreement is not None:
            kappa = "not known" if agreement.kappa is None else f"{agreement.kappa:.2f}"
            alike = agreement.alike
            typer.echo(f"{name}: alike in {alike.count} of {alike.of} ({alike.share:.0%}), kappa {kappa}")
    if desk.missed is not None and desk.missed_a_week is not None:
        low, middle, high = desk.missed_a_week
        typer.echo(f"missed: about {middle:.1f} tenants a week ({low:.1f} to {high:.1f})")


@app.command()
def answer(
    ctx: typer.Context,
    reading: _ReadingArgument,
    finding: Annotated[Finding, typer.Argument(help="What you find.")],
    as_user: AsOption,
    reasons: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
) -> None:
    """Say what you find as the second reader, without having seen how the case was decided."""
    from cjp_fraud.operations import quality

    opened = deployment(ctx)
    quality.answer_reading(opened, as_user, opened.now, reading, finding, reasons=reasons)
    typer.echo(f"reading {reading}: {finding}")
