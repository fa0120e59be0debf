"""``cjp-fraud roster``: who is on call to approve or to review, and the pages that were sent."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_table
from cjp_fraud.people.model import TurnWanted

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(help="A reviewer, an approver or counsel (users list).")],
    as_user: AsOption,
    time_zone: Annotated[str, typer.Option("--zone", help="Zone of the hours, as Europe/Paris.")],
    place: Annotated[int, typer.Option(help="1 is paged first.")] = 1,
    days: Annotated[str, typer.Option(help="Days on which it begins.")] = "mon,tue,wed,thu,fri,sat,sun",
    begins: Annotated[str, typer.Option("--from", help="Time of day.")] = "00:00",
    ends: Annotated[str, typer.Option("--until", help="Not after --from: on the next day.")] = "00:00",
    webhook: Annotated[str | None, typer.Option(help="URL that pages them.")] = None,
    mail: Annotated[str | None, typer.Option(help="Address that pages them.")] = None,
) -> None:
    """Put a turn on the roster: who is paged about new cases at once, and after 5, 10, 15 minutes without approval."""
    from cjp_fraud.operations import roster

    opened = deployment(ctx)
    named = tuple(day.strip().lower() for day in days.split(",") if day.strip())
    wanted = TurnWanted(user, place, named, begins, ends, time_zone, webhook, mail)
    turn = roster.add_turn(opened, as_user, opened.now, wanted)
    typer.echo(
        f"turn {turn.id}: {turn.user}, place {turn.place}, {'on call now' if turn.on_call else 'later'}"
    )


@app.command()
def remove(
    ctx: typer.Context,
    turn: Annotated[str, typer.Argument(metavar="TURN", help="Its id, or how it begins (roster list).")],
    as_user: AsOption,
) -> None:
    """Take a turn off the roster."""
    from cjp_fraud.operations import roster

    opened = deployment(ctx)
    typer.echo(f"turn {roster.remove_turn(opened, as_user, opened.now, turn).id}: removed")


@app.command("list")
def list_turns(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the turns, the one that is paged first on top, with who is on call now."""
    from cjp_fraud.operations import roster

    opened = deployment(ctx)
    columns: list[str | Column] = [
        Column("id", full=True),
        "place",
        "user",
        "days",
        "begins",
        "ends",
        "time_zone",
        "on_call",
        Column("mail", spare=True),
        Column("webhook", spare=True),
    ]
    print_table(roster.list_turns(opened, opened.now), columns, as_json=as_json, title="On call")


@app.command()
def pages(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the newest pages, the newest first, with what became of each."""
    from cjp_fraud.operations import roster

    columns: list[str | Column] = [
        "at",
        "case",
        "step",
        "user",
        "outcome",
        Column("detail", wraps=True, spare=True),
    ]
    print_table(roster.list_pages(deployment(ctx)), columns, as_json=as_json, title="Pages")
