"""Find what is unusual: detect over a window or in scheduled stages, back-test files, look at flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter
from sqlalchemy import select

from cjp_fraud.clock import aware
from cjp_fraud.config import Settings
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection import backtest, open_hours, run, window
from cjp_fraud.detection.registry import promoted_versions
from cjp_fraud.detection.rules import rules_of
from cjp_fraud.detection.threshold_settings import rules_in_force
from cjp_fraud.detection.window import DetectionWindow
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.caps import cap_breaches_of_new_traffic
from cjp_fraud.operations.reach import reach_of
from cjp_fraud.progress import Report
from cjp_fraud.review.case_reach import flags_within_reach
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.flags import FlaggingResult
from cjp_fraud.review.model import Quantity
from cjp_fraud.review.tables import Case, Episode, Flag
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.full_disk import full_disk_named
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.schema import TRAFFIC
from features.counting_clocks import Clock


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """What a detection did.

    Parameters
    ----------
    begin, end : the window, rounded to whole hours; UTC.
    note : why nothing was scored; None where something was.
    series_days_folded_first : because their snapshots were missing.
    intervals_scored : rows of scores that were written, intervals in gaps among them.
    hours_still_open_from : from here on flags are not decided yet; None where all hours are closed.
    """

    begin: datetime
    end: datetime
    note: str | None
    series_days_folded_first: int
    intervals_scored: int
    hours_still_open_from: datetime | None
    flags_new: int
    flags_unchanged: int
    flags_superseded: int
    flags_kept_by_a_determination: int
    episodes: int
    cases_opened: int
    episodes_joined_to_a_case: int
    episodes_on_the_overflow_list: int


@dataclass(frozen=True, slots=True)
class HoursClosed:
    """What closing hours changed, and whether more hours are waiting."""

    flags: FlaggingResult
    more_is_waiting: bool


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """What a back-test read, and where its scores are."""

    out: Path
    intervals: int
    rows_read: int
    rows_rejected: int
    rows_refused: int
    flagged: int
    episodes: int


@dataclass(frozen=True, slots=True)
class FlagPage:
    """A page of flags by their ids, which grow with time; ``after``: the last id of the page before."""

    after: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class RecordedFlag:
    """A flag of one interval, and the case that it belongs to.

    Parameters
    ----------
    case : the case's number; None where its episode has no case.
    clock : over what it was judged: its interval, or the hour or 24 hours that end with it.
    span_seconds : what ``observed``, ``baseline`` and ``excess`` count, ending with the interval.
    cents_per_contact : what a contact of that span was charged; None: not known.
    score : −log10 of the p-value.
    q_value : share of chance among this hour's intervals that are as unusual, at most; None: the hour is not closed
        yet, or was not when the flag was determined.
    why : reasons in words, the strongest first.
    superseded_at : when a later detection said something else; None while the flag is in force.
    """

    id: str
    case: int | None
    tenant_id: str
    channel: str
    direction: str
    application_id: str | None
    interval_seconds: int
    interval_start: datetime
    clock: Clock
    quantity: Quantity
    span_seconds: int
    observed: float
    baseline: float
    excess: float
    cents_per_contact: float | None
    score: float
    p_value: float
    q_value: float | None
    threshold: float
    model_version: str | None
    why: tuple[str, ...]
    series_id: str
    episode_id: str | None
    recorded_at: datetime
    superseded_at: datetime | None


@full_disk_named("detection")
def detect(
    deployment: Deployment, now: datetime, begin: datetime, end: datetime, *, report: Report | None = None
) -> DetectionResult:
    """Score [begin, end) in causal order, flag what is unusual, open cases. Running it again changes nothing.

    Raises
    ------
    BadInputError
        If the window is empty.
    FullDiskError
        If the disk is full; hours that were closed before stay closed.
    """
    if begin >= end:
        raise BadInputError(f"the window from {begin} to {end} is empty; --from must be before --to")
    done = run.detect(_detection(deployment, begin, end), begin, end, now, report=report)
    cap_breaches_of_new_traffic(deployment, now)
    flags = done.flags
    return DetectionResult(
        begin=done.begin,
        end=done.end,
        note=None if done.scored else _why_nothing(deployment.lake, done.begin, done.end),
        series_days_folded_first=done.folded,
        intervals_scored=done.scored,
        hours_still_open_from=done.open_from,
        flags_new=flags.new,
        flags_unchanged=flags.unchanged,
        flags_superseded=flags.superseded,
        flags_kept_by_a_determination=flags.kept_by_determination,
        episodes=flags.episodes,
        cases_opened=len(flags.opened),
        episodes_joined_to_a_case=flags.joined,
        episodes_on_the_overflow_list=flags.overflow,
    )


@full_disk_named("back-test")
def backtest_files(
    settings: Settings,
    now: datetime,
    traffic: Sequence[Path],
    tenants: Path,
    out: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    complete: bool = False,
    report: Report | None = None,
) -> BacktestReport:
    """Score files without a database, each interval by what was known before it, and write ``out`` (Parquet).

    Parameters
    ----------
    traffic, tenants : files as they are ingested; of the tenants id and time zone are enough.
    mapping : ``{theirs: ours}`` for columns.
    complete : missing intervals inside a series' span are zero.

    Raises
    ------
    BadInputError
        If a file cannot be used as a whole, or ``out`` is one of the files or cannot be written.
    """
    backtest.refuse_overwriting([*traffic, tenants], out)
    result = backtest.backtest(
        traffic,
        tenants,
        now=now,
        rules=rules_of(settings),
        mapping=mapping,
        complete=complete,
        grid_seconds=settings.grid_seconds,
        progress=None if report is None else lambda what, done, total: report(done, total, what),
    )
    backtest.write_scores(result.scores, out)
    return BacktestReport(
        out=out,
        intervals=len(result.scores),
        rows_read=result.traffic.read,
        rows_rejected=len(result.traffic.rejected),
        rows_refused=result.traffic.refused,
        flagged=int(result.scores["flagged"].to_numpy().sum()),
        episodes=len(result.scores["episode_id"].drop_null().unique()),
    )


def next_window(
    deployment: Deployment, now: datetime, *, since: datetime | None = None
) -> DetectionWindow | None:
    """The next hours with new traffic, at most one UTC day; None where nothing waits.

    Hours that are still open come first, for what is in them goes on now.

    Parameters
    ----------
    since : aware; traffic before its hour is left alone. None: none is.
    """
    engine = deployment.engine
    return open_hours.open_window(engine, now, since) or window.next_window(engine, now, since)


def window_of(document: Mapping[str, str]) -> DetectionWindow | None:
    """Read a window back from the JSON form that one scheduled task hands to the next; empty: nothing waits."""
    return TypeAdapter(DetectionWindow).validate_python(document) if document else None


@full_disk_named("preparing the detection of an hour")
def prepare_window(deployment: Deployment, now: datetime, hours: DetectionWindow) -> list[int]:
    """Make the snapshots and calibrations that the hours rest on; returns the buckets to score."""
    return run.prepare(_detection(deployment, hours.begin, hours.end), hours, now)


@full_disk_named("scoring a bucket")
def score_bucket(deployment: Deployment, hours: DetectionWindow, bucket: int) -> int:
    """Score one bucket's part of the hours; returns the number of intervals."""
    return run.score_buckets(_detection(deployment, hours.begin, hours.end), hours, [bucket])


