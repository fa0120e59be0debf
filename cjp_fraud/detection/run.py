"""``detect``: score a window in causal order, write scores and calibration, record flags, open cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Engine

from cjp_fraud.clock import aware, date_of
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.flags import flag_rows
from cjp_fraud.detection.judging import Judge, Judged, Report
from cjp_fraud.detection.lake_tables import CALIBRATION, SCORES
from cjp_fraud.detection.registry import Registered
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.errors import BadInputError
from cjp_fraud.people.model import Actor, Decision, machine
from cjp_fraud.review.flags import FlaggingResult, FlagRow, record_flags
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import process_lock
from features.columns import INTERVAL_START, SERIES_ID, SERIES_KEY, TENANT
from features.local_grid import HOUR
from models.calibration import p_of

CLOSED_AFTER: Final = timedelta(minutes=10)
"""An hour's family is closed so long after its end."""
SCORES_AT_ONCE: Final = 5_000_000
DETECTION_LOCK: Final = "detection"
DETECTOR: Final[Actor] = machine("detect")


@dataclass(frozen=True, slots=True)
class Detected:
    """What a detection did.

    Attributes
    ----------
    begin, end : the window, rounded to whole hours.
    folded : series-days folded first, because their snapshots were missing.
    scored : intervals with a row of scores.
    open_from : hours from here on are open, their flags null; None where all are closed.
    flags : what recording them changed.
    """

    begin: datetime
    end: datetime
    folded: int
    scored: int
    open_from: datetime | None
    flags: FlaggingResult


def detect(
    lake: Lake,
    engine: Engine,
    zones: Mapping[str, str],
    versions: Sequence[Registered],
    rules: DetectionRules,
    begin: datetime,
    end: datetime,
    now: datetime,
    *,
    new_cases_per_hour: int,
    report: Report | None = None,
) -> Detected:
    """Detect over [begin, end), rounded to whole hours. Running it again changes nothing.

    Scores and calibration are committed before flags are recorded, each the same when written again, so that a kill
    at any point is mended by the next run.

    Parameters
    ----------
    begin, end, now : aware.
    zones : IANA zone of every tenant on record.
    versions : promoted model versions, oldest first.

    Raises
    ------
    BadInputError
        If the window is empty.
    """
    begin, end = whole_hours(begin, end)
    folded = refresh(lake, engine, zones, now, report=report).folded
    with process_lock(engine, DETECTION_LOCK):
        judge = Judge(lake, zones, versions, rules)
        closed = closed_until(now)
        scores: list[pa.Table] = []
        found: list[FlagRow] = []
        written = begin
        scored = 0
        for day in judge.judged(begin, end, report):
            scores.append(score_rows(day, lake, closed))
            scored += len(scores[-1])
            found += flag_rows(day, zones, closed)
            if sum(len(part) for part in scores) > SCORES_AT_ONCE:
                until = datetime.combine(date_of(day.day + 1), datetime.min.time(), UTC)
                _write(lake, judge, scores, written, min(until, end))
                scores, written = [], min(until, end)
        _write(lake, judge, scores, written, end)
        with transaction(engine) as session:
            recorded = record_flags(
                Decision(session, DETECTOR, now),
                found,
                window=(begin, min(end, max(closed, begin))),
                tenant_ids=None,
                new_cases_per_hour=new_cases_per_hour,
            )
    return Detected(begin, end, folded, scored, max(closed, begin) if closed < end else None, recorded)


def whole_hours(begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Round a window outward to whole UTC hours.

    Raises
    ------
    BadInputError
        If nothing is between the two moments.
    """
    begin, end = aware(begin), aware(end)
    if begin >= end:
        raise BadInputError(f"the window from {begin} to {end} is empty; --from must be before --to")
    low = begin.replace(minute=0, second=0, microsecond=0)
    high = end.replace(minute=0, second=0, microsecond=0)
    return low, high if high == end else high + timedelta(hours=1)


def closed_until(now: datetime) -> datetime:
    """The end of the last UTC hour whose family is closed at ``now``."""
    return (aware(now) - CLOSED_AFTER).replace(minute=0, second=0, microsecond=0)


def score_rows(judged: Judged, lake: Lake, closed: datetime | None) -> pa.Table:
    """Rows of the ``scores`` table; flags of hours that are not closed are null (all, where ``closed`` is None)."""
    rows, keys = judged.rows, judged.keys
    named = keys.iloc[rows.series]
    of_series = lake.bucket_of(keys[TENANT].tolist())
    is_open = np.ones(len(rows), bool) if closed is None else _hour_end(rows.start) > int(closed.timestamp())
    model = None if judged.model is None else judged.model.id
    columns: dict[str, pa.Array] = {name: pa.array(named[name].tolist()) for name in (SERIES_ID, *SERIES_KEY)}
    columns |= {
        INTERVAL_START: pa.array(rows.start * 1_000_000, pa.timestamp("us", tz="UTC")),
        "observed": pa.array(rows.observed),
        "baseline": _known(rows.baseline),
        "excess": _known(rows.observed - rows.baseline),
        "regime": pa.array(rows.regime),
        "log_p": _known(judged.log_p),
        "p_value": _known(p_of(judged.log_p)),
        "score": _known(judged.score),
        "flagged": pa.array(judged.flagged, mask=is_open),
        "threshold": pa.array(np.full(len(rows), judged.version.threshold)),
        "model_version": pa.array([model] * len(rows), pa.string()),
        "day": pa.array([date_of(judged.day)] * len(rows), pa.date32()),
        "bucket": pa.array(of_series[rows.series], pa.int16()),
    }
    for name in (
        "against_hour",
        "against_season",
        "count_strength",
        "peak_strength",
        "peak_baseline",
        "strength",
        "statistic",
    ):
        columns[name] = _known(getattr(rows, name))
    names = SCORES.schema.names
    return pa.table([columns[name] for name in names], names=names).cast(SCORES.schema)


def write_scores(lake: Lake, rows: pa.Table, begin: datetime, end: datetime, buckets: Sequence[int]) -> None:
    """Replace the scores of [begin, end) in some buckets, in one commit."""
    last = (end - timedelta(microseconds=1)).date() + timedelta(days=1)
    where = Where(days=(begin.date(), last), buckets=buckets, between={INTERVAL_START: (begin, end)})
    lake.replace(SCORES, rows, where=where)


def write_calibrations(lake: Lake, made: Sequence[pa.Table]) -> None:
    """Replace the calibrations of the days and buckets that were made, in one commit."""
    rows = [part for part in made if len(part)]
    if not rows:
        return
    whole = pa.concat_tables(rows)
    pairs = whole.select(["day", "bucket"]).group_by(["day", "bucket"]).aggregate([]).to_pydict()
    touched = sorted(zip(pairs["day"], pairs["bucket"], strict=True))
    lake.replace(CALIBRATION, whole, where=Where(partitions=touched))


def _write(lake: Lake, judge: Judge, scores: list[pa.Table], begin: datetime, end: datetime) -> None:
    if begin < end:
        rows = pa.concat_tables(scores) if scores else SCORES.schema.empty_table()
        write_scores(lake, rows, begin, end, list(range(lake.buckets)))
    write_calibrations(lake, judge.made)
    judge.made.clear()


def _hour_end(start: NDArray[np.int64]) -> NDArray[np.int64]:
    return (start // HOUR + 1) * HOUR


def _known(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
