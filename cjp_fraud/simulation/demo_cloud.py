"""The small cloud behind ``cjp-fraud serve --demo``: 30 tenants, something unusual in each, what people make of it.

Nothing in it is real. Its traffic is simulated as ``cjp-fraud simulate`` does it: two weeks of the series that are
hit.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cjp_fraud.contracts.tenants_file import COLUMNS
from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.event_placement import SCENARIO_OF_NAME, Injection
from cjp_fraud.simulation.generate import simulate_tenants
from cjp_fraud.simulation.series_kinds import VOICE_IN, SeriesName
from cjp_fraud.simulation.tenant_profiles import Profile, draw_profile
from cjp_fraud.simulation.tenant_rows import tenant_row
from cjp_fraud.traffic.schema import CHANNEL, DIRECTION, START, TENANT

CLOUD: Final = Cloud(seed=7, weeks=2, start=date(2025, 11, 3), events=False, gaps=False)
EARLIER: Final = CLOUD.begin + timedelta(days=8)
"""Until when the first delivery reaches; cases of the day before it have come to their ends since."""
LATEST: Final = CLOUD.begin + timedelta(days=12)
DELIVERIES: Final = (EARLIER, LATEST)
"""Ends of what is delivered together; aware UTC."""


class Fate(StrEnum):
    """What people make of a case before the queue is opened."""

    OPEN = "open"
    CAPPED = "capped"
    IN_REVIEW = "in_review"
    DISMISSED = "dismissed"
    DETERMINED = "determined"
    EXPIRED = "expired"
    WAITING = "waiting"
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"
    DISPUTED = "disputed"
    REINSTATED = "reinstated"
    DISPUTE_UPHELD = "dispute_upheld"
    LAPSED = "lapsed"


BURST, SMS, ROBOT = "revenue_share_burst", "sms_pumping", "robocalling"
CHAT, MAIL, LINES = "chat_flood", "email_flood", "telephony_denial_of_service"
MAILING: Final = "mailing"
"""No fraud: a mailing of the tenant's own, after which its customers call."""
MAILING_FACTOR: Final = 8.0
"""How many times the usual volume it brings."""
_SIZES: Final = (20.0, 1000.0)
"""Contacts a day of the tenants, between which an incident stands out."""
_LEAST_OF_A_MAILING: Final = 100.0
"""Contacts a day of a tenant whose mailing stands out: what it brings is a multiple of them."""
_BEFORE_A_CAP: Final = timedelta(minutes=65)
"""How long before the delivery a capped burst begins: its charge is of the last hour, its flags of that before."""

_ON_THE_EARLIER_DAY: Final = (
    (MAILING, Fate.DISMISSED),
    (MAIL, Fate.DISMISSED),
    (BURST, Fate.EXPIRED),
    (SMS, Fate.WITHDRAWN),
    (BURST, Fate.REINSTATED),
    (SMS, Fate.REINSTATED),
    (BURST, Fate.DISPUTE_UPHELD),
    (BURST, Fate.LAPSED),
    (SMS, Fate.LAPSED),
)
_ON_THE_LATEST_DAY: Final = (
    (BURST, Fate.SUSPENDED),
    (SMS, Fate.WAITING),
    (CHAT, Fate.OPEN),
    (ROBOT, Fate.DETERMINED),
    (BURST, Fate.DISPUTED),
    (MAIL, Fate.IN_REVIEW),
    (SMS, Fate.SUSPENDED),
    (MAILING, Fate.DISMISSED),
    (ROBOT, Fate.OPEN),
    (BURST, Fate.WAITING),
    (LINES, Fate.IN_REVIEW),
    (BURST, Fate.DETERMINED),
    (SMS, Fate.OPEN),
    (ROBOT, Fate.SUSPENDED),
    (CHAT, Fate.IN_REVIEW),
    (BURST, Fate.CAPPED),
    (MAIL, Fate.OPEN),
    (SMS, Fate.DETERMINED),
    (LINES, Fate.OPEN),
    (BURST, Fate.IN_REVIEW),
    (MAILING, Fate.OPEN),
)
"""What happens on the day before each, in the order of the tenants, and what becomes of it."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something unusual in the traffic of a tenant.

    Parameters
    ----------
    event : as ``cjp-fraud simulate`` names it.
    series : channel and direction.
    begin : aware UTC.
    earlier : whether it lies in the first delivery.
    """

    profile: Profile
    event: str
    series: SeriesName
    begin: datetime
    fate: Fate
    earlier: bool

    @property
    def tenant_id(self) -> str:
        """Whose traffic it is."""
        return self.profile.tenant_id


@dataclass(frozen=True, slots=True)
class DemoCloud:
    """Files of the cloud.

    Parameters
    ----------
    deliveries : traffic, one file for each moment of ``DELIVERIES``.
    contracts : files of contracts that have a wait between notice and measure, for counsel to load.
    """

    tenants: Path
    deliveries: tuple[Path, ...]
    contracts: tuple[Path, ...]
    incidents: tuple[Incident, ...]


