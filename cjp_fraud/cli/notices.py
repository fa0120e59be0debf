"""``cjp-fraud notices``: what is served, how, and what became of it."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy import select

from cjp_fraud.cli.frame import JsonOption, deployment, print_json, print_record, print_rows, progress
from cjp_fraud.errors import NotFoundError
from cjp_fraud.notices.delivery_record import delivery_record, notices_on_record
from cjp_fraud.notices.tables import Notice
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.enforcement import enforce

app = typer.Typer(no_args_is_help=True, help="Notices: plans, dispatch, delivery records.")

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Number or id of the case.")]


@app.command()
def dispatch(ctx: typer.Context, case: CaseArgument, as_json: JsonOption = False) -> None:
    """Serve what is due of an approved case now; the measure follows when the gate opens.

    Runs as system, on the standing approval. Approving a case does this at once and the DAG mends what
    was interrupted, so this is for impatient people. Exit code 1 where the case is no further afterwards.
    """
    opened = deployment(ctx)
    with reading(opened.engine) as session:
        case_id = case_id_of(session, case)
        before = session.get_one(Case, case_id).state
    with progress("serving notices") as report:
        report(0, 1, f"case {case}")
        done = enforce(opened.enforcement(opened.now), case_id)
    record = {
        "case": case,
        "before": before,
        "state": done.state,
        "waiting_for": list(done.waiting_for),
        "next_at": done.next_at,
    }
    print_record(record, as_json=as_json, title=f"Case {case}")
    if done.state is before and done.waiting_for:
        raise typer.Exit(1)


@app.command("list")
def list_notices(
    ctx: typer.Context,
    case: Annotated[str | None, typer.Option("--case", metavar="CASE", help="Of one case only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the notices, one row a letter."""
    with reading(deployment(ctx).engine) as session:
        found = notices_on_record(session, case_id_of(session, case) if case is not None else None)
        numbers = {row.id: row.number for row in session.execute(select(Case.id, Case.number))}
        rows: list[dict[str, Any]] = [
            {
                "id": notice.id,
                "case": numbers.get(plan.case_id),
                "tenant_id": plan.tenant_id,
                "kind": notice.kind,
                "mode": plan.mode,
                "step": notice.step,
                "method": notice.method,
                "required": notice.required,
                "state": notice.state,
                "due_at": notice.due_at,
                "dispatched_at": notice.dispatched_at,
            }
            for plan, notice in found
        ]
    print_rows(rows, as_json=as_json, title="Notices")


@app.command()
def show(
    ctx: typer.Context,
    notice_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the notice (notices list).")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the exact bytes of the letter, nothing else.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one notice with its delivery record: attempts, dialogues, events."""
    with reading(deployment(ctx).engine) as session:
        record = delivery_record(session, notice_id)
        message = session.get_one(Notice, notice_id).message
    if raw:
        if message is None:
            raise NotFoundError(f"notice {notice_id} has not been written yet: it is {record['state']}")
        sys.stdout.buffer.write(message)
        return
    if as_json:
        print_json(record)
        return
    attempts, events = record.pop("attempts"), record.pop("events")
    print_record(record, as_json=False, title=f"Notice {notice_id}")
    dialogues = [(attempt["number"], attempt.pop("dialogue")) for attempt in attempts]
    print_rows(attempts, as_json=False, title="Attempts")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for number, lines in dialogues:
        console.print(f"Dialogue of attempt {number}:")
        for line in lines or ["(none kept)"]:
            console.print(f"  {line}")
    print_rows(events, as_json=False, title="Delivery events")
