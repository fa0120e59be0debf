"""Thresholds that admins set instead of the model version's own: on record, from the next UTC midnight on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import isfinite
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.clock import aware, day_of
from cjp_fraud.config import Settings
from cjp_fraud.detection.rules import DetectionRules, SetThreshold, rules_of
from cjp_fraud.detection.tables import ThresholdSetting
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.people.model import Decision, admins_only
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.locks import named_lock
from features.counting_clocks import LEAST_THRESHOLD, Clock

MOST: Final = 100.0
"""Bursts of twenty times the usual have scores of 25 to 40; what is higher than this flags nothing."""


def require_threshold(clock: Clock, threshold: float) -> None:
    """Refuse a threshold that no clock can have.

    Raises
    ------
    BadInputError
        Says which it may have.
    """
    if not (isfinite(threshold) and LEAST_THRESHOLD[clock] <= threshold <= MOST):
        raise BadInputError(
            f"threshold {threshold:g} of the clock {clock}: give {LEAST_THRESHOLD[clock]:g} to {MOST:g}, a score "
            "(-log10 p): 3 is once in 1,000 intervals"
        )


def set_threshold(
    decision: Decision, clock: Clock, threshold: float | None, because: str
) -> ThresholdSetting | None:
    """Set a clock's threshold from the next UTC midnight on, so that no scored interval changes its flag.

    Parameters
    ----------
    threshold : score that a flag needs; None: the model version's own counts again.
    because : why, for the log.

    Returns
    -------
    the new row; None where the clock's newest setting says this already.

    Raises
    ------
    BadInputError
        If the clock cannot have the threshold.
    Refused
        If who decides is no admin, or says no reason.
    """
    session, at = decision.session, aware(decision.at)
    if threshold is not None:
        require_threshold(clock, threshold)
    refuse_unless(
        admins_only(decision.by),
        (bool(because.strip()), "say why the threshold is set"),
        action="set a threshold",
    )
    named_lock(session, "threshold settings")
    newest = session.scalars(
        select(ThresholdSetting)
        .where(ThresholdSetting.clock == clock)
        .order_by(ThresholdSetting.valid_from.desc(), ThresholdSetting.id.desc())
        .limit(1)
    ).first()
    if (None if newest is None else newest.threshold) == threshold:
        return None
    words = keep_text(session, because.strip(), at)
    row = ThresholdSetting(
        id=new_id(),
        clock=clock,
        threshold=threshold,
        set_at=at,
        set_by=decision.by.reference,
        valid_from=at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1),
        because_text_id=words.id,
    )
    session.add(row)
    session.flush()
    content = {
        "clock": str(clock),
        "threshold": threshold,
        "valid_from": row.valid_from,
        "text_id": words.id,
        "text_sha256": words.sha256,
    }
    append(decision, "threshold.set", "threshold_settings", row.id, content)
    return row


def settings_on_record(session: Session) -> Sequence[ThresholdSetting]:
    """Return all settings, the oldest first; of two for the same clock and midnight the later one counts."""
    return session.scalars(
        select(ThresholdSetting).order_by(ThresholdSetting.valid_from, ThresholdSetting.id)
    ).all()


def read_set_thresholds(engine: Engine) -> tuple[SetThreshold, ...]:
    """Return all settings as detection takes them, the oldest first."""
    with reading(engine) as session:
        return tuple(
            SetThreshold(row.clock, row.threshold, day_of(row.valid_from.date()))
            for row in settings_on_record(session)
        )


def rules_in_force(settings: Settings, engine: Engine) -> DetectionRules:
    """Return detection's part of the settings with the thresholds that admins have set."""
    return replace(rules_of(settings), set_thresholds=read_set_thresholds(engine))
