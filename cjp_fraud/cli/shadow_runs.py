"""``cjp-fraud models shadow``: other thresholds, or a version's, tried by each detection beside what counts."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_table, print_view
from features.counting_clocks import Clock

app = typer.Typer(no_args_is_help=True, help="Other thresholds, tried by each detection beside what counts.")

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Its id, or how it begins (models shadow list).")
]

_RUNS = (
    Column("id", full=True),
    "running",
    "started_at",
    "ends_at",
    "stopped_at",
    Column("thresholds", wraps=True),
    "hours",
    "failures",
)


@app.command()
def start(
    ctx: typer.Context,
    as_user: AsOption,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="CLOCK=SCORE", help="As minute=3; may be repeated. Others: as in force."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Those of a model version (models list) instead.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="How long; 7 if absent, 28 at most.")] = None,
) -> None:
    """Try thresholds in each detection from now on, without cases or letters, until it ends by itself."""
    from cjp_fraud.operations import shadow_runs

    opened = deployment(ctx)
    run = shadow_runs.start_shadow(
        opened, as_user, opened.now, thresholds=_thresholds(threshold or ()), version=version, days=days
    )
    typer.echo(f"shadow run {run.id}: until {run.ends_at:%Y-%m-%d %H:%M}Z")


@app.command()
def stop(ctx: typer.Context, run: RunArgument, as_user: AsOption) -> None:
    """End a shadow run now."""
    from cjp_fraud.operations import shadow_runs

    opened = deployment(ctx)
    stopped = shadow_runs.stop_shadow(opened, as_user, opened.now, run)
    typer.echo(f"shadow run {stopped.id}: ended {stopped.stopped_at or stopped.ends_at:%Y-%m-%d %H:%M}Z")


@app.command("list")
def list_runs(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the shadow runs, the newest first."""
    from cjp_fraud.operations import shadow_runs

    opened = deployment(ctx)
    print_table(shadow_runs.list_shadows(opened, opened.now), _RUNS, as_json=as_json, title="Shadow runs")


@app.command()
def show(ctx: typer.Context, run: RunArgument, as_json: JsonOption = False) -> None:
    """Compare a shadow run with what was in force in the same hours."""
    from cjp_fraud.operations import shadow_runs

    opened = deployment(ctx)
    compared = shadow_runs.show_shadow(opened, opened.now, run)
    if as_json:
        print_view(compared, as_json=True, title="Shadow run")
        return
    print_view(compared.run, title="Shadow run")
    for words, side in (("in shadow", compared.shadow), ("in force", compared.in_force)):
        typer.echo(
            f"  {words}: {side.flags} flag(s), {side.cases} case(s), {side.cases_per_day:.1f} a day; of decided cases "
            f"{side.fraudulent} fraudulent, {side.not_fraudulent} not, {side.undetermined} undetermined"
        )
    for words, some in (("only in shadow", compared.tenants_new), ("only in force", compared.tenants_gone)):
        if some.named or some.more:
            more = f" and {some.more} more" if some.more else ""
            typer.echo(f"  {words}: {', '.join(some.named)}{more}")


def _thresholds(pairs: list[str] | tuple[()]) -> dict[Clock, float]:
    """Return the thresholds of texts like ``minute=3``; raises typer.BadParameter for one that is wrong."""
    thresholds = {}
    for pair in pairs:
        clock, _, score = pair.partition("=")
        try:
            thresholds[Clock(clock.strip())] = float(score)
        except ValueError:
            raise typer.BadParameter(
                f"{pair!r} is no threshold; give one like minute=3 (clocks: {', '.join(Clock)})"
            ) from None
    return thresholds
