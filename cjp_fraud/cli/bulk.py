"""``cjp-fraud bulk``: cases of one shared cause, dismissed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table, stamp
from cjp_fraud.review.model import BulkResult, CauseKind
from cjp_fraud.review.requests import BulkWanted

if TYPE_CHECKING:
    from cjp_fraud.operations.bulk import BulkView

app = typer.Typer(no_args_is_help=True)

CauseArgument = Annotated[
    str, typer.Argument(metavar="CAUSE", help="Its id, or how it begins (bulk causes).")
]
BulkArgument = Annotated[str, typer.Argument(metavar="BULK", help="Its id, or how it begins (bulk list).")]


@app.command()
def causes(ctx: typer.Context, as_user: AsOption, as_json: JsonOption = False) -> None:
    """List what cases in the queue have in common, and how many of them could be dismissed together."""
    from cjp_fraud.operations import bulk

    opened = deployment(ctx)
    columns: list[str | Column] = [Column("id", full=True), "count", Column("words", "cause", wraps=True)]
    print_table(
        bulk.list_causes(opened, as_user, opened.now), columns, as_json=as_json, title="Shared causes"
    )


@app.command()
def cause(ctx: typer.Context, cause: CauseArgument, as_user: AsOption, as_json: JsonOption = False) -> None:
    """Show the cases of a cause: which would be dismissed, and why others would be left."""
    from cjp_fraud.operations import bulk

    opened = deployment(ctx)
    shown = bulk.show_cause(opened, as_user, opened.now, cause)
    if as_json:
        print_json(shown)
        return
    typer.echo(shown.words)
    columns: list[str | Column] = [
        Column("number", "case"),
        Column("tenant_id", "tenant", full=True),
        "state",
        "holder",
        Column("left_because", wraps=True),
    ]
    print_table(shown.cases, columns, as_json=False, title="Cases")
    typer.echo(
        f"{shown.count} case(s) would be dismissed: cjp-fraud bulk dismiss {cause} --cases {shown.count}"
    )


@app.command()
def dismiss(
    ctx: typer.Context,
    cause: CauseArgument,
    as_user: AsOption,
    kind: Annotated[CauseKind, typer.Option(help="What the cases have in common.")],
    cases: Annotated[
        int, typer.Option(help="How many they are (bulk cause); with another number nothing is done.")
    ],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Stored with each case.")],
) -> None:
    """Dismiss the undecided cases of a cause together; fraud is found case by case."""
    from cjp_fraud.operations import bulk

    opened = deployment(ctx)
    wanted = BulkWanted(kind, cases, because)
    _tell(bulk.dismiss_together(opened, as_user, opened.now, cause, wanted))


@app.command()
def undo(ctx: typer.Context, bulk_dismissal: BulkArgument, as_user: AsOption) -> None:
    """Open the cases of a bulk dismissal again that nobody touched since."""
    from cjp_fraud.operations import bulk

    opened = deployment(ctx)
    _tell(bulk.undo(opened, as_user, opened.now, bulk_dismissal))


@app.command("list")
def list_bulks(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List bulk dismissals, the newest first; --json prints what became of each case too."""
    from cjp_fraud.operations import bulk

    opened = deployment(ctx)
    columns: list[str | Column] = [
        Column("id", full=True),
        "at",
        "by",
        "kind",
        Column("cause", wraps=True),
        "undo_until",
        "undone_at",
    ]
    print_table(bulk.list_bulks(opened, opened.now), columns, as_json=as_json, title="Bulk dismissals")


def _tell(done: BulkView) -> None:
    counts = ", ".join(f"{done.count(result)} {result}" for result in BulkResult if done.count(result))
    typer.echo(f"bulk dismissal {done.id}: {counts}")
    for each in done.cases:
        if each.why_not is not None:
            typer.echo(f"  case {each.case}: {each.result}: {each.why_not}")
    if done.can_be_undone:
        typer.echo(f"  until {stamp(done.undo_until)}: cjp-fraud bulk undo {done.id} --as USER")
