"""``cjp-fraud baseline``: what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, progress
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view

app = typer.Typer(no_args_is_help=True)
_COLUMNS = (
    "channel",
    "direction",
    Column("application_id", "app"),
    Column("interval_seconds", "step"),
    Column("snapshot_day", "as of", spare=True),
    "regime",
    Column("days_folded", "days", spare=True),
    "floor",
    "peak_floor",
    "own_bar",
)
_HOURS_A_LINE = 8


@app.command()
def refresh(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Fold every local day that has ended, in order, and make the snapshots that are missing."""
    from cjp_fraud.operations.baseline import refresh_baseline

    opened = deployment(ctx)
    with progress("baseline") as report:
        done = refresh_baseline(opened, opened.now, report=report)
    print_view(done, as_json=as_json, title="Baseline")
    if done.series_days_left_out and not as_json:
        typer.echo(
            f"{done.series_days_left_out} days of tenants whose time zone changed are left out: the lake no longer "
            "has the traffic to fold them again (cjp-fraud baseline show TENANT)"
        )


@app.command()
def show(
    ctx: typer.Context,
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Id of the tenant.")],
    as_json: JsonOption = False,
) -> None:
    """Show what is usual of each of a tenant's series: regime, floors, own bar, contacts by hour of the day."""
    from cjp_fraud.operations.baseline import show_baseline

    opened = deployment(ctx)
    view = show_baseline(opened, opened.now, tenant)
    if as_json:
        print_json(view)
        return
    if not view.series and view.days_waiting:
        typer.echo(f"{tenant} has no baseline in its new time zone {view.time_zone} yet")
    elif not view.series:
        typer.echo(f"{tenant} has no baseline yet: a day of it must have ended (cjp-fraud baseline refresh)")
    else:
        print_table(view.series, _COLUMNS, title=f"Baseline of {tenant} ({view.time_zone})")
    for series in view.series:
        by = f" by {series.application_id}" if series.application_id else ""
        typer.echo(f"{series.channel} {series.direction}{by}: usual contacts per interval, by local hour")
        cells = ["–" if contacts is None else f"{contacts:.4g}" for contacts in series.usual_by_hour]
        for hour in range(0, len(cells), _HOURS_A_LINE):
            line = "".join(f"{cell:>8}" for cell in cells[hour : hour + _HOURS_A_LINE])
            typer.echo(f"  {hour:02d}:00{line}")
    if view.days_waiting:
        typer.echo(
            f"{_days(view.days_waiting)} were folded in a former time zone and wait to be folded again: cjp-fraud "
            "baseline refresh"
        )
    if view.days_left_out:
        typer.echo(
            f"{_days(view.days_left_out)} are left out: they were folded in a former time zone, and the lake no longer "
            "has their traffic"
        )


def _days(days: Sequence[date]) -> str:
    return f"{len(days)} day(s) from {days[0]} to {days[-1]}"
