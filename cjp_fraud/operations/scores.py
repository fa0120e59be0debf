"""Look at scores: how unusual each interval was, and each span of a longer clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cjp_fraud.clock import aware
from cjp_fraud.contracts.tenants import tenant_not_on_record
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.lake_tables import CLOCK_SCORES, SCORES
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.lake import LakeTable, Where
from features.columns import INTERVAL_START, TENANT
from features.counting_clocks import Clock

MOST_SCORES: Final = 100_000
"""Scores that are shown at once."""


@dataclass(frozen=True, slots=True)
class ScoreView:
    """A scored interval of a series; in a gap nothing was observed, and only the baseline may be known.

    Parameters
    ----------
    observed : brought to the whole interval where only a part, ``seconds_covered``, was covered.
    excess : above the usual in the ``span_seconds`` that end with the interval: its length, or 15 minutes.
    strength, unbarred, statistic : s, u and s′ (docs/detection.md).
    rare, habit, noise, recurring : Q, M, H and R of the series' own bar at this hour of its day.
    provisional : the bar before these are known.
    anomaly : score of the isolation forest; None where it does not see the interval.
    q_value : as of flags; None while the interval's UTC hour is open.
    score : −log10 of the p-value; None where the series has too short a past.
    flagged : None while the interval's UTC hour is open.
    """

    interval_start: datetime
    interval_seconds: int
    channel: str
    direction: str
    application_id: str | None
    observed: float | None
    seconds_covered: float | None
    baseline: float | None
    excess: float | None
    span_seconds: int
    strength: float | None
    unbarred: float | None
    rare: float | None
    habit: float | None
    noise: float | None
    recurring: float | None
    provisional: float | None
    statistic: float | None
    anomaly: float | None
    score: float | None
    p_value: float | None
    q_value: float | None
    threshold: float | None
    flagged: bool | None
    model_version: str | None
    series_id: str


@dataclass(frozen=True, slots=True)
class SpanScoreView:
    """A scored span of a series on a longer clock, which ends with an interval.

    Parameters
    ----------
    interval_start : start of the span's last interval.
    observed, baseline : contacts in the span's known part, and as many as are usual there.
    seconds_covered : how much of the span is known; None where it is all of it.
    unbarred, statistic : −ln of the tail, and the same behind the series' own bar (docs/detection.md).
    q_value, score, flagged : as of :class:`ScoreView`.
    """

    interval_start: datetime
    interval_seconds: int
    clock: Clock
    channel: str
    direction: str
    application_id: str | None
    observed: float
    seconds_covered: float | None
    baseline: float
    excess: float
    span_seconds: int
    unbarred: float
    statistic: float | None
    score: float | None
    p_value: float | None
    q_value: float | None
    threshold: float | None
    flagged: bool | None
    model_version: str | None
    series_id: str


def show_scores(deployment: Deployment, tenant_id: str, begin: datetime, end: datetime) -> list[ScoreView]:
    """Stored scores of a tenant's series in [begin, end), by start and series.

    Raises
    ------
    NotFoundError
        If there is no such tenant on record.
    BadInputError
        If the window is empty, or holds more rows than can be shown.
    """
    names = list(ScoreView.__dataclass_fields__)
    return [ScoreView(**row) for row in _scores(deployment, SCORES, names, tenant_id, begin, end, {})]


def show_span_scores(
    deployment: Deployment, tenant_id: str, clock: Clock, begin: datetime, end: datetime
) -> list[SpanScoreView]:
    """Stored scores of a tenant's series on a longer clock, of spans whose last interval starts in [begin, end).

    Raises
    ------
    NotFoundError, BadInputError
        As :func:`show_scores`.
    """
    names = list(SpanScoreView.__dataclass_fields__)
    of_clock = {"clock": [str(clock)]}
    rows = _scores(deployment, CLOCK_SCORES, names, tenant_id, begin, end, of_clock)
    return [SpanScoreView(**(row | {"clock": clock})) for row in rows]


def _scores(
    deployment: Deployment,
    table: LakeTable,
    names: Sequence[str],
    tenant_id: str,
    begin: datetime,
    end: datetime,
    equal: Mapping[str, list[str]],
) -> list[dict[str, Any]]:
    """Stored rows of a tenant's series that start in [begin, end), by start and series."""
    if begin >= end:
        raise BadInputError(f"the window from {begin} to {end} is empty; --from must be before --to")
    if tenant_id not in deployment.zones:
        raise tenant_not_on_record(tenant_id, deployment.zones)
    lake = deployment.lake
    rows = lake.read(
        table,
        days=(aware(begin).date(), aware(end).date() + timedelta(days=1)),
        buckets=[int(lake.bucket_of([tenant_id])[0])],
        columns=names,
        where=Where(
            equal={TENANT: [tenant_id], **equal}, between={INTERVAL_START: (aware(begin), aware(end))}
        ),
    )
    if len(rows) > MOST_SCORES:
        raise BadInputError(
            f"{tenant_id} has {len(rows):,} scores from {begin} to {end}, more than {MOST_SCORES:,}; "
            "ask for a shorter window"
        )
    ordered: list[dict[str, Any]] = rows.sort_by(
        [(INTERVAL_START, "ascending"), ("series_id", "ascending")]
    ).to_pylist()
    return ordered
