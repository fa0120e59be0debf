"""Measures of a detector, from its flags and the labels; no detector is known here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.labels import DAY, FOUND_WITHIN, Label
from features.constants import EPISODE_GAP_SECONDS
from features.episodes import episode_starts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

INTERVAL = 300
HOUR = 3600
CLOSING = 600
"""Seconds after the end of an hour at which its flags reach the queue."""
MOST_FLAGGED = 0.02
"""Share of the rows that a detector may flag: to flag everything is one long episode that touches every label."""
STEPS = 60
"""Thresholds that are tried, evenly on the logarithm of the number of rows above them."""


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Rows by tenant and start, and how unusual each is.

    Attributes
    ----------
    tenant : int64 [rows]; ascending.
    start : int64 [rows]; UTC seconds, ascending within a tenant.
    score : float64 [rows].
    """

    tenant: Ints
    start: Ints
    score: Floats

    def above(self, threshold: float) -> Marks:
        """Rows that reach a threshold."""
        chosen = self.score >= threshold
        return Marks(self.tenant[chosen], self.start[chosen], self.score[chosen])

    def episodes(self, gap_seconds: int = EPISODE_GAP_SECONDS) -> Episodes:
        """Join rows of a tenant that are no further apart than ``gap_seconds``."""
        if gap_seconds == EPISODE_GAP_SECONDS:
            begins = episode_starts(self.tenant, self.start)
        else:
            begins = np.ones(len(self.start), dtype=bool)
            begins[1:] = (np.diff(self.tenant) != 0) | (np.diff(self.start) > gap_seconds)
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(self.start))[: len(first)] - 1
        return Episodes(self.tenant[first], self.start[first], self.start[last])


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Episodes by tenant; ``since`` and ``until`` are the starts of the first and last flag (UTC seconds)."""

    tenant: Ints
    since: Ints
    until: Ints

    def __len__(self) -> int:
        return len(self.tenant)

    def touching(self, labels: Sequence[Label]) -> Bools:
        """Whether each episode touches a label (see :attr:`Label.touched`)."""
        tenant, since, until = _arrays([(label.tenant, *label.touched) for label in labels], 3)
        low = np.searchsorted(_key(self.tenant, self.until), _key(tenant, since), side="left")
        high = np.searchsorted(_key(self.tenant, self.since), _key(tenant, until), side="right")
        count = np.zeros(len(self) + 1, dtype=np.int64)
        np.add.at(count, low, high > low)
        np.subtract.at(count, high, high > low)
        return np.cumsum(count)[:-1] > 0


def first_flags(flags: Marks, labels: Sequence[Label], within: float = FOUND_WITHIN) -> Floats:
    """Return UTC seconds of the end of the first flagged interval that finds each label; NaN where none does."""
    tenant, since, until = _arrays([(label.tenant, *label.found_by(within)) for label in labels], 3)
    key = _key(flags.tenant, flags.start)
    low = np.searchsorted(key, _key(tenant, since), side="left")
    high = np.searchsorted(key, _key(tenant, until), side="right")
    ends = np.full(len(labels), np.nan)
    found = high > low
    ends[found] = flags.start[low[found]] + INTERVAL
    return ends


def recall(flags: Marks, labels: Sequence[Label], within: float = FOUND_WITHIN) -> float:
    """Share of the labels that are found; NaN without labels."""
    return float(np.mean(~np.isnan(first_flags(flags, labels, within)))) if labels else np.nan


def delays(ends: Floats, labels: Sequence[Label]) -> Floats:
    """Seconds from the beginning of the cost to the end of the first flagged interval, at least 0; NaN: not found."""
    return np.maximum(ends - np.array([label.cost_begin for label in labels], dtype=np.float64), 0.0)


def queued(ends: Floats) -> Floats:
    """When flags reach the queue (UTC seconds): ten minutes after the end of their hour."""
    return np.ceil(ends / HOUR) * HOUR + CLOSING


def money_lost(moments: Floats, labels: Sequence[Label]) -> Floats:
    """What each label cost until a moment, in cents; all of it where the moment is NaN."""
    return np.array(
        [label.cost_until(np.inf if np.isnan(at) else at) for label, at in zip(labels, moments, strict=True)]
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """A detector at one threshold.

    Attributes
    ----------
    threshold : on the scale of its scores.
    false : false episodes per series-week.
    flags : the rows that it flags.
    """

    threshold: float
    false: float
    flags: Marks


def false_episodes(flags: Marks, labels: Sequence[Label]) -> Episodes:
    """Episodes that touch no label, benign or not."""
    episodes = flags.episodes()
    false = ~episodes.touching(labels)
    return Episodes(episodes.tenant[false], episodes.since[false], episodes.until[false])


def at_budgets(
    marks: Marks, labels: Sequence[Label], series_weeks: float, rows: int, budgets: Sequence[float]
) -> list[Judged | None]:
    """For each budget the lowest threshold before it is first exceeded, coming from above.

    Parameters
    ----------
    marks : a detector's highest rows; at least ``MOST_FLAGGED`` of all.
    labels : everything that happened.
    series_weeks : length of what is judged.
    rows : number of all rows judged; at most ``MOST_FLAGGED`` of them may be flagged.
    budgets : false episodes per series-week.

    Returns
    -------
    one a budget; None where even the highest rows exceed it.
    """
    most = min(len(marks.score), int(MOST_FLAGGED * rows))
    best: list[Judged | None] = [None] * len(budgets)
    within = set(range(len(budgets)))
    for threshold in _thresholds(marks.score, most):
        flags = marks.above(threshold)
        if len(flags.score) > most:
            break
        judged = Judged(threshold, len(false_episodes(flags, labels)) / series_weeks, flags)
        within = {place for place in within if judged.false <= budgets[place]}
        for place in within:
            best[place] = judged
        if not within:
            break
    return best


def _thresholds(score: Floats, most: int) -> Iterator[float]:
    """Scores that ever more rows reach, descending."""
    ordered = np.sort(score)[::-1]
    if most < 1:
        return
    counts = np.unique(np.geomspace(1, most, STEPS).astype(np.int64))
    yield from np.unique(ordered[counts - 1])[::-1].tolist()


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Cases as if nobody acted: flags of a tenant no more than 24 hours apart are one, and no cap holds.

    Attributes
    ----------
    tenant, opened : int64 [cases]; number of the tenant, UTC seconds of the first flag.
    cause : str [cases]; scenario of the label that the first flag touches, a fraud before a benign event; or "nothing".
    """

    tenant: Ints
    opened: Ints
    cause: NDArray[np.str_]


