"""``cjp-fraud disputes``: what tenants say against a finding, and who decides it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, print_rows
from cjp_fraud.operations import disputes as operations
from cjp_fraud.review.model import CaseState

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
    dispute = operations.open_dispute(opened, as_user, opened.now, case, text)
    typer.echo(f"dispute {dispute.dispute_id} opened; answer due {dispute.answer_due_at:%Y-%m-%d %H:%M:%SZ}")


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
    upheld = decision is Decision.UPHELD
    decided = operations.decide(opened, as_user, opened.now, dispute, upheld=upheld, reasons=because)
    number, state = decided.case.number, decided.case.state
    typer.echo(f"dispute {decided.dispute_id}: {decided.state}; case {number} is {state}")
    if upheld and state is CaseState.SUSPENDED:
        typer.echo(f"  an approver lifts it: cjp-fraud measures reinstate {number} --as USER --because TEXT")


@app.command("list")
def list_disputes(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List disputes, the one due first on top."""
    disputes = operations.list_disputes(deployment(ctx), decided_too=everything)
    print_rows([asdict(dispute) for dispute in disputes], as_json=as_json, title="Disputes")
