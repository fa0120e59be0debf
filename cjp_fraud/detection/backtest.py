"""Back-test files without a database: causal scores for every interval, by the functions that detect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cjp_fraud.contracts.model import why_not_accepted
from cjp_fraud.contracts.tenants_file import read_tenants
from cjp_fraud.detection.daily_sums import sums_by_day
from cjp_fraud.detection.joint_quarters import joint_spikes
from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.run import DetectionRun
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.series import Arranged, SeriesTable, arrange
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.joint_spikes import QUARTER_SECONDS, JointSpikeRow
from cjp_fraud.traffic.model import TenantTraffic
from cjp_fraud.traffic.read_files import TrafficRead, read_traffic
from cjp_fraud.traffic.schema import COUNTRIES, METRICS
from features import columns
from features.counting_clocks import LONG_CLOCKS, Clock
from features.episodes import episode_id, episode_starts
from features.local_grid import DAY
from models.calibration import p_of, score_of

Ints = NDArray[np.int64]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0 where not known)."""

MOST_ROWS: Final = 100_000_000


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
        (columns.OTHERS_FLAGGED, pa.int64()),
        *((name, pa.float64()) for name in columns.CLOCK_SCORE.values()),
        (columns.FLAGGED_BY, pa.string()),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """Scores, and what of the files was used.

    Attributes
    ----------
    scores : table of :data:`SCORES`; one row per grid interval between a series' first and last row, sorted
        by series and start. ``observed`` is brought to the whole interval where only a part was covered. ``excess``
        is ``observed`` − ``baseline`` or, where the 15 minutes decided, the sum of these over its three intervals;
        where only a longer clock flags, it is the excess of that clock's span. In gaps, and where less than half of an
        interval was covered, ``observed``, ``excess``, ``score`` and ``p_value`` are null and ``baseline`` is the usual
        count. ``flagged`` says whether any clock flags, ``flagged_by`` which, separated by commas; ``hour_score`` and
        ``day_score`` are those of the spans that end with the interval. ``others_flagged``
        of a flagged interval is how many other tenants are flagged together with it
        (:mod:`cjp_fraud.review.joint_spikes`); null: it is no joint spike.
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
    """Score files of traffic, day by day over all series, each day with what was known before it.

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
        If a file cannot be used as a whole, or its series span so many intervals that a stamp must be wrong.
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
    table = traffic_table(traffic)
    arranged = arrange(table, zones)
    _refuse_endless(arranged)
    run = DetectionRun(MemoryStore(arranged, rules, sums=sums_by_day(table)), rules)
    begin, end = int(arranged.first.min()) // DAY * DAY, (int(arranged.last.max()) // DAY + 1) * DAY
    report = None if progress is None else lambda done, total, _: progress("scoring days", done + 1, total)
    parts: list[ScoredRows] = []
    joint: list[JointSpikeRow] = []
    for done, of_days in run.days(begin, end, report):
        parts += of_days
        joint += joint_spikes(of_days, zones, moment(done))
    return _scores(arranged.table, parts, joint)


def traffic_table(traffic: pd.DataFrame) -> pa.Table:
    """A frame of gridded traffic as a table; pandas holds the contacts by country as lists of pairs."""
    plain = pa.Table.from_pandas(traffic.drop(columns=COUNTRIES, errors="ignore"), preserve_index=False)
    if COUNTRIES not in traffic:
        return plain
    return plain.append_column(COUNTRIES, pa.array(traffic[COUNTRIES], METRICS[COUNTRIES], from_pandas=True))


def refuse_overwriting(inputs: Iterable[Path], out: Path) -> None:
    """Refuse an ``out`` that is one of the inputs, by whatever name or link.

    Raises
    ------
    BadInputError
        Names the input.
    """
    for path in inputs:
        if path.exists() and out.exists() and path.samefile(out):
            raise BadInputError(f"--out {out} would overwrite {path}, which is read; give --out another name")


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


def _refuse_endless(arranged: Arranged) -> None:
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


