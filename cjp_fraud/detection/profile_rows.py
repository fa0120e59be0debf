"""Profiles and snapshots as rows of the lake, and back, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.clock import date_of
from cjp_fraud.detection.lake_tables import BAR_BY_HOUR, BASELINE, KINDS, OWN_BAR, PROFILE, WHOLE_NUMBERS
from cjp_fraud.storage.lake import LakeTable
from features.columns import APPLICATION, SERIES_ID, SERIES_KEY
from features.constants import RECIPE_VERSION
from features.own_bar import OwnBar
from features.profile import (
    DAY_FIELDS,
    KIND_FIELDS,
    LIST_FIELDS,
    SLOT_FIELDS,
    DayProfile,
    History,
    KindProfile,
)
from features.snapshot import USUAL_FIELDS, USUAL_SLOT_FIELDS, Snapshot, Usual, make_snapshot
from features.usual_sums import USUAL_SUMS_FIELDS, USUAL_SUMS_LISTS, UsualSums

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

assert tuple(field.name for field in fields(OwnBar)) == OWN_BAR, "the lake's columns are the snapshot's"


def profile_rows(keys: pd.DataFrame, buckets: NDArray[np.int16], zone: str, profile: DayProfile) -> pa.Table:
    """Rows of one local day folded under ``zone``; ``keys`` and ``buckets`` are those of its series, in its order."""
    columns: dict[str, Any] = {}
    for kind, part in zip(KINDS, (profile.count, profile.peak, profile.fifteen), strict=True):
        slots = profile.count.usual.shape[-1]
        known = part if part is not None else KindProfile.unknown((len(keys),), slots)
        for name, values in known.arrays():
            columns[f"{kind}_{name}"] = _column(values)
    columns |= {name: _column(getattr(profile, name)) for name in DAY_FIELDS}
    return _table(PROFILE, keys, buckets, zone, profile.day, columns)


def profile_of(rows: pa.Table, day: int) -> DayProfile:
    """The folded day of ``rows``, in their order; all of one interval length."""
    parts = [
        KindProfile(**{name: numbers_of(rows, f"{kind}_{name}", name in SLOT_FIELDS) for name in KIND_FIELDS})
        for kind in KINDS
    ]
    count, peak, fifteen = parts
    numbers = (numbers_of(rows, name, name in LIST_FIELDS) for name in DAY_FIELDS)
    return DayProfile(day, count, peak, fifteen, *numbers)


def snapshot_rows(keys: pd.DataFrame, buckets: NDArray[np.int16], zone: str, snapshot: Snapshot) -> pa.Table:
    """Rows of one snapshot under ``zone``; ``keys`` and ``buckets`` are those of its series, in its order."""
    columns: dict[str, Any] = {}
    nothing = unknown_snapshot(len(keys), snapshot.count.location.shape[1], snapshot.day).count
    for kind, usual in zip(KINDS, (snapshot.count, snapshot.peak, snapshot.fifteen), strict=True):
        part = usual or nothing
        for name in USUAL_FIELDS:
            columns[f"{kind}_{name}"] = _column(getattr(part, name))
    columns |= {name: _column(getattr(snapshot.own, name)) for name in OWN_BAR}
    columns |= {name: _column(getattr(snapshot.sums, name)) for name in USUAL_SUMS_FIELDS}
    return _table(BASELINE, keys, buckets, zone, snapshot.day, columns)


def snapshot_of(rows: pa.Table, place: Ints, members: int, slots: int, day: int) -> Snapshot:
    """Snapshot ``day`` of ``members`` series, of which row i of ``rows`` is ``place[i]``; the others are cold."""
    if not len(rows):
        cold = unknown_snapshot(members, slots, day)
        peak, fifteen = (cold.count.take(np.arange(members)) for _ in range(2))
        return Snapshot(day, cold.count, peak, fifteen, cold.own, cold.sums)
    everyone = len(rows) == members and bool((place == np.arange(members)).all())
    empty = None if everyone else unknown_snapshot(members, slots, day)
    kinds = []
    for kind in KINDS:
        values: dict[str, Any] = {}
        for name in USUAL_FIELDS:
            stored: NDArray[Any] = numbers_of(rows, f"{kind}_{name}", name in USUAL_SLOT_FIELDS)
            stored = stored.astype(np.int64) if name in WHOLE_NUMBERS else stored
            values[name] = stored if empty is None else _put(getattr(empty.count, name), place, stored)
        kinds.append(Usual(**values))
    own = {name: numbers_of(rows, name, name in BAR_BY_HOUR) for name in OWN_BAR}
    sums = {name: numbers_of(rows, name, name in USUAL_SUMS_LISTS) for name in USUAL_SUMS_FIELDS}
    if empty is not None:
        own = {name: _put(getattr(empty.own, name), place, stored) for name, stored in own.items()}
        sums = {name: _put(getattr(empty.sums, name), place, stored) for name, stored in sums.items()}
    return Snapshot(day, kinds[0], kinds[1], kinds[2], OwnBar(**own), UsualSums(**sums))


def _put(values: NDArray[Any], place: Ints, stored: NDArray[Any]) -> NDArray[Any]:
    whole = values.copy()
    whole[place] = stored
    return whole


def unknown_snapshot(members: int, slots: int, day: int) -> Snapshot:
    """The snapshot of series without a past."""
    of_one_series = _unknown_snapshot(slots)
    return replace(of_one_series.take(np.zeros(members, dtype=np.int64)), day=day)


@lru_cache(maxsize=8)
def _unknown_snapshot(slots: int) -> Snapshot:
    return make_snapshot(History.empty(1, slots), np.zeros(1, dtype=np.int64), 0)


def _table(
    table: LakeTable,
    keys: pd.DataFrame,
    buckets: NDArray[np.int16],
    zone: str,
    day: int,
    columns: dict[str, Any],
) -> pa.Table:
    n = len(keys)
    named = {name: pa.array(_plain(keys[name], name)) for name in (SERIES_ID, *SERIES_KEY)}
    placed = {
        "zone": pa.array([zone] * n, pa.string()),
        "recipe_version": pa.array([RECIPE_VERSION] * n, pa.string()),
        "day": pa.array([date_of(day)] * n, pa.date32()),
        "bucket": pa.array(buckets, pa.int16()),
    }
    whole = {**named, **columns, **placed}
    return pa.table([whole[name] for name in table.schema.names], names=table.schema.names).cast(table.schema)


def _plain(column: pd.Series, name: str) -> Sequence[Any]:
    values = column.tolist()
    return [value if isinstance(value, str) else None for value in values] if name == APPLICATION else values


def _column(values: NDArray[Any]) -> pa.Array:
    """Numbers as a column, of lists where there are several a row."""
    if values.ndim == 1:
        return pa.array(values)
    n, slots = values.shape
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * slots)
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).ravel()))


def numbers_of(rows: pa.Table, name: str, lists: bool) -> Floats:
    """A column of numbers as float64 [rows], or of lists of them as [rows, n], NaN where it is null."""
    column = rows[name].combine_chunks()
    if not lists:
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
    return flat.reshape(len(rows), len(flat) // max(len(rows), 1)).copy()


def days_of(rows: pa.Table) -> Ints:
    """Days since 1970-01-01 of rows with a column ``day``; int64 [rows]."""
    days: Ints = rows["day"].combine_chunks().cast(pa.int32()).to_numpy().astype(np.int64)
    return days
