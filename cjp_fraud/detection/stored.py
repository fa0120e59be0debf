"""Profiles and snapshots as rows of the lake, and back, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.detection.schema import BASELINE, KINDS, MAXIMA, PROFILE, WHOLE_NUMBERS
from cjp_fraud.storage.lake import LakeTable
from features.columns import APPLICATION, SERIES_KEY
from features.constants import RECIPE_VERSION
from features.own_bar import OwnMaxima
from features.profile import KIND_FIELDS, SLOT_FIELDS, DayProfile, History, KindProfile
from features.snapshot import USUAL_FIELDS, USUAL_SLOT_FIELDS, Snapshot, Usual, make_snapshot

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
EPOCH: Final = date(1970, 1, 1)

assert tuple(field.name for field in fields(OwnMaxima)) == MAXIMA, "the lake's columns are the snapshot's"


def date_of(day: int) -> date:
    """Date of a day counted from 1970-01-01."""
    return EPOCH + timedelta(days=day)


def day_of(on: date) -> int:
    """Days since 1970-01-01."""
    return (on - EPOCH).days


def profile_rows(keys: pd.DataFrame, buckets: NDArray[np.int16], profile: DayProfile) -> pa.Table:
    """Rows of one folded local day; ``keys`` and ``buckets`` are those of the profile's series, in its order."""
    columns: dict[str, Any] = {}
    for kind, part in zip(KINDS, (profile.count, profile.peak), strict=True):
        slots = profile.count.usual.shape[-1]
        known = part if part is not None else KindProfile.unknown((len(keys),), slots)
        for name, values in known.arrays():
            columns[f"{kind}_{name}"] = _lists(values) if name in SLOT_FIELDS else pa.array(values)
    columns["strongest_count"] = pa.array(profile.strongest_count)
    columns["strongest_peak"] = pa.array(profile.strongest_peak)
    return _table(PROFILE, keys, buckets, profile.day, columns)


def profile_of(rows: pa.Table, day: int) -> DayProfile:
    """The folded day of ``rows``, in their order; all of one interval length."""
    parts = [
        KindProfile(**{name: _array(rows, f"{kind}_{name}", name in SLOT_FIELDS) for name in KIND_FIELDS})
        for kind in KINDS
    ]
    return DayProfile(
        day=day,
        count=parts[0],
        peak=parts[1],
        strongest_count=_array(rows, "strongest_count", by_slot=False),
        strongest_peak=_array(rows, "strongest_peak", by_slot=False),
    )


def snapshot_rows(keys: pd.DataFrame, buckets: NDArray[np.int16], snapshot: Snapshot) -> pa.Table:
    """Rows of one snapshot; ``keys`` and ``buckets`` are those of its series, in its order."""
    columns: dict[str, Any] = {}
    unknown = unknown_snapshot(len(keys), snapshot.count.location.shape[1], snapshot.day)
    for kind, part in zip(KINDS, (snapshot.count, snapshot.peak or unknown.count), strict=True):
        for name in USUAL_FIELDS:
            values = getattr(part, name)
            columns[f"{kind}_{name}"] = _lists(values) if name in USUAL_SLOT_FIELDS else pa.array(values)
    for name in MAXIMA:
        columns[name] = pa.array(getattr(snapshot.maxima, name))
    return _table(BASELINE, keys, buckets, snapshot.day, columns)


def snapshot_of(rows: pa.Table, place: Ints, members: int, slots: int, day: int) -> Snapshot:
    """Snapshot ``day`` of ``members`` series, of which row i of ``rows`` is ``place[i]``; the others are cold."""
    cold = unknown_snapshot(members, slots, day)
    kinds = []
    for kind in KINDS:
        values = {name: getattr(cold.count, name).copy() for name in USUAL_FIELDS}
        for name in USUAL_FIELDS if len(rows) else ():
            stored = _array(rows, f"{kind}_{name}", name in USUAL_SLOT_FIELDS)
            values[name][place] = stored.astype(np.int64) if name in WHOLE_NUMBERS else stored
        kinds.append(Usual(**values))
    maxima = {name: np.full(members, np.nan) for name in MAXIMA}
    for name in MAXIMA if len(rows) else ():
        maxima[name][place] = _array(rows, name, by_slot=False)
    return Snapshot(day, kinds[0], kinds[1], OwnMaxima(**maxima))


def unknown_snapshot(members: int, slots: int, day: int) -> Snapshot:
    """The snapshot of series without a past."""
    return make_snapshot(History.empty(members, slots), np.arange(members, dtype=np.int64), day)


def _table(
    table: LakeTable, keys: pd.DataFrame, buckets: NDArray[np.int16], day: int, columns: dict[str, Any]
) -> pa.Table:
    n = len(keys)
    named = {name: pa.array(_plain(keys[name], name)) for name in SERIES_KEY}
    placed = {
        "recipe_version": pa.array([RECIPE_VERSION] * n, pa.string()),
        "day": pa.array([date_of(day)] * n, pa.date32()),
        "bucket": pa.array(buckets, pa.int16()),
    }
    whole = {**named, **columns, **placed}
    return pa.table([whole[name] for name in table.schema.names], names=table.schema.names).cast(table.schema)


def _plain(column: pd.Series, name: str) -> Sequence[Any]:
    values = column.tolist()
    return [value if isinstance(value, str) else None for value in values] if name == APPLICATION else values


def _lists(values: Floats) -> pa.Array:
    n, slots = values.shape
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * slots)
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).ravel()))


def _array(rows: pa.Table, name: str, by_slot: bool) -> Floats:
    column = rows[name].combine_chunks()
    if not by_slot:
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
    return flat.reshape(len(rows), -1).copy()
