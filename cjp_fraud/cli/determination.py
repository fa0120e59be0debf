"""``cjp-fraud cases determine`` and ``grounds``: find that flagged traffic is fraudulent, and on which grounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, look_at_home, progress
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
)
from cjp_fraud.cli.printing import Column, print_table, stamp
from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import Finding, FraudFinding, TenantsPart

if TYPE_CHECKING:
    from cjp_fraud.operations.cases import DeterminationResult

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")]
Because = Annotated[
    str, typer.Option("--because", metavar="TEXT", help="The reasons; they are kept on record.")
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
        if part is not None or ground or flag or measure is not None or days or hours:
            raise typer.BadParameter(
                "--part, --ground, --flag, --measure, --days and --hours go with fraudulent only"
            )
        standing = cases.leave_undetermined(opened, as_user, opened.now, case, reasons=because)
        typer.echo(f"case {standing.number}: undetermined; it stays in review")
        return
    scope = Scope(
        channels=tuple(channel or ()),
        directions=tuple(direction or ()),
        application_ids=tuple(application or ()),
        principal_ids=tuple(principal or ()),
        destination_prefixes=tuple(destination or ()),
        origins=tuple(origin or ()),
        contacts_per_hour=rate,
    )
    planned = measure_wanted(measure, scope, days=days, hours=hours)
    with progress("determination") as report:
        report(0, 1, "freezing the evidence")
        finding_of_fraud = FraudFinding(because, part, planned, flag, ground or ())
        result = cases.determine(opened, as_user, opened.now, case, finding_of_fraud)
    _tell_proposal(result)


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
