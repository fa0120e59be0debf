"""``cjp-fraud cases``: what people review and decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import typer

from cjp_fraud.cli.case_page import print_case
from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, person, print_json, print_rows, progress
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
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.judged_rows import judged_rows
from cjp_fraud.review import approval, determination, stops
from cjp_fraud.review import claim as claims
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.model import Capacity, CaseState, Finding, TenantsPart
from cjp_fraud.review.queue import overflow_list, queue
from cjp_fraud.review.tables import Case
from cjp_fraud.review.views import case_view
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.enforcement import EnforcementReport, enforce
from cjp_fraud.suspension.follow_up import follow_up_due
from cjp_fraud.suspension.views import gate_view, measure_rows

app = typer.Typer(no_args_is_help=True, help="Cases: look at them, decide them, approve what follows.")

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons; kept with it.")]

_EPISODE = re.compile(r"[0-9a-f]{32}")


@app.command("list")
def list_cases(
    ctx: typer.Context,
    state: Annotated[list[CaseState] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="Only this tenant's.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    by_age: Annotated[bool, typer.Option("--by-age", help="Oldest first, not highest score first.")] = False,
    overflow: Annotated[
        bool, typer.Option("--overflow", help="Episodes beyond the hour's cap; claim one by its id.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the queue, highest score first: cases that are not closed, and closed ones flagged since."""
    states = list(CaseState) if everything else state
    with reading(deployment(ctx).engine) as session:
        if overflow:
            rows: list[Any] = list(overflow_list(session))
            title = "Overflow"
        else:
            rows = list(queue(session, states=states, tenant_id=tenant, by_age=by_age))
            title = "Cases"
    columns = None if overflow else _COLUMNS
    print_rows([_fields(row) for row in rows], as_json=as_json, title=title, columns=columns)


_COLUMNS = (
    "number",
    "tenant_id",
    "state",
    "top_score",
    "flags",
    "flags_since",
    "first_flag_at",
    "last_flag_at",
    "claimed_by",
)


@app.command()
def show(ctx: typer.Context, case: CaseArgument, as_json: JsonOption = False) -> None:
    """Show a case: why it was flagged, what people decided, what is proposed, and what the gate says."""
    opened = deployment(ctx)
    with reading(opened.engine) as session:
        case_id = case_id_of(session, case)
        view = case_view(session, case_id, opened.now)
        row = session.get(Case, case_id)
        assert row is not None, "it was found"
        view["gate"] = gate_view(session, row, opened.practice, opened.now)
        view["measures"] = measure_rows(session, case_id=case_id)
    if as_json:
        print_json(view)
    else:
        print_case(view)


@app.command()
def claim(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id, or an overflow episode.")],
    as_user: AsOption,
) -> None:
    """Take a case to work on it; nobody else may claim it until it is released."""
    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        by = person(session, as_user)
        if _EPISODE.fullmatch(case):
            row = claims.claim_overflow(session, case, by, opened.now)
        else:
            row = claims.claim(session, case_id_of(session, case), by, opened.now)
    _say(row)


@app.command()
def release(ctx: typer.Context, case: CaseArgument, as_user: AsOption) -> None:
    """Give a claimed case back to the queue."""
    _say(_decide(ctx, case, as_user, claims.release))


@app.command()
def comment(
    ctx: typer.Context,
    case: CaseArgument,
    text: Annotated[str, typer.Argument(help="What to write on the case.")],
    as_user: AsOption,
) -> None:
    """Write on a case; who does takes part in it, and may not approve it."""
    _say(_decide(ctx, case, as_user, claims.comment, text))


@app.command()
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
    opened = deployment(ctx)
    practice = opened.practice
    if finding is Finding.NOT_FRAUDULENT:
        raise typer.BadParameter("not fraudulent is recorded by: cjp-fraud cases dismiss CASE --because TEXT")
    if finding is Finding.UNDETERMINED:
        if part is not None or flag or measure is not None or days or hours:
            raise typer.BadParameter("--part, --flag, --measure, --days and --hours go with fraudulent only")
        _decide(ctx, case, as_user, determination.leave_undetermined, reasons=because)
        typer.echo(f"case {case}: undetermined; it stays in review")
        return
    lasts = timedelta(days=days or 0, hours=hours or 0) or practice.measure_review
    wanted = measure_wanted(
        measure,
        lasts,
        channels=channel,
        directions=direction,
        applications=application,
        principals=principal,
        destinations=destination,
        origins=origin,
        rate=rate,
    )
    with progress("determination") as report, transaction(opened.engine) as session:
        report(0, 1, "freezing the evidence")
        proposal = determination.determine_fraud(
            session,
            case_id_of(session, case),
            person(session, as_user),
            opened.now,
            tenants_part=part,
            reasons=because,
            measure=wanted,
            duration=lasts,
            practice=practice,
            read_rows=judged_rows(opened.lake),
            flag_ids=flag,
        )
        view = case_view(session, proposal.case_id, opened.now)
    drawn = view["proposals"][-1]
    typer.echo(f"case {view['number']}: determined; proposal {drawn['number']} in mode {drawn['mode']}")
    typer.echo(f"  sha256   {drawn['sha256']}")
    typer.echo(f"  measure  {drawn['measure']['kind']} for {drawn['measure']['hours']} hours")
    typer.echo(f"  expires  {drawn['expires_at']:%Y-%m-%d %H:%M:%SZ}, unless another person approves it")
    for obstacle in drawn["obstacles"]:
        typer.echo(f"  it cannot be approved as it stands: {obstacle}")


