"""``cjp-fraud traffic``: deliveries in, rejected rows out again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import (
    JsonOption,
    column_mapping,
    deployment,
    print_record,
    print_rows,
    progress,
)
from cjp_fraud.deployment import Deployment
from cjp_fraud.progress import Report
from cjp_fraud.traffic.ingest import Delivery, IngestResult, ingest_files, resubmit_quarantined
from cjp_fraud.traffic.quarantine import list_quarantine
from cjp_fraud.traffic.schema import Reason

app = typer.Typer(no_args_is_help=True, help="Traffic: ingest files, look at what was rejected.")


@app.command()
def ingest(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, gzipped CSV or Parquet.")],
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="THEIRS=OURS", help="Rename a column; may be repeated."),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option("--complete", help="The source leaves out empty intervals: missing ones are zero."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take files in; the same file again changes nothing. Rows that cannot be used go to quarantine.

    A file that cannot be used as a whole (empty, cut short, a required column missing, changed while it was read) is
    refused, and nothing of it is stored.
    """
    opened = deployment(ctx)
    with progress("ingesting") as report:
        result = ingest_files(
            files, _delivery(opened, report), mapping=column_mapping(mapping), complete=complete
        )
    _print(result, as_json=as_json)


@app.command()
def quarantine(
    ctx: typer.Context,
    reason: Annotated[Reason | None, typer.Option(help="Only rows rejected for this reason.")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="Only this tenant's rows.")] = None,
    row: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this row; may be repeated.")
    ] = None,
    resubmit: Annotated[
        bool, typer.Option("--resubmit", help="Check the rows again and store those that can now be used.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 1000,
    as_json: JsonOption = False,
) -> None:
    """List rejected rows with reason, file and line; or check them again after the cause was mended."""
    opened = deployment(ctx)
    if resubmit:
        with progress("resubmitting") as report:
            result = resubmit_quarantined(
                _delivery(opened, report), ids=row or None, reason=reason, tenant_id=tenant
            )
        _print(result, as_json=as_json)
        return
    rows = list_quarantine(opened.lake, ids=row or None, reason=reason, tenant_id=tenant, limit=limit)
    columns = ("quarantine_id", "source", "line", "tenant_id", "reason", "explanation")
    print_rows([asdict(one) for one in rows], as_json=as_json, title="Quarantine", columns=columns)


def _delivery(opened: Deployment, report: Report) -> Delivery:
    return Delivery(
        lake=opened.lake,
        engine=opened.engine,
        tenants=opened.traffic_tenants,
        now=opened.now,
        grid_seconds=opened.settings.grid_seconds,
        progress=lambda doing, done, total: report(done, total, doing),
    )


def _print(result: IngestResult, *, as_json: bool) -> None:
    print_record(
        {
            "files": list(result.files),
            "read": result.read,
            "stored": result.stored,
            "replaced": result.replaced,
            "unchanged": result.unchanged,
            "quarantined": result.quarantined,
            "refused_deployment": result.refused,
            "reasons": dict(result.reasons),
        },
        as_json=as_json,
        title="Traffic",
    )
