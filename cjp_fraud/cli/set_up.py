"""``cjp-fraud init`` and ``config``: make the database and the lake, or bring them to this version; show settings."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import Column, JsonOption, deployment, look_at_home, print_view
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
            metavar="NAME=ROLE[,ROLE]",
            help="A person of the first day, whose roles count at once; may be given more than once.",
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

    made = initialize(deployment(ctx), simulated=simulated, users=_people(user or []), owner_url=owner_url)
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
    from cjp_fraud.operations.signed_heads import settings_and_key

    look_at_home(ctx)
    print_view(settings_and_key(deployment(ctx)), as_json=as_json, title="Settings")


_SHOWN = ("database", "schema", "changed", "lake", "buckets", "mode", "simulated_clock", *_KEY)


def _people(given: list[str]) -> dict[str, list[Role]]:
    people: dict[str, list[Role]] = {}
    for text in given:
        name, _, names = text.partition("=")
        unknown = [role for role in names.split(",") if role not in list(Role)]
        if unknown:
            raise typer.BadParameter(
                f"{text!r} does not name a person and roles; write ada=analyst,reviewer (roles: {', '.join(Role)})"
            )
        people.setdefault(name, []).extend(Role(role) for role in names.split(","))
    return people
