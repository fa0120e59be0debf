"""``cjp-fraud users``: people, who they are, and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment
from cjp_fraud.cli.printing import Column, print_table, stamp
from cjp_fraud.people.model import Role

if TYPE_CHECKING:
    from cjp_fraud.operations.people import UserView

app = typer.Typer(no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Name to give to --as: a-z, 0-9, '.', '_', '-'.")]
AdminOption = Annotated[
    str | None, typer.Option("--as", metavar="ADMIN", help="Who acts; needed once there is an admin.")
]


@app.command()
def create(
    ctx: typer.Context,
    name: NameArgument,
    role: Annotated[list[Role], typer.Option("--role", help="May be given more than once.")],
    identity: Annotated[
        list[str],
        typer.Option("--identity", help="mail:ADDRESS, account:NAME or machine:ACCOUNT; of one user only."),
    ],
    display_name: Annotated[str | None, typer.Option("--display-name", help="Name that is shown.")] = None,
    as_user: AdminOption = None,
) -> None:
    """Put a user on record. New users and new roles approve nothing for 24 hours, but for those of init."""
    from cjp_fraud.operations.people import create_user

    opened = deployment(ctx)
    user = create_user(
        opened, as_user, opened.now, name, role, identities=identity, display_name=display_name
    )
    _say("created", user)


@app.command()
def identity(
    ctx: typer.Context,
    name: NameArgument,
    identity: Annotated[str, typer.Argument(help="mail:ADDRESS, account:NAME or machine:ACCOUNT.")],
    as_user: AdminOption = None,
) -> None:
    """Say who a user is: one more identity, which no other user may have."""
    from cjp_fraud.operations.people import add_identity

    opened = deployment(ctx)
    _say(f"has the identity {identity}", add_identity(opened, as_user, opened.now, name, identity))


@app.command()
def grant(
    ctx: typer.Context,
    name: NameArgument,
    role: Role,
    channel: Annotated[
        list[str] | None, typer.Option("--channel", help="Only cases of this channel; may be repeated.")
    ] = None,
    country: Annotated[
        list[str] | None, typer.Option("--country", help="Only tenants of this country; may be repeated.")
    ] = None,
    as_user: AdminOption = None,
) -> None:
    """Give a user a role, for all cases or some; nobody grants to themself. Another reach gives it anew."""
    from cjp_fraud.operations.people import grant_role

    opened = deployment(ctx)
    given = grant_role(
        opened, as_user, opened.now, name, role, channels=channel or (), countries=country or ()
    )
    _say("granted", given)


@app.command()
def revoke(ctx: typer.Context, name: NameArgument, role: Role, as_user: AdminOption = None) -> None:
    """Take a role from a user; what they did with it stands."""
    from cjp_fraud.operations.people import revoke_role

    opened = deployment(ctx)
    _say("revoked", revoke_role(opened, as_user, opened.now, name, role))


@app.command()
def disable(ctx: typer.Context, name: NameArgument, as_user: AdminOption = None) -> None:
    """Let a user act no more; what they did stands, and their name stays taken."""
    from cjp_fraud.operations.people import disable_user

    opened = deployment(ctx)
    _say("disabled", disable_user(opened, as_user, opened.now, name))


@app.command()
def invite(ctx: typer.Context, name: NameArgument, as_user: AdminOption = None) -> None:
    """Print a link with which a user chooses a password and sets up a second factor, once, within a day.

    Hand it to that person alone. Whoever had a password keeps it until the link is used. While nobody has a
    password yet, the account of this machine may invite.
    """
    from cjp_fraud.operations.sign_in import invite_user

    opened = deployment(ctx)
    invitation = invite_user(opened, as_user, opened.now, name)
    typer.echo(f"/set-up/{invitation.token}")
    typer.echo(
        f"open it behind the address of cjp-fraud serve, until {stamp(invitation.expires_at)}", err=True
    )


@app.command("list")
def list_users(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the users with their roles."""
    from cjp_fraud.operations import people

    users = people.list_users(deployment(ctx))
    columns: list[str | Column] = [
        Column("name", full=True),
        "roles",
        Column("narrowed", spare=True),
        Column("identities", spare=True),
        "created_at",
        Column("created_by", spare=True),
        "disabled_at",
    ]
    print_table(users, columns, as_json=as_json, title="Users")


def _say(what: str, user: UserView) -> None:
    typer.echo(f"user {user.name}: {what}; roles: {', '.join(user.roles) or 'none'}")
