"""The weekly clock's statistic: a shift of where contacts go that also costs, or growth that goes on.

What is slow enough stays under every level correction: the minute's clock takes it for the level. The week is compared
with the weeks before, in what its contacts are like; their number alone says nothing of a share of 3 %.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.share_shift import REFERENCE_DAYS, Shift, count_shift, mean_shift
from features.weekly_growth import STEPS, WEEK, growth, weekly_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPANS: Final = (7, 14, 28)
"""Days over which a shift is looked for, ending with the moment: a small tenant's needs four weeks to be seen."""
SEEN_DAYS: Final = max(SPANS) + REFERENCE_DAYS
"""Days that a shift is seen in: the longest span and the eight weeks before it."""
TOLD_WEEKS: Final = 4
HISTORY_DAYS: Final = SEEN_DAYS + TOLD_WEEKS * WEEK
"""Days that are looked at: the shifts of the last four weeks are seen again."""
LEAST_EXCESS: Final = 5.0
"""Contacts above the usual of a span without which it says nothing; a flag asks for no less."""
ALONE: Final = 0.7
"""Factor of what stands alone: where contacts go, with nothing known of what they cost; growth."""

LEAST_SHIFT: Final = 2.5
"""s₀: what a shift must exceed. Of ordinary simulated series one in some 7,000 reaches it in a week."""
TOLD_AGAIN: Final = 2.0
"""A shift that was told in the last four weeks is told again from so many times its strength on."""

NOTHING, INTERNATIONAL, HIGH_RISK, INVALID, GROWTH = -1, -2, -3, -4, -5
"""What moved, where it is not the contacts of one country."""


@dataclass(frozen=True, slots=True, eq=False)
class DailySums:
    """Sums by UTC day of some series over the 112 days before a moment; the last day is the last column.

    Attributes
    ----------
    contacts, charge, international, high_risk, invalid : float64 [series, 112]; contacts offered, cents, contacts
        abroad and to high-risk numbers, numbers that are not assigned. NaN: unknown, or before the series began.
    of_country : float64 [countries of series, 112]; contacts of one country; 0 where there were none.
    country_series : int64 [countries of series]; row of the series, ascending.
    """

    contacts: Floats
    charge: Floats
    international: Floats
    high_risk: Floats
    invalid: Floats
    of_country: Floats
    country_series: Ints

    def days(self, part: slice) -> DailySums:
        """Some of the days."""
        arrays = {name: getattr(self, name)[:, part] for name in _BY_DAY}
        return DailySums(**arrays, country_series=self.country_series)


_BY_DAY: Final = tuple(field.name for field in fields(DailySums) if field.name != "country_series")


@dataclass(frozen=True, slots=True, eq=False)
class WeeklyScores:
    """One value a series.

    Attributes
    ----------
    statistic : float64; the final statistic, 0 where there is nothing to tell; NaN where the past is too short.
    shift : float64; s, 0 where nothing moved up.
    what : int64; what moved most: a row of ``of_country``, or one of the negative codes.
    span_days : int64; days of the span, 0 where nothing moved.
    observed, usual : float64; contacts of what moved, in the span.
    where, cost, growth : float64; w and c of that span, or g; NaN where it is not known or did not decide.
    """

    statistic: Floats
    shift: Floats
    what: Ints
    span_days: Ints
    observed: Floats
    usual: Floats
    where: Floats
    cost: Floats
    growth: Floats


def weekly_scores(sums: DailySums) -> WeeklyScores:
    """Score each series as of the end of the last day.

    s = max(√(max(w, 0) · max(c, 0)), .7 g), the largest over spans of 7, 14 and 28 days in which what moved has an
    excess of five contacts. w: the largest shift of where contacts go, to one country, abroad, to high-risk numbers. c:
    the shift of what they cost, numbers that are not assigned (c₁) and the charge a contact (c₂), (c₁ + c₂) / √2 of
    both. Where nothing is known of c it is .7 w; where nothing is known of w, c₁ stands in its place and c₂ is c.
    g: see :func:`features.weekly_growth.growth`.

    The final statistic is s′ = max(s − 2.5, 0), and 0 where s was over 2.5 as of one of the four Mondays before and is
    not twice as large now: what goes on unchanged was told.
    """
    assert sums.contacts.shape[1] == HISTORY_DAYS
    now, *before = (_shifts(sums.days(slice(end - SEEN_DAYS, end))) for end in _ENDS)
    largest_before = np.fmax.reduce([earlier.shift for earlier in before])
    with np.errstate(invalid="ignore"):
        was_told = (largest_before > LEAST_SHIFT) & (now.shift < TOLD_AGAIN * largest_before)
    return replace(now, statistic=np.where(was_told, 0.0, np.maximum(now.shift - LEAST_SHIFT, 0.0)))


_ENDS: Final = tuple(HISTORY_DAYS - WEEK * ago for ago in range(TOLD_WEEKS + 1))
"""Ends of the days that are seen as of now, and as of each Monday before."""


def _shifts(sums: DailySums) -> WeeklyScores:
    best = _of_growth(sums.contacts)
    for span in SPANS:
        best = _larger(_of_span(sums, span), best)
    return best


