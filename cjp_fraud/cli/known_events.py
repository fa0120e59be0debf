"""``cjp-fraud known-events``: campaigns, outages, holidays and migrations that explain unusual traffic."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment, moment
from cjp_fraud.cli.printing import Column, print_table, print_view
from cjp_fraud.review.known_event import KnownEventKind, KnownEventWanted

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    ctx: typer.Context,
    words: Annotated[str, typer.Argument(help="What happens, in a few words.")],
    as_user: AsOption,
    kind: Annotated[KnownEventKind, typer.Option(help="What it is.")],
    begins: Annotated[str, typer.Option("--from", metavar="MOMENT", help="From when, with its zone.")],
    ends: Annotated[str, typer.Option("--until", metavar="MOMENT", help="Until when.")],
    tenant: Annotated[
        str | None, typer.Option(help="Whose traffic it explains; left out: all tenants.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="voice, chat, email, sms or social.")] = None,
    country: Annotated[
        list[str] | None, typer.Option(help="Of the tenants, two letters; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Enter a known event: it is marked on charts and cases, and changes no flag, no score and no case."""
    from cjp_fraud.operations import known_events

    opened = deployment(ctx)
    begins_at, ends_at = moment(begins), moment(ends)
    assert begins_at is not None, "the option is required"
    assert ends_at is not None, "the option is required"
    countries = tuple(code.strip().upper() for code in country or ())
    wanted = KnownEventWanted(kind, words, begins_at, ends_at, tenant, channel, countries)
    entered = known_events.enter(opened, as_user, opened.now, wanted)
    print_view(entered, as_json=as_json, title="Known event")


@app.command("list")
def list_events(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List known events, withdrawn ones too, the newest entered first."""
    from cjp_fraud.operations import known_events

    columns: list[str | Column] = [
        Column("id", full=True),
        "kind",
        "begins_at",
        "ends_at",
        Column("tenant_id", "tenant"),
        "channel",
        "countries",
        Column("words", wraps=True),
        Column("entered_by", spare=True),
        "withdrawn_at",
    ]
    print_table(known_events.list_events(deployment(ctx)), columns, as_json=as_json, title="Known events")


@app.command()
def withdraw(
    ctx: typer.Context,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="Its id, or how it begins (known-events list).")
    ],
    as_user: AsOption,
) -> None:
    """Let a known event count no more; it stays on record."""
    from cjp_fraud.operations import known_events

    opened = deployment(ctx)
    done = known_events.withdraw(opened, as_user, opened.now, event)
    typer.echo(f"known event {done.id}: withdrawn")
