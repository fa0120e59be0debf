"""``train``: fit and register each missing Monday's model version, from measured days alone, never from scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from cjp_fraud.clock import aware, day_of
from cjp_fraud.detection.baseline import Report, refresh
from cjp_fraud.detection.lake_tables import PROFILE
from cjp_fraud.detection.registry import FittedVersion, register
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scoring import Block, Columns, ScoredRows, flat, gathered, moment, open_window
from cjp_fraud.detection.series import SeriesTable
from cjp_fraud.detection.significance import (
    POOL_DAYS,
    Histograms,
    calibrations,
    discovered,
    histograms,
    pooled,
    with_p_values,
)
from cjp_fraud.detection.tables import ModelVersion
from cjp_fraud.errors import StorageError
from cjp_fraud.people.model import Actor, machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.lake import Lake
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.schema import COVERED, SECONDS, TRAFFIC
from features.constants import SHIPPED, KindConstants, RecipeConstants
from features.episodes import EPISODE_GAP_SECONDS, count_episodes
from features.local_grid import DAY
from features.own_bar import UPPER, quantile_of_days
from features.regimes import Regime
from features.score_day import Model, candidate_features, is_with_peak, weigh
from features.second_stage import CANDIDATE_FROM
from features.strength import together
from models.forest import PooledForest
from models.pooled import LEAST_DAYS as LEAST_HISTORY
from models.pooled import LEAST_SERIES, geometric_mean, pooled_upper
from models.threshold import smallest_threshold

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WINDOW_DAYS: Final = 28
LEAST_DAYS: Final = 9
"""UTC days with traffic that a window must have, or there is no version for that Monday."""
MONDAY: Final = 4
"""1970-01-05 was the first Monday."""
LEAST_CANDIDATES: Final = 512
MOST_CANDIDATES: Final = 200_000
LOWEST_THRESHOLD: Final = 3.0
"""However quiet a window was, one interval in a thousand is no reason to call a reviewer."""


Blocks = Callable[[], Iterable[Block]]
"""Gives the window's blocks in the order of their days, as often as it is called."""
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
        mondays = [day for day in _mondays(lake, engine) if day <= last]
        for done, monday in enumerate(mondays):
            if report is not None:
                report(done, len(mondays), f"version of {moment(monday * DAY):%Y-%m-%d}")
            begin, end = moment((monday - WINDOW_DAYS) * DAY), moment(monday * DAY)
            fitted = _fit(lake, zones, rules, monday, begin, end)
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


def _fit(
    lake: Lake, zones: Mapping[str, str], rules: DetectionRules, monday: int, begin: datetime, end: datetime
) -> FittedVersion:
    window = open_window(lake, zones, begin, end, range(lake.buckets))
    blocks: list[Block] = []
    for day in window.arranged.days[window.arranged.days >= monday - WINDOW_DAYS].tolist():
        blocks += window.blocks(day)
    return fit_version(monday, lambda: blocks, window.arranged.table, rules)


def _mondays(lake: Lake, engine: Engine) -> list[int]:
    """Eligible Mondays without a version, oldest first."""
    rows = lake.read(TRAFFIC, columns=["day", SECONDS, COVERED]).to_pandas()
    known = rows[rows[COVERED] >= rows[SECONDS]]["day"].drop_duplicates()
    days = np.array(sorted(day_of(on) for on in known), dtype=np.int64)
    with reading(engine) as session:
        had = {day_of(at.date()) for at in session.scalars(select(ModelVersion.monday))}
    return [day for day in eligible_mondays(days).tolist() if day not in had] if len(days) else []


def _require_sound(fitted: FittedVersion) -> None:
    """A version is promoted only when it fits and scores."""
    numbers = [fitted.threshold, fitted.model.constants.pooled, fitted.model.constants.pooled_bar]
    if not np.isfinite(numbers).all() or min(numbers) <= 0:
        raise StorageError(
            f"the version of {moment(fitted.valid_from * DAY):%Y-%m-%d} did not fit (threshold and scales {numbers}); "
            "look at the traffic of the four weeks before it"
        )


