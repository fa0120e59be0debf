"""In which pieces a refresh of the baseline folds what is due: each has a bounded number of rows of traffic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cjp_fraud.detection.due_days import DueDays

Sizes = Mapping[int, Mapping[int, int]]
"""Rows of traffic by UTC day and bucket."""

SNAPSHOTS_KEPT: Final = 14
MOST_ROWS: Final = 1_500_000
"""Rows of traffic that are folded at once."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is folded at once.

    Attributes
    ----------
    days : local days that are due for at least one tenant, ascending; neighbours are at most two days apart.
    tenants : the tenants that are read; None: all of the buckets, so that silent ones get their snapshots too.
    keep_from : first day whose snapshots are stored; this refresh would remove older ones again.
    """

    buckets: tuple[int, ...]
    days: tuple[int, ...]
    tenants: tuple[str, ...] | None
    keep_from: int


def batches_of(sizes: Sizes, due: DueDays) -> Iterator[tuple[int, ...]]:
    """Buckets that have days due, as many at once as have few enough rows in those days."""
    batch: tuple[int, ...] = ()
    for bucket in due.buckets():
        more = (*batch, bucket)
        if batch and _rows(sizes, more, due.of_buckets(more).days().tolist()) > MOST_ROWS:
            yield batch
            more = (bucket,)
        batch = more
    if batch:
        yield batch


def pieces_of(sizes: Sizes, due: DueDays, buckets: tuple[int, ...]) -> Iterator[Piece]:
    """Cut what is due in some buckets into runs of days, and a day of too many rows by tenants."""
    days = due.days().tolist()
    runs: list[tuple[int, ...]] = []
    for day in days:
        run = runs[-1] if runs else ()
        if run and day - run[-1] <= 2 and _rows(sizes, buckets, [*run, day]) <= MOST_ROWS:
            runs[-1] = (*run, day)
        else:
            runs.append((day,))
    for run in runs:
        tenants = due.tenants(run[0], run[-1])
        everyone = run is runs[-1]
        # The newest day may be that of a zone further east: others end up to two days before.
        piece = Piece(buckets, run, None if everyone else tenants, days[-1] - SNAPSHOTS_KEPT)
        parts = -(-_rows(sizes, buckets, run) // MOST_ROWS)
        if parts <= 1:
            yield piece
            continue
        for part in np.array_split(np.array(tenants, dtype=object), min(parts, len(tenants))):
            yield replace(piece, tenants=tuple(part.tolist()))


def _rows(sizes: Sizes, buckets: Collection[int], days: Iterable[int]) -> int:
    """Rows of traffic that folding the local ``days`` of ``buckets`` reads at most."""
    near = {utc for day in days for utc in (day - 1, day, day + 1)}
    return sum(sizes.get(day, {}).get(bucket, 0) for day in near for bucket in buckets)
