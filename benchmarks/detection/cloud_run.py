"""Simulate a cloud piece by piece, in several processes, and score it by the recipe and by the simpler detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from joblib import Parallel, delayed
from numpy.typing import NDArray

from benchmarks.detection.detectors import DETECTORS, Counts
from benchmarks.detection.labels import Label, labels_of
from benchmarks.detection.measures import INTERVAL, MOST_FLAGGED, Marks
from benchmarks.detection.recipe_run import Scores, Statistics, calibrated, joined, measure
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.event_placement import Injection
from cjp_fraud.simulation.generate import COUNTS_ONLY, SimulatedTraffic, simulate_tenants
from cjp_fraud.simulation.tenant_profiles import draw_profile
from cjp_fraud.simulation.truth import TruthRow
from cjp_fraud.traffic.schema import START, TENANT

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PIECE = 200
"""Tenants that are simulated and scored at once: half a gigabyte at ten weeks."""
COLUMNS = (*COUNTS_ONLY, "peak_concurrent", "contacts_connected")
KEPT = 1.5 * MOST_FLAGGED
"""Share of a piece's rows, the highest, that are kept of a simpler detector's scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What a process returns: of some tenants of a cloud, in the order in which they were asked for.

    Attributes
    ----------
    tenants : numbers of the tenants.
    ids : their ids.
    measured : by the recipe.
    a_day : float64 [tenants]; mean contacts a day.
    marks : highest rows of each simpler detector by its name; ``tenant`` is the place among ``tenants``.
    truth : what happened.
    """

    tenants: list[int]
    ids: list[str]
    measured: Statistics
    a_day: Floats
    marks: Mapping[str, Marks]
    truth: tuple[TruthRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CloudRun:
    """A cloud as scored; a tenant's row is its place among those simulated.

    Attributes
    ----------
    cloud, tenant_numbers : what was simulated.
    first : first interval that is judged.
    known : bool [tenants, intervals]; whether the interval's count is known.
    scores : by the recipe.
    a_day : float64 [tenants]; mean contacts a day.
    marks : highest judged rows of each simpler detector, of the intervals from ``first`` on.
    labels : what happened, but for what ended before ``first``.
    """

    cloud: Cloud
    tenant_numbers: Sequence[int]
    first: int
    known: NDArray[np.bool_]
    scores: Scores
    a_day: Floats
    marks: Mapping[str, Marks]
    labels: list[Label]

    @property
    def tenants(self) -> int:
        """How many."""
        return len(self.a_day)

    @property
    def judged_rows(self) -> int:
        """Known rows that are judged."""
        return int(self.known[:, self.first :].sum())

    @property
    def series_weeks(self) -> float:
        """Length of what is judged."""
        return self.judged_rows * INTERVAL / (7 * 86_400)


def run_cloud(
    cloud: Cloud,
    tenants: Sequence[int],
    rules: DetectionRules,
    *,
    first: int,
    jobs: int,
    detectors: bool = False,
    inject: Sequence[Injection] = (),
) -> CloudRun:
    """Simulate and score tenants of one series each.

    Parameters
    ----------
    cloud : with one series a tenant.
    tenants : their numbers.
    first : first interval that is judged.
    jobs : processes.
    detectors : whether the simpler detectors are run too.
    inject : further events.
    """
    place = {tenant: row for row, tenant in enumerate(tenants)}
    run = partial(run_piece, cloud, rules=rules, detectors=detectors, inject=inject)
    results = Parallel(n_jobs=jobs)(delayed(run)(piece) for piece in by_zone(cloud, tenants, jobs))
    pieces: list[Piece] = list(results)
    rows = [[place[tenant] for tenant in piece.tenants] for piece in pieces]
    measured = joined([(row, piece.measured) for row, piece in zip(rows, pieces, strict=True)])
    a_day = np.empty(len(place))
    number_of = {}
    for row, piece in zip(rows, pieces, strict=True):
        a_day[row] = piece.a_day
        number_of |= dict(zip(piece.ids, row, strict=True))
    begin = measured.begin + first * INTERVAL
    labels = labels_of((event for piece in pieces for event in piece.truth), number_of)
    return CloudRun(
        cloud=cloud,
        tenant_numbers=list(tenants),
        first=first,
        known=measured.known,
        scores=calibrated(measured, rules),
        a_day=a_day,
        marks={
            name: _joined_marks(
                [(row, piece.marks[name]) for row, piece in zip(rows, pieces, strict=True)], begin
            )
            for name in (DETECTORS if detectors else ())
        },
        labels=[label for label in labels if label.end > begin],
    )


def by_zone(cloud: Cloud, tenants: Sequence[int], jobs: int) -> list[list[int]]:
    """At least a piece for each process; tenants of a time zone together, because the recipe takes these at once."""
    size = min(PIECE, -(-len(tenants) // jobs))
    ordered = sorted(tenants, key=lambda tenant: (draw_profile(cloud, tenant).zone, tenant))
    return [ordered[at : at + size] for at in range(0, len(ordered), size)]


def run_piece(
    cloud: Cloud,
    tenants: Sequence[int],
    *,
    rules: DetectionRules,
    detectors: bool,
    inject: Sequence[Injection],
) -> Piece:
    """Simulate some tenants and measure them."""
    simulated = simulate_tenants(cloud, tenants, columns=COLUMNS if detectors else COUNTS_ONLY, inject=inject)
    begin = int(cloud.begin.timestamp())
    cell = _cells(simulated, begin)
    offered = _dense(simulated, "contacts_offered", cell, cloud.intervals)
    marks: dict[str, Marks] = {}
    if detectors:
        counts = Counts(
            offered,
            *(
                _dense(simulated, name, cell, cloud.intervals)
                for name in ("contacts_peak", "peak_concurrent", "contacts_connected")
            ),
        )
        marks = {name: _highest(score(counts), begin) for name, score in DETECTORS.items()}
    return Piece(
        tenants=list(tenants),
        ids=[profile.tenant_id for profile in simulated.tenants],
        measured=measure(simulated, begin, cloud.intervals, rules),
        a_day=np.nanmean(offered, axis=1) * 288,
        marks=marks,
        truth=simulated.truth,
    )


def _cells(simulated: SimulatedTraffic, begin: int) -> tuple[Ints, Ints]:
    """Tenant and interval of each row."""
    ids = [profile.tenant_id for profile in simulated.tenants]
    tenant = pc.index_in(
        simulated.traffic[TENANT].cast("string"), value_set=pa.array(ids, pa.string())
    ).to_numpy()
    seconds = simulated.traffic[START].cast("int64").to_numpy() // 1_000_000
    return tenant.astype(np.int64), (seconds - begin) // INTERVAL


def _dense(simulated: SimulatedTraffic, name: str, cell: tuple[Ints, Ints], intervals: int) -> Floats:
    """float64 [tenants, intervals] of a column."""
    dense = np.full((len(simulated.tenants), intervals), np.nan)
    dense[cell] = simulated.traffic[name].cast("float64").to_numpy()
    return dense


def _highest(score: Floats, begin: int) -> Marks:
    """The highest share of the rows."""
    known = ~np.isnan(score)
    values = score[known]
    least = np.quantile(values, 1 - KEPT) if len(values) else np.inf
    with np.errstate(invalid="ignore"):
        tenant, interval = np.nonzero(score >= least)
    return Marks(tenant, begin + INTERVAL * interval, score[tenant, interval])


def _joined_marks(parts: Sequence[tuple[list[int], Marks]], begin: int) -> Marks:
    tenant = np.concatenate([np.array(rows, np.int64)[marks.tenant] for rows, marks in parts])
    start = np.concatenate([marks.start for _, marks in parts])
    score = np.concatenate([marks.score for _, marks in parts])
    order = np.lexsort((start, tenant))
    order = order[start[order] >= begin]
    return Marks(tenant[order], start[order], score[order])
