"""What should have happened by now and has not, and what waits for people; apart, because every command asks it."""

from __future__ import annotations

from cjp_fraud.deployment import Deployment
from cjp_fraud.review.queue import overflow_count
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.overdue import overdue


def overdue_now(deployment: Deployment) -> tuple[str, ...]:
    """Return what is more than 15 minutes late, a sentence each; ``run-due`` does it."""
    with reading(deployment.engine) as session:
        return overdue(session, deployment.now)


def episodes_without_a_case(deployment: Deployment) -> int:
    """Return how many episodes are on the overflow list, because the cap of their hour was reached."""
    with reading(deployment.engine) as session:
        return overflow_count(session)