@full_disk_named("scoring hours")
def score_hours(deployment: Deployment, now: datetime, hours: DetectionWindow) -> int:
    """Prepare the hours and score them whole, all buckets in one commit; returns the number of intervals.

    For a deployment whose one process does it all; :func:`score_bucket` is for those who share the buckets out.
    """
    buckets = prepare_window(deployment, now, hours)
    return run.score_buckets(_detection(deployment, hours.begin, hours.end), hours, buckets) if buckets else 0


@full_disk_named("deciding flags and opening cases")
def close_hours(deployment: Deployment, now: datetime, hours: DetectionWindow) -> HoursClosed:
    """Decide the flags of the hours over all buckets and open cases; running it again changes nothing.

    Of hours that are still open only what can be decided now: their closing comes later.
    """
    flag = open_hours.flag_open_hours if hours.is_open else run.close_hours
    flags = flag(_detection(deployment, hours.begin, hours.end), hours, now)
    return HoursClosed(flags, next_window(deployment, now) is not None)


def list_flags(
    deployment: Deployment,
    *,
    tenant_id: str | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
    case: int | None = None,
    superseded: bool = False,
    page: FlagPage | None = None,
    by: str | None = None,
) -> list[RecordedFlag]:
    """Flags by time and tenant.

    Parameters
    ----------
    begin, end : aware; half-open, of the flagged interval's start.
    case : number of a case.
    superseded : also those that a later detection has replaced.
    page : only so many, in the order in which they were recorded; None: all, by time.
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.

    Raises
    ------
    NotFoundError
        If there is no such tenant, or no such case, on record.
    """
    query = (
        select(Flag, Case.number)
        .outerjoin(Episode, Episode.id == Flag.episode_id)
        .outerjoin(Case, Case.id == Episode.case_id)
    )
    if page is None:
        query = query.order_by(
            Flag.interval_start, Flag.tenant_id, Flag.series_id, Flag.clock, Flag.recorded_at, Flag.id
        )
    else:
        query = query.where(Flag.id > (page.after or "")).order_by(Flag.id).limit(page.limit)
    if tenant_id is not None:
        query = query.where(Flag.tenant_id == tenant_id)
    if begin is not None:
        query = query.where(Flag.interval_start >= aware(begin))
    if end is not None:
        query = query.where(Flag.interval_start < aware(end))
    if case is not None:
        query = query.where(Case.number == case)
    if not superseded:
        query = query.where(Flag.superseded_at.is_(None))
    with reading(deployment.engine) as session:
        if tenant_id is not None:
            require_tenant(session, tenant_id)
        if case is not None:
            case_id_of(session, str(case))
        query = query.where(flags_within_reach(reach_of(session, by)))
        return [_recorded_flag(flag, number) for flag, number in session.execute(query)]


