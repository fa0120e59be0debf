"""``cjp-fraud config``: what is set."""

from __future__ import annotations

import typer

from cjp_fraud.cli.frame import JsonOption, print_view, settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Print every setting in force; secrets are masked."""
    print_view(settings(ctx).shown(), as_json=as_json, title="Settings")