def eligible_mondays(traffic_days: Ints) -> Ints:
    """Mondays with enough days of traffic in the four weeks before them.

    Parameters
    ----------
    traffic_days : int64; UTC days with traffic, ascending.

    Returns
    -------
    int64; UTC days, ascending. Whether a Monday is one of them depends on the days before it alone.
    """
    after = np.unique(traffic_days[:, None] + np.arange(1, WINDOW_DAYS + 1))
    mondays = after[(after - MONDAY) % 7 == 0]
    held = np.searchsorted(traffic_days, mondays) - np.searchsorted(traffic_days, mondays - WINDOW_DAYS)
    eligible: Ints = mondays[held >= LEAST_DAYS]
    return eligible


def fit_version(monday: int, blocks: Blocks, table: SeriesTable, rules: DetectionRules) -> FittedVersion:
    """Fit constants, second stages and threshold.

    Parameters
    ----------
    monday : UTC day from which the version counts; no block is of that day or later.
    blocks : the window, [monday − 28, monday).
    table : the series that the blocks' codes mean.
    rules : budget, false-discovery rate and least excess.
    """
    constants, series = _constants(monday, blocks, table)
    model = _second_stages(blocks, constants)
    days = {day: gathered(parts, table) for day, parts in _scored(blocks, model)}
    own = {day: histograms(rows) for day, rows in days.items()}
    threshold, metrics = _threshold(days, own, table, rules)
    if series < LEAST_SERIES:
        threshold = rules.initial_threshold
    return FittedVersion(
        valid_from=monday,
        model=model,
        threshold=threshold,
        histograms={day: own[day] for day in own if day >= monday - POOL_DAYS},
        metrics={**metrics, "series_with_history": float(series), "days": float(len(days))},
    )


def _constants(monday: int, blocks: Blocks, table: SeriesTable) -> tuple[RecipeConstants, int]:
    """G_A, G_S and the like of both kinds, then G, each from daily maxima over the window."""
    names = ("hour", "season", "relative")
    maxima = {(kind, name): _unknown(table) for kind in ("count", "peak") for name in names}
    for block in blocks():
        column = block.day - monday + WINDOW_DAYS
        measured = block.measured
        warm = measured.regime != Regime.COLD
        for kind, z in (("count", measured.count), ("peak", measured.peak)):
            if z is None:
                continue
            rows = warm & (is_with_peak(measured.regime) if kind == "peak" else True)
            for name, values in zip(names, (z.against_hour, z.against_season, z.relative), strict=True):
                _raise(maxima[kind, name], block.series, column, np.where(rows, values[:, 1:], np.nan))
    fitted = {key: pooled_upper(values) for key, values in maxima.items()}
    count = _kind(fitted, "count", SHIPPED.count)
    peak = _kind(fitted, "peak", SHIPPED.peak)
    constants = RecipeConstants(count, peak, SHIPPED.pooled, SHIPPED.pooled_bar)
    strength, count_strength, peak_strength = (_unknown(table) for _ in range(3))
    for block in blocks():
        scored, column = weigh(block.measured, Model(constants)), block.day - monday + WINDOW_DAYS
        _raise(strength, block.series, column, scored.strength)
        warm = ~np.isnan(scored.strength)
        _raise(count_strength, block.series, column, np.where(warm, scored.count_strength, np.nan))
        if scored.peak_strength is not None:
            _raise(peak_strength, block.series, column, scored.peak_strength)
    mean, series = pooled_upper(strength)
    if series < LEAST_SERIES:
        return constants, series
    upper = [quantile_of_days(maxima, UPPER, LEAST_HISTORY) for maxima in (count_strength, peak_strength)]
    bar_mean, _ = geometric_mean(together(upper[0][:, None], upper[1][:, None]))
    return replace(constants, pooled=mean, pooled_bar=bar_mean), series


