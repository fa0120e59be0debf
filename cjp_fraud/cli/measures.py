"""``cjp-fraud measures``: take, keep, end and check restrictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, progress
from cjp_fraud.cli.measure_ledger import assess, find_wrong, ledger
from cjp_fraud.cli.printing import Column, print_json, print_table, stamp
from cjp_fraud.cli.stages import Lift, Stages, hold_stages, reinstate_in_stages, resume_stages, stages
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.review.model import RestoreCheck
from cjp_fraud.suspension.model import MeasureOutcome, PlatformOutcome

if TYPE_CHECKING:
    from cjp_fraud.deployment import Deployment
    from cjp_fraud.operations.due_run import DueRun
    from cjp_fraud.suspension.traffic_look import TrafficLook

app = typer.Typer(no_args_is_help=True)
app.command("ledger")(ledger)
app.command("find-wrong")(find_wrong)
app.command("assess")(assess)
app.command("stages")(stages)
app.command("hold-stages")(hold_stages)
app.command("resume-stages")(resume_stages)

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons; kept with it.")]
Checks = Annotated[
    list[RestoreCheck] | None, typer.Option(help="What you saw to before; may be repeated, kept with it.")
]
_COLUMNS = (
    "case",
    Column("tenant_id", "tenant", full=True),
    "kind",
    Column("standing", "state"),
    Column("review_at", "lapses unless\nreaffirmed by"),
)
_MOST_FLAGS = 10
"""Flags of a look that are printed."""

_ENTITLEMENTS = (
    Column("measure_id", "measure"),
    Column("tenant_id", "tenant"),
    "kind",
    "emergency_calls",
    "ends_at",
)
_DISAGREEMENT = (
    Column("measure_id", "measure"),
    "kind",
    "repaired",
    Column("sentence", "what it means", wraps=True),
)


@app.command()
def apply(
    ctx: typer.Context,
    case: CaseArgument,
    needed_because: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Say again that it is needed, where no flag is fresh."),
    ] = None,
    as_user: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who says so; only with --needed-because.")
    ] = None,
) -> None:
    """Take the approved measure of a case, on its standing approval, if all nine points of the gate hold."""
    from cjp_fraud.operations import measures

    opened = deployment(ctx)
    if (needed_because is None) != (as_user is None):
        raise typer.BadParameter(
            "--needed-because and --as USER go together; the measure itself runs as system"
        )
    outcome = measures.apply(opened, opened.now, case, by=as_user, needed_because=needed_because)
    _report(outcome, case, aim=PlatformOutcome.IN_FORCE)


def run_due(
    ctx: typer.Context,
    with_traffic: Annotated[
        bool,
        typer.Option(
            "--traffic/--no-traffic",
            help="Before it take the inbox in and detect over new traffic; not where a schedule does.",
        ),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Do what is due: new traffic, delivery reports, expiries, letters, measures, lapses; by cron every minute.

    Exit code 1 where something waits that only people can mend: a gate that is shut, a letter that did not arrive.
    """
    from cjp_fraud.operations import due_run

    opened = deployment(ctx)
    if with_traffic:
        _take_up_new_traffic(opened)
    done = due_run.run_due(opened, opened.now)
    if as_json:
        print_json(done)
    else:
        _print_due_run(done)
    if done.needs_people:
        raise typer.Exit(1)


def _take_up_new_traffic(opened: Deployment) -> None:
    """Take up new traffic; a fault there keeps nothing else from what is due."""
    from cjp_fraud.operations.new_traffic import take_up_new_traffic

    try:
        done = take_up_new_traffic(opened, opened.now)
    except CjpFraudError as error:
        typer.echo(f"new traffic: {error}", err=True)
        return
    for name, reason in done.refused:
        typer.echo(f"  inbox/refused/{name}: {reason}", err=True)
    if done.rows_stored or done.hours_scored:
        typer.echo(
            f"{done.rows_stored} row(s) of traffic stored, {done.hours_scored} hour(s) scored, "
            f"{done.cases_opened} case(s) opened",
            err=True,
        )


