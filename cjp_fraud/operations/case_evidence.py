"""What a case rests on, for its charts: frozen rows or, before a finding, the lake's; and the same in past weeks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.evidence_rows import evidence_rows
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.errors import StorageError
from cjp_fraud.review.cases import case_id_of, flags_in_force
from cjp_fraud.review.evidence import FlagView, rows_to_freeze
from cjp_fraud.review.joint_events import events_of
from cjp_fraud.review.known_event import KnownEventView
from cjp_fraud.review.known_events_on_record import events_of_flags
from cjp_fraud.review.model import EvidenceOccasion
from cjp_fraud.review.spike_runs import JointEvent
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.storage.lake import Where
from cjp_fraud.traffic.schema import APPLICATION, CHANNEL, DIRECTION, OFFERED, START, TENANT, TRAFFIC

STREAM: Final = (CHANNEL, DIRECTION, APPLICATION)
WEEKS: Final = 8
"""How many weeks before are looked at."""


@dataclass(frozen=True, slots=True)
class PastWeek:
    """Contacts of the flagged series in the same stretch of a local day; None: the lake has no traffic of it.

    ``flagged``: the stretch of the flags itself.
    """

    day: date
    contacts: float | None
    flagged: bool


@dataclass(frozen=True, slots=True)
class CaseEvidence:
    """What a case rests on.

    Parameters
    ----------
    document : ``rows`` and ``flags`` in the form in which they are frozen, moments as text; empty without flags.
    frozen : whether it is what a person's newest finding froze; else it is what the lake says now.
    sha256 : digest of the frozen document, or of what was read now.
    begin, end : of the flagged stretch, aware; None: no flag is in force.
    past_weeks : the same stretch of the local day, the flagged one and those a week apart before it, the oldest first.
    joint_events : when many tenants were flagged together, this one among them.
    known_events : that people entered and in which its flags lie.
    unreadable : why rows of the lake are missing here; None: none are.
    """

    tenant_id: str
    time_zone: str
    document: Mapping[str, Any]
    frozen: bool
    sha256: str
    begin: datetime | None
    end: datetime | None
    past_weeks: tuple[PastWeek, ...]
    joint_events: tuple[JointEvent, ...]
    unreadable: str | None = None
    known_events: tuple[KnownEventView, ...] = ()


def case_evidence(deployment: Deployment, now: datetime, case: str) -> CaseEvidence:
    """Return what a case rests on; nothing is stored, and a lake that is away takes nothing but its own rows away.

    Parameters
    ----------
    now : aware; the tenant's zone is that of this moment.
    case : the case's number or id.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    """
    with reading(deployment.engine) as session:
        at_one_moment(session)
        row = session.get_one(Case, case_id_of(session, case))
        zone = contract_at(session, row.tenant_id, now).time_zone
        events = events_of(session, row.tenant_id, row.first_flag_at, row.last_flag_at)
        frozen = _frozen(session, row)
        in_force = flags_in_force(session, row.id)
        flags = () if frozen is not None else in_force
        known = events_of_flags(session, row.tenant_id, in_force)
    unreadable = None
    try:
        document = frozen[0] if frozen is not None else _of_the_lake(deployment, row.tenant_id, flags)
    except StorageError as error:
        unreadable, document = str(error), {"rows": [], "flags": _plain(flags)}
    digest = frozen[1] if frozen is not None else sha256_hex(canonical_json(document))
    begin, end = _flagged_stretch(document["flags"])
    weeks: tuple[PastWeek, ...] = ()
    try:
        weeks = _past_weeks(deployment, row.tenant_id, document["flags"], zone)
    except StorageError as error:
        unreadable = str(error)
    return CaseEvidence(
        tenant_id=row.tenant_id,
        time_zone=zone,
        document=document,
        frozen=frozen is not None,
        sha256=digest,
        begin=begin,
        end=end,
        past_weeks=weeks,
        joint_events=tuple(events),
        unreadable=unreadable,
        known_events=known,
    )


