"""Freeze the rows that a case is judged on, as canonical JSON with a digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.review.tables import Case, EvidenceSet, Flag

LOOK_BACK = timedelta(hours=24)
"""How much of the flagged series before the first named flag is frozen with it."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a tenant."""

    channel: str
    direction: str
    application_id: str | None
    interval_seconds: int


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """Which rows of the lake a case is judged on: these series, half-open in time (aware, UTC)."""

    tenant_id: str
    series: tuple[Series, ...]
    start: datetime
    end: datetime


ReadRows = Callable[[RowsWanted], Sequence[Mapping[str, Any]]]
"""Returns traffic and scores as plain rows; given by the caller, so that the review needs no lake."""


def rows_wanted(tenant_id: str, flags: Sequence[Flag]) -> RowsWanted:
    """Return what to freeze for these flags: their series, from 24 h before the first to the last's end."""
    series = {
        Series(flag.channel, flag.direction, flag.application_id, flag.interval_seconds) for flag in flags
    }
    return RowsWanted(
        tenant_id=tenant_id,
        series=tuple(sorted(series, key=_named)),
        start=min(flag.interval_start for flag in flags) - LOOK_BACK,
        end=max(flag.interval_start + timedelta(seconds=flag.interval_seconds) for flag in flags),
    )


def freeze(
    session: Session, case: Case, flags: Sequence[Flag], read_rows: ReadRows, at: datetime
) -> EvidenceSet:
    """Store the flags and the rows behind them, as they are now.

    Parameters
    ----------
    flags : those that the determination names, at least one.
    read_rows : reads the lake (or whatever the caller has).
    """
    wanted = rows_wanted(case.tenant_id, flags)
    rows = [dict(row) for row in read_rows(wanted)]
    document = canonical_json(
        {
            "format": 1,
            "case_id": case.id,
            "tenant_id": case.tenant_id,
            "frozen_at": aware(at),
            "window": {"start": wanted.start, "end": wanted.end},
            "flags": [flag_document(flag) for flag in sorted(flags, key=_in_time)],
            "rows": rows,
        }
    )
    kept = EvidenceSet(
        case_id=case.id,
        document=document,
        sha256=sha256_hex(document),
        row_count=len(rows),
        frozen_at=aware(at),
    )
    session.add(kept)
    session.flush()
    return kept


def flag_document(flag: Flag) -> dict[str, Any]:
    """Return a flag as JSON."""
    return {
        "id": flag.id,
        "channel": flag.channel,
        "direction": flag.direction,
        "application_id": flag.application_id,
        "interval_seconds": flag.interval_seconds,
        "interval_start": flag.interval_start,
        "quantity": flag.quantity,
        "observed": flag.observed,
        "baseline": flag.baseline,
        "excess": flag.excess,
        "score": flag.score,
        "p_value": flag.p_value,
        "threshold": flag.threshold,
        "model_version": flag.model_version,
        "reasons": flag.reasons,
        "episode_id": flag.episode_id,
    }


def _named(series: Series) -> tuple[str, str, str, int]:
    return series.channel, series.direction, series.application_id or "", series.interval_seconds


def _in_time(flag: Flag) -> tuple[datetime, str]:
    return flag.interval_start, flag.id
