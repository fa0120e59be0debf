"""``cjp-fraud evidence``: a case's proof in one file, verifiable anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, PublicKeyOption, deployment, progress
from cjp_fraud.cli.printing import Column, print_json, print_view

app = typer.Typer(no_args_is_help=True)

_EXPORTED = (
    *("file", "case_id", "sha256", "files", "entries", "head_sha256"),
    Column("signed_head.head.key_id", "signed with"),
    "faults",
)


@app.command()
def export(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id; a case in any state.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="File to write.")],
    as_user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who exports; the machine's account if absent.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write everything that is on record of a case into one file, from the flags to the log.

    The export goes on record itself. Exit code 1 where what is on record does not hold (the file is written).
    """
    from cjp_fraud.operations import evidence

    opened = deployment(ctx)
    with progress("exporting the evidence") as report:
        report(0, 1, f"case {case}")
        exported = evidence.export_case(opened, as_user, opened.now, case, out, replace=force)
    print_view(exported, _EXPORTED, as_json=as_json, title="Exported")
    if not exported.faults:
        return
    typer.echo(f"What is on record of the case does not hold: {len(exported.faults)} faults.", err=True)
    raise typer.Exit(1)


@app.command()
def verify(
    ctx: typer.Context,
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE.zip", help="A file that evidence export wrote.")],
    against_database: Annotated[
        bool,
        typer.Option("--against-database", help="Also ask the database whether the head is in its chain."),
    ] = False,
    public_key: PublicKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a bundle with nothing but the file: digests, the chain, its signed head, who approved what, the order.

    In the home whose key signed it, the heads in its second place are compared too; elsewhere, give the --public-key
    that you keep: without it a bundle cannot show that the whole log was not written anew. Exit code 1 where anything
    does not hold.
    """
    from cjp_fraud.operations import evidence

    with progress("verifying the bundle") as report:
        report(0, 1, bundle.name)
        home = deployment(ctx)
        verification = evidence.verify_bundle(
            bundle, home if against_database else None, home=home, public_keys=public_key or []
        )
    if as_json:
        print_json(verification)
    else:
        typer.echo(
            f"case {verification.case_id or '?'}: {verification.files} files, "
            f"{verification.entries} entries of the log"
        )
        typer.echo(f"head {verification.head_sha256 or '?'}")
        if verification.simulated_clock:
            typer.echo("SIMULATED CLOCK: the bundle is of a trial, and proves nothing that really happened.")
        for note in verification.notes:
            typer.echo(f"  note: {note}")
        for sentence in verification.erased:
            typer.echo(f"  ERASED: {sentence}")
        for fault in verification.faults:
            typer.echo(f"  FAULT: {fault}")
        typer.echo(
            "The bundle holds."
            if verification.holds
            else f"The bundle does NOT hold: {len(verification.faults)} faults."
        )
    if not verification.holds:
        raise typer.Exit(1)