def _detection(deployment: Deployment, begin: datetime, end: datetime) -> run.Detection:
    settings = deployment.settings
    return run.Detection(
        lake=deployment.lake,
        engine=deployment.engine,
        zones=deployment.zones,
        versions=promoted_versions(deployment.engine, settings.model_folder, begin, end),
        rules=rules_in_force(settings, deployment.engine),
        cases_per_hour=settings.cases_per_hour,
    )


def _why_nothing(lake: Lake, begin: datetime, end: datetime) -> str:
    days = sorted(str(day)[:10] for day in lake.partitions(TRAFFIC)["day"].to_pylist())
    if not days:
        return "there is no traffic; take some in first: cjp-fraud traffic ingest FILE"
    after = date.fromisoformat(days[-1]) + timedelta(days=1)
    return (
        f"there is no traffic from {begin:%Y-%m-%d %H:%M}Z to {end:%Y-%m-%d %H:%M}Z; "
        f"what is stored runs from {days[0]} to {after} (--from, --to)"
    )


def _recorded_flag(flag: Flag, case: int | None) -> RecordedFlag:
    return RecordedFlag(
        id=flag.id,
        case=case,
        tenant_id=flag.tenant_id,
        channel=flag.channel,
        direction=flag.direction,
        application_id=flag.application_id,
        interval_seconds=flag.interval_seconds,
        interval_start=flag.interval_start,
        clock=flag.clock,
        quantity=flag.quantity,
        span_seconds=flag.span_seconds,
        observed=flag.observed,
        baseline=flag.baseline,
        excess=flag.excess,
        cents_per_contact=flag.cents_per_contact,
        score=flag.score,
        p_value=flag.p_value,
        q_value=flag.q_value,
        threshold=flag.threshold,
        model_version=flag.model_version,
        why=tuple(str(word) for word in flag.reasons.get("words", ())),
        series_id=flag.series_id,
        episode_id=flag.episode_id,
        recorded_at=flag.recorded_at,
        superseded_at=flag.superseded_at,
    )