def write_demo_cloud(folder: Path) -> DemoCloud:
    """Simulate the cloud and write its files into ``folder``; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    incidents = planned_incidents()
    tenants = folder / "tenants.csv"
    with tenants.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(tenant_row(CLOUD, each.profile) | _plain_terms(each) for each in incidents)
    contracts = []
    for each in incidents:
        if each.fate in (Fate.WAITING, Fate.WITHDRAWN):
            contracts.append(folder / f"{each.tenant_id}.toml")
            contracts[-1].write_text(_CONTRACT.format(tenant=each.tenant_id), encoding="utf-8")
    return DemoCloud(tenants, _write_traffic(folder, incidents), tuple(contracts), incidents)


def planned_incidents() -> tuple[Incident, ...]:
    """Return what happens in the cloud, in the order of time; nothing is simulated for it."""
    return tuple(_incidents())


def _incidents() -> Iterator[Incident]:
    """Give each event to the next tenant that has such a series and is there all the time, some hours apart."""
    taken: set[int] = set()
    for plan, end in ((_ON_THE_EARLIER_DAY, EARLIER), (_ON_THE_LATEST_DAY, LATEST)):
        for number, (event, fate) in enumerate(plan):
            series = VOICE_IN if event == MAILING else SCENARIO_OF_NAME[event].series
            least = _LEAST_OF_A_MAILING if event == MAILING else _SIZES[0]
            profile = _tenant_for(series, taken, least)
            taken.add(profile.index)
            begin = end - timedelta(hours=20) + timedelta(minutes=5 * (number * 17 * 12 // len(plan)))
            if fate is Fate.CAPPED:
                begin = end - _BEFORE_A_CAP
            yield Incident(profile, event, series, begin, fate, end == EARLIER)


def _tenant_for(series: SeriesName, taken: set[int], least: float) -> Profile:
    index = 0
    while True:
        profile = draw_profile(CLOUD, index)
        stays = profile.first_day <= 0 and profile.last_day > CLOUD.weeks * 7 and not profile.level_changes
        has_it = any((kind.channel, kind.direction) == series for kind in profile.series)
        if index not in taken and stays and has_it and least < profile.contacts_a_day < _SIZES[1]:
            return profile
        index += 1


def _write_traffic(folder: Path, incidents: Sequence[Incident]) -> tuple[Path, ...]:
    made = simulate_tenants(
        CLOUD,
        [each.profile.index for each in incidents],
        inject=[
            Injection(
                each.profile.index,
                each.event,
                each.begin,
                MAILING_FACTOR if each.event == MAILING else None,
                each.series if each.event == MAILING else None,
            )
            for each in incidents
        ],
    ).traffic
    series = [made[name].cast(pa.string()) for name in (TENANT, CHANNEL, DIRECTION)]
    hit = pa.array("/".join((each.tenant_id, *each.series)) for each in incidents)
    rows = made.filter(pc.is_in(pc.binary_join_element_wise(*series, "/"), hit))
    files = []
    begin = CLOUD.begin
    for number, end in enumerate(DELIVERIES):
        files.append(folder / f"traffic-{number}.parquet")
        first, last = (pa.scalar(moment, rows.schema.field(START).type) for moment in (begin, end))
        pq.write_table(rows.filter((pc.field(START) >= first) & (pc.field(START) < last)), files[-1])
        begin = end
    return tuple(files)


def _plain_terms(incident: Incident) -> dict[str, str]:
    """Return the columns of plain notice terms, for a tenant of whom a measure is to be proposed."""
    if incident.fate in (Fate.OPEN, Fate.IN_REVIEW, Fate.DISMISSED):
        return {}
    return {
        "provisioning_notice_date": "2025-01-10",
        "provisioning_notice_part": "all",
        "provisioning_notice_proof": f"dms:PN-{incident.profile.index:06d}",
        "governing_document": f"Simulated agreement {incident.profile.index:06d}",
        "term_from": "2025-01-10",
        "term_to": "2028-01-10",
        "notice_method": "email",
        "notice_address": f"notices@{incident.tenant_id}.example",
        "critical": "false",
        "language": "en",
    }


_CONTRACT: Final = """\
tenant = "{tenant}"

[[documents]]
name = "MSA"
kind = "existing_agreement"
title = "Simulated master agreement"
version = "2025"
from_day = 2025-01-01
says = {{ right = "clause_2_4" }}
source = {{ clause = "2.4" }}
page = "page 2"

[[provisioning]]
given_on = 2025-01-10
part = "all"
how = "by email"
proof = "dms:PN-000001"

[[addresses]]
role = "notice"
address = "notices@{tenant}.example"

[notice_terms]
[notice_terms.suspension]
minimum = {{ amount = 24, unit = "hours" }}
[[notice_terms.suspension.steps]]
number = 1
combine = "any_of"
[[notice_terms.suspension.steps.methods]]
method = "email"
basis = "sent"
address_roles = ["notice"]
"""
