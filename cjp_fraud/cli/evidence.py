"""``cjp-fraud evidence``: a case's proof in one file, verifiable anywhere."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, person, print_json, print_record, progress
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.log_verification import chain_holds_head
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import reading

app = typer.Typer(no_args_is_help=True, help="Evidence bundles: export a case, verify a bundle.")


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
    opened = deployment(ctx)
    by = machine("account-of-this-machine")
    if as_user is not None:
        with reading(opened.engine) as session:
            by = person(session, as_user)
    with progress("exporting the evidence") as report:
        report(0, 1, f"case {case}")
        exported = export_evidence(opened.engine, case, out, by, opened.now, force=force)
    print_record(asdict(exported), as_json=as_json, title="Exported")
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
    as_json: JsonOption = False,
) -> None:
    """Verify a bundle with nothing but the file: digests, the chain, who approved what, the order of things.

    A bundle cannot show by itself that the whole log was not written anew: compare its head with one that is
    kept elsewhere, or give --against-database. Exit code 1 where anything does not hold.
    """
    with progress("verifying the bundle") as report:
        report(0, 1, bundle.name)
        found = verify_file(bundle)
    if against_database and found.head_sha256:
        against = chain_holds_head(deployment(ctx).engine, found.entries, found.head_sha256)
        found = replace(found, faults=(*found.faults, *against))
    if as_json:
        print_json(
            {
                "holds": found.holds,
                "case_id": found.case_id,
                "files": found.files,
                "entries": found.entries,
                "head_sha256": found.head_sha256,
                "faults": list(found.faults),
            }
        )
    else:
        typer.echo(f"case {found.case_id or '?'}: {found.files} files, {found.entries} entries of the log")
        typer.echo(f"head {found.head_sha256 or '?'}")
        for fault in found.faults:
            typer.echo(f"  FAULT: {fault}")
        typer.echo(
            "The bundle holds." if found.holds else f"The bundle does NOT hold: {len(found.faults)} faults."
        )
    if not found.holds:
        raise typer.Exit(1)
