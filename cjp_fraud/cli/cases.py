"""``cjp-fraud cases``: what people review and decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.attachments import attach, download
from cjp_fraud.cli.claims import answer, ask, claim, claim_next, hand_over, put_aside, release, say_standing
from cjp_fraud.cli.determination import Because, CaseArgument, determine, grounds, measures
from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, progress
from cjp_fraud.cli.joint_note import tell_joint_events
from cjp_fraud.cli.ordered_letters import breach, warn, withdraw_letter
from cjp_fraud.cli.printing import Column, print_json, print_table, stamp
from cjp_fraud.review.model import (
    Capacity,
    CaseReason,
    CaseState,
    QueueFilter,
    QueueOrder,
)

if TYPE_CHECKING:
    from cjp_fraud.suspension.enforcement import EnforcementReport

app = typer.Typer(no_args_is_help=True)

_QUEUE = (
    Column("number", "case"),
    Column("tenant_id", "tenant", full=True),
    "state",
    Column("top_score", "score"),
    "flags",
    Column("claimed_by", "held by", spare=True),
    Column("flags_since", "since\nclosed", spare=True),
    Column("last_flag_at", "last flag"),
)
_CONTRADICTED = Column("person_due_at", "NOTICE\nCONTRADICTED:\ndecide by")
_TO_SETTLE = Column("reports_to_settle", "messages\nfor a person")
_TOGETHER = Column("others_flagged", "others\ntogether")
_HELD = Column("stages_held_at", "REINSTATEMENT\nHELD since")
_KNOWN = Column("known_as", "known event")
_OVERFLOW = (
    Column("episode_id", "episode", full=True),
    Column("tenant_id", "tenant", full=True),
    Column("expected_loss", "loss,\ncents"),
    Column("charge_known", "charge\nknown", spare=True),
    Column("top_score", "score", spare=True),
    Column("flags", spare=True),
    Column("last_flag_at", "last flag"),
)


@app.command("list")
def list_cases(
    ctx: typer.Context,
    state: Annotated[list[CaseState] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="Only this tenant's.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    by_age: Annotated[bool, typer.Option("--by-age", help="Oldest first, not worst first.")] = False,
    by_score: Annotated[
        bool, typer.Option("--by-score", help="Highest score first, not worst first.")
    ] = False,
    overflow: Annotated[
        bool, typer.Option("--overflow", help="Episodes beyond the hour's cap; claim one by its id.")
    ] = False,
    reason: Annotated[CaseReason | None, typer.Option(help="Only cases flagged for this.")] = None,
    country: Annotated[str | None, typer.Option(metavar="CODE", help="Only from or to this country.")] = None,
    plan: Annotated[str | None, typer.Option(help="Only tenants with this plan.")] = None,
    mentions_me: Annotated[
        bool, typer.Option("--mentions-me", help="Only cases with a comment that names --as USER, unread.")
    ] = False,
    as_user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who reads; their roles may be narrowed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most cases on a page.")] = 100,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The next page: what the page before named.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the queue, worst first (what costs most per hour, then the most unusual).

    These are cases that are not closed, and closed ones flagged since.
    """
    from cjp_fraud.operations import case_queue

    if mentions_me and as_user is None:
        raise typer.BadParameter("say who you are: --as USER", param_hint="--mentions-me")
    opened = deployment(ctx)
    if overflow:
        print_table(
            case_queue.list_overflow(opened, by=as_user), _OVERFLOW, as_json=as_json, title="Overflow"
        )
        return
    states = frozenset(CaseState) if everything else frozenset(state) if state else None
    if by_age and by_score:
        raise typer.BadParameter("one order at a time: --by-age or --by-score", param_hint="--by-score")
    order = QueueOrder.AGE if by_age else QueueOrder.SCORE if by_score else QueueOrder.WORST
    queue_filter = QueueFilter(
        *(states, tenant, order),
        reason=reason,
        country=country,
        plan=plan,
        mentions=as_user if mentions_me else None,
    )
    page = case_queue.list_cases(opened, queue_filter, limit=limit, after=after, by=as_user)
    if as_json:
        print_json(page)
        return
    contradicted = [_CONTRADICTED] if any(case.person_due_at for case in page.cases) else []
    to_settle = [_TO_SETTLE] if any(case.reports_to_settle for case in page.cases) else []
    together = [_TOGETHER] if any(case.others_flagged for case in page.cases) else []
    held = [_HELD] if any(case.stages_held_at for case in page.cases) else []
    known = [_KNOWN] if any(case.known_events for case in page.cases) else []
    print_table(page.cases, [*_QUEUE, *known, *together, *contradicted, *to_settle, *held], title="Cases")
    if len(page.counts) > 1:
        typer.echo("  " + ", ".join(f"{count} {name}" for name, count in page.counts.items()))
    if page.overflow:
        typer.echo(f"  {page.overflow} more episode(s) over the hour's cap: cjp-fraud cases list --overflow")
    if after is None:
        tell_joint_events(page.joint_events)
    if page.next_cursor is not None:
        typer.echo(f"  next page: the same command with --after {page.next_cursor}")


@app.command()
def show(ctx: typer.Context, case: CaseArgument, as_json: JsonOption = False) -> None:
    """Show a case: why it was flagged, what people decided, what is proposed, and what the gate says."""
    from cjp_fraud.cli.case_page import print_case
    from cjp_fraud.operations import case_page

    opened = deployment(ctx)
    page = case_page.show_case(opened, opened.now, case)
    if as_json:
        print_json(page)
    else:
        print_case(page)


