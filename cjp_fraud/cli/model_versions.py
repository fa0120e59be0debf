"""``cjp-fraud train`` and ``cjp-fraud models``: model versions."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli import shadow_runs, thresholds
from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, moment, progress
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view

app = typer.Typer(no_args_is_help=True)
app.add_typer(thresholds.app, name="thresholds")
app.add_typer(shadow_runs.app, name="shadow")
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
    Column("waits_because", "waits because", spare=True, wraps=True),
)

_POINTS = (
    Column("budget", "cases/day\nbudget"),
    "threshold",
    Column("bound_by", "bound by"),
    "flags",
    Column("cases_per_day", "cases\na day"),
    Column("episodes_per_series_week", "episodes a\nseries-week"),
    "fraudulent",
    Column("not_fraudulent", "not"),
    Column("undetermined", "open"),
    "precision",
)


def train(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Only Mondays from here on; all if absent.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only Mondays up to here; the clock if absent.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit and register the model version of each Monday that has none; one that is worse waits, the others count."""
    from cjp_fraud.operations.model_versions import train_versions

    opened = deployment(ctx)
    with progress("training") as report:
        made = train_versions(opened, opened.now, since=moment(since), until=moment(until), report=report)
    print_table(made, _COLUMNS, as_json=as_json, title="New model versions")


@app.command("what-if")
def what_if(
    ctx: typer.Context,
    cases_per_day: Annotated[
        list[float] | None,
        typer.Option(
            metavar="CASES",
            help="Cases a day that people can read; may be repeated. If absent: 5 to 80, and the setting.",
        ),
    ] = None,
    episodes_per_series_week: Annotated[
        float | None, typer.Option(metavar="EPISODES", help="The other budget; the setting if absent.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what budgets would have flagged in the newest 28 days, and how right that was where people decided."""
    from cjp_fraud.operations.model_versions import what_if as other_budgets

    opened = deployment(ctx)
    with progress("scoring 28 days anew") as report:
        view = other_budgets(
            opened,
            opened.now,
            cases_per_day=cases_per_day or (),
            episodes_per_series_week=episodes_per_series_week,
            report=report,
        )
    if as_json:
        print_json(view)
        return
    title = f"What if, {view.begin:%Y-%m-%d} to {view.end:%Y-%m-%d}"
    print_table((view.in_force, *view.points), _POINTS, title=title)
    typer.echo(
        f"  First row: the threshold in force. {view.decided} case(s) of these days decided; "
        f"at most {view.episodes_per_series_week:g} episodes a series-week."
    )
    longer = "; ".join(
        f"{clock} {view.in_force.clock_thresholds[clock]:.2f}, then "
        + ", ".join(f"{point.clock_thresholds[clock]:.2f}" for point in view.points)
        for clock in view.in_force.clock_thresholds
    )
    typer.echo(f"  Flags and cases are of all clocks; thresholds of the longer ones, row by row: {longer}.")
    if view.scored_days < 28:
        typer.echo(
            f"  Only {view.scored_days} of 28 days have scores: until then the initial threshold counts."
        )


@app.command()
def quality(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show how often cases were fraud, with an interval; whether the calibration keeps its word; and drift."""
    from cjp_fraud.operations.model_quality import model_quality

    opened = deployment(ctx)
    view = model_quality(opened, opened.now)
    if as_json:
        print_json(view)
        return
    for each in view.precisions:
        span = f"last {each.days} days" if each.days is not None else "all cases"
        share = each.precision
        said = (
            f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})" if share is not None else "not known"
        )
        typer.echo(
            f"{span}: precision {said}; {each.fraudulent} fraudulent, {each.not_fraudulent} not, "
            f"{each.undetermined} undetermined, {each.unreviewed} unreviewed"
        )
    for check in view.calibration or ():
        pool = "own pool" if check.own_pool else "shipped table"
        points = ", ".join(
            f"{p.observed} from {p.score:.1f} on (expected {p.expected:.0f})" for p in check.points
        )
        typer.echo(f"clock {check.clock}, {pool}, {check.checked_rows} rows of 7 days: {points}")
    if view.calibration is None:
        typer.echo("calibration: the lake cannot be read now")
    for warning in view.warnings:
        typer.echo(f"WARNING: {warning}", err=True)


@app.command("list")
def list_versions(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the versions, the newest first, with the moments from which they count."""
    from cjp_fraud.operations.model_versions import list_versions

    print_table(list_versions(deployment(ctx)), _COLUMNS, as_json=as_json, title="Model versions")


@app.command()
def show(ctx: typer.Context, version: VersionArgument, as_json: JsonOption = False) -> None:
    """Show a version's card: window, parameters, features, libraries, metrics, hash."""
    from cjp_fraud.operations.model_versions import show_version

    view = show_version(deployment(ctx), version)
    print_view(
        view,
        as_json=as_json,
        title=f"Model version of {view.monday}",
        tables={"trials": ("Tried against the version in force", None)},
    )
    if not as_json:
        for warning in view.warnings:
            typer.echo(f"WARNING: {warning}", err=True)


@app.command()
def promote(
    ctx: typer.Context,
    version: VersionArgument,
    as_user: AsOption,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even where it is worse than the version in force.")
    ] = False,
    because: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why it is promoted anyway; goes into the log.")
    ] = None,
) -> None:
    """Let a version count from the next UTC midnight on, if it is no worse than the one in force."""
    from cjp_fraud.operations.model_versions import promote_version

    opened = deployment(ctx)
    view = promote_version(opened, as_user, opened.now, version, anyway=anyway, because=because)
    typer.echo(f"version {view.id} counts from {view.valid_from[-1]:%Y-%m-%d %H:%M}Z")
