"""What other budgets would have flagged in the newest 28 days, and how right that would have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final

from sqlalchemy import Engine

from cjp_fraud.clock import aware
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.decided_cases import found_by_finding, read_decided, within
from cjp_fraud.detection.operating_point import WINDOW_DAYS, SpikeWindow
from cjp_fraud.detection.precision import DecidedCase
from cjp_fraud.detection.rules import Budgets, DetectionRules
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.series import traffic_sizes
from cjp_fraud.detection.training import WindowReader
from cjp_fraud.errors import BadInputError
from cjp_fraud.progress import Report
from cjp_fraud.review.model import Finding
from cjp_fraud.storage.lake import Lake
from features.counting_clocks import LEAST_THRESHOLD, LONG_CLOCKS, Clock, Thresholds
from features.local_grid import DAY

USUAL_CASES_PER_DAY: Final = (5.0, 10.0, 20.0, 40.0, 80.0)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold, and what it flags in a window.

    Parameters
    ----------
    budget : cases a day that the thresholds were chosen for; None: they are those in force.
    threshold : of the minute clock.
    bound_by : the budget that keeps the threshold from being lower; None: none does.
    clock_thresholds : the same of each longer clock, under its share of the budgets.
    flags, cases : in the window, all clocks together; cases as if nobody decided anything and no hour had a cap.
    fraudulent, not_fraudulent, undetermined : decided cases that would have been found, by their finding.
    precision : share of fraud among those decided one way or the other; None: there are none.
    """

    budget: float | None
    threshold: float
    bound_by: str | None
    flags: int
    cases: int
    cases_per_day: float
    episodes_per_series_week: float
    fraudulent: int
    not_fraudulent: int
    undetermined: int
    precision: float | None
    clock_thresholds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MeasuredPast:
    """The newest days of traffic, scored anew."""

    begin: datetime
    end: datetime
    window: SpikeWindow
    decided: tuple[DecidedCase, ...]

    def point(
        self, thresholds: Thresholds, budget: float | None = None, bound_by: str | None = None
    ) -> OperatingPoint:
        """What thresholds flag."""
        window = self.window
        counts = window.at(thresholds)
        flagged_cases = found_by_finding(self.decided, window, thresholds)
        fraud, benign = flagged_cases[Finding.FRAUDULENT], flagged_cases[Finding.NOT_FRAUDULENT]
        return OperatingPoint(
            budget=budget,
            threshold=thresholds[Clock.MINUTE],
            bound_by=bound_by,
            flags=counts.flags,
            cases=counts.cases,
            cases_per_day=counts.cases / window.scored_days if window.scored_days else 0.0,
            episodes_per_series_week=counts.episodes / window.series_weeks if window.series_weeks else 0.0,
            fraudulent=fraud,
            not_fraudulent=benign,
            undetermined=flagged_cases[Finding.UNDETERMINED],
            precision=fraud / (fraud + benign) if fraud + benign else None,
            clock_thresholds={str(clock): thresholds[clock] for clock in LONG_CLOCKS},
        )

    def chosen(self, budgets: Budgets) -> OperatingPoint:
        """What the thresholds chosen for these budgets flag."""
        thresholds = self.window.thresholds(budgets)
        bound_by = None
        if thresholds[Clock.MINUTE] > LEAST_THRESHOLD[Clock.MINUTE]:
            of_cases = self.window.thresholds(Budgets(inf, budgets.cases_per_day))
            bound_by = "cases" if of_cases[Clock.MINUTE] == thresholds[Clock.MINUTE] else "episodes"
        return self.point(thresholds, budgets.cases_per_day, bound_by)


def measure_past(
    lake: Lake,
    engine: Engine,
    zones: Mapping[str, str],
    rules: DetectionRules,
    now: datetime,
    *,
    report: Report | None = None,
) -> MeasuredPast:
    """Score the newest 28 whole UTC days of traffic anew; missing snapshots and calibrations are made first.

    Raises
    ------
    BadInputError
        If there is no whole day of traffic before ``now`` (aware).
    """
    refresh(lake, engine, zones, now, report=report)
    today = int(aware(now).timestamp()) // DAY
    days = [day for day in traffic_sizes(lake) if day < today]
    if not days:
        raise BadInputError(
            "there is no whole UTC day of traffic yet; take some in first: cjp-fraud traffic ingest FILE"
        )
    end = max(days) + 1
    begin = end - WINDOW_DAYS
    fit = WindowReader(lake, engine, zones, rules).read(begin, end)
    window = fit.window(begin, end)
    first, last = begin * DAY, end * DAY
    return MeasuredPast(moment(first), moment(last), window, within(read_decided(engine), first, last))


def over_budgets(past: MeasuredPast, rules: DetectionRules, cases: Sequence[float]) -> list[OperatingPoint]:
    """Operating points for cases a day, ascending; if none is given, for usual numbers and the deployment's own."""
    budgets = set(cases) or {*USUAL_CASES_PER_DAY, rules.budgets.cases_per_day}
    return [
        past.chosen(Budgets(rules.budgets.episodes_per_series_week, budget)) for budget in sorted(budgets)
    ]
