"""``cjp-fraud measures ledger``, ``find-wrong``, ``assess``: measures that should not have been, and what they cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table
from cjp_fraud.review.model import WrongCause

if TYPE_CHECKING:
    from cjp_fraud.operations.measure_ledger import LedgerEntry
    from cjp_fraud.suspension.wrongful_measures import Ledger

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")]
_COLUMNS = (
    Column("id", "line", spare=True),
    "case",
    Column("tenant_id", "tenant", full=True),
    Column("hours_down", "hours\ndown"),
    Column("contacts_lost", "contacts\nlost"),
    Column("credit_cents", "credit\n(1/100)"),
    "cause",
    Column("found_at", "found"),
)


def ledger(
    ctx: typer.Context,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="Only those found from this day (UTC) on."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List wrongful measures with hours down, contacts lost, credit and cause, and how many are overturned.

    The rate is per 1,000 tenant-years, with the exact 95 % interval of a Poisson count.
    """
    from cjp_fraud.operations import measure_ledger

    opened = deployment(ctx)
    begin = since.replace(tzinfo=UTC) if since is not None else None
    looked = measure_ledger.look_at_ledger(opened, opened.now, since=begin)
    if as_json:
        print_json(looked)
        return
    print_table(looked.lines, _COLUMNS, as_json=False, title="Wrongful measures")
    for sentence in _in_words(looked):
        typer.echo(sentence)


def find_wrong(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    cause: Annotated[WrongCause, typer.Option("--cause", help="What it goes back to.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="The reasons; kept with it.")],
) -> None:
    """Find a measure that has ended wrongful, where nobody disputed it; it is entered in the ledger."""
    from cjp_fraud.operations import measure_ledger

    opened = deployment(ctx)
    _say(
        measure_ledger.find_wrong(opened, as_user, opened.now, case, cause=cause, reasons=because),
        "in the ledger",
    )


def assess(
    ctx: typer.Context,
    case: CaseArgument,
    as_user: AsOption,
    line: Annotated[
        str | None,
        typer.Option(
            "--line",
            metavar="LINE",
            help="Which line of the ledger, where the case has several (measures ledger).",
        ),
    ] = None,
    cause: Annotated[WrongCause | None, typer.Option("--cause", help="What it goes back to.")] = None,
    credit: Annotated[
        int | None, typer.Option("--credit", metavar="CENTS", min=0, help="Credited to the customer, 1/100.")
    ] = None,
) -> None:
    """Say what the wrongful measure of a case goes back to, and what its customer is credited."""
    from cjp_fraud.operations import measure_ledger

    opened = deployment(ctx)
    _say(
        measure_ledger.assess(opened, as_user, opened.now, case, line=line, cause=cause, credit_cents=credit),
        "assessed",
    )


def _say(entry: LedgerEntry, done: str) -> None:
    cause = entry.cause.replace("_", " ") if entry.cause is not None else "not said"
    credit = "none said" if entry.credit_cents is None else f"{entry.credit_cents / 100:,.2f}"
    typer.echo(f"case {entry.case.number}: its measure is {done}; cause: {cause}; credit: {credit}")


def _in_words(looked: Ledger) -> list[str]:
    rate = looked.rate
    sums = (
        f"{len(looked.lines)} measure(s) overturned: {looked.hours_down:,.1f} hours down, about "
        f"{looked.contacts_lost:,.0f} contacts lost, {looked.credit_cents / 100:,.2f} credited"
    )
    if rate.per_1000 is None or rate.low is None or rate.high is None:
        return [sums, "no tenant has been on record for any time, so there is no rate"]
    return [
        sums,
        f"{rate.per_1000:,.2f} per 1,000 tenant-years (95 % interval {rate.low:,.2f} to {rate.high:,.2f}; "
        f"{rate.tenant_years:,.2f} tenant-years)",
    ]
