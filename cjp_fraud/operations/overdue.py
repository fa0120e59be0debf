"""What should have happened by now and has not; apart from the rest, because every command asks it."""

from __future__ import annotations

from cjp_fraud.deployment import Deployment
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.overdue import overdue


def overdue_now(deployment: Deployment) -> tuple[str, ...]:
    """Return what is more than 15 minutes late, a sentence each; ``run-due`` does it."""
    with reading(deployment.engine) as session:
        return overdue(session, deployment.now)
