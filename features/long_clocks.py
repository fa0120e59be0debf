"""The longer clocks: how unusual the hour and the 24 hours are that end with an hour.

Beside the minute clock, not in it: on sparse series an interval says little, an hour or a day says more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.count_tails import log_upper_tail
from features.counting_clocks import Clock
from features.hour_sums import HOURS_A_DAY, LEAST_SHARE, HourSums, sum_of_24
from features.usual_sums import UsualSums

Floats = NDArray[np.float64]

MEASURED_FROM_DAYS: Final = 3
"""Folded days from which a span is measured; from then on its largest values make the series' own bar."""
SCORED_FROM_DAYS: Final = 7
"""Folded days from which a span has a statistic."""
BAR_FROM: Final = {Clock.HOUR: 8.0, Clock.DAY: 4.0}
"""What the 95 % quantile of an ordinary series' days stays under: −ln of the tail."""
BAR_POWER: Final = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSpans:
    """Spans that end with each judged hour; float64 [series, hours].

    Attributes
    ----------
    observed, usual : contacts in the span's known intervals, and as many as are usual in these.
    known : hours of the span that are known.
    unbarred : −ln P(so many contacts or more); NaN where the span is unknown, or too little is known of the past.
    statistic : the same behind the series' own bar; NaN before the seventh day; 0 where the last hour adds nothing.
    """

    observed: Floats
    usual: Floats
    known: Floats
    unbarred: Floats
    statistic: Floats


def score_hours(sums: HourSums, usual: UsualSums) -> ScoredSpans:
    """Score each hour against the same local hour of the last 28 days."""
    expected, evidence = expected_by_hour(sums, usual)
    judged = slice(sums.context, None)
    seen, known = sums.total[:, judged], sums.known[:, judged]
    dispersion = 1.0 / evidence[:, judged] + usual.hour_dispersion[:, None]
    unbarred = -log_upper_tail(seen, _above_nothing(expected[:, judged]), dispersion)
    return _scored(sums, usual, Clock.HOUR, seen, expected[:, judged], known, unbarred)


def score_days(sums: HourSums, usual: UsualSums) -> ScoredSpans:
    """Score the 24 hours that end with each hour against the sum of their usual contacts.

    Where the last hour adds nothing to what is usual, the 24 hours say what they said before: their statistic is 0.
    """
    expected, _ = expected_by_hour(sums, usual)
    seen, of_day, known = (sum_of_24(values, sums.context) for values in (sums.total, expected, sums.known))
    dispersion = np.broadcast_to(day_dispersion(usual)[:, None], seen.shape)
    unbarred = -log_upper_tail(seen, _above_nothing(of_day), dispersion)
    scored = _scored(sums, usual, Clock.DAY, seen, of_day, known, unbarred)
    judged = slice(sums.context, None)
    adds = sums.total[:, judged] > expected[:, judged]
    statistic = np.where(adds | np.isnan(scored.statistic), scored.statistic, 0.0)
    return ScoredSpans(scored.observed, scored.usual, scored.known, scored.unbarred, statistic)


Scorer = Callable[[HourSums, UsualSums], ScoredSpans]
SCORERS: Final[Mapping[Clock, Scorer]] = {Clock.HOUR: score_hours, Clock.DAY: score_days}
"""What scores each longer clock; its span ends with each judged hour."""


def highest_of_local_day(
    total: Floats, known: Floats, usual: UsualSums, weekday: int
) -> tuple[Floats, Floats]:
    """What a finished local day reached on the clocks of an hour and of 24 hours.

    Parameters
    ----------
    total, known : float64 [series, 24]; contacts and known hours by local hour.
    usual : as of the day's midnight.
    weekday : of the day, 0 is Monday.

    Returns
    -------
    float64 [series] each: −ln of the tail, the largest of the day's hours, and of the day; NaN where too little is
    known.
    """
    factor = usual.weekday[:, weekday, None]
    expected = _above_nothing(known * factor * usual.rate)
    evidence = np.maximum(known, 1.0) * factor * usual.evidence
    dispersion = 1.0 / evidence + usual.hour_dispersion[:, None]
    young = usual.sum_days < MEASURED_FROM_DAYS
    hours = np.where(known >= LEAST_SHARE, -log_upper_tail(total, expected, dispersion), 0.0)
    day = -log_upper_tail(total.sum(axis=1), expected.sum(axis=1), day_dispersion(usual))
    unknown = young | (known.sum(axis=1) < LEAST_SHARE * HOURS_A_DAY)
    return np.where(unknown, np.nan, hours.max(axis=1)), np.where(unknown, np.nan, day)


def expected_by_hour(sums: HourSums, usual: UsualSums) -> tuple[Floats, Floats]:
    """Usual contacts of the known part of each UTC hour, and the contacts that this rests on.

    Returns
    -------
    float64 [series, context + hours] each.
    """
    factor = usual.weekday[:, sums.weekday]
    rate, evidence = (
        (1.0 - sums.weight) * values[:, sums.left] + sums.weight * values[:, sums.right]
        for values in (usual.rate, usual.evidence)
    )
    return sums.known * factor * rate, factor * evidence


def day_dispersion(usual: UsualSums) -> Floats:
    """Dispersion of 24 hours, that of their usual contacts included; float64 [series]."""
    return np.asarray(1.0 / usual.evidence.sum(axis=1) + usual.day_dispersion)


def own_bar_of(clock: Clock, usual: UsualSums) -> Floats:
    """What the clock's statistic is divided by: max(1, Q / Q₀)^1.5 of the series' own past; float64 [series]."""
    highest = usual.hour_highest if clock is Clock.HOUR else usual.day_highest
    bar: Floats = np.maximum(1.0, highest / BAR_FROM[clock]) ** BAR_POWER
    return bar


def _scored(
    sums: HourSums,
    usual: UsualSums,
    clock: Clock,
    observed: Floats,
    expected: Floats,
    known: Floats,
    unbarred: Floats,
) -> ScoredSpans:
    span = 1 if clock is Clock.HOUR else HOURS_A_DAY
    last = sums.known[:, sums.context :]
    unknown = (known < LEAST_SHARE * span) | (last < LEAST_SHARE)
    unknown |= (usual.sum_days < MEASURED_FROM_DAYS)[:, None]
    unbarred = np.where(unknown, np.nan, unbarred)
    statistic = unbarred / own_bar_of(clock, usual)[:, None]
    early = (usual.sum_days < SCORED_FROM_DAYS)[:, None]
    return ScoredSpans(observed, expected, known, unbarred, np.where(early, np.nan, statistic))


def _above_nothing(expected: Floats) -> Floats:
    return np.maximum(expected, 1e-9)
