"""Back-test files without a database: causal scores for every interval, by the functions that detect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cjp_fraud.contracts.deployments import why_not_accepted
from cjp_fraud.contracts.tenants_file import read_tenants
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.series import Arranged, SeriesTable, arrange
from cjp_fraud.detection.walk import FoldedLocations, JudgedDay, Walk
from cjp_fraud.errors import BadInputError
from cjp_fraud.traffic.model import TenantTraffic
from cjp_fraud.traffic.read_files import TrafficRead, read_traffic
from features import columns
from features.episodes import episode_id, episode_starts
from features.local_grid import local_days, place, wall_seconds
from features.location import interpolate
from features.profile import SLOT_MEMORY_DAYS
from models.calibration import p_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0 where not known)."""

MOST_ROWS: Final = 100_000_000
GAP_CHUNK: Final = 2_000_000

SCORES: Final = pa.schema(
    [
        (columns.TENANT, pa.string()),
        (columns.CHANNEL, pa.string()),
        (columns.DIRECTION, pa.string()),
        (columns.APPLICATION, pa.string()),
        (columns.INTERVAL_SECONDS, pa.int64()),
        (columns.INTERVAL_START, pa.timestamp("us", tz="UTC")),
        (columns.OBSERVED, pa.float64()),
        (columns.BASELINE, pa.float64()),
        (columns.EXCESS, pa.float64()),
        (columns.SCORE, pa.float64()),
        (columns.P_VALUE, pa.float64()),
        (columns.FLAGGED, pa.bool_()),
        (columns.EPISODE, pa.string()),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """Scores, and what of the files was used.

    Attributes
    ----------
    scores : table of :data:`SCORES`; one row per grid interval between a series' first and last row, sorted
        by series and start. In gaps, and where an interval is only partly covered, ``observed``, ``excess``,
        ``score`` and ``p_value`` are null and ``baseline`` is the usual count.
    traffic : what was read, and what was not.
    """

    scores: pa.Table
    traffic: TrafficRead


def backtest(
    traffic: Sequence[Path],
    tenants: Path,
    *,
    now: datetime,
    rules: DetectionRules | None = None,
    mapping: Mapping[str, str] | None = None,
    complete: bool = False,
    grid_seconds: int = 300,
    progress: Progress | None = None,
) -> BacktestResult:
    """Score files of traffic, day by day over all series, each day by what was known before it.

    Parameters
    ----------
    traffic : CSV, gzipped CSV or Parquet in the traffic schema.
    tenants : the tenants file; only id and time zone are needed.
    now : aware; stamps over a day ahead of it are rejected.
    rules : settings of flags and of training.
    mapping : ``{theirs: ours}`` for columns.
    complete : missing intervals inside a series' span are zero.
    grid_seconds : the grid.
    progress : called as the work goes on.

    Raises
    ------
    BadInputError
        If a file cannot be used as a whole, or its series span more intervals than can be meant.
    """
    known = {
        row.tenant_id: TenantTraffic(
            row.tenant_id, row.time_zone, why_not_accepted(row.hosting, row.product) is None
        )
        for row in read_tenants(tenants)
    }
    read = read_traffic(
        traffic,
        known,
        now=now,
        mapping=mapping,
        complete=complete,
        grid_seconds=grid_seconds,
        progress=progress,
    )
    zones = {tenant: row.time_zone for tenant, row in known.items()}
    scores = backtest_rows(read.rows, zones, rules or DetectionRules(), progress=progress)
    return BacktestResult(scores, read)


def backtest_rows(
    traffic: pd.DataFrame,
    zones: Mapping[str, str],
    rules: DetectionRules,
    *,
    progress: Progress | None = None,
) -> pa.Table:
    """Score gridded traffic (see :func:`~cjp_fraud.detection.series.arrange`); result as :data:`SCORES`."""
    if not len(traffic):
        return SCORES.empty_table()
    arranged = arrange(pa.Table.from_pandas(traffic, preserve_index=False), zones)
    lengths = _lengths(arranged)
    walk = Walk(arranged, rules)
    days = list(walk.days(None if progress is None else lambda done, of: progress("scoring days", done, of)))
    return _scores(arranged, lengths, days, walk.folded)


def write_scores(scores: pa.Table, out: Path) -> None:
    """Write scores as Parquet, whole or not at all."""
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        pq.write_table(scores, unfinished, compression="zstd")
        unfinished.replace(out)
    except OSError as error:
        raise BadInputError(f"{out} cannot be written: {error.strerror}; give --out another place") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _lengths(arranged: Arranged) -> Ints:
    """Grid intervals from each series' first to its last row."""
    lengths = (arranged.last - arranged.first) // arranged.table.seconds + 1
    if int(lengths.sum()) > MOST_ROWS:
        widest = int(np.argmax(lengths))
        row = arranged.table.keys.iloc[widest]
        since, until = (pd.Timestamp(int(at[widest]), unit="s") for at in (arranged.first, arranged.last))
        raise BadInputError(
            f"the series span {int(lengths.sum()):,} intervals, over {MOST_ROWS:,}; the widest, "
            f"{row[columns.TENANT]} {row[columns.CHANNEL]}, runs from {since:%Y-%m-%d} to {until:%Y-%m-%d}: "
            "look for a wrong stamp, or cut the file"
        )
    return lengths


def _scores(
    arranged: Arranged, lengths: Ints, days: Sequence[JudgedDay], folded: Sequence[FoldedLocations]
) -> pa.Table:
    table = arranged.table
    offset = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    observed, baseline, score, p_value = (np.full(total, np.nan) for _ in range(4))
    flagged = np.zeros(total, dtype=bool)
    filled = np.zeros(total, dtype=bool)
    for day in days:
        rows = day.rows
        at = offset[rows.series] + (rows.start - arranged.first[rows.series]) // table.seconds[rows.series]
        observed[at], baseline[at] = rows.observed, rows.baseline
        score[at], p_value[at], flagged[at] = day.score, p_of(day.log_p), day.flagged
        filled[at] = True
    code = np.repeat(np.arange(len(table)), lengths)
    start = (
        np.repeat(arranged.first - offset * table.seconds, lengths) + np.arange(total) * table.seconds[code]
    )
    gaps = np.flatnonzero(~filled)
    for chunk in np.array_split(gaps, -(-len(gaps) // GAP_CHUNK) or 1):
        baseline[chunk] = _locations(arranged, folded, code[chunk], start[chunk])
    keys = {name: _spread(table.keys[name], code) for name in columns.SERIES_KEY[:-1]}
    return pa.table(
        [
            *keys.values(),
            pa.array(table.seconds[code]),
            pa.array(start * 1_000_000).cast(SCORES.field(columns.INTERVAL_START).type),
            *(pa.array(values, from_pandas=True) for values in (observed, baseline, observed - baseline)),
            pa.array(score, from_pandas=True),
            pa.array(p_value, from_pandas=True),
            pa.array(flagged),
            _episodes(table, code, start, flagged),
        ],
        schema=SCORES,
    )


def _locations(arranged: Arranged, folded: Sequence[FoldedLocations], code: Ints, start: Ints) -> Floats:
    """Usual counts in gaps: m of the snapshot that holds there, NaN where the series has none."""
    result = np.full(len(code), np.nan)
    for number, group in enumerate(arranged.groups):
        states = [state for state in folded if state.group == number]
        rows = np.flatnonzero(np.isin(code, group.series))
        if not states or not len(rows):
            continue
        series = np.concatenate([state.series for state in states])
        day = np.concatenate([np.full(len(state.series), state.day) for state in states])
        locations = np.concatenate([state.locations for state in states])
        order = np.lexsort((day, series))
        series, day, locations = series[order], day[order], locations[order]
        local = local_days(group.zone, start[rows])
        # One number for (series, day), so that one search finds the newest day of the series before the
        # row's.
        wide = int(max(day.max(), local.max())) - int(min(day.min(), local.min())) + 2
        low = int(min(day.min(), local.min()))
        found = np.searchsorted(series * wide + day - low, code[rows] * wide + local - low, side="left") - 1
        known = (found >= 0) & (series[found] == code[rows]) & (local - day[found] <= SLOT_MEMORY_DAYS)
        _, left, right, weight = place(wall_seconds(group.zone, start[rows]), group.seconds)
        usual = interpolate(locations[found, left], locations[found, right], weight)
        result[rows] = np.where(known, usual, np.nan)
    return result


def _spread(names: pd.Series, code: Ints) -> pa.Array:
    """The series' names by row, without a Python string a row."""
    values = pa.array(names.astype(object).where(names.notna(), None).tolist(), type=pa.string())
    return values.take(pa.array(code))


def _episodes(table: SeriesTable, code: Ints, start: Ints, flagged: NDArray[np.bool_]) -> pa.Array:
    rows = np.flatnonzero(flagged)
    tenant = table.tenants[code[rows]]
    order = np.lexsort((code[rows], start[rows], tenant))
    rows = rows[order]
    begins = episode_starts(tenant[order], start[rows])
    ids = list(_episode_ids(table, code[rows[begins]], start[rows[begins]]))
    number = np.full(len(code), -1, dtype=np.int64)
    number[rows] = np.cumsum(begins) - 1
    return pa.array(ids, type=pa.string()).take(pa.array(number, mask=number < 0))


def _episode_ids(table: SeriesTable, code: Ints, start: Ints) -> Iterator[str]:
    for series, at in zip(code.tolist(), start.tolist(), strict=True):
        key = table.keys.iloc[series]
        yield episode_id(
            str(key[columns.TENANT]),
            str(key[columns.CHANNEL]),
            str(key[columns.DIRECTION]),
            key[columns.APPLICATION],
            int(key[columns.INTERVAL_SECONDS]),
            at,
        )
