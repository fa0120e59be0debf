"""Shadow runs: started and stopped by people, tried by each detection, which they can neither change nor stop."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.shadow_rules import (
    LASTS,
    LASTS_AT_MOST,
    MOST_AN_HOUR,
    ShadowPlan,
    TriedFlag,
    TriedHour,
    most_unusual,
)
from cjp_fraud.detection.significance import are_spikes
from cjp_fraud.detection.tables import ShadowFailure, ShadowHour, ShadowRun
from cjp_fraud.detection.threshold_settings import require_threshold
from cjp_fraud.errors import BadInputError, NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, admins_only
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import named_lock
from features.columns import TENANT
from features.counting_clocks import Clock, Thresholds
from features.local_grid import HOUR

_log: Final = logging.getLogger(__name__)
_LOCK: Final = "shadow runs"
_LONGEST_ERROR: Final = 500
_FLAGS: Final = TypeAdapter(tuple[TriedFlag, ...])
_THRESHOLDS: Final = TypeAdapter(dict[Clock, float])


def start(
    decision: Decision, thresholds: Thresholds, *, lasts: timedelta = LASTS, version_id: str | None = None
) -> ShadowRun:
    """Have each detection from now on try thresholds beside those in force, until it ends by itself.

    Parameters
    ----------
    thresholds : of every clock.
    version_id : of the model version whose thresholds they are; None: somebody typed them.

    Raises
    ------
    BadInputError
        If a clock cannot have its threshold, or it would last too long or not at all.
    Refused
        If who decides is no admin, or another shadow run goes on.
    """
    session, at = decision.session, aware(decision.at)
    for clock, threshold in thresholds.items():
        require_threshold(clock, threshold)
    if not timedelta() < lasts <= LASTS_AT_MOST:
        raise BadInputError(f"a shadow run lasts {LASTS_AT_MOST.days} days at most, and longer than nothing")
    named_lock(session, _LOCK)
    other = _running(session, at)
    refuse_unless(
        admins_only(decision.by),
        (other is None, f"shadow run {other.id if other else ''} goes on; stop it first"),
        action="start a shadow run",
    )
    row = ShadowRun(
        id=new_id(),
        thresholds={str(clock): value for clock, value in thresholds.items()},
        model_version_id=version_id,
        started_at=at,
        ends_at=at + lasts,
    )
    session.add(row)
    session.flush()
    content = {"thresholds": row.thresholds, "model_version_id": version_id, "ends_at": row.ends_at}
    append(decision, "shadow_run.started", "shadow_runs", row.id, content)
    return row


def stop(decision: Decision, run_id: str) -> ShadowRun:
    """End a shadow run now; one that has ended stays as it is.

    Raises
    ------
    NotFoundError
        If it is not on record.
    Refused
        If who decides is no admin.
    """
    session, at = decision.session, aware(decision.at)
    named_lock(session, _LOCK)
    row = session.get(ShadowRun, run_id, populate_existing=True)
    if row is None:
        raise NotFoundError(f"no shadow run {run_id!r} is on record; cjp-fraud models shadow list shows them")
    refuse_unless(admins_only(decision.by), action="stop a shadow run")
    if row.stopped_at is None and at < row.ends_at:
        row.stopped_at = at
        session.flush()
        append(decision, "shadow_run.stopped", "shadow_runs", row.id, {})
    return row


def plan_of(row: ShadowRun) -> ShadowPlan:
    """Return a shadow run as detection takes it."""
    thresholds = _THRESHOLDS.validate_python(row.thresholds)
    return ShadowPlan(row.id, thresholds, row.started_at, row.ends_at)


def tried_hours(session: Session, run_id: str) -> list[TriedHour]:
    """Return what was tried of a shadow run, by hour."""
    rows = session.scalars(
        select(ShadowHour).where(ShadowHour.shadow_run_id == run_id).order_by(ShadowHour.hour)
    )
    return [
        TriedHour(row.hour, row.flags, row.flags_in_force, _FLAGS.validate_python(row.flagged))
        for row in rows
    ]


class ShadowTrial:
    """The part of a shadow run in one detection: it looks at what was scored, and is recorded after what counts.

    Whatever goes wrong in it is put on record, and never raised.
    """

    def __init__(self, engine: Engine, rules: DetectionRules, now: datetime) -> None:
        self._engine = engine
        self._rules = rules
        self._now = aware(now)
        self._hours: dict[int, TriedHour] = {}
        self._failure: Exception | None = None
        self._run_id: str | None = None
        self._plan: ShadowPlan | None = None
        try:
            with reading(engine) as session:
                row = _running(session, self._now)
            if row is not None:
                self._run_id = row.id
                self._plan = plan_of(row)
        except Exception as error:  # a shadow must not stop a detection, whatever is wrong with it
            self._failure = error

    def look(self, parts: Sequence[ScoredRows]) -> None:
        """Note what the shadow's thresholds flag of closed rows, and what those in force do."""
        if self._plan is None or self._failure is not None:
            return
        try:
            for rows in parts:
                if rows.version is not None:
                    self._note(rows, self._plan)
        except Exception as error:  # as above
            self._failure = error

    def record(self, begin: datetime, until: datetime) -> None:
        """Record the hours of [begin, until), which are closed; a failure is recorded instead."""
        if self._failure is None and self._plan is not None:
            try:
                with transaction(self._engine) as session:
                    _store(session, self._plan, self._hours, begin, until)
            except Exception as error:  # as above
                self._failure = error
        if self._failure is not None:
            self._record_failure(self._failure)

    def _note(self, rows: ScoredRows, plan: ShadowPlan) -> None:
        with np.errstate(invalid="ignore"):
            by_shadow = (rows.score >= plan.thresholds[rows.clock]) & are_spikes(rows, self._rules)
        either = by_shadow | rows.flagged
        chosen, by_shadow = rows.take(either), by_shadow[either]
        hours = chosen.start // HOUR
        for hour in np.unique(hours).tolist():
            at = moment(hour * HOUR)
            if not plan.takes(at):
                continue
            of_hour = hours == hour
            before = self._hours.get(hour, TriedHour(at, 0, 0, ()))
            kept = [*before.flagged, *_highest(chosen.take(of_hour), by_shadow[of_hour])]
            self._hours[hour] = TriedHour(
                hour=at,
                flags=before.flags + int(by_shadow[of_hour].sum()),
                flags_in_force=before.flags_in_force + int(chosen.flagged[of_hour].sum()),
                flagged=most_unusual(kept),
            )

    def _record_failure(self, error: Exception) -> None:
        words = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
        _log.warning("shadow run %s failed, detection did not: %s", self._run_id, words)
        if self._run_id is None:
            return
        try:
            with transaction(self._engine) as session:
                session.add(ShadowFailure(id=new_id(), shadow_run_id=self._run_id, at=self._now, error=words))
        except SQLAlchemyError:
            _log.exception("the failure of shadow run %s could not be put on record", self._run_id)


