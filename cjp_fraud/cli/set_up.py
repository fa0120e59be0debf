"""``cjp-fraud init`` and ``config``: make the database and the lake, or bring them to this version; show settings."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, look_at_home
from cjp_fraud.cli.printing import Column, print_view
from cjp_fraud.people.model import Role

app = typer.Typer(no_args_is_help=True)

_KEY = (
    Column("key.second_place", "signed heads"),
    Column("key.key_id", "key id"),
    Column("key.public_key", "public key"),
    Column("key.public_key_file", "public key file"),
)


def init(
    ctx: typer.Context,
    simulated: Annotated[
        bool,
        typer.Option(
            "--simulated",
            help="Give the home a simulated clock, for good: for old traffic and trials. It begins at --now, "
            "sends mail to this machine only and knows only the embedded platform.",
        ),
    ] = False,
    user: Annotated[
        list[str] | None,
        typer.Option(
            "--user",
            metavar="NAME=ROLE[,ROLE][@IDENTITY]",
            help="A person of the first day, whose roles count at once, and who it is (mail:ADDRESS, account:NAME): "
            "rosa=reviewer@mail:rosa@example.com. May be given more than once.",
        ),
    ] = None,
    owner_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="PostgreSQL: connect as the role that owns the tables, or will, so that the application's role "
            "cannot switch off what keeps the log append-only. Not stored; its password belongs into PGPASSFILE.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the database and the lake's tables; running it again is harmless."""
    from cjp_fraud.operations.housekeeping import initialize

    people, identities = _people(user or [])
    made = initialize(
        deployment(ctx), simulated=simulated, users=people, identities=identities, owner_url=owner_url
    )
    print_view(made, _SHOWN, as_json=as_json, title="Ready")
    if as_json:
        return
    if made.key.note is not None:
        typer.echo(f"note: {made.key.note}")
    if made.application_owns:
        typer.echo(f"NOTE: {made.application_owns}")


@app.command()
def show(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Print every setting in force, and the public key that verifies signed heads; secrets are masked."""
    from cjp_fraud.operations.head_keeping import settings_and_key

    look_at_home(ctx)
    print_view(settings_and_key(deployment(ctx)), as_json=as_json, title="Settings")


_SHOWN = ("database", "schema", "changed", "lake", "buckets", "mode", "simulated_clock", *_KEY)


def _people(given: list[str]) -> tuple[dict[str, list[Role]], dict[str, list[str]]]:
    """Return the roles of each person, and the identities of those who have one."""
    people: dict[str, list[Role]] = {}
    identities: dict[str, list[str]] = {}
    for text in given:
        name, _, answer = text.partition("=")
        names, at, identity = answer.partition("@")
        unknown = [role for role in names.split(",") if role not in list(Role)]
        if unknown:
            raise typer.BadParameter(
                f"{text!r} does not name a person and roles; write ada=analyst,reviewer or "
                f"ada=reviewer@mail:ada@example.com (roles: {', '.join(Role)})"
            )
        people.setdefault(name, []).extend(Role(role) for role in names.split(","))
        if at:
            identities.setdefault(name, []).append(identity)
    return people, identities
