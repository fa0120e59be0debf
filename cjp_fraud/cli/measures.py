"""``cjp-fraud measures``: take, keep, end and check restrictions."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, person, print_rows, progress
from cjp_fraud.people.model import Decision
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.need import state_need
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.enforcement import enforce
from cjp_fraud.suspension.measures import MeasureOutcome, PlatformOutcome, apply_measure
from cjp_fraud.suspension.reaffirmation import reaffirm as reaffirm_measure
from cjp_fraud.suspension.reconciliation import reconcile as reconcile_platform
from cjp_fraud.suspension.reinstatement import reinstate as reinstate_case
from cjp_fraud.suspension.views import measure_rows

app = typer.Typer(no_args_is_help=True, help="Measures: apply, list, reaffirm, reinstate, reconcile.")

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons; kept with it.")]
_COLUMNS = ("case", "tenant_id", "kind", "state", "mode", "in_force_at", "review_at", "ends_at", "ended_at")


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
    opened = deployment(ctx)
    if (needed_because is None) != (as_user is None):
        raise typer.BadParameter(
            "--needed-because and --as USER go together; the measure itself runs as system"
        )
    with transaction(opened.engine) as session:
        case_id = case_id_of(session, case)
        if needed_because is not None and as_user is not None:
            decision = Decision(session, person(session, as_user), opened.now)
            state_need(decision, case_id, needed_because)
    outcome = apply_measure(opened.engine, opened.platform, case_id, opened.now, opened.policy)
    _tell(outcome, case, wanted=PlatformOutcome.IN_FORCE)


@app.command("list")
def list_measures(
    ctx: typer.Context,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="Only this case's.")] = None,
    in_force: Annotated[bool, typer.Option("--in-force", help="Only what is in force.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List measures, the newest first, with their review dates and ends."""
    with reading(deployment(ctx).engine) as session:
        case_id = case_id_of(session, case) if case is not None else None
        rows = measure_rows(session, case_id=case_id, in_force_only=in_force)
    print_rows(rows, as_json=as_json, title="Measures", columns=_COLUMNS)


@app.command()
def reinstate(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Lift a measure, as an approver; the customer is told."""
    opened = deployment(ctx)
    platform = opened.platform
    with reading(opened.engine) as session:
        case_id, by = case_id_of(session, case), person(session, as_user)
    outcome = reinstate_case(opened.engine, platform, case_id, by, opened.now, reasons=because)
    if outcome.applied is PlatformOutcome.NOT_IN_FORCE:
        with progress("telling the customer") as report:
            report(0, 1, f"case {case}")
            done = enforce(
                opened.engine,
                opened.mail,
                platform,
                case_id,
                opened.now,
                opened.policy,
            )
        for sentence in done.waiting_for:
            typer.echo(f"  {sentence}")
    _tell(outcome, case, wanted=PlatformOutcome.NOT_IN_FORCE)


@app.command()
def reaffirm(ctx: typer.Context, case: CaseArgument, as_user: AsOption, because: Because) -> None:
    """Keep a measure past its review date, as one of two approvers, each with fresh reasons."""
    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        kept = reaffirm_measure(
            Decision(session, person(session, as_user), opened.now),
            case_id_of(session, case),
            reasons=because,
            practice=opened.policy,
        )
    if not kept.complete:
        typer.echo(f"case {case}: reaffirmed by one; another approver is needed by {_time(kept.review_at)}")
        return
    typer.echo(f"case {case}: reaffirmed; review by {_time(kept.review_at)}, ends {_time(kept.ends_at)}")


@app.command()
def reconcile(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Compare our measures with the platform; exit code 1 where they disagree and it was not mended."""
    opened = deployment(ctx)
    found = reconcile_platform(opened.engine, opened.platform, opened.now)
    rows = [
        {
            "measure_id": one.measure_id,
            "case_id": one.case_id,
            "kind": one.kind,
            "mended": one.mended,
            "what": one.sentence,
        }
        for one in found
    ]
    print_rows(rows, as_json=as_json, title="Disagreements")
    if any(not one.mended for one in found):
        raise typer.Exit(1)


def _tell(outcome: MeasureOutcome, case: str, *, wanted: PlatformOutcome) -> None:
    typer.echo(f"case {case}: measure {outcome.measure_id} is {outcome.applied.replace('_', ' ')}")
    for reason in outcome.reasons:
        typer.echo(f"  {reason}")
    if outcome.applied is not wanted:
        raise typer.Exit(1)


def _time(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"
