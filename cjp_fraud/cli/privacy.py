"""``cjp-fraud privacy``: erase a tenant's texts, and hold them where the law wants them kept."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view, stamp

app = typer.Typer(no_args_is_help=True)

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes on record.")]

_COLUMNS = (
    Column("id", "hold", full=True),
    Column("tenant_id", "tenant"),
    "case",
    Column("held_by", "by"),
    Column("held_at", "since"),
    Column("released_at", "released"),
)


@app.command()
def erase(
    ctx: typer.Context,
    tenant_id: Annotated[str, typer.Argument(metavar="TENANT", help="Whose texts.")],
    as_user: AsOption,
    reason: ReasonOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be erased, or why not.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase, as counsel, a tenant's texts: words, addresses, letters, dialogues, reports, and the tenant's name.

    Their digests stay: the log and every bundle verify, and say what was erased when. Refused under a legal hold, and
    while a case is not closed. Addresses that stand in the tenants file come back when it is loaded again.
    """
    from cjp_fraud.operations import privacy

    opened = deployment(ctx)
    erasure = privacy.erase(opened, as_user, opened.now, tenant_id, reason=reason, dry_run=dry_run)
    if as_json:
        print_json(erasure)
    elif erasure.nothing_left:
        before = f"; erased at {stamp(erasure.erased_before)}" if erasure.erased_before is not None else ""
        typer.echo(f"tenant {tenant_id}: nothing is left to erase{before}")
    else:
        print_view(erasure, _ERASED, title="Would be erased" if dry_run else "Erased")


@app.command()
def hold(
    ctx: typer.Context,
    tenant_id: Annotated[str, typer.Argument(metavar="TENANT", help="Whose texts.")],
    as_user: AsOption,
    reason: ReasonOption,
    case: Annotated[
        str | None, typer.Option(metavar="CASE", help="For the sake of one case (number or id).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Order, as counsel, that nothing of a tenant be erased until the hold is released; it stops nothing else."""
    from cjp_fraud.operations import privacy

    opened = deployment(ctx)
    made = privacy.hold(opened, as_user, opened.now, tenant_id, reason=reason, case=case)
    print_view(made, as_json=as_json, title="Held")


@app.command("release-hold")
def release_hold(
    ctx: typer.Context,
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help="Its id, or how it begins (privacy holds).")],
    as_user: AsOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Release a legal hold, as counsel."""
    from cjp_fraud.operations import privacy

    opened = deployment(ctx)
    released = privacy.release_hold(opened, as_user, opened.now, hold_id, reason=reason)
    print_view(released, as_json=as_json, title="Released")


@app.command("holds")
def list_holds(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the legal holds that stand, oldest first."""
    from cjp_fraud.operations import privacy

    holds = privacy.list_holds(deployment(ctx), released_too=everything)
    print_table(holds, _COLUMNS, as_json=as_json, title="Legal holds")


_ERASED = (
    "tenant_id",
    "name",
    "texts",
    "addresses",
    "letters",
    "attempts",
    "attachments",
    "reports",
    "files",
)
