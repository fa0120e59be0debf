"""How far traffic has been scored as it came, asked without loading the lake."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Engine, select

from cjp_fraud.clock import aware
from cjp_fraud.storage.database import reading
from cjp_fraud.traffic.tables import TrafficChange, Watermark

SCORED: Final = "detection"
"""Name of the watermark up to which every hour has been scored once."""


def scored_up_to(engine: Engine, now: datetime) -> datetime:
    """Up to where hours have been scored as they closed; ``now`` where none was yet. Never after ``now``."""
    with reading(engine) as session:
        row = session.get(Watermark, SCORED)
        return aware(now) if row is None else min(aware(row.at), aware(now))


def changes_wait_since(engine: Engine, since: datetime) -> bool:
    """Whether traffic changed, at ``since`` (aware) or later, that no closed hour has taken in."""
    waits = select(TrafficChange.id).where(
        TrafficChange.scored_at.is_(None),
        TrafficChange.last_interval >= aware(since).replace(minute=0, second=0, microsecond=0),
    )
    with reading(engine) as session:
        return session.scalar(waits.limit(1)) is not None
