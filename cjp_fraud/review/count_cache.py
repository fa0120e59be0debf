"""Counts of the queue, kept as long as no entry of the audit log says that a case has changed.

With 10,000 cases a count takes longer than all else on the queue's page, and many look at the same queue.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import Final

from sqlalchemy.orm import Session

from cjp_fraud.audit.newest_change import Change, NewestChange
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.people.tables import Participation
from cjp_fraud.review.model import QueueFilter
from cjp_fraud.review.queue_filters import CountedCases, QueueCounts, count_cases
from cjp_fraud.review.tables import Attachment, AttachmentContent, CaseComment

_NOT_COUNTED: Final = frozenset(
    kind.__tablename__ for kind in (CaseComment, PersonalText, Participation, Attachment, AttachmentContent)
)
"""Tables whose rows no filter asks about, other than :attr:`QueueFilter.mentions`."""

_MOST: Final = 200
"""Filters whose counts are kept."""


class CountCache:
    """The counts of one database, kept in this process.

    What a reader whose roles are narrowed may count is part of the filter, so nobody is shown another reader's.
    """

    def __init__(self) -> None:
        self._newest = NewestChange(_NOT_COUNTED)
        self._cached: OrderedDict[QueueFilter, tuple[Change, CountedCases]] = OrderedDict()
        self._guard = Lock()

    def counts(self, session: Session, queue_filter: QueueFilter, now: datetime) -> QueueCounts:
        """Return how many cases the filter lets through; ``now`` (aware) tells their age."""
        if queue_filter.mentions is not None:  # that somebody has seen a mention is in no entry of the log
            return count_cases(session, queue_filter, now).counts(now)
        change = self._newest.of(session)  # first: what is counted is then no older than it
        if change is None:
            return count_cases(session, queue_filter, now).counts(now)
        with self._guard:
            counted_at, counted = self._cached.get(queue_filter, (None, None))
        if counted is None or counted_at != change or now < counted.at:
            counted = count_cases(session, queue_filter, now)
            self._keep(queue_filter, change, counted)
        return counted.counts(now)

    def _keep(self, queue_filter: QueueFilter, change: Change, counted: CountedCases) -> None:
        with self._guard:
            self._cached[queue_filter] = (change, counted)
            self._cached.move_to_end(queue_filter)
            while len(self._cached) > _MOST:
                self._cached.popitem(last=False)
