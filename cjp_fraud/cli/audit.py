"""``cjp-fraud audit``: the log of every step, and whether it holds."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, PublicKeyOption, deployment, moment, progress
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view, stamp

app = typer.Typer(no_args_is_help=True)


@app.command()
def verify(
    ctx: typer.Context,
    expect_head: Annotated[
        str | None,
        typer.Option(
            metavar="DIGEST",
            help="A head kept elsewhere (a bundle's, a printed one); it must be in the chain.",
        ),
    ] = None,
    public_key: PublicKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the whole chain; compare it with the signed heads, and every decision on record with the log.

    The signed heads in the second place (CJP_FRAUD_HEADS_URL) show that nobody wrote the whole log anew. Exit code 1
    where anything does not hold.
    """
    from cjp_fraud.operations import audit_log

    head = _head(expect_head)
    with progress("verifying the audit log") as report:
        verification = audit_log.verify_log(
            deployment(ctx), expect_head=head, public_keys=public_key or [], report=report
        )
    if as_json:
        print_json(verification)
    else:
        typer.echo(f"{verification.entries} entries, head {verification.head_sha256}")
        signed = verification.signed_head
        if signed is not None:
            typer.echo(
                f"newest signed head: entry {signed.sequence} of {verification.entries}, signed "
                f"{stamp(signed.signed_at)}, in {signed.place}"
            )
        for note in verification.notes:
            typer.echo(f"  note: {note}")
        for fault in verification.faults:
            typer.echo(f"  FAULT: {fault}")
        typer.echo(
            "The audit log holds; the decisions on record agree with it."
            if verification.holds
            else f"The audit log does NOT hold: {len(verification.faults)} faults."
        )
        if verification.application_owns:
            typer.echo(f"NOTE: {verification.application_owns}")
    if not verification.holds:
        raise typer.Exit(1)


@app.command("list")
def list_entries(
    ctx: typer.Context,
    case: Annotated[
        str | None, typer.Option(metavar="CASE", help="Only of this case (number or id).")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="USER", help="Only what this user or machine (system:detect) did.")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this action; all that begin so where it ends in a point (case.).")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Only from here on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only before.")] = None,
    before: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help="Only entries with a smaller number.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Search the log: the newest entries, oldest first."""
    from cjp_fraud.operations import audit_log

    columns = (
        Column("sequence", "no"),
        "at",
        Column("actor_name", "by"),
        "action",
        Column("subject_id", "subject", full=True),
    )
    search = audit_log.LogSearch(by, action, moment(since), moment(until))
    found = audit_log.list_entries(deployment(ctx), search, case=case, limit=limit, before=before)
    print_table(found.entries[::-1], columns, as_json=as_json, title="Audit log")


@app.command()
def sign(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Sign the head of the log now, write it to the second place and mail it; run-due does so daily."""
    from cjp_fraud.operations import head_keeping

    opened = deployment(ctx)
    print_view(head_keeping.sign_and_keep(opened, opened.now), as_json=as_json, title="Signed head")


@app.command()
def key(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Print the public key that verifies signed heads, and where these are kept."""
    from cjp_fraud.operations import head_keeping

    print_view(head_keeping.show_head_key(deployment(ctx)), as_json=as_json, title="Key of signed heads")


def _head(text: str | None) -> str | None:
    if text is None:
        return None
    digest = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise typer.BadParameter(
            f"{text!r} is no head of a log; give the 64 hex digits that audit verify prints"
        )
    return digest
