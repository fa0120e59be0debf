"""The weekly clock: how far what contacts are like has moved from the weeks before, over a span of whole days.

Two questions of the same kind: has a *count* among the contacts risen (those to one country, those to numbers that are
not assigned), and has a *mean* a contact (what it is charged)? Each is measured by what varies from day to day and from
week to week in the series itself, so that a single day, however large, is weak evidence, and what goes on every day is
strong: a burst is for the minute's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, ndtri_exp

Floats = NDArray[np.float64]

REFERENCE_DAYS: Final = 56
LEAST_REFERENCE_DAYS: Final = 14
"""Days before a span without which nothing is known; at least eight of them with contacts."""
LEAST_ACTIVE_DAYS: Final = 8
PRIOR_CONTACTS: Final = 0.25
"""a: what a count that never occurred is taken to have been, in the whole of the days before."""
COUNT_WANDER: Final = 0.1
"""By how much a steady share differs between two spans for reasons of its own, relative."""
MEAN_WANDER: Final = 0.05
"""The same of a mean."""
ORDINARY_DAYS: Final = 3.0
"""A day counts for at most so many mean days of the past: what was booked late on one day says little of many."""
ORDINARY_GROWTH: Final = 1.2
"""Contacts up to so many times the usual are taken to be of the usual kind."""
LEAST_Z: Final = -10.0
LEAST_WEEKS: Final = 4
"""Weeks of the past from which their own spread is counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """How far rows have moved; float64 [rows].

    Attributes
    ----------
    z : on the scale of a standard normal, upward, not under -10; -inf where it is not known, because the past is too
        short or the amounts are not.
    observed : sum over the span.
    usual : what the days before say of the span, given its contacts.
    """

    z: Floats
    observed: Floats
    usual: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Sums over some days; float64 [rows].

    Attributes
    ----------
    amount, contacts : sums over the days on which both are known.
    active : days with contacts.
    spread : Σ of squared residuals of the days, amount − ratio · contacts, with the factor of a small sample.
    """

    amount: Floats
    contacts: Floats
    active: Floats
    spread: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """The span and the days before it, each day cut to three ordinary ones.

    Attributes
    ----------
    amounts, contacts : float64 [rows, days].
    begin, first : first day of the span, and of the days before.
    recent, before : sums over both.
    added : float64 [rows]; f, the share of the span's contacts that are more than 1.2 times the usual, 0 to 1.
    known : bool [rows]; whether the past is long enough.
    """

    amounts: Floats
    contacts: Floats
    begin: int
    first: int
    recent: _Sums
    before: _Sums
    added: Floats
    known: NDArray[np.bool_]


def count_shift(amounts: Floats, contacts: Floats, span: int, among: Floats | float = 1.0) -> Shift:
    """Return by how much counts among the contacts have risen: a gamma-Poisson tail of thinned counts.

    x and x₀ are the sums of the span and of the 56 days before it, d their dispersion: the largest, and at least 1, of
    Σe² / x over the days of the span, over the days before, and over the weeks before. With ρ the span's contacts over
    those before, x / d is compared with a gamma-Poisson variable (negative binomial) of mean m = ρ (x₀ / d + a) and
    variance m + m² (1 / (x₀ / d + a) + τ²); z is the normal quantile of that tail. τ = .1 + f: what came on top of
    the usual contacts may be of another kind. Thinning by the dispersion is the quasi-Poisson correction of
    Wedderburn (1974), with whole days as observations. The tail is taken ``among`` times, because the largest of so
    many counts is looked at (Bonferroni).

    Parameters
    ----------
    amounts : float64 [rows, days]; days before the moment, the last of them last. NaN: unknown.
    contacts : float64 [rows, days]; all contacts of the day.
    span : days.
    among : float64 [rows] or one for all, at least 1.
    """
    days = _days(amounts, contacts, span)
    recent, before = days.recent, days.before
    dispersion = np.maximum(_ratio(recent.spread, recent.amount), _ratio(before.spread, before.amount))
    dispersion = np.maximum(np.maximum(dispersion, _ratio(_weekly_spread(days), before.amount)), 1.0)
    past = before.amount / dispersion + PRIOR_CONTACTS
    mean = _ratio(recent.contacts, before.contacts) * past
    shape = 1.0 / (1.0 / past + (COUNT_WANDER + days.added) ** 2)
    log_tail = _log_tail(recent.amount / dispersion, shape, mean) + np.log(np.maximum(among, 1.0))
    return _shift(-ndtri_exp(np.minimum(log_tail, 0.0)), days, amounts, contacts)


def mean_shift(amounts: Floats, contacts: Floats, span: int) -> Shift:
    """Return by how much an amount a contact has risen: difference over standard error, days as clusters.

    z = (R − R₀) / √(V + V₀ + (τ R₀)²), R = Σ amount / Σ contacts of the span, V = Σe² / (Σ contacts)² the variance of a
    ratio whose observations are whole days (Cochran 1977, section 6.4); R₀, V₀ of the days before; τ = .05 + f.

    Parameters and result are those of :func:`count_shift`; ``observed`` and ``usual`` are amounts.
    """
    days = _days(amounts, contacts, span)
    recent, before = days.recent, days.before
    ratio, usual = _ratio(recent.amount, recent.contacts), _ratio(before.amount, before.contacts)
    variance = _ratio(recent.spread, recent.contacts**2) + _ratio(before.spread, before.contacts**2)
    variance += ((MEAN_WANDER + days.added) * usual) ** 2
    return _shift(_ratio(ratio - usual, np.sqrt(variance)), days, amounts, contacts)


def _shift(z: Floats, days: _Days, amounts: Floats, contacts: Floats) -> Shift:
    """The result, with the sums of the days as they were."""
    known = ~np.isnan(amounts[:, days.begin :]) & (contacts[:, days.begin :] > 0)
    observed = np.where(known, amounts[:, days.begin :], 0.0).sum(axis=1)
    exposure = np.where(known, contacts[:, days.begin :], 0.0).sum(axis=1)
    usual = _ratio(days.before.amount, days.before.contacts) * exposure
    return Shift(np.where(days.known, np.maximum(z, LEAST_Z), -np.inf), observed, usual)


def _days(amounts: Floats, contacts: Floats, span: int) -> _Days:
    begin = amounts.shape[1] - span
    first = max(begin - REFERENCE_DAYS, 0)
    seen = ~np.isnan(contacts)
    usual = _ratio(
        np.where(seen, contacts, 0.0)[:, first:begin].sum(axis=1), seen[:, first:begin].sum(axis=1)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.minimum(ORDINARY_DAYS * usual[:, None] / contacts, 1.0)
    part = np.where(contacts > 0, part, 1.0)
    amounts, contacts = amounts * part, contacts * part
    recent = _sums(amounts[:, begin:], contacts[:, begin:])
    before = _sums(amounts[:, first:begin], contacts[:, first:begin])
    lately = _ratio(recent.contacts, seen[:, begin:].sum(axis=1))
    daily = _ratio(before.contacts, seen[:, first:begin].sum(axis=1))
    added = np.clip(1.0 - ORDINARY_GROWTH * _ratio(daily, lately), 0.0, 1.0)
    past = seen[:, first:begin]
    oldest = np.where(past.any(axis=1), begin - first - past.argmax(axis=1), 0)
    known = (oldest >= LEAST_REFERENCE_DAYS) & (before.active >= LEAST_ACTIVE_DAYS) & (recent.contacts > 0)
    return _Days(amounts, contacts, begin, first, recent, before, added, known)


def _sums(amounts: Floats, contacts: Floats) -> _Sums:
    known = ~np.isnan(amounts) & (contacts > 0)
    amount, contact = np.where(known, amounts, 0.0), np.where(known, contacts, 0.0)
    total, all_contacts, active = amount.sum(axis=1), contact.sum(axis=1), known.sum(axis=1)
    residual = amount - _ratio(total, all_contacts)[:, None] * contact
    spread = (residual**2).sum(axis=1) * _ratio(active, np.maximum(active - 1.0, 1.0))
    return _Sums(total, all_contacts, active.astype(np.float64), spread)


def _weekly_spread(days: _Days) -> Floats:
    """Σ of squared residuals of the weeks before the span, as far as there are four with contacts; else 0."""
    weeks = (days.begin - days.first) // 7
    cut = slice(days.begin - 7 * weeks, days.begin)
    amounts, contacts = days.amounts[:, cut], days.contacts[:, cut]
    known = ~np.isnan(amounts) & (contacts > 0)
    shape = (len(amounts), weeks, 7)
    amount = np.where(known, amounts, 0.0).reshape(shape).sum(axis=2)
    contact = np.where(known, contacts, 0.0).reshape(shape).sum(axis=2)
    active = (contact > 0).sum(axis=1)
    residual = amount - _ratio(days.before.amount, days.before.contacts)[:, None] * contact
    spread: Floats = (residual**2).sum(axis=1) * _ratio(active, np.maximum(active - 1.0, 1.0))
    return np.where(active >= LEAST_WEEKS, spread, 0.0)


def _log_tail(observed: Floats, shape: Floats, mean: Floats) -> Floats:
    """Natural logarithm of P(X ≥ observed), X negative binomial; between whole numbers by the incomplete beta function.

    Where the tail underflows it is its first term, which is less than the whole by a factor under 1 / (1 − ratio).
    """
    share = _ratio(mean, mean + shape)
    at = np.maximum(observed, 1e-9)
    tail = betainc(at, shape, share)
    with np.errstate(divide="ignore"):
        first = at * np.log(share) + shape * np.log1p(-share) - np.log(at) - betaln(at, shape)
        log_tail = np.where(tail > 0, np.log(tail), first)
    return np.where(observed > 0, np.minimum(log_tail, 0.0), 0.0)


def _ratio(part: Floats | NDArray[np.int64], whole: Floats | NDArray[np.int64]) -> Floats:
    """Quotient; 0 of nothing."""
    quotient: Floats = np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
    return quotient
