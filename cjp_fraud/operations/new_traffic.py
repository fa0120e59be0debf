"""What has just arrived: take the inbox in, score and flag it at once, open cases, page the reviewer on call.

What Airflow does in three DAGs, for a deployment without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations.paging import page_new_cases
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.inbox import inbox_holds
from cjp_fraud.traffic.progress_on_record import changes_wait_since, scored_up_to

LATE: Final = timedelta(hours=24)
"""How far back of what was scored last a correction is still taken up; older ones are for ``cjp-fraud detect``."""


@dataclass(frozen=True, slots=True)
class NewTraffic:
    """What one look at new traffic did.

    Parameters
    ----------
    rows_stored : rows of the inbox's files that are new or replace another.
    refused : name in ``inbox/refused`` and reason of each file that could not be used.
    hours_scored : UTC hours that were scored, open ones among them.
    cases_opened : cases that this opened.
    pages_sent : messages to reviewers on call that left.
    more_is_waiting : whether the next look has something to do at once.
    """

    rows_stored: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    hours_scored: int = 0
    cases_opened: int = 0
    pages_sent: int = 0
    more_is_waiting: bool = False


def take_up_new_traffic(deployment: Deployment, now: datetime) -> NewTraffic:
    """Take in the inbox's files and detect over the next hours that have new traffic: open ones first, or closed ones.

    At most one UTC day a call, so that what comes meanwhile does not wait behind a backlog. Traffic older than a day
    before what was scored last is left alone: a deployment's history is for ``cjp-fraud detect``. It may run twice at
    once (the second waits), and be killed.

    Raises
    ------
    CjpFraudError
        If the lake, the database or the inbox cannot be used. What was stored and flagged before stays.
    """
    since = scored_up_to(deployment.engine, now) - LATE
    if not inbox_holds(deployment.settings.home) and not changes_wait_since(deployment.engine, since):
        return NewTraffic()
    from cjp_fraud.operations import detection, traffic  # the lake's libraries take long to load

    with process_lock(deployment.engine, "new traffic"):
        taken = traffic.ingest_inbox(deployment, now) if inbox_holds(deployment.settings.home) else None
        hours = detection.next_window(deployment, now, since=since)
        opened = scored = 0
        if hours is not None:
            detection.score_hours(deployment, now, hours)
            closing = detection.close_hours(deployment, now, hours)
            opened = len(closing.flags.opened)
            scored = round((hours.end - hours.begin) / timedelta(hours=1))
        paged = page_new_cases(deployment, now) if opened else 0
    if taken is not None and taken.failure is not None:
        raise CjpFraudError(f"the inbox was taken in only in part: {taken.failure}")
    return NewTraffic(
        rows_stored=0 if taken is None else taken.ingested.stored + taken.ingested.replaced,
        refused=() if taken is None else tuple(taken.refused.items()),
        hours_scored=scored,
        cases_opened=opened,
        pages_sent=paged,
        more_is_waiting=hours is not None,
    )
