"""Which joint spikes are one event, and what an event says of itself; a pure rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cjp_fraud.review.episodes import GAP
from cjp_fraud.review.joint_spikes import QUARTER_SECONDS, GroupKind

if TYPE_CHECKING:
    from cjp_fraud.review.tables import JointSpike

QUARTER: Final = timedelta(seconds=QUARTER_SECONDS)


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
    """A joint event with the cases in the queue that have a flag in it.

    Parameters
    ----------
    cases : by number.
    id : of its first quarter of an hour on record (``joint_spikes``).
    """

    cases: tuple[int, ...]
    id: str

    @property
    def words(self) -> str:
        """The event as whoever looks at the queue reads it."""
        return f"{self.tenants} tenants were flagged together {self.when}"


def reaches(spike: JointSpike, first: datetime, last: datetime) -> bool:
    """Whether flags that begin in [first, last] may be those of the spike."""
    return first < spike.quarter_start + QUARTER and spike.quarter_start <= last


def runs(spikes: Sequence[JointSpike]) -> list[list[JointSpike]]:
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


def event_of(run: Sequence[JointSpike]) -> JointEvent:
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
