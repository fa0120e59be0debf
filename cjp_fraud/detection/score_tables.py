"""Scored rows as rows of the lake's tables, and back: one table for the minute clock, one for the longer clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cjp_fraud.detection.lake_tables import CLOCK_SCORES, SCORES
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.scored_rows import COLUMNS, WHOLE_NUMBERS, ScoredRows
from cjp_fraud.detection.series import floats, series_table, utc_seconds
from cjp_fraud.storage.lake import Lake, LakeTable
from features.columns import INTERVAL_START, SERIES_ID, SERIES_KEY, TENANT
from features.counting_clocks import LONG_CLOCKS, Clock
from features.local_grid import DAY, HOUR

CLOCK: Final = "clock"
_NOT_STORED: Final = (*WHOLE_NUMBERS, "log_q", "flagged")
_SAME_NAME: Final = tuple(name for name in COLUMNS if name not in _NOT_STORED)
"""Columns of scored rows that stand under the same name in the table of scores; numbers, null for NaN."""
_SPAN: Final = {"span_observed": "observed", "span_baseline": "baseline"}
"""On a longer clock what was seen and what is usual are of the span."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTables:
    """Rows of ``scores`` and of ``clock_scores``; of the latter each clock's rows together, in the clocks' order."""

    scores: pa.Table
    clock_scores: pa.Table

    @classmethod
    def of_parts(cls, parts: Iterable[ScoredRows], lake: Lake, closed: int) -> Self:
        """Make the tables of scored rows; flags of hours that end after ``closed`` (UTC seconds) are null."""
        tables: dict[Clock, list[pa.Table]] = {clock: [] for clock in (Clock.MINUTE, *LONG_CLOCKS)}
        for rows in parts:
            if len(rows):
                tables[rows.clock].append(_table(rows, lake, closed))
        longer = [table for clock in LONG_CLOCKS for table in tables[clock]]
        return cls(
            pa.concat_tables([SCORES.schema.empty_table(), *tables[Clock.MINUTE]]),
            pa.concat_tables([CLOCK_SCORES.schema.empty_table(), *longer]),
        )

    @classmethod
    def together(cls, held: Sequence[Self]) -> Self:
        """Put the rows of several such tables into one."""
        return cls(
            pa.concat_tables([tables.scores for tables in held]),
            pa.concat_tables([tables.clock_scores for tables in held]),
        )

    @classmethod
    def stored(cls, scores: pa.Table, clock_scores: pa.Table) -> Self:
        """Take the rows as they were read from the lake, in no particular order."""
        parts = [clock_scores.filter(pc.equal(clock_scores[CLOCK], str(clock))) for clock in LONG_CLOCKS]
        return cls(scores, pa.concat_tables([clock_scores.schema.empty_table(), *parts]))

    def rows(self, zones: Mapping[str, str], version: FittedVersion) -> list[ScoredRows]:
        """As scored rows, a part a clock; what is not stored, or was not read, is NaN."""
        longer = self.clock_scores
        of_clock = {clock: longer.filter(pc.equal(longer[CLOCK], str(clock))) for clock in LONG_CLOCKS}
        return [
            _rows_of(table, clock, zones, version)
            for clock, table in {Clock.MINUTE: self.scores, **of_clock}.items()
        ]

    def with_flags(self, parts: Sequence[ScoredRows], closed: int) -> ScoreTables:
        """The same rows with flags and q-values; ``parts`` are those of :meth:`rows`, closed."""
        minute, *longer = parts
        pieces, begin = [self.clock_scores.slice(0, 0)], 0
        for rows in longer:
            pieces.append(_with_flags(self.clock_scores.slice(begin, len(rows)), rows, closed))
            begin += len(rows)
        return ScoreTables(_with_flags(self.scores, minute, closed), pa.concat_tables(pieces))


def _table(rows: ScoredRows, lake: Lake, closed: int) -> pa.Table:
    code = pa.array(rows.series)
    keys = rows.table.keys
    days = rows.start // DAY
    version = rows.version
    threshold, model = (None, None) if version is None else (version.thresholds[rows.clock], version.id)
    columns: dict[str, Any] = {
        name: pa.array(keys[name].tolist(), SCORES.schema.field(name).type).take(code)
        for name in (SERIES_ID, *SERIES_KEY)
    }
    columns |= {name: _known(getattr(rows, name)) for name in _SAME_NAME}
    columns |= {
        INTERVAL_START: pa.array(rows.start * 1_000_000).cast(pa.timestamp("us", tz="UTC")),
        CLOCK: pa.repeat(pa.scalar(str(rows.clock), pa.string()), len(rows)),
        "excess": _known(rows.excess),
        "span_seconds": pa.array(rows.span_seconds),
        "regime": pa.array(rows.regime),
        "p_value": _known(rows.p_value),
        "q_value": _q_values(rows, closed),
        "score": _known(rows.score),
        "flagged": _flags(rows, closed),
        "threshold": pa.repeat(pa.scalar(threshold, pa.float64()), len(rows)),
        "model_version": pa.repeat(pa.scalar(model, pa.string()), len(rows)),
        "day": pa.array(days.astype(np.int32)).cast(pa.date32()),
        "bucket": pa.array(lake.bucket_of(keys[TENANT].tolist())).take(code),
    }
    schema = _of_clock(rows.clock).schema
    return pa.table([columns[name] for name in schema.names], names=schema.names).cast(schema)


def _rows_of(stored: pa.Table, clock: Clock, zones: Mapping[str, str], version: FittedVersion) -> ScoredRows:
    tenants = stored[TENANT].unique().to_pylist()
    table, code = series_table(stored, {tenant: zones.get(tenant, "Etc/UTC") for tenant in tenants})
    not_read = np.full(len(code), np.nan)

    def numbers(name: str) -> NDArray[np.float64]:
        column = _SPAN.get(name, name) if clock is not Clock.MINUTE else name
        return floats(stored[column]) if column in stored.column_names else not_read

    def whole_numbers(name: str) -> NDArray[np.int64]:
        return floats(stored[name]).astype(np.int64) if name in stored.column_names else code

    columns: dict[str, Any] = {name: numbers(name) for name in _SAME_NAME}
    return ScoredRows(
        table=table,
        series=code,
        start=utc_seconds(stored[INTERVAL_START]),
        span_seconds=whole_numbers("span_seconds"),
        regime=whole_numbers("regime"),
        log_q=not_read,
        flagged=np.zeros(len(code), dtype=bool),
        version=version,
        clock=clock,
        **columns,
    )


def _of_clock(clock: Clock) -> LakeTable:
    return SCORES if clock is Clock.MINUTE else CLOCK_SCORES


def _with_flags(stored: pa.Table, rows: ScoredRows, closed: int) -> pa.Table:
    """Stored scores with the flags and q-values of their closed ``rows``, in the same order."""
    for name, values in (("flagged", _flags(rows, closed)), ("q_value", _q_values(rows, closed))):
        stored = stored.set_column(stored.column_names.index(name), stored.schema.field(name), values)
    return stored


def _flags(rows: ScoredRows, closed: int) -> pa.Array:
    return pa.array(rows.flagged, mask=_is_open(rows, closed))


def _q_values(rows: ScoredRows, closed: int) -> pa.Array:
    return pa.array(rows.q_value, mask=_is_open(rows, closed) | np.isnan(rows.log_q))


def _is_open(rows: ScoredRows, closed: int) -> NDArray[np.bool_]:
    """Whether the hour of each row ends after ``closed``."""
    is_open: NDArray[np.bool_] = (rows.start // HOUR + 1) * HOUR > closed
    return is_open


def _known(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
