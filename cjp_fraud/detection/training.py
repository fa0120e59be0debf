"""``train``: fit and register each missing Monday's model version, from measured days alone, never from scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from cjp_fraud.clock import aware, date_of, day_of
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.lake_tables import PROFILE
from cjp_fraud.detection.model_fit import WINDOW_DAYS, eligible_mondays, fit_version
from cjp_fraud.detection.registry import FittedVersion, register
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scoring import CONTEXT, Block, moment, open_window
from cjp_fraud.detection.series import SeriesTable, series_table, traffic_sizes
from cjp_fraud.detection.tables import ModelVersion
from cjp_fraud.errors import StorageError
from cjp_fraud.people.model import Actor, machine
from cjp_fraud.progress import Report
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.schema import COVERED, SECONDS, TRAFFIC
from features.columns import INTERVAL_START, SERIES_ID, SERIES_KEY, TENANT
from features.local_grid import DAY

Ints = NDArray[np.int64]

MOST_ROWS: Final = 2_000_000
"""Rows of a window that are held at once; a larger one is read again, a piece at a time, for each pass over it."""
TRAINER: Final[Actor] = machine("train")


def train(
    lake: Lake,
    engine: Engine,
    folder: Path,
    zones: Mapping[str, str],
    rules: DetectionRules,
    now: datetime,
    *,
    until: datetime | None = None,
    report: Report | None = None,
) -> list[str]:
    """Fit, register and promote the version of each Monday 00:00 UTC up to ``until`` that has none.

    Running it again does nothing; a version that is registered is never fitted again.

    Parameters
    ----------
    folder : where the model files go.
    zones : IANA zone of every tenant on record.
    until, now : aware; ``until`` is ``now`` by default and never after it.

    Returns
    -------
    ids of the new versions, oldest first.
    """
    refresh(lake, engine, zones, now, report=report)
    last = int(min(aware(until or now), aware(now)).timestamp()) // DAY
    made = []
    with process_lock(engine, "train"):
        mondays = _mondays(lake, engine, last)
        for done, monday in enumerate(mondays):
            if report is not None:
                report(done, len(mondays), f"version of {moment(monday * DAY):%Y-%m-%d}")
            begin, end = moment((monday - WINDOW_DAYS) * DAY), moment(monday * DAY)
            window = LakeWindow(lake, zones, monday - WINDOW_DAYS, monday)
            fitted = fit_version(monday, window.pieces, window.table, rules)
            _require_sound(fitted)
            with transaction(engine) as session:
                row = register(
                    session,
                    folder,
                    fitted,
                    window=(begin, end),
                    lake_versions={table.name: lake.version(table) for table in (TRAFFIC, PROFILE)},
                    by=TRAINER,
                    at=now,
                )
                made.append(row.id)
    return made


class LakeWindow:
    """The measured intervals of [begin, end), UTC days, of the lake's traffic.

    Attributes
    ----------
    table : all series of the window.
    """

    def __init__(self, lake: Lake, zones: Mapping[str, str], begin: int, end: int) -> None:
        self._lake = lake
        self._zones = zones
        self._sizes = {day: of_day for day, of_day in traffic_sizes(lake).items() if begin <= day < end}
        self._held: list[list[Block]] | None = None
        if sum(sum(of_day.values()) for of_day in self._sizes.values()) <= MOST_ROWS:
            window = open_window(lake, zones, moment(begin * DAY), moment(end * DAY), range(lake.buckets))
            self.table = window.arranged.table
            days = window.arranged.days
            self._held = [window.blocks(day) for day in days[days >= begin].tolist()]
        else:
            self.table = self._all_series(begin, end)

    def pieces(self) -> Iterator[Sequence[Block]]:
        """The window in pieces, in the order of their days."""
        if self._held is not None:
            yield from self._held
            return
        for day in sorted(self._sizes):
            for buckets in self._batches(day):
                window = open_window(
                    self._lake, self._zones, moment(day * DAY), moment((day + 1) * DAY), buckets
                )
                code = self.table.codes(pa.chunked_array([pa.array(window.arranged.table.ids, pa.string())]))
                yield [replace(block, series=code[block.series]) for block in window.blocks(day)]

    def _batches(self, day: int) -> Iterator[list[int]]:
        batch: list[int] = []
        held = 0
        for bucket, rows in sorted(self._sizes[day].items()):
            if batch and held + rows > MOST_ROWS:
                yield batch
                batch, held = [], 0
            batch.append(bucket)
            held += rows
        if batch:
            yield batch

    def _all_series(self, begin: int, end: int) -> SeriesTable:
        names = [SERIES_ID, *SERIES_KEY]
        between = {INTERVAL_START: (moment(begin * DAY) - CONTEXT, moment(end * DAY))}
        distinct = TRAFFIC.schema.empty_table().select(names)
        for day in range(begin - 1, end):
            for bucket in range(self._lake.buckets):
                rows = self._lake.read(
                    TRAFFIC,
                    days=(date_of(day), date_of(day + 1)),
                    buckets=[bucket],
                    columns=names,
                    where=Where(between=between),
                )
                more = pa.concat_tables([distinct, rows]).group_by(SERIES_ID, use_threads=False)
                distinct = (
                    more.aggregate([(name, "first") for name in SERIES_KEY])
                    .rename_columns(names)
                    .cast(distinct.schema)
                )
        on_record = pc.is_in(distinct[TENANT], value_set=pa.array(sorted(self._zones), pa.string()))
        return series_table(distinct.filter(on_record), self._zones)[0]


def _mondays(lake: Lake, engine: Engine, last: int) -> list[int]:
    """Eligible Mondays up to the UTC day ``last`` without a version, oldest first.

    From the list of files, and, only for windows of Mondays that have no version, from which days have an interval
    that is wholly covered.
    """
    sizes = traffic_sizes(lake)
    with reading(engine) as session:
        had = {day_of(at.date()) for at in session.scalars(select(ModelVersion.monday))}

    def missing(days: Ints) -> list[int]:
        mondays = eligible_mondays(days).tolist() if len(days) else []
        return [day for day in mondays if day <= last and day not in had]

    candidates = missing(np.array(sorted(sizes), dtype=np.int64))
    near = {day for monday in candidates for day in range(monday - WINDOW_DAYS, monday)} & set(sizes)
    known = np.array(_covered_days(lake, sorted(near), sizes), dtype=np.int64)
    return [monday for monday in missing(known) if monday in set(candidates)]


def _covered_days(lake: Lake, days: Sequence[int], sizes: Mapping[int, Mapping[int, int]]) -> list[int]:
    """Those of some UTC days, ascending, that have an interval which is wholly covered."""
    covered: set[int] = set()
    runs: list[list[int]] = []
    held = 0
    for day in days:
        rows = sum(sizes[day].values())
        if not runs or held + rows > MOST_ROWS:
            runs.append([])
            held = 0
        runs[-1].append(day)
        held += rows
    for run in runs:
        rows = lake.read(
            TRAFFIC, days=(date_of(run[0]), date_of(run[-1] + 1)), columns=["day", SECONDS, COVERED]
        )
        whole = rows.filter(pc.greater_equal(rows[COVERED], rows[SECONDS]))
        covered |= {day_of(on) for on in whole["day"].unique().to_pylist()}
    return sorted(covered & set(days))


def _require_sound(fitted: FittedVersion) -> None:
    """A version is promoted only when it fits and scores."""
    numbers = [fitted.threshold, fitted.model.constants.pooled, fitted.model.constants.pooled_bar]
    if not np.isfinite(numbers).all() or min(numbers) <= 0:
        raise StorageError(
            f"the version of {moment(fitted.valid_from * DAY):%Y-%m-%d} did not fit (threshold and scales {numbers}); "
            "look at the traffic of the four weeks before it"
        )
