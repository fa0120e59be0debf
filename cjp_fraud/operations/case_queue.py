"""Look at the queue of cases, at the overflow list and at the disputes: what is read most, and loads least.

Each function takes the deployment, opens its own transaction and returns frozen views.
"""

from __future__ import annotations

from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.deployment import Deployment
from cjp_fraud.review.dispute import ListedDispute, disputes_on_record
from cjp_fraud.review.model import QueueFilter
from cjp_fraud.review.queue import OverflowEpisode, QueuePage, overflow_list, queue
from cjp_fraud.storage.database import reading


def list_cases(
    deployment: Deployment,
    queue_filter: QueueFilter | None = None,
    *,
    limit: int = 100,
    after: str | None = None,
) -> QueuePage:
    """Return a page of cases, the highest score first or the oldest first.

    No case is skipped, whatever changes between two pages: :func:`cjp_fraud.review.queue.queue` says what
    is guaranteed.

    Parameters
    ----------
    limit : most cases on the page.
    after : ``next_cursor`` of the page before; None: the first page.

    Raises
    ------
    NotFoundError
        If the tenant asked for is not on record.
    """
    with reading(deployment.engine) as session:
        if queue_filter is not None and queue_filter.tenant_id is not None:
            require_tenant(session, queue_filter.tenant_id)
        return queue(session, queue_filter, limit=limit, after=after)


def list_overflow(deployment: Deployment) -> tuple[OverflowEpisode, ...]:
    """Return the episodes beyond the hour's cap of new cases, the highest expected loss first."""
    with reading(deployment.engine) as session:
        return tuple(overflow_list(session))


def list_disputes(deployment: Deployment, *, decided_too: bool = False) -> tuple[ListedDispute, ...]:
    """Return the open disputes, the one due first on top; with ``decided_too`` all there are."""
    with reading(deployment.engine) as session:
        return disputes_on_record(session, decided_too=decided_too)
