"""``cjp-fraud init``: make the database and the lake, or bring them to this version."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, print_view


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
    as_json: JsonOption = False,
) -> None:
    """Make the database and the lake's tables; running it again is harmless."""
    from cjp_fraud.operations.housekeeping import initialize

    print_view(initialize(deployment(ctx), simulated=simulated), as_json=as_json, title="Ready")