def _print_due_run(done: DueRun) -> None:
    report, numbers = done.resumed, done.case_numbers
    typer.echo(
        f"{done.new_delivery_events} delivery event(s), {len(report.expired)} proposal(s) expired, "
        f"{len(report.moved)} case(s) moved on, {done.letters_sent} letter(s) handed over"
        + (f", {len(done.told_late)} customer(s) told late of a measure" if done.told_late else "")
    )
    if done.head is not None:
        typer.echo(f"  head of the audit log signed: entry {done.head.sequence}, in {done.head.place}")
    for moved in report.moved:
        typer.echo(f"  case {numbers[moved.case_id]}: {moved.state}")
    for each in done.contradictions:
        number = numbers[each.case_id]
        typer.echo(
            f"  case {number}: a report says that its notice did not arrive; a person decides by "
            f"{stamp(each.answer_due_at)} whether it stands: cjp-fraud cases clear-stop {number} "
            f"--notice {each.notice_id} --as USER --because TEXT"
        )
    for item in done.work_items:
        typer.echo(
            f"  case {numbers[item.case_id]}: a message about notice {item.notice_id} needs a person by "
            f"{stamp(item.due_at)}: {item.why}; cjp-fraud notices work-items lists them"
        )
    for gate in done.shut:
        typer.echo(
            f"  case {gate.case}: its gate is shut: {gate.reason}; cjp-fraud cases show {gate.case} says all"
        )
    for letter in done.failed_letters:
        typer.echo(f"  {letter.sentence}")
    for untold in done.told_late:
        typer.echo(f"  case {numbers[untold.case_id]}: {untold.sentence}")
    for number in done.caps.begun:
        typer.echo(f"  case {number}: capped, as the customer has signed")
    for sentence in done.caps.waiting:
        typer.echo(f"  {sentence}")


@app.command("list")
def list_measures(
    ctx: typer.Context,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="Only this case's.")] = None,
    in_force: Annotated[bool, typer.Option("--in-force", help="Only what is in force.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List measures, the newest first, with their review dates; --json prints ends and commands too.

    Exit code 1 where one is past its end and not on record as ended.
    """
    from cjp_fraud.operations import measures

    views = measures.list_measures(deployment(ctx), case=case, in_force_only=in_force)
    print_table(views, _COLUMNS, as_json=as_json, title="Measures")
    late = [view for view in views if view.past_its_end]
    for view in late:
        typer.echo(
            f"the measure of case {view.case} is PAST ITS END ({stamp(min(view.review_at, view.ends_at))}) and not on "
            "record as ended. Run: cjp-fraud run-due",
            err=True,
        )
    if late:
        raise typer.Exit(1)


@app.command()
def reinstate(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    because: Because,
    check: Checks = None,
    stage: Stages = None,
    lift: Lift = None,
) -> None:
    """Lift a measure, as an approver: at once, or in stages; the customer is told.

    With --stage the first stage begins at once and the others with run-due at their time, each narrower than the one
    before; --lift says when nothing is restricted any more. Without it, what is left of such stages is lifted at once.
    """
    from cjp_fraud.operations import measures

    opened = deployment(ctx)
    if stage:
        reinstate_in_stages(opened, case, as_user, because, check or (), stages=stage, lift=lift)
        return
    if lift is not None:
        raise typer.BadParameter("--lift goes with --stage; without stages all of it is lifted at once")
    with progress("lifting the measure and telling the customer") as report:
        report(0, 1, f"case {case}")
        result = measures.reinstate(opened, as_user, opened.now, case, reasons=because, checks=check or ())
    for sentence in result.enforcement.waiting_for if result.enforcement is not None else ():
        typer.echo(f"  {sentence}")
    _report(result.measure, case, aim=PlatformOutcome.NOT_IN_FORCE)
    if result.enforcement is not None and result.enforcement.waiting_for:
        again = "" if result.enforcement.failed_letters else "; cjp-fraud run-due tries again"
        typer.echo(f"  service is restored, but the customer was not told{again}")
        raise typer.Exit(1)


@app.command()
def corrected(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Record that the cause of a measure is gone: it is lifted when the contract's lift rule asks for it."""
    from cjp_fraud.operations import measures

    opened = deployment(ctx)
    result = measures.corrected(opened, as_user, opened.now, case, reasons=because)
    typer.echo(
        f"case {case}: the cause is gone; by the contract the measure is lifted by {stamp(result.lift_due_at)}"
    )
    typer.echo(f"  it is {result.enforcement.state}")
    for sentence in result.enforcement.waiting_for:
        typer.echo(f"  {sentence}")


@app.command()
def reaffirm(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    look: Annotated[
        str | None, typer.Option(metavar="DIGITS", help="The look at the traffic that you took.")
    ] = None,
    because: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What you saw in it, and why the measure is still needed."),
    ] = None,
    although_quiet: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Why it is needed although the look shows nothing unusual."),
    ] = None,
) -> None:
    """Keep a measure past its review date, as one of two approvers: first look at the traffic, then say why.

    The look and what it showed are kept with the reasons. Once two people have reaffirmed, the customer is told, and
    only then the end is moved: where the letter does not leave before the end that the customer knows, it lapses.
    """
    from cjp_fraud.operations import measures

    opened = deployment(ctx)
    if look is None or because is None:
        _print_look(measures.look_again(opened, as_user, opened.now, case), case, as_user)
        raise typer.Exit(0 if look is None and because is None else 1)
    done = measures.reaffirm(
        opened, as_user, opened.now, case, look=look, reasons=because, although_quiet=although_quiet
    )
    result = done.measure
    if done.enforcement is None:
        typer.echo(f"case {case}: reaffirmed by one; another approver is needed by {stamp(result.told_by)}")
        return
    typer.echo(f"case {case}: reaffirmed; review by {stamp(result.review_at)}, ends {stamp(result.ends_at)}")
    for sentence in done.enforcement.waiting_for:
        typer.echo(f"  {sentence}")
    if done.enforcement.waiting_for:
        raise typer.Exit(1)


