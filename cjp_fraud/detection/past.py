"""What the lake has of the past of arranged series: histories from profiles, and stored snapshots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.clock import date_of
from cjp_fraud.detection.fraud_days import Determined, DeterminedDays
from cjp_fraud.detection.lake_tables import BASELINE, PROFILE
from cjp_fraud.detection.profile_rows import days_of, numbers_of, profile_of, snapshot_of
from cjp_fraud.detection.series import Arranged
from cjp_fraud.storage.lake import Lake, Where
from features.columns import SERIES_ID, SERIES_KEY, TENANT
from features.local_grid import NO_DAY, slots_a_day
from features.own_bar import BAR_MEMORY_DAYS
from features.profile import (
    DAY_FIELDS,
    LIST_FIELDS,
    SLOT_MEMORY_DAYS,
    DayProfile,
    History,
)
from features.scales import FULL_DAYS
from features.snapshot import Snapshot, make_snapshot

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INDEX: Final = (SERIES_ID, *SERIES_KEY, "day", "zone", *DAY_FIELDS)
"""Columns of a profile without its slots: what is read of sixty days, where the slots are read of a few."""

FEW_TENANTS: Final = 50
CODE_DAYS: Final = 1_000_000
"""More than there are days: a code times this plus a day is a key of both."""


@dataclass(slots=True, eq=False)
class ProfiledPast:
    """Histories of arranged groups, which grow day by day from stored profiles.

    Attributes
    ----------
    arranged : the groups.
    stored : by group and local day: members and their profile; removed once they are in the history.
    older : by group, days so old that only their numbers are used, oldest first. Each is a tuple of members, day, and
        the members' numbers of that day (``DAY_FIELDS``). A member's older days come before its stored.
    determined : days that do not count for the own bar.
    """

    arranged: Arranged
    stored: dict[tuple[int, int], tuple[Ints, DayProfile]]
    older: Mapping[int, Sequence[tuple[Ints, int, tuple[Floats, ...]]]]
    determined: DeterminedDays
    _histories: list[History] = field(default_factory=list)
    _ahead: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, group in enumerate(self.arranged.groups):
            history = History.empty(len(group.series), slots_a_day(group.seconds))
            for members, day, numbers in self.older.get(number, ()):
                history.append_numbers(members, day, *numbers)
            self._histories.append(history)
            self._ahead.append(sorted({day for of, day in self.stored if of == number}, reverse=True))

    def history_before(self, number: int, day: int) -> History:
        """History of a group up to the local day before ``day``; days are asked for in ascending order."""
        history, ahead = self._histories[number], self._ahead[number]
        while ahead and ahead[-1] < day:
            members, profile = self.stored.pop((number, ahead.pop()))
            history.append(members, profile)
        return history

    def learn(self, number: int, day: int, folded: Ints, profile: DayProfile | None) -> None:
        """Add a local day: what was folded now, and what is stored of the other members."""
        history = self.history_before(number, day)
        if self._ahead[number] and self._ahead[number][-1] == day:
            self._ahead[number].pop()
            members, stored = self.stored.pop((number, day))
            others = ~np.isin(members, folded)
            if others.any():
                history.append(members[others], stored.take(others))
        if profile is not None and len(folded):
            history.append(folded, profile)

    def snapshot(self, number: int, members: Ints, day: int) -> Snapshot:
        """Snapshot ``day`` of members of a group."""
        group = self.arranged.groups[number]
        left_out = self.determined.left_out(group.series[members], group.zone, day)
        return make_snapshot(self.history_before(number, day), members, day, left_out)

    def with_a_past(self, number: int, day: int) -> Ints:
        """Members of a group that have a folded day among the sixty before ``day``."""
        last = self.history_before(number, day).last
        return np.flatnonzero((last > NO_DAY) & (last >= day - BAR_MEMORY_DAYS))


def profiled_past(
    lake: Lake,
    arranged: Arranged,
    first: int,
    last: int,
    buckets: Collection[int],
    determined: Determined,
    *,
    index: pa.Table | None = None,
    folded_again: Callable[[Ints, Ints], NDArray[np.bool_]] | None = None,
) -> ProfiledPast:
    """Read the profiles that snapshots of local days ``first`` to ``last`` rest on (and those between them).

    Of the sixty days before ``first`` only the numbers of the day are read, and the slots of each series' newest seven
    days among them. Days folded under another zone than the tenant's are left out.

    Parameters
    ----------
    determined : events that do not count for the own bar.
    index : what :func:`read_index` gave for the same days; read here if absent.
    folded_again : takes codes and local days (int64 [rows] each); True where a day will be folded again, so that it
        need not be read.
    """
    rows = index if index is not None else read_index(lake, first, last, buckets)
    code = arranged.table.codes(rows[SERIES_ID])
    code[~of_zone(rows, arranged, code)] = -1
    rows, code = rows.filter(pa.array(code >= 0)), code[code >= 0]
    days = days_of(rows)
    of_group, member = _members(arranged)
    slots_used = _newest_days(code, days, first)
    ahead = days >= first
    ahead &= ~folded_again(code, days) if folded_again is not None else True
    older: dict[int, list[tuple[Ints, int, tuple[Floats, ...]]]] = {}
    numbers = [numbers_of(rows, name, name in LIST_FIELDS) for name in DAY_FIELDS]
    for number, day, part in _cut(of_group[code], days, np.flatnonzero(~slots_used & (days < first))):
        of_day = tuple(values[part] for values in numbers)
        older.setdefault(number, []).append((member[code[part]], day, of_day))
    read_whole = slots_used | ahead
    days_out = determined.of_series(arranged.table)
    if not read_whole.any():
        return ProfiledPast(arranged, {}, older, days_out)
    keys = code[read_whole] * CODE_DAYS + days[read_whole]
    on: Mapping[str, Collection[Any]] = {
        "day": [date_of(day) for day in np.unique(days[read_whole]).tolist()]
    }
    where = Where(equal={**on, **_tenants(arranged, code[read_whole])})
    whole = lake.read(PROFILE, buckets=sorted(int(bucket) for bucket in buckets), where=where)
    codes = arranged.table.codes(whole[SERIES_ID])
    named = np.isin(codes * CODE_DAYS + days_of(whole), keys) & (codes >= 0)
    named &= of_zone(whole, arranged, codes)
    return ProfiledPast(arranged, stored_days(arranged, whole.filter(pa.array(named))), older, days_out)


def read_index(
    lake: Lake, first: int, last: int, buckets: Collection[int], tenants: Collection[str] | None = None
) -> pa.Table:
    """Stored profiles without their slots (:data:`INDEX`): sixty local days before ``first``, and on to ``last``."""
    where = Where(equal={TENANT: sorted(tenants)}) if tenants is not None else None
    days = (date_of(first - BAR_MEMORY_DAYS), date_of(last + 1))
    return lake.read(PROFILE, days=days, buckets=sorted(int(b) for b in buckets), columns=INDEX, where=where)


def stored_days(arranged: Arranged, rows: pa.Table) -> dict[tuple[int, int], tuple[Ints, DayProfile]]:
    """Profiles by group and local day; rows of series that are not arranged are left out."""
    return {
        (number, day): (members, profile_of(part, day))
        for number, members, day, part in _by_group_and_day(arranged, rows)
    }


def stored_snapshots(
    lake: Lake,
    arranged: Arranged,
    groups_and_days: Collection[tuple[int, int]],
    buckets: Collection[int],
    determined: Determined,
) -> dict[tuple[int, int], Snapshot]:
    """Snapshots of whole groups by (group, local day), for a window of few days.

    They are read from the baseline. A series without one there for the day (it was silent, or is newly delivered)
    gets one made from its profiles; without profiles it is cold.
    """
    days = sorted({day for _, day in groups_and_days})
    if not days:
        return {}
    numbers = sorted(int(bucket) for bucket in buckets)
    stored = lake.read(BASELINE, days=(date_of(days[0]), date_of(days[-1] + 1)), buckets=numbers)
    usable = of_zone(stored, arranged, arranged.table.codes(stored[SERIES_ID]))
    stored = stored if usable.all() else stored.filter(pa.array(usable))
    in_baseline: dict[tuple[int, int], tuple[Ints, pa.Table]] = {
        (number, day): (members, part)
        for number, members, day, part in _by_group_and_day(arranged, stored)
        if (number, day) in groups_and_days
    }
    missing = _missing_tenants(arranged, groups_and_days, in_baseline)
    past = None
    if missing:
        index = read_index(lake, days[0], days[-1], buckets, missing)
        past = profiled_past(lake, arranged, days[0], days[-1], buckets, determined, index=index)
    result = {}
    for number, day in sorted(groups_and_days, key=lambda pair: (pair[0], pair[1])):
        group = arranged.groups[number]
        members, part = in_baseline.get((number, day), (np.empty(0, np.int64), BASELINE.schema.empty_table()))
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
    groups_and_days: Collection[tuple[int, int]],
    in_baseline: Mapping[tuple[int, int], tuple[Ints, pa.Table]],
) -> set[str]:
    missing: set[str] = set()
    for number, day in groups_and_days:
        group = arranged.groups[number]
        members = in_baseline[number, day][0] if (number, day) in in_baseline else np.empty(0, np.int64)
        absent = np.setdiff1d(np.arange(len(group.series)), members)
        missing.update(arranged.table.keys[TENANT].to_numpy()[group.series[absent]].tolist())
    return missing


def _filled(snapshot: Snapshot, members: Ints, made: Snapshot) -> Snapshot:
    """``snapshot`` with the rows of ``members`` taken from ``made``."""
    for mine, theirs in (
        (snapshot.count, made.count),
        (snapshot.peak, made.peak),
        (snapshot.fifteen, made.fifteen),
        (snapshot.own, made.own),
        (snapshot.sums, made.sums),
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
    of_group, member = _members(arranged)
    days = days_of(rows)
    known = np.flatnonzero(code >= 0)
    known = known[np.argsort(member[code[known]], kind="stable")]
    parts = list(_cut(of_group[code], days, known))
    if not parts:
        return
    # Each row is copied once: to take rows out of a table in pieces copies its lists whole, every time.
    ordered = rows.take(pa.array(np.concatenate([part for _, _, part in parts]))).combine_chunks()
    begin = 0
    for number, day, part in parts:
        yield number, member[code[part]], day, ordered.slice(begin, len(part))
        begin += len(part)


def _cut(group: Ints, days: Ints, rows: Ints) -> Iterator[tuple[int, int, Ints]]:
    """Cut ``rows`` by group and day, both ascending; the rows of a piece stay in their order."""
    rows = rows[np.lexsort((days[rows], group[rows]))]
    cuts = np.flatnonzero((np.diff(group[rows]) != 0) | (np.diff(days[rows]) != 0)) + 1
    for part in np.split(rows, cuts):
        if len(part):
            yield int(group[part[0]]), int(days[part[0]]), part


def _members(arranged: Arranged) -> tuple[Ints, Ints]:
    """Group of each series, and its place among the group's members; int64 [series] each."""
    of_group = np.full(len(arranged.table), -1, dtype=np.int64)
    member = np.full(len(arranged.table), -1, dtype=np.int64)
    for number, group in enumerate(arranged.groups):
        of_group[group.series] = number
        member[group.series] = np.arange(len(group.series))
    return of_group, member


