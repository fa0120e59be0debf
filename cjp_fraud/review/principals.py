"""Who carried the flagged traffic: rows by principal, frozen when a case takes the flags.

Traffic by principal is in the lake's intake alone, which keeps it 14 days; a person may decide later.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import utc_text
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_traits import traits_of_rows
from cjp_fraud.review.cases import flags_in_force, note
from cjp_fraud.review.evidence_store import store_frozen
from cjp_fraud.review.frozen_traffic import rows_of_flags
from cjp_fraud.review.measure_fit import Stream
from cjp_fraud.review.model import EvidenceOccasion
from cjp_fraud.review.similar_cases import keep_traits
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from cjp_fraud.storage.read_rows import has_none

# Made once: to make a statement takes longer than to run it.
_FROZEN: Final = (
    select(EvidenceSet.document)
    .where(EvidenceSet.case_id == bindparam("case_id"), EvidenceSet.occasion == EvidenceOccasion.FLAGGED)
    .order_by(EvidenceSet.frozen_at, EvidenceSet.id)
)


@dataclass(frozen=True, slots=True)
class PrincipalsWanted:
    """Whose rows are to be frozen: a tenant's flagged intervals, ``(series_id, start, end)``, half-open, UTC."""

    tenant_id: str
    intervals: tuple[tuple[str, datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class PrincipalRows:
    """Rows by principal of flagged intervals, and each of these principals' usual level.

    Parameters
    ----------
    rows : as delivered: ``series_id``, ``principal_id``, ``interval_start`` (aware), ``contacts_offered``, and more.
    usual : ``series_id``, ``principal_id``, ``contacts_per_hour`` over the time ``from`` … ``to`` before the flags.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    usual: Sequence[Mapping[str, Any]] = ()


ReadPrincipals = Callable[[PrincipalsWanted], PrincipalRows]
"""Reads rows by principal; given by the caller, so that the review needs no lake."""


@dataclass(frozen=True, slots=True)
class PrincipalView:
    """A principal in the flagged intervals: contacts there, and its usual contacts an hour (None: not known)."""

    channel: str
    direction: str
    principal_id: str
    contacts: int
    usual_per_hour: float | None


def freeze_principals(decision: Decision, case_ids: Collection[str], read: ReadPrincipals) -> None:
    """Freeze the rows by principal of all flags in force of these cases that were not frozen yet.

    Where nothing was delivered by principal, nothing is stored. Doing it again changes nothing.
    """
    session = decision.session
    for case_id in sorted(case_ids):
        frozen = {
            (row["series_id"], row["interval_start"])
            for document in _documents(session, case_id)
            for row in document["flagged"]
        }
        fresh = [
            flag
            for flag in flags_in_force(session, case_id)
            if (flag.series_id, utc_text(flag.interval_start)) not in frozen
        ]
        if fresh:
            _freeze(decision, session.get_one(Case, case_id), fresh, read)


def frozen_principals(session: Session, case_id: str, flags: Sequence[Flag]) -> PrincipalRows:
    """Return what was frozen of these flags' intervals, as the stored documents have it (moments as text)."""
    rows: list[Mapping[str, Any]] = []
    usual: dict[tuple[str, str], Mapping[str, Any]] = {}
    for document in _documents(session, case_id):
        rows += [row for row, _ in rows_of_flags(document["rows"], flags)]
        for level in document["usual"]:
            usual.setdefault((level["series_id"], level["principal_id"]), level)
    seen = {(row["series_id"], row["principal_id"]) for row in rows}
    return PrincipalRows(rows, [usual[key] for key in sorted(usual.keys() & seen)])


def principal_views(session: Session, case_id: str, flags: Sequence[Flag]) -> tuple[PrincipalView, ...]:
    """Return who carried these flags' traffic, the busiest first."""
    frozen = frozen_principals(session, case_id, flags)
    usual: dict[tuple[Stream, str], float] = defaultdict(float)
    streams = {flag.series_id: Stream(flag.channel, flag.direction) for flag in flags}
    for level in frozen.usual:
        usual[streams[level["series_id"]], level["principal_id"]] += level["contacts_per_hour"]
    contacts: dict[tuple[Stream, str], int] = defaultdict(int)
    for row, flag in rows_of_flags(frozen.rows, flags):
        contacts[Stream(flag.channel, flag.direction), row["principal_id"]] += row["contacts_offered"]
    return tuple(
        PrincipalView(*stream, principal, count, usual.get((stream, principal)))
        for (stream, principal), count in sorted(contacts.items(), key=lambda item: (-item[1], item[0]))
    )


def _documents(session: Session, case_id: str) -> list[dict[str, Any]]:
    if has_none(session, EvidenceSet, case_id):
        return []
    return [json.loads(document) for document in session.scalars(_FROZEN, {"case_id": case_id})]


def _freeze(decision: Decision, case: Case, flags: Sequence[Flag], read: ReadPrincipals) -> None:
    intervals = PrincipalsWanted(case.tenant_id, tuple((flag.series_id, *_interval(flag)) for flag in flags))
    carried = read(intervals)
    if not carried.rows:
        return
    frozen = {
        "tenant_id": case.tenant_id,
        "flagged": [
            {"series_id": series, "interval_start": begins, "interval_end": ends}
            for series, begins, ends in intervals.intervals
        ],
        "rows": [dict(row) for row in carried.rows],
        "usual": [dict(level) for level in carried.usual],
    }
    evidence = store_frozen(
        decision.session, case, EvidenceOccasion.FLAGGED, frozen, decision.at, row_count=len(carried.rows)
    )
    keep_traits(decision.session, {case.id: traits_of_rows(carried.rows)})
    content = {"evidence_set_id": evidence.id, "evidence_sha256": evidence.sha256, "rows": evidence.row_count}
    note(decision, case, "case.principals_frozen", content)


def _interval(flag: Flag) -> tuple[datetime, datetime]:
    return flag.interval_start, flag.interval_start + timedelta(seconds=flag.interval_seconds)
