"""``cjp-fraud evidence``: a case's proof in one file, verifiable anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, progress, settings
from cjp_fraud.cli.printing import Column, print_json, print_view
from cjp_fraud.cli.printing import stamp as moment_in_words
from cjp_fraud.compliance.model import Edition
from cjp_fraud.errors import CjpFraudError

if TYPE_CHECKING:
    from cjp_fraud.deployment import Deployment
    from cjp_fraud.operations.evidence import BundleReport

app = typer.Typer(no_args_is_help=True)

_EXPORTED = (
    *("file", "case_id", "edition", "sha256", "files", "entries", "head_sha256"),
    Column("signed_head.head.key_id", "signed with"),
    Column("time_stamp.at", "time\nstamp"),
    "faults",
)
_STAMPED = (
    *("file", "manifest_sha256"),
    Column("time_stamp.at", "time\nstamp"),
    Column("time_stamp.authority", "authority"),
    Column("time_stamp.vouched_for", "vouched\nfor"),
)
_COMPARED = ("same", "case_id", "rows", "opened")

KeyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        "--public-key",
        metavar="PUBLIC.pem",
        help="A public key that you keep: only what is signed with it counts. May be given more than once.",
    ),
]
RootsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--tsa-roots",
        metavar="ROOTS.pem",
        help="Root certificates that a time stamp must lead to. May be given more than once.",
    ),
]


@app.command()
def export(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id; a case in any state.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="File to write.")],
    as_user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who exports; the machine's account if absent.")
    ] = None,
    edition: Annotated[
        Edition,
        typer.Option(help="internal: everything; disclosable: what may be handed to the customer."),
    ] = Edition.INTERNAL,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write what is on record of a case into one file, from the flags to the log, with a summary as PDF.

    The export goes on record itself. Exit code 1 where what is on record does not hold (the file is written).
    """
    from cjp_fraud.operations import evidence

    opened = deployment(ctx)
    with progress("exporting the evidence") as report:
        report(0, 1, f"case {case}")
        exported = evidence.export_case(
            opened, as_user, opened.now, case, out, replace=force, edition=edition
        )
    print_view(exported, _EXPORTED, as_json=as_json, title="Exported")
    for note in exported.notes:
        typer.echo(f"note: {note}", err=True)
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
    key: KeyOption = None,
    tsa_roots: RootsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a bundle with nothing but the file and a key: signature, digests, the log, who approved what, the order.

    With --key no home, no settings, no database and no network are needed or used. Without it, in the home whose key
    signed the bundle, the heads in its second place are compared too; elsewhere the key in the bundle itself is taken,
    which shows only that the bundle is of one piece. Exit code 1 where anything does not hold.
    """
    from cjp_fraud.operations import evidence

    with progress("verifying the bundle") as report:
        report(0, 1, bundle.name)
        home, unusable = (None, None) if key and not against_database else _home(ctx, needed=against_database)
        verification = evidence.verify_bundle(
            bundle,
            home if against_database else None,
            home=home,
            public_keys=key or [],
            tsa_roots=tsa_roots or [],
        )
    if as_json:
        print_json(verification)
    else:
        if unusable is not None:
            typer.echo(f"  note: the home here was not asked: {unusable}")
        _print_verification(verification)
    if not verification.holds:
        raise typer.Exit(1)


@app.command("stamp")
def attach_stamp(
    ctx: typer.Context,
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE.zip", help="A file that evidence export wrote.")],
    tsa_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Time stamp authority; CJP_FRAUD_TSA_URL by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have an authority time-stamp a bundle (RFC 3161): its answer is put beside the manifest, all else stays."""
    from cjp_fraud.operations import evidence

    with progress("asking the authority") as report:
        report(0, 1, bundle.name)
        stamped = evidence.stamp_bundle(bundle, settings(ctx), url=tsa_url)
    print_view(stamped, _STAMPED, as_json=as_json, title="Time stamp")


@app.command()
def compare(
    internal: Annotated[Path, typer.Argument(metavar="INTERNAL.zip", help="The internal edition.")],
    disclosable: Annotated[Path, typer.Argument(metavar="DISCLOSABLE.zip", help="The disclosable edition.")],
    as_json: JsonOption = False,
) -> None:
    """Show that two editions are of the same facts: every digest of what is withheld is made again.

    Verify each of them first. Exit code 1 where they differ.
    """
    from cjp_fraud.operations import evidence

    with progress("comparing the editions") as report:
        report(0, 1, internal.name)
        compared = evidence.compare_editions(internal, disclosable)
    print_view(compared, _COMPARED, as_json=as_json, title="Compared")
    if not as_json:
        for note in compared.notes:
            typer.echo(f"  note: {note}")
        for fault in compared.faults:
            typer.echo(f"  FAULT: {fault}")
    if not compared.same:
        raise typer.Exit(1)


def _home(ctx: typer.Context, *, needed: bool) -> tuple[Deployment | None, str | None]:
    """Return the deployment in force; where its settings cannot be used and it is not needed, why."""
    try:
        return deployment(ctx), None
    except CjpFraudError as error:
        if needed:
            raise
        return None, str(error)


def _print_verification(verification: BundleReport) -> None:
    typer.echo(
        f"case {verification.case_id or '?'}: {verification.edition} edition, {verification.files} files, "
        f"{verification.entries} entries of the log"
    )
    typer.echo(f"head {verification.head_sha256 or '?'}")
    if verification.manifest_signed:
        typer.echo(f"manifest signed with key {verification.key_id or '?'}")
    if verification.time_stamp is not None:
        typer.echo(
            f"time stamp {moment_in_words(verification.time_stamp.at)} by {verification.time_stamp.authority}"
        )
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
