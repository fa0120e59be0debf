"""``cjp-fraud init`` and ``config``: make the database and the lake, or bring them to this version; show settings."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import Column, JsonOption, deployment, print_view
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
    as_json: JsonOption = False,
) -> None:
    """Make the database and the lake's tables; running it again is harmless."""
    from cjp_fraud.operations.housekeeping import initialize

    ready = initialize(deployment(ctx), simulated=simulated, users=_people(user or []))
    fields = ("database", "schema", "changed", "lake", "buckets", "mode", "simulated_clock", *_KEY)
    print_view(ready, fields, as_json=as_json, title="Ready")
    if not as_json and ready.key.note is not None:
        typer.echo(f"note: {ready.key.note}")


@app.command()
def show(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Print every setting in force, and the public key that verifies signed heads; secrets are masked."""
    from cjp_fraud.operations.signed_heads import settings_and_key

    print_view(settings_and_key(deployment(ctx)), as_json=as_json, title="Settings")


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
