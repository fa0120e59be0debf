"""``cjp-fraud users``: people and their roles."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, print_table
from cjp_fraud.people.model import Role

app = typer.Typer(no_args_is_help=True)


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name to give to --as.")],
    role: Annotated[list[Role], typer.Option("--role", help="May be given more than once.")],
) -> None:
    """Put a user on record with one or more roles."""
    from cjp_fraud.operations.people import create_user

    opened = deployment(ctx)
    user = create_user(opened, opened.now, name, role)
    typer.echo(f"user {user.name} created: {', '.join(user.roles)}")


@app.command("list")
def list_users(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the users with their roles."""
    from cjp_fraud.operations import people

    users = people.list_users(deployment(ctx))
    print_table(users, ["name", "roles", "created_at"], as_json=as_json, title="Users")
