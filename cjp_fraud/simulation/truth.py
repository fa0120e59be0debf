"""The truth about what happened: one row per part of an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.contact_columns import Columns
from cjp_fraud.simulation.event_placement import Event
from cjp_fraud.simulation.scenario import Part
from cjp_fraud.simulation.tenant_profiles import Profile


@dataclass(frozen=True, slots=True)
class TruthRow:
    """A stretch of an event on one series.

    Attributes
    ----------
    event_id : the same for all parts of an event.
    tenant_id : who.
    scenario : what; ``part``: which part of it.
    benign : whether it is no fraud.
    twin_of : for a benign twin, the event (of another tenant) that has the same volume factor; else empty.
    method, fraud_type : how access was got, and what was made of it; empty where benign.
    channel, direction : of the series.
    begin, end : aware UTC, to the minute; end exclusive.
    volume_factor : of the event (see :func:`cjp_fraud.simulation.scenario.volume_factor`).
    contacts : added contacts.
    connected_minutes : added connected time.
    cost_cents : what the added contacts cost.
    cents_a_minute : the same a minute of the part's time.
    announced : whether it is among the known events.
    """

    event_id: str
    tenant_id: str
    scenario: str
    part: str
    benign: bool
    twin_of: str
    method: str
    fraud_type: str
    channel: str
    direction: str
    begin: datetime
    end: datetime
    volume_factor: float
    contacts: int
    connected_minutes: float
    cost_cents: int
    cents_a_minute: float
    announced: bool


def truth_of(cloud: Cloud, profile: Profile, event: Event, part: Part, added: Columns) -> TruthRow:
    """Return the row of a part, from what it adds to the columns of its series."""
    cost = int(added["charge_cents"].sum())
    return TruthRow(
        event_id=event.event_id,
        tenant_id=profile.tenant_id,
        scenario=event.name,
        part=part.name,
        benign=event.benign,
        twin_of=event.twin_of,
        method=event.method,
        fraud_type=event.fraud_type,
        channel=part.series[0],
        direction=part.series[1],
        begin=cloud.at(part.first_minute),
        end=cloud.at(part.end_minute),
        volume_factor=round(event.factor, 4),
        contacts=part.added,
        connected_minutes=round(float(added["connected_seconds"].sum()) / 60, 1),
        cost_cents=cost,
        cents_a_minute=round(cost / len(part.contacts), 2),
        announced=event.announced,
    )
