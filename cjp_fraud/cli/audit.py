"""``cjp-fraud audit``: the log of every step, and whether it holds."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from cjp_fraud.audit.chain import GENESIS
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.cli.frame import JsonOption, deployment, print_json, print_rows, progress
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import reading

app = typer.Typer(no_args_is_help=True, help="The audit log: list it, verify it.")


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
    as_json: JsonOption = False,
) -> None:
    """Recompute the whole chain, then compare every decision on record with what the log tells of it.

    Keep the head that it prints somewhere else: only that shows that nobody wrote the whole log anew.
    Exit code 1 where anything does not hold.
    """
    head = _head(expect_head)
    with progress("verifying the audit log") as report:
        found = verify_log(deployment(ctx).engine, expect_head=head, report=report)
    if as_json:
        print_json(
            {
                "holds": found.holds,
                "entries": found.entries,
                "head_sha256": found.head_sha256,
                "faults": list(found.faults),
            }
        )
    else:
        typer.echo(f"{found.entries} entries, head {found.head_sha256}")
        for fault in found.faults:
            typer.echo(f"  FAULT: {fault}")
        typer.echo(
            "The audit log holds; the decisions on record agree with it."
            if found.holds
            else f"The audit log does NOT hold: {len(found.faults)} faults."
        )
    if not found.holds:
        raise typer.Exit(1)


@app.command("list")
def list_entries(
    ctx: typer.Context,
    case: Annotated[
        str | None, typer.Option(metavar="CASE", help="Only of this case (number or id).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List the newest entries of the log, oldest first."""
    with reading(deployment(ctx).engine) as session:
        wanted = select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(limit)
        if case is not None:
            wanted = wanted.where(AuditEntry.case_id == case_id_of(session, case))
        rows = [
            {
                "sequence": entry.sequence,
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "subject_type": entry.subject_type,
                "subject_id": entry.subject_id,
                "case_id": entry.case_id,
                "content": entry.content,
                "entry_sha256": entry.entry_sha256,
            }
            for entry in reversed(session.scalars(wanted).all())
        ]
    shown = ("sequence", "at", "actor", "action", "subject_type", "subject_id")
    print_rows(rows, as_json=as_json, title="Audit log", columns=shown)


def _head(text: str | None) -> str | None:
    if text is None:
        return None
    digest = text.strip().lower()
    if len(digest) != len(GENESIS) or set(digest) - set("0123456789abcdef"):
        raise typer.BadParameter(
            f"{text!r} is no head of a log; give the 64 hex digits that audit verify prints"
        )
    return digest
