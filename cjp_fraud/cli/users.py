"""``cjp-fraud users``: people and their roles."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select

from cjp_fraud.cli.frame import JsonOption, deployment, print_rows
from cjp_fraud.people.model import Role, machine
from cjp_fraud.people.participation import create_user
from cjp_fraud.people.tables import User, UserRole
from cjp_fraud.storage.database import reading, transaction

app = typer.Typer(no_args_is_help=True, help="People who may act, and their roles.")


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name to give to --as.")],
    role: Annotated[list[Role], typer.Option("--role", help="May be given more than once.")],
) -> None:
    """Put a user on record with one or more roles."""
    opened = deployment(ctx)
    with transaction(opened.engine) as session:
        user = create_user(session, name, role, machine("account-of-this-machine"), opened.now)
    typer.echo(f"user {user.name} created: {', '.join(sorted(set(role)))}")


@app.command("list")
def list_users(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the users with their roles."""
    with reading(deployment(ctx).engine) as session:
        roles: dict[str, list[str]] = {}
        for user_id, role in session.execute(select(UserRole.user_id, UserRole.role).order_by(UserRole.role)):
            roles.setdefault(user_id, []).append(str(role))
        rows = [
            {"name": user.name, "roles": roles.get(user.id, []), "created_at": user.created_at, "id": user.id}
            for user in session.scalars(select(User).order_by(User.name))
        ]
    print_rows(rows, as_json=as_json, title="Users")
