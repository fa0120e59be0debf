"""Thresholds: which count and why, what another one would have flagged last week, and to set one.

Each function takes the deployment and the moment ``now`` (aware), an act also the name of the user who acts, and
returns frozen views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.charts.model_quality import ScoreBin, ScoreWords, score_chart
from cjp_fraud.charts.rendering import svg
from cjp_fraud.charts.theme import DARK, LIGHT
from cjp_fraud.clock import aware, day_of
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection import threshold_settings
from cjp_fraud.detection.decided_cases import read_decided, within
from cjp_fraud.detection.lake_tables import CLOCK_SCORES, SCORES
from cjp_fraud.detection.rules import rules_of
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.shadow_rules import SomeTenants
from cjp_fraud.detection.stored_scores import DAYS, EDGES, StoredWeek, newest_whole_day, sum_up
from cjp_fraud.detection.tables import ThresholdSetting
from cjp_fraud.detection.what_if import MeasuredPast, OperatingPoint
from cjp_fraud.operations.model_versions import fitted_thresholds, thresholds_in_force
from cjp_fraud.operations.reach import tenants_named_to
from cjp_fraud.people.tables import User
from cjp_fraud.storage.database import reading
from features.counting_clocks import CLOCKS, LEAST_THRESHOLD, Clock
from features.local_grid import DAY

PICTURES_KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class ThresholdChange:
    """A threshold that somebody has set.

    Parameters
    ----------
    threshold : score that a flag needs; None: the model version's own again.
    because : why; None: the words were erased.
    """

    threshold: float | None
    set_at: datetime
    set_by: str
    valid_from: datetime
    because: str | None


@dataclass(frozen=True, slots=True)
class ClockThreshold:
    """The threshold of a clock.

    Parameters
    ----------
    in_force : score (−log10 p) that a flag needs now.
    fitted : the model version's own; the initial one before the first version.
    least : no lower one can be set.
    setting : the newest change whose time has come; None: none was made.
    coming : the newest change whose time has not come yet; None: none waits.
    """

    clock: Clock
    in_force: float
    fitted: float
    least: float
    setting: ThresholdChange | None
    coming: ThresholdChange | None


@dataclass(frozen=True, slots=True)
class ScoreCount:
    """How many intervals have a score from ``low`` to under ``high``; ``high`` None: ``low`` or more."""

    low: float
    high: float | None
    intervals: int


@dataclass(frozen=True, slots=True)
class ThresholdTrial:
    """What another threshold of a clock would have flagged in the newest seven whole UTC days.

    Parameters
    ----------
    begin, end : the days, half-open.
    scored_days : of them, with scores.
    in_force, tried : with the thresholds that count now, and with the other one in their place; flags of all clocks.
    tenants_new, tenants_gone : flagged only with the other one, and only with those that count.
    scores : how many intervals of the clock have which score.
    """

    begin: datetime
    end: datetime
    scored_days: int
    clock: Clock
    threshold_in_force: float
    threshold: float
    in_force: OperatingPoint
    tried: OperatingPoint
    tenants_new: SomeTenants
    tenants_gone: SomeTenants
    scores: tuple[ScoreCount, ...]


def look_at_thresholds(deployment: Deployment, now: datetime) -> tuple[ClockThreshold, ...]:
    """Return the threshold of each clock, with who set it and what is to come."""
    in_force, fitted = thresholds_in_force(deployment, now), fitted_thresholds(deployment, now)
    with reading(deployment.engine) as session:
        rows = threshold_settings.settings_on_record(session)
        settings = {clock: [row for row in rows if row.clock is clock] for clock in CLOCKS}
        return tuple(
            ClockThreshold(
                clock=clock,
                in_force=in_force[clock],
                fitted=fitted[clock],
                least=LEAST_THRESHOLD[clock],
                setting=_newest(session, [row for row in settings[clock] if row.valid_from <= now]),
                coming=_newest(session, [row for row in settings[clock] if row.valid_from > now]),
            )
            for clock in CLOCKS
        )


def set_threshold(
    deployment: Deployment, by: str, now: datetime, clock: Clock, threshold: float | None, *, because: str
) -> tuple[ClockThreshold, ...]:
    """Set a clock's threshold from the next UTC midnight on, as an admin; the same again changes nothing.

    Flags and scores say with which threshold they were made. It counts until it is set anew, whichever model version is
    promoted meanwhile.

    Parameters
    ----------
    threshold : score that a flag needs; None: the model version's own counts again.
    because : why.

    Raises
    ------
    BadInputError
        If the clock cannot have the threshold.
    Refused
        If the user is no admin, or gives no reason.
    """
    with deployment.deciding(by, now) as decision:
        threshold_settings.set_threshold(decision, clock, threshold, because)
    return look_at_thresholds(deployment, now)


class StoredWeeks:
    """The stored scores of the newest seven whole UTC days, summed up and kept while the lake's tables are the same."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._summed = lru_cache(maxsize=1)(self._sum_up)
        self._drawn = lru_cache(maxsize=PICTURES_KEPT)(_drawn)

    def newest(self, now: datetime) -> StoredWeek:
        """Return the week before ``now`` (aware).

        Raises
        ------
        BadInputError
            If there is no whole day of scores.
        """
        lake = self._deployment.lake
        end = newest_whole_day(lake, day_of(aware(now).date())) + 1
        return self._summed(end, lake.version(SCORES), lake.version(CLOCK_SCORES))

    def picture(
        self, now: datetime, clock: Clock, threshold: float, *, dark: bool, words: ScoreWords | None = None
    ) -> bytes:
        """Return the histogram of a clock's scores as SVG, with the threshold in force and another one.

        Parameters
        ----------
        words : in the reader's language; None: English.

        Raises
        ------
        BadInputError
            If the clock cannot have the threshold, or there is no whole day of scores.
        """
        threshold_settings.require_threshold(clock, threshold)
        counts = _score_counts(self.newest(now), clock)
        return self._drawn(
            counts, thresholds_in_force(self._deployment, now)[clock], threshold, dark, words or ScoreWords()
        )

    def _sum_up(self, end: int, *_versions: int) -> StoredWeek:
        return sum_up(self._deployment.lake, rules_of(self._deployment.settings), end - DAYS, end)


