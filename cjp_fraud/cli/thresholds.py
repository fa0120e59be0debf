"""``cjp-fraud models thresholds``: which scores are flagged, what others would have flagged, and to set them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table
from features.counting_clocks import Clock

app = typer.Typer(no_args_is_help=True, help="Which scores are flagged, and what others would have flagged.")

ClockOption = Annotated[Clock, typer.Option(help="The clock whose flags are meant.")]
BecauseOption = Annotated[str, typer.Option(metavar="TEXT", help="Why; goes into the log.")]

_CLOCKS = (
    "clock",
    Column("in_force", "in force"),
    Column("fitted", "the model's"),
    Column("setting.threshold", "set to"),
    Column("setting.set_by", "by"),
    Column("coming.threshold", "to come"),
    Column("coming.valid_from", "from"),
    Column("setting.because", "because", spare=True, wraps=True),
)
_POINTS = (
    "threshold",
    "flags",
    "cases",
    Column("cases_per_day", "cases\na day"),
    "fraudulent",
    Column("not_fraudulent", "not"),
    Column("undetermined", "open"),
)


@app.command()
def show(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show the threshold of each clock, who set it, and what is to come."""
    from cjp_fraud.operations import thresholds

    opened = deployment(ctx)
    listed = thresholds.look_at_thresholds(opened, opened.now)
    print_table(listed, _CLOCKS, as_json=as_json, title="Thresholds (score, -log10 p)")


@app.command("try")
def try_threshold(
    ctx: typer.Context,
    threshold: Annotated[float, typer.Argument(metavar="SCORE", help="3: once in 1,000 intervals.")],
    clock: ClockOption = Clock.MINUTE,
    as_json: JsonOption = False,
) -> None:
    """Say what another threshold would have flagged in the last seven whole days, from the stored scores."""
    from cjp_fraud.operations import thresholds

    opened = deployment(ctx)
    tried = thresholds.try_threshold(opened, opened.now, clock, threshold)
    if as_json:
        print_json(tried)
        return
    typer.echo(
        f"{tried.begin:%Y-%m-%d} to {tried.end:%Y-%m-%d}, {tried.scored_days} day(s) with scores: it would have "
        f"flagged {tried.tried.flags} instead of {tried.in_force.flags}"
    )
    rows = [
        asdict(point) | {"threshold": threshold}
        for threshold, point in (
            (tried.threshold_in_force, tried.in_force),
            (tried.threshold, tried.tried),
        )
    ]
    print_table(rows, _POINTS, title=f"Clock {clock}: the threshold in force, then the other one")
    for words, some in (("flagged only then", tried.tenants_new), ("flagged only now", tried.tenants_gone)):
        if some.named or some.more:
            more = f" and {some.more} more" if some.more else ""
            typer.echo(f"  {words}: {', '.join(some.named)}{more}")


@app.command("set")
def set_threshold(
    ctx: typer.Context,
    threshold: Annotated[float, typer.Argument(metavar="SCORE", help="3: once in 1,000 intervals.")],
    as_user: AsOption,
    because: BecauseOption,
    clock: ClockOption = Clock.MINUTE,
    as_json: JsonOption = False,
) -> None:
    """Set a clock's threshold from the next UTC midnight on, as an admin."""
    from cjp_fraud.operations import thresholds

    opened = deployment(ctx)
    listed = thresholds.set_threshold(opened, as_user, opened.now, clock, threshold, because=because)
    print_table(listed, _CLOCKS, as_json=as_json, title="Thresholds (score, -log10 p)")


@app.command("take-back")
def take_back(
    ctx: typer.Context,
    as_user: AsOption,
    because: BecauseOption,
    clock: ClockOption = Clock.MINUTE,
    as_json: JsonOption = False,
) -> None:
    """Let the model version's own threshold of a clock count again, from the next UTC midnight on."""
    from cjp_fraud.operations import thresholds

    opened = deployment(ctx)
    listed = thresholds.set_threshold(opened, as_user, opened.now, clock, None, because=because)
    print_table(listed, _CLOCKS, as_json=as_json, title="Thresholds (score, -log10 p)")