def _of_span(sums: DailySums, span: int) -> WeeklyScores:
    """The shift over one span."""
    invalid = count_shift(sums.invalid, sums.contacts, span)
    charge = mean_shift(sums.charge, sums.contacts, span)
    what, moved = _where(sums, span)
    is_known = np.isfinite(moved.z)
    cost = np.where(is_known, _cost(invalid.z, charge.z), charge.z)
    where, observed, usual = (
        np.where(is_known, getattr(moved, name), getattr(invalid, name))
        for name in ("z", "observed", "usual")
    )
    upward = np.maximum(where, 0.0)
    both = np.where(np.isfinite(cost), np.sqrt(upward * np.maximum(cost, 0.0)), ALONE * upward)
    shift = np.where(observed - usual >= LEAST_EXCESS, both, 0.0)
    return _scores(
        np.where(np.isfinite(where), shift, np.nan),
        what=np.where(is_known, what, INVALID),
        span_days=span,
        observed=observed,
        usual=usual,
        where=where,
        cost=cost,
    )


def _where(sums: DailySums, span: int) -> tuple[Ints, Shift]:
    """The largest shift of where the contacts of each series go, and which it is."""
    size = len(sums.contacts)
    what = np.full(size, NOTHING)
    best = Shift(np.full(size, -np.inf), np.zeros(size), np.zeros(size))
    abroad = count_shift(sums.international, sums.contacts, span)
    risky = count_shift(sums.high_risk, sums.contacts, span)
    for code, shift in ((np.full(size, INTERNATIONAL), abroad), (np.full(size, HIGH_RISK), risky)):
        what, best = _more(what, best, code, shift)
    code, shift = _of_countries(sums, span)
    return _more(what, best, code, shift)


def _of_countries(sums: DailySums, span: int) -> tuple[Ints, Shift]:
    """The country of each series whose contacts have risen most."""
    series, size = sums.country_series, len(sums.contacts)
    called = (sums.of_country[:, -span:] > 0).any(axis=1)
    among = np.bincount(series, weights=called, minlength=size)
    shift = count_shift(sums.of_country, sums.contacts[series], span, among[series].astype(np.float64))
    order = np.lexsort((-np.arange(len(series)), shift.z, series))
    chosen = order[
        np.diff(series[order], append=-1) != 0
    ]  # the last of a series: its largest, of equals the first
    what = np.full(size, NOTHING)
    what[series[chosen]] = chosen
    z, observed, usual = np.full(size, -np.inf), np.zeros(size), np.zeros(size)
    for values, of_row in ((z, shift.z), (observed, shift.observed), (usual, shift.usual)):
        values[series[chosen]] = of_row[chosen]
    return what, Shift(z, observed, usual)


def _more(what: Ints, best: Shift, code: Ints, shift: Shift) -> tuple[Ints, Shift]:
    """Row by row the larger shift, and what it is; the second where both are equal."""
    chosen = shift.z >= best.z
    larger = (
        np.where(chosen, getattr(shift, name), getattr(best, name)) for name in ("z", "observed", "usual")
    )
    return np.where(chosen, code, what), Shift(*larger)


def _cost(invalid: Floats, charge: Floats) -> Floats:
    """The sum of both over √2, or the one that is known; -inf where neither is."""
    with np.errstate(invalid="ignore"):
        both = (invalid + charge) / np.sqrt(2.0)
    return np.where(np.isfinite(both), both, np.maximum(invalid, charge))


def _of_growth(contacts: Floats) -> WeeklyScores:
    weeks = weekly_sums(contacts)
    strength = growth(weeks)
    observed, usual = weeks[:, -STEPS:].sum(axis=1), STEPS * weeks[:, -STEPS - 1]
    with np.errstate(invalid="ignore"):
        shift = np.where(observed - usual >= LEAST_EXCESS, ALONE * np.maximum(strength, 0.0), 0.0)
    return _scores(
        np.where(np.isfinite(strength), shift, np.nan),
        what=np.full(len(contacts), GROWTH),
        span_days=STEPS * WEEK,
        observed=observed,
        usual=usual,
        growth=strength,
    )


def _scores(
    shift: Floats,
    *,
    what: Ints,
    span_days: int,
    observed: Floats,
    usual: Floats,
    where: Floats | None = None,
    cost: Floats | None = None,
    growth: Floats | None = None,
) -> WeeklyScores:
    with np.errstate(invalid="ignore"):
        moved = shift > 0
    unknown = np.full(len(shift), np.nan)
    evidence = [
        unknown if values is None else np.where(np.isfinite(values), values, np.nan)
        for values in (where, cost, growth)
    ]
    return WeeklyScores(
        unknown,
        shift,
        np.where(moved, what, NOTHING),
        np.where(moved, span_days, 0),
        np.where(moved, observed, np.nan),
        np.where(moved, usual, np.nan),
        *evidence,
    )


def _larger(first: WeeklyScores, second: WeeklyScores) -> WeeklyScores:
    """Row by row the one with the larger shift; a known one before an unknown, the second of equals."""
    with np.errstate(invalid="ignore"):
        chosen = (first.shift > second.shift) | (np.isnan(second.shift) & ~np.isnan(first.shift))
    names = (field.name for field in fields(WeeklyScores))
    return WeeklyScores(*(np.where(chosen, getattr(first, name), getattr(second, name)) for name in names))
