"""``train``: fit and register each missing Monday's model version, from measured days alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy import Engine, select

from cjp_fraud.clock import aware
from cjp_fraud.detection.fit import WINDOW_DAYS, Block, eligible_mondays, fit_version
from cjp_fraud.detection.judging import Report
from cjp_fraud.detection.refresh import refresh
from cjp_fraud.detection.registry import register
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.schema import PROFILE
from cjp_fraud.detection.scoring import moment, open_window
from cjp_fraud.detection.stored import day_of
from cjp_fraud.detection.tables import ModelVersion
from cjp_fraud.detection.version import FittedVersion
from cjp_fraud.errors import StorageError
from cjp_fraud.people.model import Actor, machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.lake import Lake
from cjp_fraud.storage.locks import exclusive
from cjp_fraud.traffic.schema import COVERED, SECONDS, TRAFFIC
from features.local_grid import DAY

TRAINER: Final[Actor] = machine("train")


def train(
    lake: Lake,
    engine: Engine,
    folder: Path,
    zones: Mapping[str, str],
    rules: DetectionRules,
    now: datetime,
    *,
    until: datetime | None = None,
    report: Report | None = None,
) -> list[str]:
    """Fit, register and promote the version of each Monday 00:00 UTC up to ``until`` that has none.

    Running it again does nothing; a version that is registered is never fitted again.

    Parameters
    ----------
    folder : where the model files go.
    zones : IANA zone of every tenant on record.
    until, now : aware; ``until`` is ``now`` by default and never after it.

    Returns
    -------
    ids of the new versions, oldest first.
    """
    refresh(lake, engine, zones, now, report=report)
    last = int(min(aware(until or now), aware(now)).timestamp()) // DAY
    made = []
    with exclusive(engine, "train"):
        mondays = [day for day in _mondays(lake, engine) if day <= last]
        for done, monday in enumerate(mondays):
            if report is not None:
                report(done, len(mondays), f"version of {moment(monday * DAY):%Y-%m-%d}")
            begin, end = moment((monday - WINDOW_DAYS) * DAY), moment(monday * DAY)
            fitted = _fit(lake, zones, rules, monday, begin, end)
            _require_sound(fitted)
            with transaction(engine) as session:
                row = register(
                    session,
                    folder,
                    fitted,
                    window=(begin, end),
                    lake_versions={table.name: lake.version(table) for table in (TRAFFIC, PROFILE)},
                    by=TRAINER,
                    at=now,
                )
                made.append(row.id)
    return made


def _fit(
    lake: Lake, zones: Mapping[str, str], rules: DetectionRules, monday: int, begin: datetime, end: datetime
) -> FittedVersion:
    window = open_window(lake, zones, begin, end, range(lake.buckets))
    blocks: list[Block] = []
    for day in window.arranged.days[window.arranged.days >= monday - WINDOW_DAYS].tolist():
        blocks += window.blocks(day)
    return fit_version(monday, lambda: blocks, window.arranged.table, rules)


def _mondays(lake: Lake, engine: Engine) -> list[int]:
    """Eligible Mondays without a version, oldest first."""
    rows = lake.read(TRAFFIC, columns=["day", SECONDS, COVERED]).to_pandas()
    known = rows[rows[COVERED] >= rows[SECONDS]]["day"].drop_duplicates()
    days = np.array(sorted(day_of(on) for on in known), dtype=np.int64)
    with reading(engine) as session:
        had = {day_of(at.date()) for at in session.scalars(select(ModelVersion.monday))}
    return [day for day in eligible_mondays(days).tolist() if day not in had] if len(days) else []


def _require_sound(fitted: FittedVersion) -> None:
    """A version is promoted only when it fits and scores."""
    numbers = [fitted.threshold, fitted.model.constants.pooled, fitted.model.constants.pooled_bar]
    if not np.isfinite(numbers).all() or min(numbers) <= 0:
        raise StorageError(
            f"the version of {moment(fitted.valid_from * DAY):%Y-%m-%d} did not fit (threshold and scales {numbers}); "
            "look at the traffic of the four weeks before it"
        )
