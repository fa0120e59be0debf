"""``cjp-fraud simulate``: a contact-centre cloud in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cjp_fraud.cli.frame import JsonOption, moment, progress
from cjp_fraud.cli.printing import print_view


def simulate(
    tenants: Annotated[int, typer.Option("--tenants", help="How many.")],
    weeks: Annotated[int, typer.Option("--weeks", help="How long.")],
    out: Annotated[Path, typer.Option("--out", help="An empty or new folder.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 0,
    start: Annotated[
        str | None, typer.Option("--start", metavar="DATE", help="First day (2025-09-29).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a contact-centre cloud: traffic, tenants with contracts, known events, and the truth.

    Needs no deployment. What is simulated, and where its numbers come from: docs/simulation.md.
    """
    from cjp_fraud.operations.simulation import simulate as simulate_cloud

    first = moment(start)
    with progress("simulating") as report:
        done = simulate_cloud(
            out,
            tenants=tenants,
            weeks=weeks,
            seed=seed,
            start=first.date() if first is not None else None,
            report=report,
        )
    print_view(done, as_json=as_json, title="Simulated cloud")
