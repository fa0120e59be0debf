"""``cjp-fraud reasons``: statements of reasons, and the laws whose lists they must satisfy."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_json, print_table, print_view
from cjp_fraud.contracts.reason_profiles import ReasonProfile

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(
    ctx: typer.Context,
    notice_id: Annotated[
        str, typer.Argument(metavar="NOTICE", help="Id of the notice, or how it begins (notices list).")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show the statement of reasons of a notice, with its digest and what its dispatch added."""
    from cjp_fraud.operations import reasons

    stated = reasons.reasons_of_notice(deployment(ctx), notice_id)
    if as_json:
        print_json(stated)
        return
    print_view(stated.statement, title=f"Statement of reasons, SHA-256 {stated.sha256}")
    print_view(stated.notice, title="Notice")


@app.command()
def profiles(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the laws' lists for each provider and its contracting entities: which are on, and what they want."""
    from cjp_fraud.operations import reasons

    opened = deployment(ctx)
    columns = ("provider", "entity", "profile", Column("in_force", "on"), Column("wants", wraps=True))
    print_table(reasons.list_profiles(opened, opened.now), columns, as_json=as_json, title="Profiles")


@app.command("set-profile")
def set_profile(
    ctx: typer.Context,
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Provider (tenants show).")],
    profile: Annotated[ReasonProfile, typer.Argument(metavar="PROFILE", help="Which law's list.")],
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it holds.")],
    source: Annotated[
        str, typer.Option("--source", help="What it rests on: counsel's opinion by its number.")
    ],
    by: Annotated[str, typer.Option("--as", metavar="USER", help="Who decides: counsel.")],
    entity: Annotated[
        str | None,
        typer.Option(
            "--entity",
            metavar="NAME",
            help="Contracting entity, as contracts name it; left out: every one for which nothing else is decided.",
        ),
    ] = None,
    out_of_court: Annotated[
        list[str] | None,
        typer.Option("--out-of-court", help="Body for settlement out of court; again for more."),
    ] = None,
    mediator: Annotated[
        list[str] | None, typer.Option("--mediator", help="Mediator that the terms name; again for more.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a law's list on or off for a provider, or for one of its contracting entities, as counsel.

    While it is on, no notice that restricts can be drafted whose statement lacks what the law wants, and letters name
    the bodies outside. Proposals drawn up before must be drawn up again.
    """
    from cjp_fraud.operations import reasons

    opened = deployment(ctx)
    standing = reasons.set_profile(
        opened,
        by,
        opened.now,
        provider,
        profile,
        in_force=on,
        source=source,
        entity=entity,
        out_of_court=out_of_court or (),
        mediators=mediator or (),
    )
    print_view(standing, as_json=as_json, title=f"Profile {standing.profile}")