def _scores(table: SeriesTable, parts: Sequence[ScoredRows], joint: Sequence[JointSpikeRow]) -> pa.Table:
    """All rows by series and start."""
    names = ("series", "start", "observed", "baseline", "excess", "log_p", "flagged")
    minute = [rows for rows in parts if rows.clock is Clock.MINUTE]
    columns_of = {name: np.concatenate([getattr(rows, name) for rows in minute]) for name in names}
    order = np.lexsort((columns_of["start"], columns_of["series"]))
    series, start, observed, baseline, excess, log_p, flagged = (columns_of[name][order] for name in names)
    code = pa.array(series)
    longer = {clock: _of_clock(clock, parts, series, start) for clock in LONG_CLOCKS}
    by_clock = {Clock.MINUTE: flagged} | {clock: spans.flagged for clock, spans in longer.items()}
    for spans in longer.values():
        excess = np.where(spans.flagged & ~flagged, spans.excess, excess)
        flagged = flagged | spans.flagged
    return pa.table(
        [
            *(_texts(table.keys[name]).take(code) for name in columns.SERIES_KEY[:-1]),
            pa.array(table.seconds[series]),
            pa.array(start * 1_000_000).cast(SCORES.field(columns.INTERVAL_START).type),
            *(pa.array(values, from_pandas=True) for values in (observed, baseline, excess)),
            pa.array(score_of(log_p), from_pandas=True),
            pa.array(p_of(log_p), from_pandas=True),
            pa.array(flagged),
            _episodes(table, series, start, flagged),
            _others_flagged(table, series, start, flagged, joint),
            *(pa.array(spans.score, from_pandas=True) for spans in longer.values()),
            _flagged_by(by_clock),
        ],
        schema=SCORES,
    )


class _Spans(NamedTuple):
    """Score, excess and flag of a longer clock's spans, at the last listed interval of each."""

    score: NDArray[np.float64]
    excess: NDArray[np.float64]
    flagged: NDArray[np.bool_]


def _of_clock(clock: Clock, parts: Sequence[ScoredRows], series: Ints, start: Ints) -> _Spans:
    """Spans of a clock at the listed intervals, which are by series and start."""
    n = len(series)
    spans = _Spans(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool))
    for rows in parts:
        if rows.clock is clock and len(rows):
            place = np.searchsorted(_key(series, start), _key(rows.series, rows.start), side="right") - 1
            for values, name in zip(spans, _Spans._fields, strict=True):
                values[place] = getattr(rows, name)
    return spans


def _key(series: Ints, start: Ints) -> Ints:
    """One ascending number for series and start."""
    key: Ints = series * (1 << 40) + start
    return key


def _flagged_by(by_clock: Mapping[Clock, NDArray[np.bool_]]) -> pa.Array:
    """Names of the clocks that flag each row; null where none does."""
    names = [
        ",".join(clock for number, clock in enumerate(by_clock) if code >> number & 1) or None
        for code in range(1 << len(by_clock))
    ]
    code = sum(flags.astype(np.int64) << number for number, flags in enumerate(by_clock.values()))
    return pa.array(names, pa.string()).take(pa.array(code))


def _texts(names: pd.Series) -> pa.Array:
    return pa.array(names.tolist(), pa.string())


def _episodes(table: SeriesTable, series: Ints, start: Ints, flagged: NDArray[np.bool_]) -> pa.Array:
    """The id of the episode of each flagged row."""
    rows = np.flatnonzero(flagged)
    tenant = table.tenants[series[rows]]
    order = np.lexsort((series[rows], start[rows], tenant))
    rows = rows[order]
    begins = episode_starts(tenant[order], start[rows])
    tenants = table.keys[columns.TENANT].to_numpy()[series[rows[begins]]]
    ids = [
        episode_id(tenant_id, at) for tenant_id, at in zip(tenants, start[rows[begins]].tolist(), strict=True)
    ]
    number = np.full(len(series), -1, dtype=np.int64)
    number[rows] = np.cumsum(begins) - 1
    return pa.array(ids, type=pa.string()).take(pa.array(number, mask=number < 0))


def _others_flagged(
    table: SeriesTable,
    series: Ints,
    start: Ints,
    flagged: NDArray[np.bool_],
    joint: Sequence[JointSpikeRow],
) -> pa.Array:
    """How many other tenants are flagged together with each flagged row, in the quarters of its interval, at most."""
    others: dict[tuple[str, int], int] = {}
    for spike in joint:
        quarter, tenants = int(spike.quarter_start.timestamp()) // QUARTER_SECONDS, spike.joint.tenants
        others |= {(tenant, quarter): len(tenants) - 1 for tenant in tenants}
    tenant_of = table.keys[columns.TENANT].tolist()
    counts: list[int | None] = [None] * len(series)
    for row in np.flatnonzero(flagged).tolist() if others else ():
        ends = int(start[row] + table.seconds[series[row]])
        quarters = range(int(start[row]) // QUARTER_SECONDS, (ends - 1) // QUARTER_SECONDS + 1)
        known = [others.get((tenant_of[series[row]], quarter), 0) for quarter in quarters]
        counts[row] = max(known) or None
    return pa.array(counts, pa.int64())
