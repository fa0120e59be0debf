"""``cjp-fraud disputes``: what tenants say against a finding, and who decides it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from sqlalchemy import select

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, person, print_rows
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import DisputeState
from cjp_fraud.review.tables import Case, Dispute
from cjp_fraud.storage.database import reading, transaction

app = typer.Typer(no_args_is_help=True, help="Disputes: open one for the tenant, decide it.")


class Decision(StrEnum):
    """How a dispute is decided; ``upheld`` is for the tenant."""

    UPHELD = "upheld"
    REJECTED = "rejected"


@app.command("open")
def open_(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")],
    as_user: AsOption,
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="The tenant's words.")],
) -> None:
    """Enter a tenant's dispute; it is to be answered within 60 minutes."""
    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        by = person(session, as_user)
        dispute = open_dispute(session, case_id_of(session, case), by, opened.now, text)
    typer.echo(f"dispute {dispute.id} opened; answer due {dispute.answer_due_at:%Y-%m-%d %H:%M:%SZ}")


@app.command()
def decide(
    ctx: typer.Context,
    dispute: Annotated[str, typer.Argument(metavar="DISPUTE", help="Its id (disputes list).")],
    decision: Annotated[Decision, typer.Argument(help="upheld is for the tenant.")],
    as_user: AsOption,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons of the decision.")],
) -> None:
    """Decide a dispute, as somebody who neither determined nor approved in its case.

    Upheld shuts the gate for good; what is in force then is lifted by: measures reinstate.
    """
    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        by = person(session, as_user)
        upheld = decision is Decision.UPHELD
        decided = decide_dispute(session, dispute, by, opened.now, upheld=upheld, reasons=because)
        case = session.get(Case, decided.case_id)
        assert case is not None, "the foreign key holds it"
        number, state = case.number, case.state
    typer.echo(f"dispute {decided.id}: {decided.state}; case {number} is {state}")
    if decision is Decision.UPHELD and state == "suspended":
        typer.echo(f"  an approver lifts it: cjp-fraud measures reinstate {number} --as USER --because TEXT")


@app.command("list")
def list_disputes(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List disputes, the one due first on top."""
    query = (
        select(Dispute, Case.number, Case.tenant_id, User.name)
        .join(Case, Case.id == Dispute.case_id)
        .outerjoin(User, User.id == Dispute.decided_by)
        .order_by(Dispute.answer_due_at)
    )
    if not everything:
        query = query.where(Dispute.state == DisputeState.OPEN)
    with reading(deployment(ctx).engine) as session:
        rows = [
            {
                "id": dispute.id,
                "case": number,
                "tenant_id": tenant_id,
                "state": dispute.state,
                "opened_at": dispute.opened_at,
                "answer_due_at": dispute.answer_due_at,
                "decided_by": decider,
                "decided_at": dispute.decided_at,
            }
            for dispute, number, tenant_id, decider in session.execute(query)
        ]
    print_rows(rows, as_json=as_json, title="Disputes")
