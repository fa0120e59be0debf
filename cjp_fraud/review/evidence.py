"""Freeze the rows that a determination rests on, as canonical JSON with a digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy.orm import Session

from cjp_fraud.digests import canonical_json
from cjp_fraud.review.evidence_store import store_frozen
from cjp_fraud.review.joint_events import events_of
from cjp_fraud.review.model import EvidenceOccasion, Quantity
from cjp_fraud.review.principals import PrincipalRows
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from features.counting_clocks import Clock

LOOK_BACK = timedelta(hours=24)
"""How much of the flagged series before the first named flag is frozen with it."""


@dataclass(frozen=True, slots=True)
class FlagView:
    """One interval of one series that is unusual upward; ``score`` is -log10 p, excess in ``quantity``.

    ``observed``, ``baseline`` and ``excess`` are of the ``span_seconds`` that end with the interval.
    """

    id: str
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
    score: float
    p_value: float
    q_value: float | None
    threshold: float
    model_version: str | None
    reasons: Mapping[str, Any]
    episode_id: str | None

    @property
    def span_start(self) -> datetime:
        """Start of what is counted, which ends with the interval."""
        return self.interval_start + timedelta(seconds=self.interval_seconds - self.span_seconds)

    @classmethod
    def of(cls, flag: Flag) -> Self:
        """Return the view of a flag on record."""
        return cls(**{name: getattr(flag, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """Which rows of the lake a determination rests on.

    Parameters
    ----------
    series_ids : traffic and scores of these, half-open in time (``start``, ``end``: aware, UTC).
    streams : channels with their directions whose series' usual levels are wanted beside, flagged or not.
    """

    tenant_id: str
    series_ids: tuple[str, ...]
    start: datetime
    end: datetime
    streams: tuple[tuple[str, str], ...] = ()


ReadRows = Callable[[RowsWanted], Sequence[Mapping[str, Any]]]
"""Returns traffic and scores as plain rows; given by the caller, so that the review needs no lake."""


def rows_wanted(tenant_id: str, flags: Sequence[Flag]) -> RowsWanted:
    """Return what to freeze for these flags: their series, from 24 h before the first span to the last one's end."""
    return RowsWanted(
        tenant_id=tenant_id,
        series_ids=tuple(sorted({flag.series_id for flag in flags})),
        start=min(flag.span_start for flag in flags) - LOOK_BACK,
        end=max(flag.interval_start + timedelta(seconds=flag.interval_seconds) for flag in flags),
        streams=tuple(sorted({(flag.channel, flag.direction) for flag in flags})),
    )


def rows_to_freeze(tenant_id: str, flags: Sequence[Flag], read_rows: ReadRows) -> list[dict[str, Any]]:
    """Return the rows behind these flags as the frozen document will have them: moments as text, maps as lists.

    Parameters
    ----------
    flags : none: no rows.
    read_rows : reads the lake (or whatever the caller has).
    """
    if not flags:
        return []
    rows = [dict(row) for row in read_rows(rows_wanted(tenant_id, flags))]
    plain: list[dict[str, Any]] = json.loads(canonical_json(rows))
    return plain


def freeze(
    session: Session,
    case: Case,
    flags: Sequence[Flag],
    rows: Sequence[Mapping[str, Any]],
    at: datetime,
    principals: PrincipalRows,
) -> EvidenceSet:
    """Store the flags, the rows behind them, and the joint events that they are in, as they are now.

    Of a joint event how many tenants took part is stored, and not which.

    Parameters
    ----------
    flags : those that the determination names, at least one.
    rows : the rows behind them (:func:`rows_to_freeze`).
    principals : what was frozen by principal when the case took the flags.
    """
    window = rows_wanted(case.tenant_id, flags)
    starts = [flag.interval_start for flag in flags]
    first, last = min(starts), max(starts)
    content = {
        "tenant_id": case.tenant_id,
        "window": {"start": window.start, "end": window.end},
        "flags": [asdict(FlagView.of(flag)) for flag in sorted(flags, key=_in_time)],
        "rows": list(rows),
        "by_principal": [dict(row) for row in principals.rows],
        "usual_by_principal": [dict(level) for level in principals.usual],
        "joint_events": [asdict(event) for event in events_of(session, case.tenant_id, first, last)],
    }
    return store_frozen(session, case, EvidenceOccasion.DETERMINED, content, at, row_count=len(rows))


def _in_time(flag: Flag) -> tuple[datetime, str]:
    return flag.interval_start, flag.id