def cases_of(flags: Marks, labels: Sequence[Label]) -> Cases:
    """Join flags to cases and say what opened each."""
    chained = flags.episodes(DAY)
    cause = np.full(len(chained), "nothing", dtype="U40")
    by_tenant: dict[int, list[Label]] = {}
    for label in sorted(labels, key=lambda label: label.benign, reverse=True):
        by_tenant.setdefault(label.tenant, []).append(label)
    for row, (tenant, since) in enumerate(zip(chained.tenant.tolist(), chained.since.tolist(), strict=True)):
        for label in by_tenant.get(tenant, ()):
            low, high = label.touched
            if low <= since <= high:
                cause[row] = label.scenario
    return Cases(chained.tenant, chained.since, cause)


def share_of_worst(tenants: Ints, number: int, share: float = 0.05) -> float:
    """Share of the false episodes (each given by its tenant) that the worst 5 % of ``number`` tenants have."""
    if not len(tenants):
        return np.nan
    counts = np.sort(np.unique(tenants, return_counts=True)[1])[::-1]
    return float(counts[: max(round(share * number), 1)].sum() / len(tenants))


def _key(tenant: Ints, start: Ints) -> Ints:
    """One ascending number for tenant and time."""
    return np.asarray(tenant, np.int64) * (1 << 40) + np.asarray(start, np.int64)


def _arrays(rows: Sequence[tuple[int, ...]], columns: int) -> Ints:
    return np.array(rows, dtype=np.int64).reshape(-1, columns).T
