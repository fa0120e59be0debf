"""Profiles and snapshots: rows of the lake, and back, to the bit; the past of an arrangement's groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.clock import date_of
from cjp_fraud.detection.lake_tables import BASELINE, KINDS, MAXIMA, PROFILE, WHOLE_NUMBERS
from cjp_fraud.detection.series import Arranged
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from features.columns import APPLICATION, SERIES_ID, SERIES_KEY, TENANT
from features.constants import RECIPE_VERSION
from features.local_grid import slots_a_day
from features.own_bar import BAR_MEMORY_DAYS, OwnMaxima
from features.profile import KIND_FIELDS, NO_DAY, SLOT_FIELDS, DayProfile, History, KindProfile
from features.snapshot import USUAL_FIELDS, USUAL_SLOT_FIELDS, Snapshot, Usual, make_snapshot

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

assert tuple(field.name for field in fields(OwnMaxima)) == MAXIMA, "the lake's columns are the snapshot's"


@dataclass(slots=True, eq=False)
class ProfiledPast:
    """Histories of an arrangement's groups, grown from stored profiles as the days go by.

    Attributes
    ----------
    arranged : whose groups.
    stored : by group and local day: members and their profile.
    """

    arranged: Arranged
    stored: Mapping[tuple[int, int], tuple[Ints, DayProfile]]
    _histories: list[History] = field(default_factory=list)
    _ahead: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._histories = [
            History.empty(len(group.series), slots_a_day(group.seconds)) for group in self.arranged.groups
        ]
        self._ahead = [
            sorted({day for of, day in self.stored if of == number}, reverse=True)
            for number in range(len(self.arranged.groups))
        ]

    def history_before(self, number: int, day: int) -> History:
        """History of a group up to the local day before ``day``; days are asked for in ascending order."""
        history, ahead = self._histories[number], self._ahead[number]
        while ahead and ahead[-1] < day:
            members, profile = self.stored[number, ahead.pop()]
            history.append(members, profile)
        return history

    def learn(self, number: int, day: int, folded: Ints, profile: DayProfile | None) -> None:
        """Add a local day: what was folded now, and what is stored of the other members."""
        history = self.history_before(number, day)
        if self._ahead[number] and self._ahead[number][-1] == day:
            self._ahead[number].pop()
            members, stored = self.stored[number, day]
            others = ~np.isin(members, folded)
            if others.any():
                history.append(members[others], _take(stored, others))
        if profile is not None and len(folded):
            history.append(folded, profile)

    def snapshot(self, number: int, members: Ints, day: int) -> Snapshot:
        """Snapshot ``day`` of members of a group."""
        return make_snapshot(self.history_before(number, day), members, day)

    def with_a_past(self, number: int, day: int) -> Ints:
        """Members of a group that have a folded day in the sixty before ``day``."""
        last = self.history_before(number, day).last
        return np.flatnonzero((last > NO_DAY) & (last >= day - BAR_MEMORY_DAYS))


def profiled_past(
    lake: Lake, arranged: Arranged, first: int, last: int, buckets: Collection[int]
) -> ProfiledPast:
    """Read the profiles that snapshots of local days ``first`` to ``last`` rest on (and those between them)."""
    rows = read_profiles(lake, first, last, buckets, tenants=None)
    return ProfiledPast(arranged, stored_days(arranged, rows))


def read_profiles(
    lake: Lake, first: int, last: int, buckets: Collection[int], tenants: Collection[str] | None
) -> pa.Table:
    """Stored profiles of the sixty local days before ``first``, and on to ``last``."""
    where = Where(equal={TENANT: sorted(tenants)}) if tenants is not None else None
    days = (date_of(first - BAR_MEMORY_DAYS), date_of(last + 1))
    return lake.read(PROFILE, days=days, buckets=sorted(int(b) for b in buckets), where=where)


def stored_days(arranged: Arranged, rows: pa.Table) -> dict[tuple[int, int], tuple[Ints, DayProfile]]:
    """Profiles by group and local day; rows of series that are not arranged are left out."""
    found = {}
    for number, members, day, part in _by_group_and_day(arranged, rows):
        found[number, day] = (members, profile_of(part, day))
    return found


def stored_snapshots(
    lake: Lake, arranged: Arranged, wanted: Collection[tuple[int, int]], buckets: Collection[int]
) -> dict[tuple[int, int], Snapshot]:
    """Snapshots of whole groups by (group, local day), for a window of few days.

    From the baseline; a series that has none there for the day gets it made from its profiles (which a silent or
    newly delivered series needs), and is cold where it has no past.
    """
    days = sorted({day for _, day in wanted})
    if not days:
        return {}
    numbers = sorted(int(bucket) for bucket in buckets)
    stored = lake.read(BASELINE, days=(date_of(days[0]), date_of(days[-1] + 1)), buckets=numbers)
    found: dict[tuple[int, int], tuple[Ints, pa.Table]] = {
        (number, day): (members, part)
        for number, members, day, part in _by_group_and_day(arranged, stored)
        if (number, day) in wanted
    }
    missing = _missing_tenants(arranged, wanted, found)
    past = None
    if missing:
        profiles = read_profiles(lake, days[0], days[-1], buckets, missing)
        past = ProfiledPast(arranged, stored_days(arranged, profiles))
    result = {}
    for number, day in sorted(wanted, key=lambda pair: (pair[0], pair[1])):
        group = arranged.groups[number]
        members, part = found.get((number, day), (np.empty(0, np.int64), BASELINE.schema.empty_table()))
        slots = slots_a_day(group.seconds)
        snapshot = snapshot_of(part, members, len(group.series), slots, day)
        if past is not None:
            made = np.setdiff1d(past.with_a_past(number, day), members)
            if len(made):
                snapshot = _filled(snapshot, made, past.snapshot(number, made, day))
        result[number, day] = snapshot
    return result


def _missing_tenants(
    arranged: Arranged,
    wanted: Collection[tuple[int, int]],
    found: Mapping[tuple[int, int], tuple[Ints, pa.Table]],
) -> set[str]:
    missing: set[str] = set()
    for number, day in wanted:
        group = arranged.groups[number]
        members = found[number, day][0] if (number, day) in found else np.empty(0, np.int64)
        absent = np.setdiff1d(np.arange(len(group.series)), members)
        missing.update(arranged.table.keys[TENANT].to_numpy()[group.series[absent]].tolist())
    return missing


def _filled(snapshot: Snapshot, members: Ints, made: Snapshot) -> Snapshot:
    """``snapshot`` with the rows of ``members`` taken from ``made``."""
    for mine, theirs in (
        (snapshot.count, made.count),
        (snapshot.peak, made.peak),
        (snapshot.maxima, made.maxima),
    ):
        if mine is None or theirs is None:
            continue
        for name in mine.__dataclass_fields__:
            getattr(mine, name)[members] = getattr(theirs, name)
    return snapshot


def _by_group_and_day(arranged: Arranged, rows: pa.Table) -> Iterator[tuple[int, Ints, int, pa.Table]]:
    """Cut stored rows by group and local day: group, members, day, rows in the members' order."""
    if not len(rows):
        return
    code = arranged.table.codes(rows[SERIES_ID])
    of_group = np.full(len(arranged.table), -1, dtype=np.int64)
    member = np.full(len(arranged.table), -1, dtype=np.int64)
    for number, group in enumerate(arranged.groups):
        of_group[group.series] = number
        member[group.series] = np.arange(len(group.series))
    days = rows["day"].combine_chunks().cast(pa.int32()).to_numpy().astype(np.int64)
    known = np.flatnonzero(code >= 0)
    known = known[np.lexsort((member[code[known]], days[known], of_group[code[known]]))]
    if not len(known):
        return
    group_of, day_of_row = of_group[code[known]], days[known]
    cuts = np.flatnonzero((np.diff(group_of) != 0) | (np.diff(day_of_row) != 0)) + 1
    for part in np.split(known, cuts):
        number = int(of_group[code[part[0]]])
        yield number, member[code[part]], int(days[part[0]]), rows.take(pa.array(part))


def _take(profile: DayProfile, rows: NDArray[np.bool_]) -> DayProfile:
    return DayProfile(
        day=profile.day,
        count=profile.count.take(rows),
        peak=None if profile.peak is None else profile.peak.take(rows),
        strongest_count=profile.strongest_count[rows],
        strongest_peak=profile.strongest_peak[rows],
    )


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
    named = {name: pa.array(_plain(keys[name], name)) for name in (SERIES_ID, *SERIES_KEY)}
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