def _highest(rows: ScoredRows, by_shadow: NDArray[np.bool_]) -> list[TriedFlag]:
    """Return the flags with the highest scores of an hour's rows, with all that have the score of the last one."""
    score = rows.score
    kept = np.arange(len(rows))
    if len(rows) > MOST_AN_HOUR:
        kept = np.flatnonzero(score >= np.partition(score, -MOST_AN_HOUR)[-MOST_AN_HOUR])
    tenants = rows.table.keys[TENANT]
    return [
        TriedFlag(
            tenant_id=str(tenants.iat[int(rows.series[row])]),
            start=int(rows.start[row]),
            clock=rows.clock,
            score=float(score[row]),
            by_shadow=bool(by_shadow[row]),
            in_force=bool(rows.flagged[row]),
        )
        for row in kept.tolist()
    ]


def _store(
    session: Session, plan: ShadowPlan, tried: Mapping[int, TriedHour], begin: datetime, until: datetime
) -> None:
    """Write the hours of [begin, until) that the plan takes, each anew; a row that says the same stays as it is."""
    first, end = int(begin.timestamp()) // HOUR, int(until.timestamp()) // HOUR
    taken = [hour for hour in range(first, end) if plan.takes(moment(hour * HOUR))]
    if not taken:
        return
    between = moment(taken[0] * HOUR), moment(taken[-1] * HOUR)
    query = select(ShadowHour).where(
        ShadowHour.shadow_run_id == plan.id, ShadowHour.hour >= between[0], ShadowHour.hour <= between[1]
    )
    stored = {int(row.hour.timestamp()) // HOUR: row for row in session.scalars(query)}
    for hour in taken:
        row = stored.get(hour)
        if row is None:
            row = ShadowHour(shadow_run_id=plan.id, hour=moment(hour * HOUR))
            session.add(row)
        each = tried.get(hour, TriedHour(row.hour, 0, 0, ()))
        row.flags, row.flags_in_force = each.flags, each.flags_in_force
        row.flagged = _FLAGS.dump_python(each.flagged, mode="json")


def _running(session: Session, at: datetime) -> ShadowRun | None:
    """Return the shadow run that goes on at ``at``; there is one at most."""
    return session.scalars(
        select(ShadowRun)
        .where(ShadowRun.started_at <= at, ShadowRun.ends_at > at, ShadowRun.stopped_at.is_(None))
        .order_by(ShadowRun.id.desc())
        .limit(1)
    ).first()