@app.command()
def entitlements(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List what the platform says is in force now; what is past its end is not."""
    from cjp_fraud.operations import measures

    opened = deployment(ctx)
    print_table(
        measures.restrictions(opened, opened.now),
        _ENTITLEMENTS,
        as_json=as_json,
        title="In force at the platform",
    )


@app.command()
def reconcile(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Compare our measures with the platform; exit code 1 where they disagree and it was not repaired."""
    from cjp_fraud.operations import measures

    opened = deployment(ctx)
    disagreements = measures.reconcile(opened, opened.now)
    print_table(disagreements, _DISAGREEMENT, as_json=as_json, title="Disagreements")
    if any(not disagreement.repaired for disagreement in disagreements):
        raise typer.Exit(1)


def _print_look(look: TrafficLook, case: str, as_user: str) -> None:
    """Print what ran since the measure is in force, and how to name it in the reasons."""
    typer.echo(f"Traffic of case {case} from {stamp(look.since)} to {stamp(look.until)}:")
    for series in look.series:
        carried = f" carried by {series.application_id}" if series.application_id else ""
        usual = "not known" if series.usual is None else f"{series.usual:,.0f}"
        typer.echo(
            f"  {series.channel} {series.direction}{carried}: {series.contacts:,} contacts in "
            f"{series.intervals:,} interval(s); usual there {usual}"
        )
    typer.echo(f"  {len(look.flags)} interval(s) flagged since")
    for flag in look.flags[:_MOST_FLAGS]:
        typer.echo(
            f"    {stamp(flag.interval_start)} {flag.channel} {flag.direction}: {flag.observed:,.0f}, "
            f"usual {flag.baseline:,.0f}"
        )
    quiet = ""
    if look.is_quiet:
        typer.echo(
            "  nothing unusual since: say why the measure is needed all the same, with --although-quiet"
        )
        quiet = " --although-quiet TEXT"
    typer.echo(
        "Nothing is reaffirmed yet. Say what you saw: cjp-fraud measures reaffirm "
        f"{case} --as {as_user} --look {look.reference} --because TEXT{quiet}"
    )


def _report(outcome: MeasureOutcome, case: str, *, aim: PlatformOutcome) -> None:
    typer.echo(f"case {case}: measure {outcome.measure_id} is {outcome.outcome.replace('_', ' ')}")
    for reason in outcome.reasons:
        typer.echo(f"  {reason}")
    if outcome.outcome is not aim:
        raise typer.Exit(1)