def _newest_days(code: Ints, days: Ints, first: int) -> NDArray[np.bool_]:
    """Mask of the rows before ``first`` whose slots a snapshot ``first`` or later may use; bool [rows].

    They are each series' newest seven days before ``first``, as far as they lie within 28 days ending with the newest
    (``SLOT_MEMORY_DAYS``). A series whose newest day is more than 28 days before ``first`` has none.
    """
    before = np.flatnonzero(days < first)
    before = before[np.lexsort((-days[before], code[before]))]
    begins = np.flatnonzero(np.diff(code[before], prepend=-1) != 0)
    lengths = np.diff(begins, append=len(before))
    rank = np.arange(len(before)) - np.repeat(begins, lengths)
    newest = np.repeat(days[before][begins], lengths)
    used = (rank < FULL_DAYS) & (days[before] > newest - SLOT_MEMORY_DAYS)
    used &= newest >= first - SLOT_MEMORY_DAYS
    result = np.zeros(len(days), dtype=bool)
    result[before[used]] = True
    return result


def of_zone(rows: pa.Table, arranged: Arranged, code: Ints) -> NDArray[np.bool_]:
    """Whether each row was made under its tenant's zone; bool [rows], False for series that are not arranged."""
    zones = rows["zone"].to_numpy(zero_copy_only=False)
    same = code >= 0
    same[same] = zones[same] == arranged.table.zones[code[same]]
    return same


def _tenants(arranged: Arranged, code: Ints) -> dict[str, list[str]]:
    """A condition on the tenants of ``code``; none where they are so many that reading all tenants is cheaper."""
    tenants = np.unique(arranged.table.keys[TENANT].to_numpy()[np.unique(code)])
    return {TENANT: tenants.tolist()} if len(tenants) <= FEW_TENANTS else {}
