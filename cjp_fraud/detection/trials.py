"""Trials of a version: traffic of which the truth is known, from a simulation or from what people decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.detection.daily_sums import sums_by_day
from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.operating_point import SpikeWindow
from cjp_fraud.detection.precision import DecidedCase
from cjp_fraud.detection.promotion import TrialResult
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.run import DetectionRun
from cjp_fraud.detection.series import arrange
from cjp_fraud.review.model import Finding
from features.constants import EPISODE_GAP_SECONDS
from features.counting_clocks import Thresholds
from features.local_grid import DAY
from models.threshold import group_starts


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a tenant: starts of its first and last interval, UTC seconds.

    Parameters
    ----------
    found_until : a flag that starts later does not count as having found it; None: each does.
    """

    tenant_id: str
    first: int
    last: int
    found_until: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class KnownTruth:
    """Scored traffic and what happened in it.

    Parameters
    ----------
    frauds : what is to be found.
    benign : where an episode is false; None: wherever there is no fraud.
    budget : false episodes that the budget allows; None: there the budgets are no excuse.
    """

    name: str
    window: SpikeWindow
    frauds: tuple[Event, ...]
    benign: tuple[Event, ...] | None = None
    budget: float | None = None

    def result(self, thresholds: Thresholds) -> TrialResult:
        """Recall of the frauds, and false episodes: those that touch no fraud or, where given, a benign event."""
        high = self.window.reached(thresholds)
        is_found = [bool(np.any(high & self._finding(event))) for event in self.frauds]
        touches = self._during_any(self.frauds if self.benign is None else self.benign)
        order = np.lexsort((self.window.starts, self.window.tenants))
        flags = order[high[order]]
        begins = group_starts(self.window.tenants[flags], self.window.starts[flags], EPISODE_GAP_SECONDS)
        touched = np.logical_or.reduceat(touches[flags], np.flatnonzero(begins)) if len(flags) else begins
        false = touched if self.benign is not None else ~touched
        recall = sum(is_found) / len(is_found) if is_found else None
        return TrialResult(recall, int(false.sum()))

    def _during_any(self, events: Sequence[Event]) -> NDArray[np.bool_]:
        during = np.zeros(len(self.window.starts), dtype=bool)
        for event in events:
            during |= self._during(event)
        return during

    def _finding(self, event: Event) -> NDArray[np.bool_]:
        until = event.last if event.found_until is None else event.found_until
        return self.window.during(event.tenant_id, event.first, until)

    def _during(self, event: Event) -> NDArray[np.bool_]:
        return self.window.during(event.tenant_id, event.first, event.last)


def decided_trial(window: SpikeWindow, decided: Sequence[DecidedCase]) -> KnownTruth | None:
    """The decided cases of a window; an episode is false where a person found no fraud. None: nothing was decided."""
    frauds, benign = (
        tuple(Event(case.tenant_id, case.first, case.last) for case in decided if case.finding is finding)
        for finding in (Finding.FRAUDULENT, Finding.NOT_FRAUDULENT)
    )
    return KnownTruth("decided cases", window, frauds, benign) if frauds or benign else None


def backtest_trial(
    name: str,
    traffic: pa.Table,
    zones: Mapping[str, str],
    frauds: Sequence[Event],
    rules: DetectionRules,
    *,
    judged_from: int = 0,
) -> KnownTruth:
    """A back-test on traffic of which all frauds are known, such as a simulation; it is scored once, here.

    Parameters
    ----------
    traffic : gridded, as :func:`~cjp_fraud.detection.series.arrange` takes it.
    zones : IANA zone of each tenant.
    judged_from : UTC day; false episodes before it do not count.
    """
    arranged = arrange(traffic, zones)
    begin, end = int(arranged.first.min()) // DAY, int(arranged.last.max()) // DAY + 1
    store = MemoryStore(arranged, rules, sums=sums_by_day(traffic), trains=False)
    for _ in DetectionRun(store, rules).days(begin * DAY, end * DAY):
        pass
    window = store.window(max(begin, judged_from), end)
    budget = rules.budgets.episodes_per_series_week * window.series_weeks
    return KnownTruth(name, window, tuple(frauds), budget=budget)
