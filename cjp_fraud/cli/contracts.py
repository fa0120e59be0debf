"""``cjp-fraud contracts``: what contracts allow, and from when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.consents import confirm_consent, consents, end_consent, enter_consent
from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, moment
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view, stamp, table_console

if TYPE_CHECKING:
    from cjp_fraud.deployment import Deployment
    from cjp_fraud.operations.contracts import EarliestView

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
    for measures in _alike(found):
        _print_earliest(measures)
    binds = found[0].binds if found else ()
    for text in (
        ("the contract also says, of any measure:", *(f"  {each}" for each in binds)) if binds else ()
    ):
        table_console().print(text, markup=False, highlight=False, soft_wrap=True)


def _alike(found: Sequence[EarliestView]) -> list[list[EarliestView]]:
    """Return the measures in groups of which the same is to be said; the proposed one stands first, and alone."""
    groups: dict[tuple[object, ...], list[EarliestView]] = {}
    for each in sorted(found, key=lambda view: not view.proposed):
        same = (each.proposed, each.earliest_at, each.path, each.missing_then)
        groups.setdefault(same, []).append(each)
    return list(groups.values())


def _print_earliest(measures: Sequence[EarliestView]) -> None:
    console, first = table_console(), measures[0]

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    when = stamp(first.earliest_at) if first.earliest_at is not None else "never, as things stand"
    names = ", ".join(each.measure for each in measures)
    line(f"{names}{' (proposed)' if first.proposed else ''}: {when}")
    for title, sentences in (
        ("fastest path", first.path),
        ("missing now", first.missing if first.proposed else ()),
        ("missing at that minute, unless people do it", first.missing_then),
    ):
        if sentences:
            line(f"  {title}:")
            for sentence in sentences:
                line(f"    {sentence}")


_ENTRY_FIELDS = (
    "id",
    "tenant_id",
    "file_name",
    "state",
    "entered_by",
    "entered_at",
    "decided_by",
    "decided_at",
)
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
    from cjp_fraud.operations import contract_entries

    opened = deployment(ctx)
    loaded = contract_entries.load(opened, as_user, opened.now, file)
    print_view(loaded, as_json=as_json, title="Contract loaded")


@app.command()
def enter(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Contract as counsel read it: .toml or .json.")],
    as_user: AsOption,
    as_json: JsonOption = False,
) -> None:
    """Enter a contract, as counsel: it counts once a second person has confirmed it (confirm-entry).

    The file names no other files: give proofs as dms:ID and write notice terms out.
    """
    from cjp_fraud.operations import contract_entries

    opened = deployment(ctx)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}") from None
    entry = contract_entries.enter_text(opened, as_user, opened.now, file.name, text)
    print_view(entry, _ENTRY_FIELDS, as_json=as_json, title="Contract entered; it waits for a second person")


@app.command("entries")
def list_entries(
    ctx: typer.Context,
    all_there_are: Annotated[bool, typer.Option("--all", help="Also those that were decided.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the contracts that were entered and wait for a second person."""
    from cjp_fraud.operations import contract_entries

    found = contract_entries.list_entries(deployment(ctx), all_there_are=all_there_are)
    print_table(found, _ENTRY_FIELDS, as_json=as_json, title="Contracts entered")


_EntryArgument = Annotated[str, typer.Argument(metavar="ENTRY", help="Its id (contracts entries).")]


@app.command("confirm-entry")
def confirm_entry(
    ctx: typer.Context, entry: _EntryArgument, as_user: AsOption, as_json: JsonOption = False
) -> None:
    """Put an entered contract on record, as a second person; the tenant's open cases are checked again."""
    from cjp_fraud.operations import contract_entries

    opened = deployment(ctx)
    confirmed = contract_entries.confirm_entry(opened, as_user, opened.now, entry)
    if as_json:
        print_json(confirmed)
        return
    print_view(confirmed.loaded, title="Contract loaded")
    for case in confirmed.cases:
        typer.echo(f"case {case.number} ({case.state}): {'; '.join(case.missing) or 'nothing is missing'}")


@app.command("withdraw-entry")
def withdraw_entry(ctx: typer.Context, entry: _EntryArgument, as_user: AsOption) -> None:
    """Withdraw an entered contract that nobody has confirmed, as counsel."""
    from cjp_fraud.operations import contract_entries

    opened = deployment(ctx)
    contract_entries.withdraw_entry(opened, as_user, opened.now, entry)
    typer.echo(f"entry {entry} is withdrawn by {as_user}")


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
            "terms": (
                "Notice terms",
                (
                    "name",
                    Column("says", wraps=True),
                    Column("clause", wraps=True),
                    Column("version", spare=True),
                    Column("page_sha256", "page's SHA-256", spare=True),
                ),
            ),
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


@app.command()
def offers(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show the versions of the offer description: where sold, what excluded, how bought, whose data are processed."""
    from cjp_fraud.operations import contracts

    columns = ("version", "countries", "excluded", "purchase_models", "deployments")
    print_table(contracts.offers(deployment(ctx)), columns, as_json=as_json, title="Offers")


app.command("enter-consent")(enter_consent)
app.command("consents")(consents)
app.command("confirm-consent")(confirm_consent)
app.command("end-consent")(end_consent)


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
