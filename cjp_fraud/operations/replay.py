"""Score the lake's traffic anew in memory, each interval by what was known before it; nothing is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import pyarrow as pa

from cjp_fraud.contracts.tenants import tenant_not_on_record
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.daily_sums import sums_by_day
from cjp_fraud.detection.decided_cases import read_decided, within
from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.operating_point import WINDOW_DAYS
from cjp_fraud.detection.rules import Budgets, DetectionRules, rules_of
from cjp_fraud.detection.run import DetectionRun
from cjp_fraud.detection.score_tables import ScoreTables
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.series import Arranged, arrange
from cjp_fraud.detection.what_if import MeasuredPast, OperatingPoint, over_budgets
from cjp_fraud.errors import BadInputError
from cjp_fraud.progress import Report
from cjp_fraud.simulation.promotion_trial import simulated_trial
from cjp_fraud.storage.lake import Where
from cjp_fraud.traffic.schema import TENANT, TRAFFIC
from features.counting_clocks import LONG_CLOCKS, Clock, Thresholds
from features.local_grid import DAY


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """Traffic scored anew.

    Parameters
    ----------
    scores, span_scores : rows as the lake's tables ``scores`` and ``clock_scores`` have them
        (``detection/lake_tables.py``), of all days with traffic, by series and start. Thresholds are those that a
        back-test chooses for itself each Monday (:class:`~cjp_fraud.detection.memory_store.MemoryStore`).
    zones : IANA zone of each tenant, as it was scored.
    past : the newest 28 days, to ask what other thresholds flag.
    """

    scores: pa.Table
    span_scores: pa.Table
    zones: Mapping[str, str]
    past: MeasuredPast
    rules: DetectionRules

    def at(self, threshold: float, clocks: Thresholds | None = None) -> OperatingPoint:
        """Return what a threshold of the minute clock flags in the newest 28 days.

        Parameters
        ----------
        clocks : thresholds of the longer clocks; None: these flag nothing.
        """
        longer = dict.fromkeys(LONG_CLOCKS, inf) | dict(clocks or {})
        return self.past.point({**longer, Clock.MINUTE: threshold})

    def over_budgets(self, cases_per_day: Collection[float] = ()) -> list[OperatingPoint]:
        """Return the thresholds that budgets of cases a day lead to, and what they flag, ascending."""
        return over_budgets(self.past, self.rules, list(cases_per_day))


def replay(
    deployment: Deployment,
    *,
    tenants: Collection[str] | None = None,
    zones: Mapping[str, str] | None = None,
    report: Report | None = None,
) -> Replay:
    """Score all traffic that the lake has, as detection would have scored it day by day.

    Parameters
    ----------
    tenants : only these; then calibration and thresholds rest on their traffic alone. None: all.
    zones : other IANA zones than those on record, by tenant, to see what a zone changes.

    Raises
    ------
    NotFoundError
        If a tenant is not on record.
    BadInputError
        If there is no traffic.
    """
    on_record = deployment.zones
    for tenant_id in {*(tenants or ()), *(zones or {})} - on_record.keys():
        raise tenant_not_on_record(tenant_id, on_record)
    chosen = {
        tenant_id: (zones or {}).get(tenant_id, zone)
        for tenant_id, zone in on_record.items()
        if tenants is None or tenant_id in tenants
    }
    lake, rules = deployment.lake, rules_of(deployment.settings)
    buckets = sorted(set(lake.bucket_of(sorted(chosen)).tolist())) if tenants is not None else None
    where = Where(equal={TENANT: sorted(chosen)}) if tenants is not None else None
    traffic = lake.read(TRAFFIC, buckets=buckets, where=where)
    if not len(traffic):
        raise BadInputError("there is no traffic to score; take some in first: cjp-fraud traffic ingest FILE")
    arranged = arrange(traffic, chosen)
    store = MemoryStore(arranged, rules, sums=sums_by_day(traffic))
    parts = _scored(store, rules, arranged, report)
    tables = ScoreTables.of_parts(parts, lake, int(arranged.last.max()) + DAY)
    order = [("series_id", "ascending"), ("interval_start", "ascending")]
    return Replay(
        tables.scores.sort_by(order),
        tables.clock_scores.sort_by(order),
        chosen,
        _newest_days(deployment, store),
        rules,
    )


@dataclass(frozen=True, slots=True)
class BudgetRecall:
    """What thresholds for a budget find of simulated frauds.

    Parameters
    ----------
    episodes_per_series_week : the budget, of episodes per series and week.
    clocks : whose flags count: all, or the minute clock's alone.
    threshold : of the minute clock.
    found, frauds : how many frauds of how many are found within a day of the beginning of their cost.
    false_episodes_per_series_week : episodes that touch no fraud.
    """

    episodes_per_series_week: float
    clocks: str
    threshold: float
    found: int
    frauds: int
    false_episodes_per_series_week: float


def simulated_recall(
    deployment: Deployment, budgets: Sequence[float], *, tenants: int = 40
) -> list[BudgetRecall]:
    """Return what the deployment's rules find of the frauds in a simulated cloud, under budgets of alerts.

    It is the cloud on which model versions are tried before they count; it is simulated and scored once.

    Parameters
    ----------
    budgets : episodes per series and week, each above 0.
    tenants : of the cloud; a fraud in each pair of them. 40 take some 15 seconds.
    """
    truth = simulated_trial(rules_of(deployment.settings), tenants)
    recalls = []
    for budget in budgets:
        chosen = truth.window.thresholds(Budgets(budget, inf))
        for name, thresholds in (
            ("all clocks", chosen),
            ("minute clock alone", {Clock.MINUTE: chosen[Clock.MINUTE]}),
        ):
            result = truth.result(thresholds)
            recalls.append(
                BudgetRecall(
                    episodes_per_series_week=budget,
                    clocks=name,
                    threshold=chosen[Clock.MINUTE],
                    found=round((result.recall or 0.0) * len(truth.frauds)),
                    frauds=len(truth.frauds),
                    false_episodes_per_series_week=result.false_episodes / truth.window.series_weeks,
                )
            )
    return recalls


def _scored(
    store: MemoryStore, rules: DetectionRules, arranged: Arranged, report: Report | None
) -> list[ScoredRows]:
    begin, end = int(arranged.first.min()) // DAY * DAY, (int(arranged.last.max()) // DAY + 1) * DAY
    parts: list[ScoredRows] = []
    for _, of_days in DetectionRun(store, rules).days(begin, end, report):
        parts += of_days
    return parts


def _newest_days(deployment: Deployment, store: MemoryStore) -> MeasuredPast:
    """The newest 28 UTC days, the last one as far as its traffic goes."""
    end = int(store.arranged.days.max()) + 1
    begin = end - WINDOW_DAYS
    first, last = begin * DAY, end * DAY
    decided = within(read_decided(deployment.engine), first, last)
    return MeasuredPast(moment(first), moment(last), store.window(begin, end), decided)
