"""Fold a finished local day into its profile: the past in a few numbers a slot."""

from __future__ import annotations

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

from features.hour_sums import sums_of_local_day, weekday_of
from features.hours_of_day import hour_maxima
from features.level_shift import part_levels
from features.local_grid import LocalGrid
from features.location import by_slot, slot_medians
from features.long_clocks import highest_of_local_day
from features.own_bar import UPPER
from features.profile import DayProfile, KindProfile
from features.quantiles import quantile_of_known
from features.score_day import Measured, MeasuredDay, Model, Rows, measure_day, weigh
from features.snapshot import Snapshot, Usual

Floats = NDArray[np.float64]

CLIP = 4.0
"""Residuals count at most this many floors in the floor of the hours around."""


def fold_day(snapshot: Snapshot, rows: Rows, measured: MeasuredDay | None = None) -> DayProfile:
    """Profile of a whole local day.

    Parameters
    ----------
    snapshot : the one valid that day; r, e and u are computed with it, by the functions that score.
    rows : the day's intervals with their context.
    measured : what :func:`measure_day` gives for both, where it is known already.
    """
    measured = measured or measure_day(snapshot, rows)
    unbarred = weigh(measured, Model()).unbarred
    context = rows.grid.context
    count = _fold(rows.grid, rows.counts[:, context:], measured.count, snapshot.count)
    peak = fifteen = None
    if rows.peaks is not None:
        peak = _fold(rows.grid, rows.peaks[:, context:], measured.peak, snapshot.peak)
    if measured.observed_fifteen is not None:
        fifteen = _fold(rows.grid, measured.observed_fifteen, measured.fifteen, snapshot.fifteen)
    total, known = sums_of_local_day(rows.grid, rows.counts[:, context:])
    weekday = int(weekday_of(np.array(rows.grid.day)))
    highest = highest_of_local_day(total, known, snapshot.sums, weekday)
    return DayProfile(
        day=rows.grid.day,
        count=count,
        peak=peak,
        fifteen=fifteen,
        maximum=bn.nanmax(unbarred, axis=1),
        upper=quantile_of_known(unbarred, UPPER),
        folded=snapshot.count.days.astype(np.float64),
        hours=hour_maxima(unbarred, rows.grid.slot[context:], rows.grid.slots),
        levels=np.concatenate(
            [part_levels((count if part is None else part).usual) for part in (count, peak)], axis=1
        ),
        hour_total=total,
        hour_known=known,
        hour_highest=highest[0],
        day_highest=highest[1],
    )


def _fold(grid: LocalGrid, x: Floats, measured: Measured | None, usual: Usual | None) -> KindProfile:
    slot, slots = grid.slot[grid.context :], grid.slots
    middle = bn.nanmedian(x, axis=1)[:, None]
    n = (~np.isnan(x)).sum(axis=1).astype(np.float64)
    profile = KindProfile.unknown((len(x),), slots)
    profile.usual[...] = slot_medians(x, slot, slots)
    profile.n[...] = n
    profile.total[...] = bn.nansum(x, axis=1)
    profile.squares[...] = bn.nansum(x * x, axis=1)
    profile.largest[...] = bn.nanmax(x, axis=1)
    profile.deviation[...] = bn.nansum(np.abs(x - middle), axis=1) / np.maximum(n, 1.0)
    if measured is None or usual is None:
        return profile
    residual = np.abs(measured.residual[:, 1:])
    error = np.abs(measured.error[:, 1:])
    profile.residual[...] = slot_medians(residual, slot, slots)
    profile.error[...] = slot_medians(error, slot, slots)
    profile.day_error[...] = bn.nanmedian(error, axis=1)
    clipped = by_slot(np.minimum(residual, CLIP * usual.floor[:, None]), slot, slots)
    profile.near_n[...] = (~np.isnan(clipped)).sum(axis=2)
    profile.near_sum[...] = np.nansum(clipped, axis=2)
    profile.near_squares[...] = np.nansum(clipped * clipped, axis=2)
    return profile
