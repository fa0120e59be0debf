"""Simulate a contact-centre cloud, so that detection can be tried and measured where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from cjp_fraud.progress import Report
from cjp_fraud.simulation.cloud import DEFAULT_START, Cloud
from cjp_fraud.simulation.cloud_files import write_cloud
from cjp_fraud.storage.full_disk import full_disk_named


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What was simulated, and where it is.

    Parameters
    ----------
    begin, end : the simulated span; UTC.
    rows : of traffic; ``late_rows`` of them stand in the files of ``late/``, which are delivered after the others.
    frauds, benign_events : what the truth holds.
    """

    out: Path
    begin: datetime
    end: datetime
    tenants: int
    series: int
    rows: int
    late_rows: int
    files: int
    frauds: int
    benign_events: int


@full_disk_named("simulation")
def simulate(
    out: Path,
    *,
    tenants: int,
    weeks: int,
    seed: int,
    start: date | None = None,
    report: Report | None = None,
) -> SimulationReport:
    """Write a simulated cloud into an empty folder; the same seed gives the same bytes.

    Parameters
    ----------
    start : first day (UTC); None: 2025-09-29.

    Raises
    ------
    BadInputError
        If a number is out of range, or the folder has something in it.
    """
    cloud = Cloud(seed=seed, weeks=weeks, start=start or DEFAULT_START)
    written = write_cloud(cloud, tenants, out, report)
    return SimulationReport(
        out=out,
        begin=cloud.begin,
        end=cloud.end,
        tenants=written.tenants,
        series=written.series,
        rows=written.rows,
        late_rows=written.late_rows,
        files=written.files,
        frauds=written.frauds,
        benign_events=written.benign_events,
    )