def try_threshold(
    deployment: Deployment,
    now: datetime,
    clock: Clock,
    threshold: float,
    *,
    weeks: StoredWeeks | None = None,
    by: str | None = None,
) -> ThresholdTrial:
    """Say what another threshold of a clock would have flagged last week, from the stored scores.

    Parameters
    ----------
    weeks : keeps the sums from one question to the next; None: they are made for this one.
    by : name of who asks, who is told the names of tenants that their roles reach; None: the machine's account.

    Raises
    ------
    BadInputError
        If the clock cannot have the threshold, or there is no whole day of scores.
    """
    threshold_settings.require_threshold(clock, threshold)
    week = (weeks or StoredWeeks(deployment)).newest(now)
    in_force = thresholds_in_force(deployment, now)
    tried = {**in_force, clock: threshold}
    first, last = week.begin * DAY, week.end * DAY
    past = MeasuredPast(
        moment(first), moment(last), week.window, within(read_decided(deployment.engine), first, last)
    )
    flagged_now, flagged_then = week.tenants_flagged(in_force), week.tenants_flagged(tried)
    new, gone = flagged_then - flagged_now, flagged_now - flagged_then
    may_see = tenants_named_to(deployment, by, new | gone)
    return ThresholdTrial(
        begin=past.begin,
        end=past.end,
        scored_days=week.window.scored_days,
        clock=clock,
        threshold_in_force=in_force[clock],
        threshold=threshold,
        in_force=past.point(in_force),
        tried=past.point(tried),
        tenants_new=SomeTenants.of(new, may_see),
        tenants_gone=SomeTenants.of(gone, may_see),
        scores=_score_counts(week, clock),
    )


def _newest(session: Session, rows: Sequence[ThresholdSetting]) -> ThresholdChange | None:
    """Return the newest of some settings, which stand oldest first."""
    if not rows:
        return None
    row = rows[-1]
    return ThresholdChange(
        threshold=row.threshold,
        set_at=row.set_at,
        set_by=session.get_one(User, row.set_by).name,
        valid_from=row.valid_from,
        because=session.get_one(PersonalText, row.because_text_id).body,
    )


def _score_counts(week: StoredWeek, clock: Clock) -> tuple[ScoreCount, ...]:
    ends = [*EDGES[1:], None]
    return tuple(
        ScoreCount(low, high, count)
        for low, high, count in zip(EDGES, ends, week.counts[clock].tolist(), strict=True)
    )


def _drawn(
    counts: tuple[ScoreCount, ...], in_force: float, tried: float, dark: bool, words: ScoreWords
) -> bytes:
    last = EDGES[-1] + EDGES[1]
    bins = [ScoreBin(each.low, last if each.high is None else each.high, each.intervals) for each in counts]
    thresholds = {words.in_force: in_force} | ({words.tried: tried} if tried != in_force else {})
    palette = DARK if dark else LIGHT
    chart = score_chart(bins, title="", thresholds=thresholds, words=words, palette=palette)
    return svg(chart, words.signs)
