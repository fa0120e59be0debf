"""What the progress of a notice plan means for a measure, as the gate reads it; for tests."""

from __future__ import annotations

from datetime import datetime

from cjp_fraud.config import PlatformMode
from cjp_fraud.notices.progress import PlanProgress


def permits_measure(progress: PlanProgress, at: datetime) -> bool:
    """Whether, for the notice's part, a measure may be taken at ``at`` (aware)."""
    return (
        progress.mode is PlatformMode.ACT
        and not progress.cancelled
        and not progress.contradictions
        and progress.complete_at is not None
        and progress.complete_at <= at
    )
