"""``cjp-fraud detect`` and ``backtest``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, column_mapping, deployment, moment, progress, settings
from cjp_fraud.cli.printing import print_view
from cjp_fraud.clock import machine_now

# Detection is imported inside the commands: the libraries behind it take a second that no other command should.


def detect(
    ctx: typer.Context,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="First moment, with its zone.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="End; the window is rounded to hours.")],
    as_json: JsonOption = False,
) -> None:
    """Score a window in causal order, flag what is unusual, open cases. Running it again changes nothing."""
    from cjp_fraud.operations.detection import detect as detect_window

    opened = deployment(ctx)
    first, last = window(begin, end)
    with progress("detecting") as report:
        done = detect_window(opened, opened.now, first, last, report=report)
    print_view(done, as_json=as_json, title="Detection")


def backtest(
    ctx: typer.Context,
    traffic: Annotated[list[Path], typer.Option(help="Traffic file; may be repeated.")],
    tenants: Annotated[Path, typer.Option(help="Tenants file (id and time zone are enough).")],
    out: Annotated[Path, typer.Option(metavar="SCORES.parquet", help="Where the scores go.")],
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="THEIRS=OURS", help="Rename a column; may be repeated."),
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="What is missing inside a series' span is zero.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Score files without a database, as detection does: one row an interval, each from earlier data only."""
    from cjp_fraud.operations.detection import backtest_files

    in_force = settings(ctx)
    with progress("back-test") as report:
        done = backtest_files(
            in_force,
            in_force.now or machine_now(),  # not the home's clock: there may be no home
            traffic,
            tenants,
            out,
            mapping=column_mapping(mapping),
            complete=complete,
            report=report,
        )
    print_view(done, as_json=as_json, title="Back-test")


def window(begin: str, end: str) -> tuple[datetime, datetime]:
    """Parse ``--from`` and ``--to``.

    Raises
    ------
    typer.BadParameter
        If one cannot be read, or they are not in order.
    """
    first, last = moment(begin), moment(end)
    if first is None or last is None or first >= last:
        raise typer.BadParameter(f"--from {begin} must be before --to {end}")
    return first, last
