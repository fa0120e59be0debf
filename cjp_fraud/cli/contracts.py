"""``cjp-fraud contracts``: what contracts allow, and from when."""

from __future__ import annotations

from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, deployment
from cjp_fraud.cli.printing import print_json, stamp, table_console

app = typer.Typer(no_args_is_help=True)


@app.callback()
def contracts() -> None:
    """Contracts: what they allow, and from when."""


@app.command()
def earliest(
    ctx: typer.Context,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Number or id (cases list).")],
    as_json: JsonOption = False,
) -> None:
    """Show from which minute each measure is lawful, what is missing until then, and the fastest path there.

    It is the gate's own answer: at that minute it is open if nothing else is missing, and a minute before it is shut.
    """
    from cjp_fraud.operations import contracts

    opened = deployment(ctx)
    found = contracts.earliest(opened, opened.now, case)
    if as_json:
        print_json(found)
        return
    console = table_console()

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for measure in found:
        when = stamp(measure.earliest_at) if measure.earliest_at is not None else "never, as things stand"
        line(f"{measure.measure}{' (proposed)' if measure.proposed else ''}: {when}")
        for title, sentences in (
            ("fastest path", measure.path),
            ("missing now", measure.missing),
            ("missing at that minute, unless people do it", measure.missing_then),
        ):
            if sentences and (measure.proposed or title != "missing now"):
                line(f"  {title}:")
                for sentence in sentences:
                    line(f"    {sentence}")
