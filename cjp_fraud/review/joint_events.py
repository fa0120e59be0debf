"""Joint events on record: spikes of many tenants at the same time, recorded by quarters of an hour, read as events.

Nothing is decided by them and no case is hidden: an event says to whoever looks at a case that others were flagged at
the same time, as by an outage or an event. It never names the other tenants.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware, utc_text
from cjp_fraud.digests import digest
from cjp_fraud.people.model import Decision
from cjp_fraud.review.joint_spikes import Group, JointSpikeRow
from cjp_fraud.review.spike_runs import QUARTER, JointEvent, QueuedEvent, event_of, reaches, runs
from cjp_fraud.review.tables import Case, JointSpike
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import in_parts

NEAR: Final = timedelta(days=1)
"""How far from a flag its joint event is looked for."""

_SPAN_OF_QUEUE: Final = select(
    select(func.min(Case.first_flag_at)).where(Case.in_queue).scalar_subquery(),
    select(func.max(Case.last_flag_at)).where(Case.in_queue).scalar_subquery(),
)
_SPIKES: Final = (
    select(JointSpike)
    .where(
        JointSpike.superseded_at.is_(None),
        JointSpike.quarter_start >= bindparam("first"),
        JointSpike.quarter_start <= bindparam("last"),
    )
    .order_by(JointSpike.quarter_start, JointSpike.group_kind, JointSpike.group_name)
)


def record_joint_spikes(
    decision: Decision, rows: Iterable[JointSpikeRow], window: tuple[datetime, datetime]
) -> int:
    """Make ``rows`` the joint spikes in force of a window of whole hours; the same again changes nothing.

    Returns
    -------
    how many rows of the database changed or were added.
    """
    session = decision.session
    start, end = aware(window[0]), aware(window[1])
    given = {(row.quarter_start, row.joint.group): _content(row) for row in rows}
    in_force = JointSpike.superseded_at.is_(None)
    inside = (JointSpike.quarter_start >= start, JointSpike.quarter_start < end)
    superseded = []
    for spike in session.scalars(select(JointSpike).where(in_force, *inside).with_for_update()):
        key = (spike.quarter_start, Group(spike.group_kind, spike.group_name))
        if key in given and all(getattr(spike, name) == value for name, value in given[key].items()):
            del given[key]
        else:
            spike.superseded_at = decision.at
            superseded.append(spike.id)
    session.flush()
    new = [
        JointSpike(
            id=new_id(), quarter_start=quarter, group_kind=group.kind, group_name=group.name, **content
        )
        for (quarter, group), content in sorted(given.items(), key=lambda item: item[0])
    ]
    session.add_all(new)
    if new or superseded:
        ids = sorted(spike.id for spike in new)
        content = {"new": len(new), "new_sha256": digest(ids), "superseded": len(superseded)}
        append(
            decision, "joint_spikes.recorded", "joint_spikes", f"{utc_text(start)}/{utc_text(end)}", content
        )
    return len(new) + len(superseded)


def events_of(session: Session, tenant_id: str, first: datetime, last: datetime) -> tuple[JointEvent, ...]:
    """Return the joint events that a tenant takes part in with flags that begin in [first, last], in time."""
    spikes = _in_force(session, first - NEAR, last + NEAR)
    return tuple(
        event_of(run)
        for run in runs(spikes)
        if any(tenant_id in spike.tenant_ids and reaches(spike, first, last) for spike in run)
    )


def span_of_queue(session: Session) -> tuple[datetime, datetime] | None:
    """Return the starts of the earliest and of the latest flag of the cases in the queue; None: it is empty.

    By a subquery each: each is then the end of an index, and not a walk over the queue.
    """
    first, last = session.execute(_SPAN_OF_QUEUE).one()
    return (first, last) if first is not None and last is not None else None


def events_in_queue(session: Session) -> tuple[QueuedEvent, ...]:
    """Return the joint events that cases in the queue take part in, the newest first."""
    span = span_of_queue(session)
    if span is None:
        return ()
    first, last = span
    events = []
    for run in runs(_in_force(session, first - NEAR, last + NEAR)):
        event = event_of(run)
        numbers = _queued_cases(session, run)
        if numbers:
            shared = {field.name: getattr(event, field.name) for field in fields(JointEvent)}
            events.append(QueuedEvent(**shared, cases=tuple(sorted(numbers)), id=run[0].id))
    return tuple(sorted(events, key=lambda event: (event.begins_at, event.name), reverse=True))


def _queued_cases(session: Session, run: Sequence[JointSpike]) -> set[int]:
    """Numbers of the cases in the queue that take part in a run of spikes."""
    tenants = sorted({tenant for spike in run for tenant in spike.tenant_ids})
    numbers: set[int] = set()
    for some in in_parts(tenants):
        cases = select(Case).where(
            Case.in_queue,
            Case.tenant_id.in_(some),
            Case.first_flag_at < run[-1].quarter_start + QUARTER,
            Case.last_flag_at >= run[0].quarter_start,
        )
        for case in session.scalars(cases):
            if any(
                case.tenant_id in spike.tenant_ids and reaches(spike, case.first_flag_at, case.last_flag_at)
                for spike in run
            ):
                numbers.add(case.number)
    return numbers


def _content(row: JointSpikeRow) -> dict[str, Any]:
    return {
        "begins_at": row.begins_at,
        "ends_at": row.ends_at,
        "tenant_ids": list(row.joint.tenants),
        "with_traffic": row.joint.with_traffic,
        "usual": row.joint.usual,
        "by_chance": row.joint.by_chance,
    }


def _in_force(session: Session, first: datetime, last: datetime) -> Sequence[JointSpike]:
    return session.scalars(_SPIKES, {"first": first, "last": last}).all()
