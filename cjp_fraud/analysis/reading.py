"""A deployment as notebooks read it: one object whose methods return frames; neither database nor lake can change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.analysis import case_frames
from cjp_fraud.analysis.columns import framed
from cjp_fraud.analysis.statistics import calibration_points, wilson
from cjp_fraud.charts.usual_range import with_usual_range
from cjp_fraud.deployment import Deployment, open_for_reading
from cjp_fraud.notices.notice_views import DeliveryRecord
from cjp_fraud.operations import (
    baseline,
    case_page,
    case_queue,
    detection,
    evidence,
    known_events,
    model_versions,
    notices,
    replay,
    scores,
    tenant_usage,
    tenants,
)
from cjp_fraud.operations.case_evidence import CaseEvidence, case_evidence
from cjp_fraud.operations.case_page import CasePage
from cjp_fraud.operations.evidence import BundleReport
from cjp_fraud.operations.replay import Replay
from features.counting_clocks import Clock
from features.regimes import Regime


def open_analysis(home: str | Path | None = None, **settings: Any) -> Analysis:
    """Open a deployment for reading: what is written through it is refused by the database and by the lake.

    Parameters
    ----------
    home : the deployment's folder; None: as the environment says (``CJP_FRAUD_HOME``).
    settings : others than the environment's, by name (``database_url=…``).

    Raises
    ------
    StorageError
        If there is no database yet, or it is of another version.
    BadInputError
        If a setting cannot be used.
    """
    chosen = settings if home is None else {"home": Path(home), **settings}
    deployment = open_for_reading(**chosen)
    deployment.engine  # noqa: B018  # a home that cannot be used is told at once
    return Analysis(deployment)


@dataclass(frozen=True)
class Analysis:
    """A deployment that is only read; columns of every frame: :func:`cjp_fraud.analysis.describe`.

    Parameters
    ----------
    deployment : with a database and a lake that refuse changes.
    """

    deployment: Deployment

    @property
    def now(self) -> datetime:
        """The present moment by the home's clock, UTC."""
        return self.deployment.now

    @property
    def zones(self) -> Mapping[str, str]:
        """IANA zone of each tenant on record."""
        return self.deployment.zones

    # -- tenants and their usage ---------------------------------------------------------------------------

    def tenants(self) -> pd.DataFrame:
        """All tenants on record; frame ``tenants``."""
        return framed("tenants", (asdict(each) for each in tenants.list_tenants(self.deployment)))

    def traffic(
        self, tenant_id: str, begin: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """A tenant's intervals that start in [begin, end), aware; frame ``traffic``. None: all that there are."""
        rows = tenant_usage.tenant_traffic(self.deployment, tenant_id, begin, end)
        return framed("traffic", _with_local(rows, self.zones))

    def local_week(
        self, tenant_id: str, begin: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """Mean contacts in each hour of the tenant's local week, all series together; frame ``local_week``."""
        rows = self.traffic(tenant_id, begin, end)
        by_hour = rows.assign(hour=rows["interval_start"].dt.floor("h")).groupby("hour", sort=True)
        sums = by_hour["contacts_offered"].sum().astype("float64")
        local = pd.DatetimeIndex(sums.index).tz_convert(self.zones[tenant_id])
        week = (
            pd.DataFrame({"weekday": local.weekday, "hour": local.hour, "contacts": sums.to_numpy()})
            .groupby(["weekday", "hour"])["contacts"]
            .agg(contacts_per_hour="mean", hours="size")
        )
        return framed("local_week", week.reset_index())

    def usual_day(self, tenant_id: str, day: date | None = None) -> pd.DataFrame:
        """What is usual on a local day, interval by interval, as of its midnight; frame ``usual_day``.

        Parameters
        ----------
        day : one of the newest fourteen that have a snapshot; None: the newest.
        """
        parts = []
        for each in tenant_usage.usual_day(self.deployment, tenant_id, day):
            starts = pd.to_datetime(each.starts, unit="s", utc=True)
            numbers = ("usual", "deviation", "bare_deviation")
            one_each = ("series_id", "channel", "direction", "application_id", "interval_seconds")
            part = pd.DataFrame({name: getattr(each, name) for name in numbers}).assign(
                tenant_id=tenant_id,
                interval_start=starts,
                local_start=starts.tz_convert(each.time_zone).tz_localize(None),
                **{name: getattr(each, name) for name in (*one_each, "day_floor", "regime", "days")},
            )
            parts.append(part)
        return framed("usual_day", pd.concat(parts, ignore_index=True))

    def baselines(self, tenant_id: str) -> pd.DataFrame:
        """The newest snapshot of each of a tenant's series; frame ``baselines``."""
        shown = baseline.show_baseline(self.deployment, self.now, tenant_id)
        return framed("baselines", (asdict(each) for each in shown.series))

    # -- detection ---------------------------------------------------------------------------------------------

    def scores(self, tenant_id: str, begin: datetime, end: datetime) -> pd.DataFrame:
        """Stored scores of intervals that start in [begin, end), aware; frame ``scores``."""
        rows = scores.show_scores(self.deployment, tenant_id, begin, end)
        stored = pd.DataFrame([asdict(row) | {"tenant_id": tenant_id} for row in rows])
        return framed("scores", _local(stored, self.zones) if len(stored) else stored)

    def span_scores(self, tenant_id: str, clock: Clock, begin: datetime, end: datetime) -> pd.DataFrame:
        """Stored scores of a longer clock, of spans whose last interval starts in [begin, end); ``span_scores``."""
        rows = scores.show_span_scores(self.deployment, tenant_id, clock, begin, end)
        stored = pd.DataFrame([asdict(row) | {"tenant_id": tenant_id} for row in rows])
        return framed("span_scores", _local(stored, self.zones) if len(stored) else stored)

    def flags(self, tenant_id: str | None = None, case: int | None = None) -> pd.DataFrame:
        """Flags in force, of a tenant, of a case, or all; frame ``flags``."""
        found = detection.list_flags(self.deployment, tenant_id=tenant_id, case=case)
        return framed("flags", (asdict(flag) | {"why": "; ".join(flag.why)} for flag in found))

    def known_events(self, tenant_id: str) -> pd.DataFrame:
        """Events that somebody entered and that concern a tenant, the newest entered first; frame ``known_events``."""
        events = known_events.events_concerning(self.deployment, tenant_id)
        return framed("known_events", (asdict(event) for event in events))

    def joint_events(self) -> pd.DataFrame:
        """When many tenants were flagged together; frame ``joint_events``."""
        events = case_queue.list_cases(self.deployment).joint_events
        return framed("joint_events", (asdict(event) for event in events))

    def replay(
        self, *, tenants: Collection[str] | None = None, zones: Mapping[str, str] | None = None
    ) -> Replayed:
        """Score all traffic of the lake anew in memory, each interval by what was known before it.

        Parameters
        ----------
        tenants : only these; None: all.
        zones : other IANA zones than those on record, by tenant.
        """
        return Replayed(replay.replay(self.deployment, tenants=tenants, zones=zones))

    # -- models ------------------------------------------------------------------------------------------------

    def versions(self) -> pd.DataFrame:
        """Registered model versions, the newest Monday first; frame ``versions``."""
        return framed(
            "versions",
            (
                {name: getattr(each, name) for name in each.__slots__}
                | {
                    "counts_from": each.counts_from,
                    "waits_because": "; ".join(each.waits_because),
                    "warnings": "; ".join(each.warnings),
                }
                for each in model_versions.list_versions(self.deployment)
            ),
        )

    def thresholds(self) -> dict[str, float]:
        """The score (−log10 p) that a flag needs now, by clock."""
        now = model_versions.thresholds_in_force(self.deployment, self.now)
        return {str(clock): threshold for clock, threshold in now.items()}

    def recall(self, budgets: Sequence[float], *, tenants: int = 24) -> pd.DataFrame:
        """What the deployment's rules find in a simulated cloud under budgets of alerts; frame ``recall``.

        Parameters
        ----------
        budgets : episodes per series and week.
        tenants : of the cloud; a fraud in each pair of them.
        """
        found = replay.simulated_recall(self.deployment, budgets, tenants=tenants)
        return framed(
            "recall",
            (
                asdict(each)
                | {"budget": each.episodes_per_series_week, "recall": each.found / max(each.frauds, 1)}
                | dict(zip(("low", "high"), wilson(each.found, each.frauds), strict=True))
                for each in found
            ),
        )

    def precision(self) -> pd.DataFrame:
        """Precision from what people determined: all cases, and by channel of their flags; frame ``precision``."""
        return case_frames.precision(self.cases(), self.flags(), self._findings())

    # -- cases -------------------------------------------------------------------------------------------------

    def cases(self) -> pd.DataFrame:
        """All cases on record, by number; frame ``cases``."""
        rows: list[dict[str, Any]] = []
        after = None
        while True:
            page = case_queue.list_cases(self.deployment, limit=500, after=after)
            rows += [{name: getattr(each, name) for name in each.__slots__} for each in page.cases]
            after = page.next_cursor
            if after is None:
                break
        return framed("cases", sorted(rows, key=lambda row: int(row["number"])))

    def case(self, number: int) -> CasePage:
        """Everything on record of a case, as its page in the review queue has it."""
        return case_page.show_case(self.deployment, self.now, str(number))

    def case_events(self, number: int) -> pd.DataFrame:
        """What happened on a case, from the audit log; frame ``case_events``."""
        return framed("case_events", (asdict(entry) for entry in self.case(number).history))

    def determinations(self, number: int) -> pd.DataFrame:
        """What people found of a case; frame ``determinations``."""
        return case_frames.determinations(self.case(number))

    def proposals(self, number: int) -> pd.DataFrame:
        """What was proposed of a case, and who approved it; frame ``proposals``."""
        return case_frames.proposals(self.case(number))

    def measures(self, number: int) -> pd.DataFrame:
        """What was restricted, as the platform said itself; frame ``measures``."""
        return case_frames.measures(self.case(number))

    def evidence(self, number: int) -> CaseEvidence:
        """What a case rests on: the frozen rows or, before a finding, the lake's."""
        return case_evidence(self.deployment, self.now, str(number))

    def past_slots(self, number: int) -> pd.DataFrame:
        """The flagged stretch of a case's local day, and the same in past weeks; frame ``past_slots``."""
        return framed("past_slots", (asdict(week) for week in self.evidence(number).past_weeks))

    def deliveries(self, number: int) -> pd.DataFrame:
        """A case's letters and what became known of each; frame ``deliveries``."""
        return case_frames.deliveries(self._records(number))

    def deemed_receipt(self, number: int) -> pd.DataFrame:
        """From when each of a case's letters counts as received, and why; frame ``deemed_receipt``."""
        return case_frames.deemed_receipt(self._records(number))

    def letter(self, notice_id: str) -> bytes:
        """The exact bytes of a letter that was served."""
        return notices.message_of(self.deployment, notice_id)

    def verify_bundle(self, bundle: str | Path) -> BundleReport:
        """Verify a case's evidence bundle, and that its head stands in this deployment's audit log."""
        return evidence.verify_bundle(Path(bundle), self.deployment, home=self.deployment)

    # -- below -------------------------------------------------------------------------------------------------

    def _records(self, number: int) -> list[DeliveryRecord]:
        listed = notices.list_notices(self.deployment, str(number))
        return [notices.show_notice(self.deployment, self.now, each.id) for each in listed]

    def _findings(self) -> Mapping[int, str]:
        """The newest finding of each case that has one, by the case's number."""
        decided = {}
        for number in self.cases()["number"].tolist():
            findings = self.case(number).determinations
            if findings:
                decided[int(number)] = str(findings[-1].finding)
        return decided


@dataclass(frozen=True, eq=False)
class Replayed:
    """Traffic scored anew; ``replay`` is what the operation returned."""

    replay: Replay

    @property
    def zones(self) -> Mapping[str, str]:
        """IANA zone of each tenant, as it was scored."""
        return self.replay.zones

    def of(self, tenant_id: str, begin: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        """A tenant's intervals that start in [begin, end), with their usual range; frame ``replayed``."""
        table = self.replay.scores
        rows = table.filter(pc.equal(table["tenant_id"], tenant_id))
        frame = _with_local(rows, self.zones)
        frame["regime"] = [Regime(int(code)).name.lower() for code in frame["regime"].fillna(0)]
        ranges = [
            _ranged(part) for _, part in frame.sort_values("interval_start").groupby("series_id", sort=True)
        ]
        whole = framed("replayed", pd.concat(ranges, ignore_index=True) if ranges else frame)
        return whole[_between(whole, begin, end)].reset_index(drop=True)

    def all(self) -> pd.DataFrame:
        """The intervals of all tenants; frame ``scores``."""
        return framed("scores", _with_local(self.replay.scores, self.zones))

    def spans(self) -> pd.DataFrame:
        """The spans of all tenants on the longer clocks; frame ``span_scores``."""
        return framed("span_scores", _with_local(self.replay.span_scores, self.zones))

    def calibration(self, scores_asked: Sequence[float] | None = None) -> pd.DataFrame:
        """How often scores were reached beside how often they promise to be; frame ``calibration``.

        Parameters
        ----------
        scores_asked : −log10 p; None: from .5 to the largest that ten intervals reached.
        """
        return framed("calibration", calibration_points(self.replay.scores["score"].to_numpy(), scores_asked))

    def score_bins(self, width: float = 0.25) -> pd.DataFrame:
        """How many intervals have which score; frame ``score_bins``."""
        found = self.replay.scores["score"].to_numpy()
        known = found[~np.isnan(found)]
        edges = np.arange(0.0, max(float(known.max(initial=0.0)), width) + width, width)
        counts, _ = np.histogram(known, edges)
        return framed("score_bins", pd.DataFrame({"low": edges[:-1], "high": edges[1:], "intervals": counts}))

    def what_if(self, thresholds: Sequence[float]) -> pd.DataFrame:
        """What other thresholds of the minute clock would have flagged in the newest 28 days; frame ``what_if``."""
        return framed("what_if", (asdict(self.replay.at(threshold)) for threshold in thresholds))

    def peers(self, begin: datetime, end: datetime) -> pd.DataFrame:
        """Every tenant in [begin, end), beside its usual; frame ``peers``."""
        rows = self.all()
        part = rows[_between(rows, begin, end) & rows["observed"].notna() & rows["baseline"].notna()]
        sums = part.groupby("tenant_id").agg(
            observed=("observed", "sum"), usual=("baseline", "sum"), flagged=("flagged", "any")
        )
        return framed("peers", sums.assign(times_usual=sums["observed"] / sums["usual"]).reset_index())


def _with_local(rows: pa.Table, zones: Mapping[str, str]) -> pd.DataFrame:
    names = [name for name in rows.column_names if name != "countries"]
    return _local(rows.select(names).to_pandas(), zones)


def _local(rows: pd.DataFrame, zones: Mapping[str, str]) -> pd.DataFrame:
    """The same rows with ``local_start``, the tenant's own wall clock."""
    local = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    for tenant_id, of_tenant in rows.groupby("tenant_id")["interval_start"]:
        local[of_tenant.index] = of_tenant.dt.tz_convert(zones[str(tenant_id)]).dt.tz_localize(None)
    return rows.assign(local_start=local)


def _ranged(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one series, in order, with their usual range."""
    known = rows[["observed", "baseline", "against_season"]].astype("float64")
    low, high = zip(*with_usual_range(known.itertuples(index=False, name=None)), strict=True)
    return rows.assign(usual_low=low, usual_high=high)


def _between(rows: pd.DataFrame, begin: datetime | None, end: datetime | None) -> pd.Series[bool]:
    starts = rows["interval_start"]
    chosen = pd.Series(True, index=rows.index)
    if begin is not None:
        chosen &= starts >= begin
    if end is not None:
        chosen &= starts < end
    return chosen