@app.command()
def approve(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    sha256: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="The version that you read."),
    ] = None,
    capacity: Annotated[
        Capacity | None, typer.Option(help="As approver or as counsel; approver where you are one.")
    ] = None,
) -> None:
    """Approve the proposal, and carry it out at once: the notice, then the measure when the gate opens."""
    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        case_id, by = case_id_of(session, case), person(session, as_user)
        standing = approval.approval_to_carry_out(
            session, case_id, by, expected_sha256=sha256, capacity=capacity
        )
        given = standing or approval.approve(
            session, case_id, by, opened.now, expected_sha256=sha256, capacity=capacity
        )
        row = session.get(Case, case_id)
        assert row is not None, "it was found"
        state = row.state
    before = f" already, {given.at:%Y-%m-%d %H:%M:%SZ}; it is carried on" if standing else ""
    typer.echo(f"case {case}: proposal {given.proposal_sha256[:12]}… approved as {given.capacity}{before}")
    if standing:
        _carry(opened, case_id, case)
        return
    if state is not CaseState.APPROVED:
        typer.echo(f"  it stays {state}: the other capacity's approval is needed too")
        return
    _carry(opened, case_id, case)


@app.command("return")
def return_(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Return the proposal to review with a comment (approver), or take it back (reviewer)."""
    _say(_decide(ctx, case, as_user, approval.return_, because))


@app.command()
def dismiss(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Determine that the traffic is not fraudulent, and close the case."""
    _decide(ctx, case, as_user, determination.dismiss, reasons=because)
    typer.echo(f"case {case}: dismissed")


@app.command()
def reopen(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Open a dismissed, expired or withdrawn case again."""
    _say(_decide(ctx, case, as_user, determination.reopen, reasons=because))


@app.command()
def withdraw(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Withdraw what was approved; a withdrawal notice follows where anything had gone out."""
    opened = deployment(ctx)
    with reading(opened.engine) as session:
        case_id, _ = case_id_of(session, case), person(session, as_user)
        withdrawn = session.get_one(Case, case_id).state is CaseState.WITHDRAWN
    if not (withdrawn and follow_up_due(opened.engine, case_id)):
        _decide(ctx, case, as_user, determination.withdraw, reasons=because)
    _carry(opened, case_id, case)


@app.command()
def stop(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Order, as counsel, that nothing be restricted on this case until the stop is cleared."""
    ordered = _decide(ctx, case, as_user, stops.order_stop, because)
    typer.echo(f"case {case}: stopped ({ordered.id})")


@app.command("clear-stop")
def clear_stop(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    because: Because,
    stop_id: Annotated[str | None, typer.Option("--stop", metavar="ID", help="If several stand.")] = None,
    notice: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Let this notice stand in spite of reports that it did not arrive."),
    ] = None,
) -> None:
    """Clear an order of counsel, or let a contradicted notice stand."""
    if notice is not None:
        resolved = _decide(ctx, case, as_user, stops.let_notice_stand, notice, because)
        typer.echo(f"case {case}: {resolved} reports against notice {notice} resolved")
        return
    cleared = _decide(ctx, case, as_user, stops.clear_stop, stop_id, because)
    typer.echo(f"case {case}: stop {cleared.id} cleared")


def _decide(
    ctx: typer.Context,
    case: str,
    as_user: str,
    transition: Callable[..., Any],
    *words: str | None,
    **reasons: str,
) -> Any:
    """Run one transition of a case in its transaction."""
    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        case_id, by = case_id_of(session, case), person(session, as_user)
        return transition(session, case_id, by, opened.now, *words, **reasons)


def _carry(opened: Deployment, case_id: str, case: str) -> None:
    with progress("carrying out") as report:
        report(0, 1, f"case {case}")
        done = enforce(
            opened.engine,
            opened.mail,
            opened.platform,
            case_id,
            opened.now,
            opened.practice,
        )
    tell(done, case)


def tell(done: EnforcementReport, case: str) -> None:
    """Say how far a case has come."""
    typer.echo(f"case {case}: {done.state}")
    for sentence in done.waiting_for:
        typer.echo(f"  {sentence}")
    if done.next_at is not None:
        typer.echo(f"  next at {done.next_at:%Y-%m-%d %H:%M:%SZ}")


def _say(row: Case) -> None:
    typer.echo(f"case {row.number}: {row.state}")


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
