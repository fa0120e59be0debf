"""``cjp-fraud tenants``: who is served, under which contract."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, progress
from cjp_fraud.cli.printing import Column, print_table, print_view

app = typer.Typer(no_args_is_help=True)


@app.command()
def load(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="Tenants file: .csv, .json or .toml; tenant_id and time_zone are required.")
    ],
    as_user: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="USER", help="Who edits the contract data (and may then not approve for 30 days)."
        ),
    ] = None,
    feed: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A feed edits, declared in CJP_FRAUD_FEEDS; a person confirms it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put the tenants of FILE on record: all of them or, where the file has a fault, none.

    Loading a file again changes nothing. A column that the file does not have leaves what is on record.
    Where governing_document, term_from, term_to, provisioning_notice_date, provisioning_notice_proof,
    notice_method and notice_address are all given, the plain notice terms stand; where one is missing
    they are not read, and the tenant can be flagged and reviewed, never suspended.
    """
    from cjp_fraud.operations.tenants import load_tenants

    opened = deployment(ctx)
    with _collecting_garbage_rarely(), progress("loading tenants") as report:
        loaded = load_tenants(opened, as_user, opened.now, file, feed=feed, report=report)
    print_view(loaded, as_json=as_json, title="Tenants loaded")


@app.command()
def confirm(
    ctx: typer.Context,
    tenant_id: Annotated[str, typer.Argument(help="Tenant whose contract data a feed has changed.")],
    as_user: AsOption,
) -> None:
    """Confirm, as counsel or a second approver, what a feed changed; a measure on the tenant waits for it."""
    from cjp_fraud.operations.tenants import confirm_contract

    opened = deployment(ctx)
    confirm_contract(opened, as_user, opened.now, tenant_id)
    typer.echo(f"tenant {tenant_id}: what feeds have changed until now is confirmed by {as_user}")


@app.command()
def show(
    ctx: typer.Context,
    tenant_id: Annotated[
        str | None, typer.Argument(help="One tenant in full; all where it is left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the tenants, or where one stands under its contract now."""
    from cjp_fraud.operations.tenants import list_tenants, show_tenant

    opened = deployment(ctx)
    if tenant_id is None:
        print_table(list_tenants(opened), _COLUMNS, as_json=as_json, title="Tenants")
        return
    print_view(
        show_tenant(opened, opened.now, tenant_id),
        _FIELDS,
        as_json=as_json,
        title=f"Tenant {tenant_id}",
        tables={"recipients": ("Recipients of a notice", ("role", "method", "replaced_at", "address_id"))},
    )


@app.command()
def claims(
    ctx: typer.Context,
    tenant_id: Annotated[str, typer.Argument(help="Tenant whose claims view is made.")],
    out: Annotated[Path, typer.Option(help="The PDF that is written.")],
    as_user: AsOption,
    first: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of the tenant's calendar; default 90 days."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, included; default today.")
    ] = None,
) -> None:
    """Write a dated PDF of a tenant's use, cases, measures and disputes, as on record now; who did is on record."""
    from cjp_fraud.operations.tenant_page import claims_view

    opened = deployment(ctx)
    made = claims_view(
        opened,
        as_user,
        opened.now,
        tenant_id,
        first=first.date() if first else None,
        last=last.date() if last else None,
    )
    out.write_bytes(made.pdf)
    typer.echo(f"{out}: {made.first} to {made.last}, SHA-256 {made.sha256}")


_COLUMNS = (
    Column("tenant_id", "tenant", full=True),
    "time_zone",
    Column("country", "in"),
    Column("language", "lang", spare=True),
    "critical",
    Column("notice_terms", "terms"),
    Column("deployment_fault", "refused"),
)
_FIELDS = (
    "provider_id",
    "time_zone",
    "country",
    "language",
    "critical",
    "hosting",
    "product",
    "deployment",
    "governing_document",
    "right",
    "term_from",
    "term_to",
    "provisioning_notice_date",
    "provisioning_notice_part",
    "provisioning_notice_proof",
    "notice_clause",
    "notice_terms_fault",
    "longest_measure_hours",
    "filing_stops",
)


@contextmanager
def _collecting_garbage_rarely() -> Iterator[None]:
    """Let many objects be made before Python looks for garbage: all of them are kept to the end of the block.

    By default it looks after each 700 new ones: a fifth of the time that thousands of tenants take.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
