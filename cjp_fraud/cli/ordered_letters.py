"""`cjp-fraud cases warn`, `breach` and `withdraw-letter`: letters that a person orders on a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.determination import Because, CaseArgument
from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, progress
from cjp_fraud.cli.measure_options import (
    Applications,
    Channels,
    Days,
    Destinations,
    Directions,
    Hours,
    MeasureOption,
    Origins,
    Principals,
    Rate,
    measure_wanted,
    scope_of,
)
from cjp_fraud.cli.printing import print_json, stamp

if TYPE_CHECKING:
    from cjp_fraud.operations.ordered_letters import OrderedLetter


def warn(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    because: Because,
    taken_over: Annotated[
        bool,
        typer.Option(
            "--taken-over",
            help="The account may have been taken over: every address of the contract is served.",
        ),
    ] = False,
    measure: MeasureOption = None,
    days: Days = None,
    hours: Hours = None,
    channel: Channels = None,
    direction: Directions = None,
    application: Applications = None,
    principal: Principals = None,
    destination: Destinations = None,
    origin: Origins = None,
    rate: Rate = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a conditional warning before the determination, where the contract allows it.

    Whether it then is the notice that a measure needs is for the contract to say. Nothing is restricted before what the
    warning states. Without --measure, it announces the flagged channels' outbound traffic.
    """
    from cjp_fraud.operations import ordered_letters
    from cjp_fraud.review.requests import WarningWanted

    opened = deployment(ctx)
    scope = scope_of(channel, direction, application, principal, destination, origin, rate)
    wanted = WarningWanted(because, measure_wanted(measure, scope, days=days, hours=hours), taken_over)
    with progress("warning") as report:
        report(0, 1, f"case {case}")
        ordered = ordered_letters.warn(opened, as_user, opened.now, case, wanted)
    _tell(ordered, as_json=as_json)


def breach(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    because: Because,
    term: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Term of the contract that is not met, in the contract's language."
        ),
    ],
    cure_days: Annotated[
        int | None,
        typer.Option(min=1, max=366, help="Calendar days to put it right; where the contract states none."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a notice of breach with its cure period, as an approver or counsel who did not determine the fraud.

    Nothing is restricted before the cure period is over.
    """
    from cjp_fraud.operations import ordered_letters
    from cjp_fraud.review.requests import BreachWanted

    opened = deployment(ctx)
    wanted = BreachWanted(because, term, cure_days)
    _tell(ordered_letters.notify_breach(opened, as_user, opened.now, case, wanted), as_json=as_json)


def withdraw_letter(
    ctx: typer.Context,
    case: CaseArgument,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Id of its plan, or how it begins.")],
    as_user: AsOption,
    because: Because,
) -> None:
    """Withdraw a warning or a notice of breach, and tell the customer; it then holds nothing back any more."""
    from cjp_fraud.cli.cases import tell
    from cjp_fraud.operations import ordered_letters

    opened = deployment(ctx)
    tell(ordered_letters.withdraw_letter(opened, as_user, opened.now, case, plan, reasons=because), case)


def _tell(ordered: OrderedLetter, *, as_json: bool) -> None:
    """Say what was sent, and what it counts for; exit code 1 where it did not leave."""
    if as_json:
        print_json(ordered)
    else:
        typer.echo(f"case {ordered.case}: {ordered.kind.replace('_', ' ')}, plan {ordered.plan_id}")
        if ordered.complete_at is not None:
            typer.echo(f"  nothing is restricted before {stamp(ordered.complete_at)}")
        if ordered.suffices is not None:
            typer.echo(
                "  the contract lets it be the notice that this very measure needs"
                if ordered.suffices
                else "  the contract does not let it be a measure's notice: one follows the determination"
            )
        for sentence in ordered.enforcement.waiting_for:
            typer.echo(f"  {sentence}")
    if ordered.enforcement.waiting_for:
        raise typer.Exit(1)
