"""Measure the detector on a simulated cloud, beside simpler ones.

    python -m benchmarks.detection [--quick] [--seed N]... [--jobs 2] [--write]

Each seed is a cloud of 2,000 tenants × 10 weeks of one 5-minute series (``--quick``: 200 × 7), the same cloud without
events, and bursts of known size. The first two weeks are not judged. With ``--write`` the figures go into
``docs/detection-benchmark.md``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer

from benchmarks.detection.bursts import burst_tenants, injections
from benchmarks.detection.cloud_run import run_cloud
from benchmarks.detection.figures import Figures, figures_of
from benchmarks.detection.report import REPOSITORY, Setup, commit_of_the_code, text_of, write_page
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.simulation.cloud import DAY_INTERVALS, Cloud

SEEDS = (1, 2, 3, 4)
"""The first is that of the published table, the others show the spread."""
PAGE = REPOSITORY / "docs" / "detection-benchmark.md"
WARM_DAYS = 14
BURST_WEEKS = 7
"""A threshold is chosen after 28 days, so the last weeks have one."""
BURST_FIRST_DAY = 30


@dataclass(frozen=True, slots=True)
class Size:
    """How much is simulated."""

    tenants: int
    weeks: int
    burst_tenants: int


FULL = Size(2000, 10, 400)
QUICK = Size(200, 7, 100)


def run_seed(seed: int, size: Size, jobs: int) -> Figures:
    """Simulate, score and measure one seed."""
    rules = DetectionRules()
    tenants = range(size.tenants)
    first = WARM_DAYS * DAY_INTERVALS
    cloud = Cloud(seed=seed, weeks=size.weeks, one_series=True)
    events = run_cloud(cloud, tenants, rules, first=first, jobs=jobs, detectors=True)
    _say(f"seed {seed}: cloud with events scored")
    clean = run_cloud(
        Cloud(seed=seed, weeks=size.weeks, one_series=True, events=False),
        tenants,
        rules,
        first=first,
        jobs=jobs,
    )
    _say(f"seed {seed}: cloud without events scored")
    quiet = Cloud(seed=seed, weeks=BURST_WEEKS, one_series=True, events=False)
    attacked = burst_tenants(quiet, size.burst_tenants)
    inject, kinds = injections(quiet, attacked, BURST_FIRST_DAY)
    bursts = run_cloud(quiet, attacked, rules, first=first, jobs=jobs, inject=inject)
    _say(f"seed {seed}: bursts scored")
    return figures_of(events, clean, bursts, kinds)


def main(
    seed: Annotated[list[int] | None, typer.Option(help="A seed; several are allowed.")] = None,
    quick: Annotated[bool, typer.Option(help="200 tenants for 7 weeks, one seed.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
    write: Annotated[bool, typer.Option(help="Write the figures into docs/detection-benchmark.md.")] = False,
) -> None:
    """Print the figures of each seed, and write the page if asked to."""
    size = QUICK if quick else FULL
    seeds = seed or [SEEDS[0]]
    commit, begun = commit_of_the_code(), time.perf_counter()
    by_seed = {}
    for number in seeds:
        by_seed[number] = run_seed(number, size, jobs)
        print(text_of(by_seed[number], number), flush=True)
    minutes = (time.perf_counter() - begun) / 60
    print(f"{minutes:.1f} minutes for {len(seeds)} seed(s), {jobs} processes")
    if write:
        write_page(PAGE, by_seed, Setup(size.tenants, size.weeks, size.burst_tenants, jobs, minutes, commit))


def _say(words: str) -> None:
    typer.echo(f"{time.strftime('%H:%M:%S')} {words}", err=True)


if __name__ == "__main__":
    np.seterr(all="warn")
    typer.run(main)
