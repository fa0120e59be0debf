"""``cjp-fraud traffic``: deliveries in, rejected rows out again."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, column_mapping, deployment, progress
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view
from cjp_fraud.traffic.model import IngestResult, Reason

app = typer.Typer(no_args_is_help=True)


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
    corrects: Annotated[
        bool,
        typer.Option(
            "--corrects",
            help="The rows replace earlier ones of their series for the time they cover, at any step.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take files in; the same file again changes nothing. Rows that cannot be used go to quarantine.

    A file that cannot be used as a whole (empty, cut short, a required column missing, changed while it was read) is
    refused, and nothing of it is stored.
    """
    from cjp_fraud.operations.traffic import ingest_files

    opened = deployment(ctx)
    renamed = column_mapping(mapping)
    with progress("ingesting") as report:
        result = ingest_files(
            opened,
            opened.now,
            files,
            mapping=renamed,
            complete=complete,
            corrects=corrects,
            report=report,
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
    purge: Annotated[
        bool, typer.Option("--purge", help="Erase the rows of --tenant, also from the disk.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 1000,
    as_json: JsonOption = False,
) -> None:
    """List rejected rows with reason, file and line; check them again once the cause is fixed; erase them.

    A narrow table cuts explanations and leaves out files and lines; --json has them whole.
    """
    from cjp_fraud.operations.traffic import list_quarantine, purge_quarantine, resubmit_quarantined

    opened = deployment(ctx)
    if purge:
        if tenant is None or resubmit or reason or row:
            raise typer.BadParameter("--purge needs --tenant, and nothing else")
        print_view(purge_quarantine(opened, tenant), as_json=as_json, title="Quarantine")
        return
    if resubmit:
        with progress("resubmitting") as report:
            result = resubmit_quarantined(
                opened,
                opened.now,
                ids=row or None,
                reason=reason,
                tenant_id=tenant,
                report=report,
            )
        _print(result, as_json=as_json)
        return
    rows = list_quarantine(opened, ids=row or None, reason=reason, tenant_id=tenant, limit=limit)
    columns = (
        Column("quarantine_id", "row", full=True),
        Column("source", spare=True),
        Column("line", spare=True),
        Column("tenant_id", "tenant", full=True),
        "reason",
        "explanation",
    )
    print_table(rows, columns, as_json=as_json, title="Quarantine")


@app.command()
def status(
    ctx: typer.Context,
    tenant: Annotated[
        str | None, typer.Option(metavar="TENANT", help="Only this tenant, series by series, with its gaps.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is loaded: series, spans, missing and partial intervals, the newest one, late and rejected rows."""
    from cjp_fraud.operations.traffic import traffic_status

    loaded = traffic_status(deployment(ctx), tenant)
    if as_json:
        print_json(loaded)
    elif tenant is None:
        columns = (
            Column("tenant_id", "tenant", full=True),
            Column("intervals", spare=True),
            Column("first", spare=True),
            "newest",
            "missing",
            "partial",
            "late",
            Column("quarantined", "rejected"),
        )
        print_table(loaded.tenants, columns, title="Traffic")
    else:
        print_view(loaded.tenants[0], title=f"Traffic of {tenant}")
        names = ("channel", "direction", Column("application_id", "app"), Column("interval_seconds", "step"))
        print_table(loaded.series, [*names, "newest", "intervals", "missing", "partial"], title="Series")
        gaps = [gap for series in loaded.series for gap in series.gaps]
        if gaps:
            print_table(gaps, title="Gaps")


_ALWAYS = ("files", "read", "stored", "replaced", "unchanged", "quarantined", "refused")
"""What is shown of an ingest in any case; the rest where there is some."""


def _print(result: IngestResult, *, as_json: bool) -> None:
    further = [field.name for field in fields(result) if field.name not in _ALWAYS]
    shown = [
        *_ALWAYS,
        *(name for name in further if getattr(result, name)),
        *(["notes"] if result.notes else []),
    ]
    print_view(result, shown, as_json=as_json, title="Traffic")
