"""Calibration in a settled deployment: tenants without events, judged from the eleventh to the twentieth week.

    python -m benchmarks.detection.settled_calibration [--seed N]... [--tenants 100]

By then the first weeks have left the pool of sixty days, whose statistic is larger because the series are young.
"""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.detection.calibration_table import calibration_rows
from benchmarks.detection.cloud_run import run_cloud
from benchmarks.detection.report import shown
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.simulation.cloud import DAY_INTERVALS, Cloud

WEEKS = 20
SETTLED_WEEKS = 10
"""Weeks that are not judged: a first one and the sixty days that remember it."""


def main(
    seed: Annotated[list[int] | None, typer.Option(help="A seed; several are allowed.")] = None,
    tenants: Annotated[int, typer.Option(help="Tenants of one series each.")] = 100,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Print the observed share of rows by nominal p for each seed."""
    for number in seed or [7]:
        cloud = Cloud(seed=number, weeks=WEEKS, one_series=True, events=False)
        first = SETTLED_WEEKS * 7 * DAY_INTERVALS
        run = run_cloud(cloud, range(tenants), DetectionRules(), first=first, jobs=jobs)
        print(f"=== seed {number} ===\n{calibration_rows(run).map(shown).to_string()}", flush=True)


if __name__ == "__main__":
    typer.run(main)
