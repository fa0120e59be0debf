"""``cjp-fraud contracts``: what contracts allow, and from when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, moment
from cjp_fraud.cli.printing import print_json, print_table, print_view, stamp, table_console

if TYPE_CHECKING:
    from cjp_fraud.deployment import Deployment

app = typer.Typer(no_args_is_help=True)


@app.callback()
def contracts() -> None:
    """Contracts: what they allow, and from when."""


@app.command()
def earliest(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")],
    as_json: JsonOption = False,
) -> None:
    """Show from which minute each measure is lawful, what is missing until then, and the fastest path there.

    It is the gate's own answer: at that minute it is open if nothing else is missing, and a minute before it is shut.
    """
    from cjp_fraud.operations import contracts

    opened = deployment(ctx)
    found = contracts.earliest(opened, opened.now, case)
    if as_json:
        print_json(found)
        return
    console = table_console()

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for measure in found:
        when = stamp(measure.earliest_at) if measure.earliest_at is not None else "never, as things stand"
        line(f"{measure.measure}{' (proposed)' if measure.proposed else ''}: {when}")
        for title, sentences in (
            ("fastest path", measure.path),
            ("missing now", measure.missing),
            ("missing at that minute, unless people do it", measure.missing_then),
        ):
            if sentences and (measure.proposed or title != "missing now"):
                line(f"  {title}:")
                for sentence in sentences:
                    line(f"    {sentence}")


_AtOption = Annotated[
    str | None, typer.Option("--at", metavar="DATE", help="Day or moment (ISO 8601); now where absent.")
]
_TenantArgument = Annotated[str, typer.Argument(metavar="TENANT", help="On record (tenants show).")]


@app.command()
def load(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Contract as counsel read it: .toml or .json.")],
    as_user: AsOption,
    as_json: JsonOption = False,
) -> None:
    """Put a contract on record, as counsel: all of FILE or, where it has a fault, nothing.

    Documents with amendments and supplements, notices of provisioning, addresses, notice terms. The same file again
    changes nothing. Who loads it may not approve for this tenant for 30 days.
    """
    from cjp_fraud.operations import contracts

    opened = deployment(ctx)
    print_view(contracts.load(opened, as_user, opened.now, file), as_json=as_json, title="Contract loaded")


@app.command()
def show(
    ctx: typer.Context, tenant: _TenantArgument, at: _AtOption = None, as_json: JsonOption = False
) -> None:
    """Show a tenant's contract at a date, each value beside its source."""
    from cjp_fraud.operations import contracts

    opened = deployment(ctx)
    print_view(
        contracts.show(opened, opened.now, tenant, _moment(opened, tenant, at)),
        as_json=as_json,
        title=f"Contract of tenant {tenant}",
        tables={
            "provisioning_notices": (
                "Notices of provisioning",
                ("given_on", "part", "how", "proof", "source", "recorded_at"),
            ),
            "values": ("Sources", ("name", "says", "page", "source", "recorded_at")),
        },
    )


@app.command()
def explain(
    ctx: typer.Context, tenant: _TenantArgument, at: _AtOption = None, as_json: JsonOption = False
) -> None:
    """Explain which document governs a tenant at a date and why, its right, its term, its notice terms, its offer."""
    from cjp_fraud.operations import contracts

    opened = deployment(ctx)
    view = contracts.explain(opened, opened.now, tenant, _moment(opened, tenant, at))
    if as_json:
        print_json(view)
        return
    console = table_console()
    for topic in view.chain:
        for text in (f"{topic.topic}:", *(f"  {step}" for step in topic.steps)):
            console.print(text, markup=False, highlight=False, soft_wrap=True)


@app.command()
def addresses(
    ctx: typer.Context,
    tenant: _TenantArgument,
    at: _AtOption = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="MOMENT", help="By what was on record then; now where absent."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which addresses were true at a moment, by what was on record at another."""
    from cjp_fraud.operations import contracts

    opened = deployment(ctx)
    found = contracts.addresses(opened, opened.now, tenant, _moment(opened, tenant, at), moment(known_at))
    columns = ("role", "method", "address", "valid_from", "valid_to", "recorded_at", "verified_at")
    print_table(found, columns, as_json=as_json, title=f"Addresses of tenant {tenant}")


def _moment(opened: Deployment, tenant: str, text: str | None) -> datetime | None:
    """Return the moment that an option means; a bare date is noon of the tenant's local day."""
    if text is None or len(text) != len("2026-01-31"):
        return moment(text)
    from zoneinfo import ZoneInfo

    day = moment(text)
    zone = opened.zones.get(tenant)
    if day is None or zone is None:
        return day
    return day.replace(hour=12, tzinfo=ZoneInfo(zone))
