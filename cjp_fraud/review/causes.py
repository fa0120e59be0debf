"""What cases in the queue have in common: spikes of many tenants at once, and known events that people entered."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cjp_fraud.errors import NotFoundError
from cjp_fraud.review.bulk_rules import Cause
from cjp_fraud.review.joint_events import events_in_queue
from cjp_fraud.review.known_events_on_record import cause_of_event, causes_of_events
from cjp_fraud.review.spike_runs import QueuedEvent


def causes_in_queue(session: Session) -> tuple[Cause, ...]:
    """Return the causes of cases in the queue, the newest first."""
    causes = [*map(_of_spikes, events_in_queue(session)), *causes_of_events(session)]
    return tuple(sorted(causes, key=lambda cause: (cause.begins_at, cause.id), reverse=True))


def cause_in_queue(session: Session, cause_id: str) -> Cause:
    """Return one cause of cases in the queue.

    Raises
    ------
    NotFoundError
        If no case in the queue has it: detection has replaced it, or the known event was withdrawn.
    """
    of_event = cause_of_event(session, cause_id)
    if of_event is not None:
        return of_event
    event = next((event for event in events_in_queue(session) if event.id == cause_id), None)
    if event is None:
        raise NotFoundError(
            f"no case in the queue has the cause {cause_id!r}; cjp-fraud bulk causes lists those there are"
        )
    return _of_spikes(event)


def _of_spikes(event: QueuedEvent) -> Cause:
    return Cause(
        id=event.id,
        words=event.words,
        words_on_record=event.words,
        begins_at=event.begins_at,
        ends_at=event.ends_at,
        tenants=event.tenants,
        cases=event.cases,
    )
