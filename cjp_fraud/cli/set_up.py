"""``cjp-fraud init``: make the database and the lake, or bring them to this version."""

from __future__ import annotations

import typer

from cjp_fraud.cli.frame import JsonOption, deployment, print_view


def init(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Make the database and the lake's tables; running it again is harmless."""
    from cjp_fraud.operations.housekeeping import initialize

    print_view(initialize(deployment(ctx)), as_json=as_json, title="Ready")