def _frozen(session: Session, case: Case) -> tuple[dict[str, Any], str] | None:
    newest = session.scalars(
        select(EvidenceSet)
        .where(EvidenceSet.case_id == case.id, EvidenceSet.occasion == EvidenceOccasion.DETERMINED)
        .order_by(EvidenceSet.frozen_at.desc(), EvidenceSet.id.desc())
        .limit(1)
    ).first()
    return None if newest is None else (json.loads(newest.document), newest.sha256)


def _of_the_lake(deployment: Deployment, tenant_id: str, flags: Sequence[Flag]) -> dict[str, Any]:
    rows = rows_to_freeze(tenant_id, flags, evidence_rows(deployment.lake)) if flags else []
    return {"rows": rows, "flags": _plain(flags)}


def _plain(flags: Sequence[Flag]) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = json.loads(canonical_json([asdict(FlagView.of(flag)) for flag in flags]))
    return plain


def _flagged_stretch(flags: Sequence[Mapping[str, Any]]) -> tuple[datetime | None, datetime | None]:
    ends = [_end(flag) for flag in flags]
    begins = [
        end - timedelta(seconds=int(flag["span_seconds"])) for flag, end in zip(flags, ends, strict=True)
    ]
    return min(begins, default=None), max(ends, default=None)


def _end(flag: Mapping[str, Any]) -> datetime:
    start = datetime.fromisoformat(flag["interval_start"])
    return start + timedelta(seconds=int(flag["interval_seconds"]))


def _past_weeks(
    deployment: Deployment, tenant_id: str, flags: Sequence[Mapping[str, Any]], zone: str
) -> tuple[PastWeek, ...]:
    """The flagged stretch, at most its first day, in this week and the weeks before, by the tenant's wall clock."""
    begin, end = _flagged_stretch(flags)
    if begin is None or end is None:
        return ()
    end = min(end, begin + timedelta(days=1))
    place = ZoneInfo(zone)
    wall = [at.astimezone(place).replace(tzinfo=None) for at in (begin, end)]
    stretches = [
        tuple((at - timedelta(weeks=weeks)).replace(tzinfo=place) for at in wall)
        for weeks in range(WEEKS, -1, -1)
    ]
    lake = deployment.lake
    rows = lake.read(
        TRAFFIC,
        days=(stretches[0][0].date() - timedelta(days=1), end.date() + timedelta(days=1)),
        buckets=[int(lake.bucket_of([tenant_id])[0])],
        columns=[START, OFFERED, *STREAM],
        where=Where(equal={TENANT: [tenant_id]}),
    )
    rows = rows.filter(_of_streams(rows, flags))
    starts = rows[START].to_numpy().astype("datetime64[us]").astype(np.int64)
    contacts = rows[OFFERED].to_numpy()
    weeks = []
    for low, high in stretches:
        inside = (starts >= _microseconds(low)) & (starts < _microseconds(high))
        total = float(contacts[inside].sum()) if inside.any() else None
        weeks.append(PastWeek(low.date(), total, flagged=(low, high) == stretches[-1]))
    return tuple(weeks)


def _of_streams(rows: pa.Table, flags: Sequence[Mapping[str, Any]]) -> pa.Array:
    """Mask of the rows of the flagged channels, directions and applications."""
    mask = pa.chunked_array([np.zeros(len(rows), dtype=bool)])
    for stream in {tuple(flag.get(name) for name in STREAM) for flag in flags}:
        of_stream = [
            pc.is_null(rows[name]) if value is None else pc.fill_null(pc.equal(rows[name], value), False)
            for name, value in zip(STREAM, stream, strict=True)
        ]
        mask = pc.or_(mask, pc.and_(pc.and_(of_stream[0], of_stream[1]), of_stream[2]))
    return mask


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000