app.command()(claim)
app.command("next")(claim_next)
app.command("hand-over")(hand_over)
app.command("put-aside")(put_aside)
app.command()(ask)
app.command()(answer)
app.command()(release)


@app.command()
def comment(
    ctx: typer.Context,
    case: CaseArgument,
    text: Annotated[str, typer.Argument(help="What to write on the case.")],
    as_user: AsOption,
) -> None:
    """Write on a case; who does takes part in it, and may not approve it."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    say_standing(cases.comment(opened, as_user, opened.now, case, text))


app.command()(attach)
app.command()(download)
app.command()(determine)
app.command()(grounds)
app.command()(measures)
app.command()(warn)
app.command()(breach)
app.command("withdraw-letter")(withdraw_letter)


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
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    with progress("carrying out") as report:
        report(0, 1, f"case {case}")
        result = cases.approve_and_carry_out(
            opened, as_user, opened.now, case, expected_sha256=sha256, capacity=capacity
        )
    number = result.case.number
    before = f" already, {stamp(result.approved_at)}; it is carried on" if result.given_before else ""
    typer.echo(
        f"case {number}: proposal {result.proposal_sha256[:12]}… approved as {result.capacity}{before}"
    )
    if result.enforcement is None:
        typer.echo(f"  it stays {result.case.state}: the other capacity's approval is needed too")
        return
    tell(result.enforcement, str(number))
    if result.enforcement.state is CaseState.NOTICE_FAILED:
        typer.echo(
            "  no method that the contract permits reached the customer: correct the address or the terms "
            f"(tenants load), then withdraw and reopen the case: cjp-fraud cases withdraw {number} --as USER "
            "--because TEXT"
        )
        raise typer.Exit(1)


@app.command()
def emergency(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    because: Because,
    sha256: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="The version that you read."),
    ] = None,
) -> None:
    """Take the proposed measure at once, as a reviewer, where counsel has marked a ground without prior notice.

    It ends by itself after 30 minutes, unless somebody who took no part approves it by then (cases approve).
    """
    from cjp_fraud.operations import emergency as emergencies

    opened = deployment(ctx)
    with progress("carrying out") as report:
        report(0, 1, f"case {case}")
        result = emergencies.order_in_emergency(
            opened, as_user, opened.now, case, reasons=because, expected_sha256=sha256
        )
    number = result.case.number
    before = f" already, {stamp(result.ordered_at)}; it is carried on" if result.given_before else ""
    typer.echo(f"case {number}: ordered in an emergency{before}")
    tell(result.enforcement, str(number))
    typer.echo(
        f"  it ends by itself at {stamp(result.unless_approved_by)} unless somebody who took no part approves it: "
        f"cjp-fraud cases approve {number} --as USER"
    )


@app.command("return")
def return_(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Return the proposal to review with a comment (approver), or take it back (reviewer)."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    say_standing(cases.return_proposal(opened, as_user, opened.now, case, reasons=because))


@app.command()
def refuse(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Refuse the proposal, as an approver or counsel who took no part: the finding does not hold.

    The case goes back to review. The same finding is not put forward again unless it names something new.
    """
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    say_standing(cases.refuse_proposal(opened, as_user, opened.now, case, reasons=because))


@app.command()
def dismiss(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Determine that the traffic is not fraudulent, and close the case."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    say_standing(cases.dismiss(opened, as_user, opened.now, case, reasons=because))


@app.command()
def reopen(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Open a dismissed, expired or withdrawn case again."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    say_standing(cases.reopen(opened, as_user, opened.now, case, reasons=because))


@app.command()
def withdraw(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Withdraw what was approved; a withdrawal notice follows where anything had gone out.

    Exit code 1 where that notice was not sent.
    """
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    with progress("carrying out") as report:
        report(0, 1, f"case {case}")
        done = cases.withdraw_and_notify(opened, as_user, opened.now, case, reasons=because)
    tell(done, case)
    if done.waiting_for:
        typer.echo("  the customer was not told that the notice is withdrawn")
        raise typer.Exit(1)


@app.command()
def stop(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Order, as counsel, that nothing be restricted on this case until the stop is cleared."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    ordered = cases.order_stop(opened, as_user, opened.now, case, reasons=because)
    typer.echo(f"case {ordered.case.number}: stopped ({ordered.stop_id})")


@app.command("clear-stop")
def clear_stop(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    because: Because,
    stop_id: Annotated[
        str | None, typer.Option("--stop", metavar="ID", help="If several stand: its id, or how it begins.")
    ] = None,
    notice: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Let this notice stand in spite of what came back about it."),
    ] = None,
) -> None:
    """Clear an order of counsel, or let a contradicted notice stand."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    if notice is not None:
        stands = cases.let_notice_stand(opened, as_user, opened.now, case, notice, reasons=because)
        number, resolved = stands.case.number, stands.reports_resolved
        typer.echo(f"case {number}: {resolved} message(s) about notice {notice} resolved")
        return
    cleared = cases.clear_stop(opened, as_user, opened.now, case, reasons=because, stop_id=stop_id)
    typer.echo(f"case {cleared.case.number}: stop {cleared.stop_id} cleared")


def tell(done: EnforcementReport, case: str) -> None:
    """Say how far a case has come."""
    typer.echo(f"case {case}: {done.state}")
    for sentence in done.waiting_for:
        typer.echo(f"  {sentence}")
    if done.next_at is not None:
        typer.echo(f"  next at {stamp(done.next_at)}")
