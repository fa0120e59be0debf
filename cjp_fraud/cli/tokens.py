"""``cjp-fraud tokens``: by what programs call the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cjp_fraud.cli.frame import AsOption, JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_table, stamp
from cjp_fraud.people.api_scopes import TOKEN_LASTS, ApiScope

app = typer.Typer(no_args_is_help=True)


@app.command()
def create(
    ctx: typer.Context,
    label: Annotated[str, typer.Argument(help="What it is for, in one line.")],
    scope: Annotated[list[ApiScope], typer.Option("--scope", help="May be given more than once.")],
    as_user: AsOption,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it counts.")] = TOKEN_LASTS.days,
) -> None:
    """Make a token by which a program acts as you, and print it, once: only its digest is kept.

    At each call it does no more than your roles then allow.
    """
    from cjp_fraud.operations import api_tokens

    opened = deployment(ctx)
    made = api_tokens.make_token(opened, as_user, opened.now, label, scope, lasts=timedelta(days=days))
    typer.echo(made.text)
    typer.echo(f"token {made.token.id} counts until {stamp(made.token.expires_at)}", err=True)


@app.command("list")
def list_tokens(
    ctx: typer.Context,
    of: Annotated[str | None, typer.Option(metavar="USER", help="Only this user's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the tokens, the newest first."""
    from cjp_fraud.operations import api_tokens

    opened = deployment(ctx)
    columns: list[str | Column] = [
        "id",
        Column("owner", full=True),
        Column("label", wraps=True),
        Column("scopes", wraps=True),
        "expires_at",
        Column("revoked_at", spare=True),
        "counts",
    ]
    listed = api_tokens.list_tokens(opened, opened.now, of=of)
    print_table(listed, columns, as_json=as_json, title="Tokens")


@app.command()
def revoke(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="Id, or its first 8 digits or more.")],
    as_user: AsOption,
) -> None:
    """Let a token count no more, as its owner or an admin."""
    from cjp_fraud.operations import api_tokens

    opened = deployment(ctx)
    revoked = api_tokens.revoke_token(opened, as_user, opened.now, token)
    typer.echo(f"token {revoked.id} of {revoked.owner}: revoked")
