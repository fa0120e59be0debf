"""``cjp-fraud baseline``: what is usual."""

from __future__ import annotations

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, print_record, progress

app = typer.Typer(
    no_args_is_help=True, help="Baselines: what each series usually does, as of each local midnight."
)


@app.command()
def refresh(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Fold every local day that has ended, in order, and make the snapshots that are missing."""
    from cjp_fraud.detection.baseline import refresh as refresh_baseline  # inside: see cli/detection.py

    opened = deployment(ctx)
    with progress("baseline") as report:
        done = refresh_baseline(opened.lake, opened.engine, opened.zones, opened.now, report=report)
    print_record(
        {
            "series_days_folded": done.folded,
            "snapshots_made": done.snapshots,
            "changes_waiting_for_their_day_to_end": done.waiting,
            "newest_day_folded": None if done.through is None else f"{done.through:%Y-%m-%d}",
        },
        as_json=as_json,
        title="Baseline",
    )
