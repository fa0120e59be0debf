"""``cjp-fraud cases determine`` and ``grounds``: find that flagged traffic is fraudulent, and on which grounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, look_at_home, progress
from cjp_fraud.cli.measure_options import (
    Applications,
    Calls,
    Channels,
    Days,
    Destinations,
    Directions,
    Hours,
    MeasureOption,
    Origins,
    Principals,
    Rate,
    WhyWider,
    measure_wanted,
    print_offered,
    scope_of,
)
from cjp_fraud.cli.printing import Column, print_table, stamp
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import Finding, NamedEvidence, TenantsPart
from cjp_fraud.review.requests import FraudFinding

if TYPE_CHECKING:
    from cjp_fraud.operations.cases import DeterminationResult

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")]
Because = Annotated[
    str, typer.Option("--because", metavar="TEXT", help="The reasons; they are kept on record.")
]
TakenOver = Annotated[
    bool,
    typer.Option(
        "--taken-over",
        help="The account may have been taken over: every address of the contract is served. "
        "Some grounds say so by themselves.",
    ),
]


def determine(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    because: Because,
    finding: Annotated[
        Finding, typer.Option(help="fraudulent draws up a proposal; undetermined leaves the case in review.")
    ] = Finding.FRAUDULENT,
    part: Annotated[
        TenantsPart | None, typer.Option(help="The tenant's part in the fraud; needed with fraudulent.")
    ] = None,
    ground: Annotated[
        list[Ground] | None,
        typer.Option(
            metavar="GROUND",
            help="Why it is fraud (cases grounds CASE); may be repeated; needed with fraudulent.",
        ),
    ] = None,
    flag: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Flags that are fraud; all of the case by default.")
    ] = None,
    taken_over: TakenOver = False,
    rests_on: Annotated[
        list[NamedEvidence] | None,
        typer.Option(help="On what of the evidence the finding rests; may be repeated."),
    ] = None,
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
    calls: Calls = None,
    because_wider: WhyWider = None,
) -> None:
    """Determine whether the flagged traffic is fraudulent, as a reviewer.

    Fraudulent freezes the evidence and draws up the proposal that another person approves: the measure, its
    scope and end, the letter, whom it goes to. Without --measure, the flagged channels' outbound traffic.
    """
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    if finding is Finding.NOT_FRAUDULENT:
        raise typer.BadParameter("not fraudulent is recorded by: cjp-fraud cases dismiss CASE --because TEXT")
    if finding is Finding.UNDETERMINED:
        if part is not None or ground or flag or taken_over or measure is not None or days or hours:
            raise typer.BadParameter(
                "--part, --ground, --flag, --taken-over, --measure, --days and --hours go with fraudulent only"
            )
        standing = cases.leave_undetermined(opened, as_user, opened.now, case, reasons=because)
        typer.echo(f"case {standing.number}: undetermined; it stays in review")
        return
    scope = scope_of(channel, direction, application, principal, destination, origin, rate, calls)
    planned = measure_wanted(measure, scope, days=days, hours=hours, why_wider=because_wider)
    with progress("determination") as report:
        report(0, 1, "freezing the evidence")
        finding_of_fraud = FraudFinding(
            because, part, planned, flag, ground or (), taken_over, rests_on or ()
        )
        result = cases.determine(opened, as_user, opened.now, case, finding_of_fraud)
    _tell_proposal(result)


def measures(ctx: typer.Context, case: CaseArgument, as_json: JsonOption = False) -> None:
    """List the measures that could meet a case's fraud, the narrowest first, replayed on the flagged traffic.

    Each says which part of the excess it would have stopped, and how many usual contacts an hour it would have cut.
    Whoever chooses a wider one than the smallest that stops 95 % says why (--because-wider).
    """
    from cjp_fraud.operations import measure_choice

    opened = deployment(ctx)
    offered = measure_choice.measures_of_case(opened, opened.now, case)
    print_offered(offered, as_json=as_json, title="Measures, the narrowest first")


def grounds(
    ctx: typer.Context,
    case: Annotated[
        str | None, typer.Argument(metavar="CASE", help="Only those that fit its flagged traffic.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the catalogue of grounds for a finding of fraud, with what the customer reads of each."""
    from cjp_fraud.operations.grounds import grounds_of_case, list_grounds

    look_at_home(ctx)
    columns = (Column("ground", full=True), Column("words", "what the customer reads", wraps=True))
    listed = list_grounds() if case is None else grounds_of_case(deployment(ctx), case)
    print_table(listed, columns, as_json=as_json, title="Grounds")


def _tell_proposal(result: DeterminationResult) -> None:
    """Say what was proposed, until when it can be approved, and what stands in the way."""
    proposal = result.proposal
    typer.echo(f"case {result.case.number}: determined; proposal {proposal.number} in mode {proposal.mode}")
    typer.echo(f"  sha256   {proposal.sha256}")
    typer.echo(f"  measure  {proposal.measure.kind} for {proposal.measure.hours} hours")
    typer.echo(f"  expires  {stamp(proposal.expires_at)}, unless another person approves it")
    for obstacle in proposal.obstacles:
        typer.echo(f"  it cannot be approved as it stands: {obstacle}")
    for remark in proposal.remarks:
        typer.echo(f"  note for the approver: {remark}")
