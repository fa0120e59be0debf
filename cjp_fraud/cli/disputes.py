"""``cjp-fraud disputes``: what tenants say against a finding, and who decides it."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.measure_options import (
    Applications,
    Channels,
    Destinations,
    Directions,
    Origins,
    Principals,
    Rate,
    print_offered,
    scope_of,
)
from cjp_fraud.cli.printing import Column, print_table, stamp
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.review.model import DisputeDecision, WrongCause
from cjp_fraud.review.requests import MeasureWanted

app = typer.Typer(no_args_is_help=True)


_COLUMNS = (
    Column("id", "dispute", full=True),
    "case",
    Column("tenant_id", "tenant", full=True),
    "state",
    Column("answer_due_at", "answer due"),
)


@app.command("open")
def open_(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")],
    as_user: AsOption,
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="The tenant's words.")],
) -> None:
    """Enter a tenant's dispute; a measure's first is to be answered within 60 minutes, others in a business day."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    entered = cases.open_dispute(opened, as_user, opened.now, case, text)
    typer.echo(f"dispute {entered.dispute_id} opened; answer due {stamp(entered.answer_due_at)}")
    if entered.enforcement is not None:
        typer.echo(
            f"  by the contract, filing stops the measure; case {entered.case.number} is {entered.case.state}"
        )
        for sentence in entered.enforcement.waiting_for:
            typer.echo(f"  {sentence}")


@app.command()
def decide(
    ctx: typer.Context,
    dispute: Annotated[
        str, typer.Argument(metavar="DISPUTE", help="Its id, or how it begins (disputes list).")
    ],
    decision: Annotated[DisputeDecision, typer.Argument(help="upheld is for the tenant.")],
    as_user: AsOption,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons of the decision.")],
    cause: Annotated[
        WrongCause | None,
        typer.Option("--cause", help="What the measure goes back to, if upheld; else: measures assess."),
    ] = None,
) -> None:
    """Decide a dispute, as somebody who took no part in its case; upheld lifts at once what is in force.

    Upheld shuts the gate for good, and withdraws a notice whose measure has not begun. Exit code 1 where the
    restriction is not known to be gone (run-due tries again), or the customer was not told.
    """
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    upheld = decision is DisputeDecision.UPHELD
    decided = cases.decide_dispute(
        opened, as_user, opened.now, dispute, upheld=upheld, reasons=because, cause=cause
    )
    number, state = decided.case.number, decided.case.state
    typer.echo(f"dispute {decided.dispute_id}: {decided.state}; case {number} is {state}")
    for sentence in decided.enforcement.waiting_for if decided.enforcement is not None else ():
        typer.echo(f"  {sentence}")
    if decided.may_still_restrict:
        typer.echo("  the restriction is not known to be gone; cjp-fraud run-due tries again until it is")
    if decided.may_still_restrict or (decided.enforcement is not None and decided.enforcement.waiting_for):
        raise typer.Exit(1)


@app.command()
def narrow(
    ctx: typer.Context,
    dispute: Annotated[
        str, typer.Argument(metavar="DISPUTE", help="Its id, or how it begins (disputes list).")
    ],
    measure: Annotated[MeasureKind, typer.Option(help="What stays restricted (disputes narrower CASE).")],
    as_user: AsOption,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons of the decision.")],
    channel: Channels = None,
    direction: Directions = None,
    application: Applications = None,
    principal: Principals = None,
    destination: Destinations = None,
    origin: Origins = None,
    rate: Rate = None,
    cause: Annotated[
        WrongCause | None,
        typer.Option("--cause", help="What the part that was too wide goes back to; else: measures assess."),
    ] = None,
) -> None:
    """Decide a dispute in part for the customer: the finding stands, and the measure restricts less at once.

    By somebody who took no part in the case. Exit code 1 where the platform is not known to have narrowed it (run-due
    tries again), or the customer was not told.
    """
    from cjp_fraud.operations import narrowing

    opened = deployment(ctx)
    scope = scope_of(channel, direction, application, principal, destination, origin, rate)
    done = narrowing.narrow_dispute(
        opened,
        as_user,
        opened.now,
        dispute,
        wanted=MeasureWanted(measure, scope),
        reasons=because,
        cause=cause,
    )
    typer.echo(f"dispute {done.dispute_id}: {done.state}; case {done.case.number} is {done.case.state}")
    typer.echo(f"  still restricted: {done.restricts}")
    for sentence in done.enforcement.waiting_for:
        typer.echo(f"  {sentence}")
    if done.confirmed_at is None:
        typer.echo("  more than that may still be restricted; cjp-fraud run-due tries again")
    if done.confirmed_at is None or done.enforcement.waiting_for:
        raise typer.Exit(1)


@app.command()
def narrower(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")],
    as_json: JsonOption = False,
) -> None:
    """List what a case's measure can be narrowed to, the narrowest first, replayed on the frozen traffic."""
    from cjp_fraud.operations import narrowing

    opened = deployment(ctx)
    offered = narrowing.narrower_measures(opened, opened.now, case)
    print_offered(offered, as_json=as_json, title="Narrower measures, the narrowest first")


@app.command("list")
def list_disputes(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List disputes, the one due first on top."""
    from cjp_fraud.operations import case_queue

    listed = case_queue.list_disputes(deployment(ctx), decided_too=everything)
    print_table(listed, _COLUMNS, as_json=as_json, title="Disputes")