def _kind(
    fitted: dict[tuple[str, str], tuple[float, int]], kind: str, shipped: KindConstants
) -> KindConstants:
    if min(fitted[kind, name][1] for name in ("hour", "season", "relative")) < LEAST_SERIES:
        return shipped
    return KindConstants(*(fitted[kind, name][0] for name in ("hour", "season", "relative")))


def _second_stages(blocks: Blocks, constants: RecipeConstants) -> Model:
    """One forest for rows with a known peak, one for the others; none where candidates are too few."""
    seen: dict[bool, list[tuple[Ints, Ints, Floats]]] = {True: [], False: []}
    plain = Model(constants)
    for block in blocks():
        scored = weigh(block.measured, plain)
        with np.errstate(invalid="ignore"):
            candidate = scored.strength > CANDIDATE_FROM
        peaked = is_with_peak(block.measured.regime)
        for with_peak, rows in ((True, candidate & peaked), (False, candidate & ~peaked)):
            if rows.any():
                row, column = np.nonzero(rows)
                found = candidate_features(block.measured, rows, constants, with_peak=with_peak)
                seen[with_peak].append((block.series[row], block.measured.starts[column], found))
    return Model(constants, _forest(seen[True]), _forest(seen[False]))


def _forest(seen: list[tuple[Ints, Ints, Floats]]) -> PooledForest | None:
    if sum(len(series) for series, _, _ in seen) < LEAST_CANDIDATES:
        return None
    series, starts, found = (np.concatenate([part[i] for part in seen]) for i in range(3))
    order = np.lexsort((starts, series))
    if len(order) > MOST_CANDIDATES:
        kept = np.argsort(_mixed(series[order], starts[order]), kind="stable")[:MOST_CANDIDATES]
        order = order[np.sort(kept)]
    return PooledForest().fit(found[order])


def _threshold(
    days: dict[int, ScoredRows], own: dict[int, Histograms], table: SeriesTable, rules: DetectionRules
) -> tuple[float, dict[str, float]]:
    first = min(days, default=0)
    opening = pooled([own[day] for day in own if day < first + POOL_DAYS])
    tenants, starts, scores, scored_intervals = [], [], [], 0.0
    for day, rows in days.items():
        calibrated = opening if day < first + POOL_DAYS else calibrations(own, day)
        scored = with_p_values(rows, calibrated)
        (kept,) = discovered([scored], rules)
        tenants.append(table.tenants[rows.series[kept]])
        starts.append(rows.start[kept])
        scores.append(scored.score[kept])
        scored_intervals += len(np.unique(rows.series[~np.isnan(scored.log_p)]))
    weeks = scored_intervals / 7.0
    tenant = np.concatenate([np.empty(0, np.int64), *tenants])
    start = np.concatenate([np.empty(0, np.int64), *starts])
    score = np.concatenate([np.empty(0), *scores])
    threshold = smallest_threshold(
        tenant,
        start,
        score,
        budget=rules.budget * weeks,
        gap_seconds=EPISODE_GAP_SECONDS,
        floor=LOWEST_THRESHOLD,
    )
    episodes = count_episodes(tenant[score >= threshold], start[score >= threshold])
    return threshold, {"series_weeks": weeks, "episodes": float(episodes), "window_threshold": threshold}


def _scored(blocks: Blocks, model: Model) -> Iterator[tuple[int, list[Columns]]]:
    day: int | None = None
    parts: list[Columns] = []
    for block in blocks():
        if day is not None and block.day != day:
            yield day, parts
            parts = []
        day = block.day
        parts.append(flat(weigh(block.measured, model), block.series))
    if day is not None:
        yield day, parts


def _unknown(table: SeriesTable) -> Floats:
    return np.full((len(table), WINDOW_DAYS), np.nan)


def _raise(maxima: Floats, series: Ints, column: int, values: Floats) -> None:
    if values.shape[1]:
        maxima[series, column] = np.fmax(maxima[series, column], np.fmax.reduce(values, axis=1))


def _mixed(series: Ints, starts: Ints) -> NDArray[np.uint64]:
    """A fixed pseudo-random order of rows, the same however they are cut (splitmix64)."""
    x = series.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + starts.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
