"""``cjp-fraud cases claim`` and its like: who works a case, and until when it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.determination import CaseArgument
from cjp_fraud.cli.frame import AsOption, deployment, moment
from cjp_fraud.cli.printing import stamp
from cjp_fraud.review.model import Awaited, CustomersAnswer

if TYPE_CHECKING:
    from cjp_fraud.operations.cases import CaseStanding


def claim(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id, or an overflow episode.")],
    as_user: AsOption,
) -> None:
    """Take a case to work on it; nobody else gets it for 20 minutes (CJP_FRAUD_LEASE_MINUTES)."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    say_standing(cases.claim(opened, as_user, opened.now, case))


def claim_next(ctx: typer.Context, as_user: AsOption) -> None:
    """Take the worst case that nobody holds: what costs most per hour, then the most unusual, then the oldest."""
    from cjp_fraud.operations import claims

    opened = deployment(ctx)
    claimed = claims.claim_next(opened, as_user, opened.now)
    if claimed is None:
        typer.echo("no case waits that nobody holds")
        return
    say_standing(claimed)


def hand_over(
    ctx: typer.Context,
    case: CaseArgument,
    to: Annotated[str, typer.Argument(metavar="USER", help="Who works it from now on.")],
    as_user: AsOption,
) -> None:
    """Give a case to a named person, for whom it waits (CJP_FRAUD_HANDED_MINUTES)."""
    from cjp_fraud.operations import claims

    opened = deployment(ctx)
    say_standing(claims.hand_over(opened, as_user, opened.now, case, to))


def put_aside(
    ctx: typer.Context,
    case: CaseArgument,
    until: Annotated[str, typer.Option(help="When it is back at the latest, within 14 days (ISO 8601).")],
    as_user: AsOption,
    awaited: Annotated[
        Awaited,
        typer.Option("--for", help="What it waits for; for the customer the service clock stands still."),
    ] = Awaited.MOMENT,
) -> None:
    """Give a case back for a while: until a moment, or until the customer answers or a further flag comes."""
    from cjp_fraud.operations import claims

    opened = deployment(ctx)
    back = moment(until)
    assert back is not None, "the option is required"
    say_standing(claims.put_aside(opened, as_user, opened.now, case, back, awaited))


def ask(
    ctx: typer.Context,
    case: CaseArgument,
    text: Annotated[str, typer.Argument(help="What is asked.")],
    as_user: AsOption,
    contact: Annotated[
        str | None, typer.Option(metavar="ID", help="Address of the contact, where there are several.")
    ] = None,
) -> None:
    """Ask the customer "was this you?" through an out-of-band contact verified before the first flag.

    You telephone or write yourself; it goes on record, the service clock stands still, and the case is back in the
    queue on the answer, or after 15 minutes.
    """
    from cjp_fraud.operations import customer_questions

    opened = deployment(ctx)
    asked = customer_questions.customer_asked(opened, opened.now, case)
    say_standing(customer_questions.ask(opened, as_user, opened.now, case, text, contact=contact))
    for each in asked.contacts:
        if contact in (None, each.address_id):
            assert each.verified_at is not None, "others are not asked"
            typer.echo(f"  ask {each.address} ({each.method}), verified {stamp(each.verified_at)}")


def answer(
    ctx: typer.Context,
    case: CaseArgument,
    said: Annotated[CustomersAnswer, typer.Argument(metavar="ANSWER", help="ours, not_ours or not_sure.")],
    text: Annotated[str, typer.Argument(help="The customer's words.")],
    as_user: AsOption,
) -> None:
    """Record what the customer answered: a statement, which clears nobody; the case is back in the queue."""
    from cjp_fraud.operations import customer_questions

    opened = deployment(ctx)
    say_standing(customer_questions.answered(opened, as_user, opened.now, case, said, text))


def release(ctx: typer.Context, case: CaseArgument, as_user: AsOption) -> None:
    """Give a claimed case back to the queue."""
    from cjp_fraud.operations import cases

    opened = deployment(ctx)
    say_standing(cases.release(opened, as_user, opened.now, case))


def say_standing(standing: CaseStanding) -> None:
    """Say what state a case is in now."""
    typer.echo(f"case {standing.number}: {standing.state}")
