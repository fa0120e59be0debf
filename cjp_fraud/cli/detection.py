"""``cjp-fraud detect`` and ``backtest``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import (
    JsonOption,
    column_mapping,
    deployment,
    moment,
    print_record,
    progress,
    settings,
)

# Detection is imported inside the commands: the libraries behind it take a second that no other command should.


def detect(
    ctx: typer.Context,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="First moment, with its zone.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="End; the window is rounded to hours.")],
    as_json: JsonOption = False,
) -> None:
    """Score a window in causal order, flag what is unusual, open cases. Running it again changes nothing."""
    from cjp_fraud.detection.registry import promoted_versions
    from cjp_fraud.detection.rules import rules_of
    from cjp_fraud.detection.run import detect as detect_window

    opened = deployment(ctx)
    chosen = opened.settings
    first, last = moment(begin), moment(end)
    if first is None or last is None or first >= last:
        raise typer.BadParameter(f"--from {begin} must be before --to {end}")
    with progress("detecting") as report:
        done = detect_window(
            opened.lake,
            opened.engine,
            opened.zones,
            promoted_versions(opened.engine, chosen.model_folder, first, last),
            rules_of(chosen),
            first,
            last,
            opened.now,
            new_cases_per_hour=chosen.new_cases_per_hour,
            report=report,
        )
    flags = done.flags
    print_record(
        {
            "from": done.begin,
            "to": done.end,
            "series_days_folded_first": done.folded,
            "intervals_scored": done.scored,
            "hours_still_open_from": done.open_from,
            "flags_new": flags.new,
            "flags_unchanged": flags.unchanged,
            "flags_superseded": flags.superseded,
            "flags_kept_by_a_determination": flags.kept_by_determination,
            "episodes": flags.episodes,
            "cases_opened": len(flags.opened),
            "episodes_joined_to_a_case": flags.joined,
            "episodes_on_the_overflow_list": flags.overflow,
        },
        as_json=as_json,
        title="Detection",
    )


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
    """Score files without a database, by the same function: one row an interval, causal."""
    from cjp_fraud.detection.backtest import backtest as backtest_files
    from cjp_fraud.detection.backtest import write_scores
    from cjp_fraud.detection.rules import rules_of

    chosen = settings(ctx)
    with progress("back-test") as report:
        result = backtest_files(
            traffic,
            tenants,
            now=chosen.clock(datetime.now(UTC)),
            rules=rules_of(chosen),
            mapping=column_mapping(mapping),
            complete=complete,
            grid_seconds=chosen.grid_seconds,
            progress=lambda what, done, total: report(done, total, what),
        )
        write_scores(result.scores, out)
    scores = result.scores
    print_record(
        {
            "out": str(out),
            "intervals": len(scores),
            "rows_read": result.traffic.read,
            "rows_rejected": len(result.traffic.rejected),
            "rows_refused": result.traffic.refused,
            "flagged": int(scores["flagged"].to_numpy().sum()),
            "episodes": len(set(scores["episode_id"].drop_null().to_pylist())),
        },
        as_json=as_json,
        title="Back-test",
    )
