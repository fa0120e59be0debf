"""Joint events: spikes of many tenants at the same time, recorded by quarters of an hour and shown as one event.

Nothing is decided by them and no case is hidden: an event says to whoever looks at a case that others were flagged at
the same time, as by an outage or an event. It never names the other tenants.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware, utc_text
from cjp_fraud.digests import digest
from cjp_fraud.people.model import Decision
from cjp_fraud.review.episodes import GAP
from cjp_fraud.review.joint_spikes import QUARTER_SECONDS, Group, GroupKind, JointSpikeRow
from cjp_fraud.review.tables import Case, JointSpike
from cjp_fraud.storage.base import new_id

QUARTER: Final = timedelta(seconds=QUARTER_SECONDS)
NEAR: Final = timedelta(days=1)
"""How far from a flag its joint event is looked for."""
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class JointEvent:
    """Many tenants flagged together, likely by an outage or an event.

    Parameters
    ----------
    begins_at, ends_at : of the flagged intervals; aware, UTC.
    tenants : how many were flagged, at any time of it.
    group, name : of the quarter of an hour that is least likely by chance.
    with_traffic : tenants of that group that were scored in that quarter.
    usual : how many flagged ones would be usual in it.
    by_chance : how likely so many are, at most, if the tenants had nothing to do with each other.
    """

    group: GroupKind
    name: str
    begins_at: datetime
    ends_at: datetime
    tenants: int
    with_traffic: int
    usual: float
    by_chance: float

    @property
    def when(self) -> str:
        """Group and time in words."""
        whose = "of all" if self.group is GroupKind.ALL else f"{self.group} {self.name}"
        same_day = self.begins_at.date() == self.ends_at.date()
        until = f"{self.ends_at:%H:%M}" if same_day else f"{self.ends_at:%Y-%m-%d %H:%M}"
        return f"({whose}) from {self.begins_at:%Y-%m-%d %H:%M} to {until}Z: likely an outage or an event"

    @property
    def words(self) -> str:
        """The event as the reviewer of one of its cases reads it; it names no tenant."""
        return f"together with {self.tenants - 1} other tenants {self.when}"


@dataclass(frozen=True, slots=True)
class QueuedEvent(JointEvent):
    """A joint event with the cases in the queue that have a flag in it, by number."""

    cases: tuple[int, ...]

    @property
    def words(self) -> str:
        """The event as whoever looks at the queue reads it."""
        return f"{self.tenants} tenants were flagged together {self.when}"


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
        _event(run)
        for run in _runs(spikes)
        if any(tenant_id in spike.tenant_ids and _reaches(spike, first, last) for spike in run)
    )


def events_in_queue(session: Session) -> tuple[QueuedEvent, ...]:
    """Return the joint events that cases in the queue take part in, the newest first."""
    first, last = session.execute(
        select(func.min(Case.first_flag_at), func.max(Case.last_flag_at)).where(Case.in_queue)
    ).one()
    if first is None:
        return ()
    events = []
    for run in _runs(_in_force(session, first - NEAR, last + NEAR)):
        event = _event(run)
        numbers = _queued_cases(session, run)
        if numbers:
            shared = {field.name: getattr(event, field.name) for field in fields(JointEvent)}
            events.append(QueuedEvent(**shared, cases=tuple(sorted(numbers))))
    return tuple(sorted(events, key=lambda event: (event.begins_at, event.name), reverse=True))


def _queued_cases(session: Session, run: Sequence[JointSpike]) -> set[int]:
    """Numbers of the cases in the queue that take part in a run of spikes."""
    tenants = sorted({tenant for spike in run for tenant in spike.tenant_ids})
    numbers: set[int] = set()
    for at in range(0, len(tenants), _CHUNK):
        cases = select(Case).where(
            Case.in_queue,
            Case.tenant_id.in_(tenants[at : at + _CHUNK]),
            Case.first_flag_at < run[-1].quarter_start + QUARTER,
            Case.last_flag_at >= run[0].quarter_start,
        )
        for case in session.scalars(cases):
            if any(
                case.tenant_id in spike.tenant_ids and _reaches(spike, case.first_flag_at, case.last_flag_at)
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
    return session.scalars(
        select(JointSpike)
        .where(
            JointSpike.superseded_at.is_(None),
            JointSpike.quarter_start >= first,
            JointSpike.quarter_start <= last,
        )
        .order_by(JointSpike.quarter_start, JointSpike.group_kind, JointSpike.group_name)
    ).all()


def _reaches(spike: JointSpike, first: datetime, last: datetime) -> bool:
    """Whether flags that begin in [first, last] may be those of the spike."""
    return first < spike.quarter_start + QUARTER and spike.quarter_start <= last


def _runs(spikes: Sequence[JointSpike]) -> list[list[JointSpike]]:
    """Spikes that are one event, the earliest first: close in time, of one group or mostly of the same tenants."""
    runs: list[list[JointSpike]] = []
    for spike in spikes:
        run = next((run for run in reversed(runs) if _goes_on(run, spike)), None)
        if run is None:
            runs.append([spike])
        else:
            run.append(spike)
    return runs


def _goes_on(run: Sequence[JointSpike], spike: JointSpike) -> bool:
    """Whether a run goes on with a spike; two groups of one quarter are two events."""
    last = run[-1]
    if last.quarter_start == spike.quarter_start or spike.begins_at - last.ends_at > GAP:
        return False
    shared = set(last.tenant_ids) & set(spike.tenant_ids)
    same_group = (last.group_kind, last.group_name) == (spike.group_kind, spike.group_name)
    return same_group or 2 * len(shared) >= len(spike.tenant_ids)


def _event(run: Sequence[JointSpike]) -> JointEvent:
    clearest = min(run, key=lambda spike: spike.by_chance)
    return JointEvent(
        group=clearest.group_kind,
        name=clearest.group_name,
        begins_at=run[0].begins_at,
        ends_at=run[-1].ends_at,
        tenants=len({tenant for spike in run for tenant in spike.tenant_ids}),
        with_traffic=clearest.with_traffic,
        usual=clearest.usual,
        by_chance=clearest.by_chance,
    )
