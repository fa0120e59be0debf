"""Draw up what an approver is asked to approve: one canonical document, hashed, never changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.digests import canonical_json, digest, sha256_hex
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.review.measure_fit import Flagged, measure_misfits
from cjp_fraud.review.model import ProviderPolicy
from cjp_fraud.review.notice_draft import draft_notice, suspension_letter
from cjp_fraud.review.tables import Case, Determination, EvidenceSet, Flag, Proposal
from cjp_fraud.storage.base import new_id

LONGEST_ASKED = timedelta(days=366)
"""A measure is temporary: no proposal asks for more than a year."""


@dataclass(frozen=True, slots=True)
class MeasureWanted:
    """What a reviewer wants restricted, and for how long."""

    kind: MeasureKind
    scope: Scope
    duration: timedelta

    @classmethod
    def for_flags(cls, flags: Sequence[Flag], duration: timedelta) -> Self | None:
        """Return the measure that is proposed where the reviewer names none; None where a person must choose.

        Outbound fraud: the flagged channels, outbound. Inbound fraud: none, since only a person knows
        which origins are to be limited.
        """
        flagged = flagged_by(flags)
        if flagged.directions != {"outbound"}:
            return None
        scope = Scope(channels=tuple(sorted(flagged.channels)), directions=("outbound",))
        return cls(MeasureKind.SUSPEND_CHANNEL, scope, duration)


def flagged_by(flags: Sequence[Flag]) -> Flagged:
    """Return where the flagged traffic ran."""
    return Flagged(
        channels=frozenset(flag.channel for flag in flags),
        directions=frozenset(flag.direction for flag in flags),
        application_ids=frozenset(flag.application_id for flag in flags if flag.application_id is not None),
    )


def measure_faults(wanted: MeasureWanted | None, flags: Sequence[Flag]) -> tuple[str, ...]:
    """Return what is wrong with a wanted measure, one sentence each."""
    if wanted is None:
        return (
            ("name the measure: for traffic that is not outbound only, none is proposed by itself",)
            if flags
            else ()
        )
    found = []
    hours = wanted.duration / timedelta(hours=1)
    if not 1 <= hours <= LONGEST_ASKED / timedelta(hours=1) or hours != int(hours):
        found.append(f"a measure of {hours:g} hours: it is temporary, of whole hours, from 1 to 366 days")
    if flags:
        # Counsel's consent is asked of the approval, not of the reviewer.
        found += measure_misfits(
            wanted.kind, wanted.scope, flagged_by(flags), critical=False, counsel_consents=True
        )
    return tuple(found)


ProposalObstacles = Callable[[Contract, datetime], Sequence[str]]
"""Says why a contract, at a moment, gives no right to act; given by the caller, who knows the gate."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a proposal rests on: the determination, what it was judged on, and where the tenant stands.

    Parameters
    ----------
    reasons_sha256 : digest of the determination's reasons.
    flags : those that the determination names.
    position : the contract in force.
    """

    case: Case
    determination: Determination
    reasons_sha256: str
    evidence: EvidenceSet
    flags: Sequence[Flag]
    position: Contract


def draw_up(
    session: Session,
    grounds: Grounds,
    wanted: MeasureWanted,
    policy: ProviderPolicy,
    obstacles: Sequence[str],
    at: datetime,
) -> Proposal:
    """Store the next proposal of a case.

    A measure never outlives the contract's longest duration, so the document says the shorter one.

    Parameters
    ----------
    obstacles : why the contract lets nobody act on it, as the gate says; none: it does.
    """
    moment = aware(at)
    case, determination, position = grounds.case, grounds.determination, grounds.position
    duration = min(wanted.duration, position.longest_measure or wanted.duration)
    letter = suspension_letter(
        case.number,
        grounds.flags,
        wanted.kind,
        wanted.scope,
        duration,
        provider_name=policy.provider_name,
        reply_to=policy.reply_to,
    )
    drafted = draft_notice(session, position, letter, moment)
    before = session.scalar(select(func.max(Proposal.number)).where(Proposal.case_id == case.id)) or 0
    expires_at = moment + policy.proposal_expires
    document = canonical_json(
        {
            "format": 1,
            "case_id": case.id,
            "number": before + 1,
            "tenant_id": case.tenant_id,
            "mode": policy.mode,
            "drawn_at": moment,
            "expires_at": expires_at,
            "determination": {
                "id": determination.id,
                "finding": determination.finding,
                "tenants_part": determination.tenants_part,
                "reasons_sha256": grounds.reasons_sha256,
                "by": determination.by_user_id,
                "at": determination.at,
                "flag_ids": sorted(flag.id for flag in grounds.flags),
            },
            "evidence": {"id": grounds.evidence.id, "sha256": grounds.evidence.sha256},
            "measure": {
                "kind": wanted.kind,
                "scope": to_document(wanted.scope),
                "hours": int(duration / timedelta(hours=1)),
                "review_hours": int(policy.measure_review / timedelta(hours=1)),
            },
            "contract": _contract_document(position),
            "notice": drafted.document,
            "notice_sha256": digest(drafted.document) if drafted.document else None,
            "obstacles": [*obstacles, *drafted.faults],
        }
    )
    proposal = Proposal(
        id=new_id(),
        case_id=case.id,
        number=before + 1,
        determination_id=determination.id,
        determined_by=determination.by_user_id,
        mode=policy.mode,
        document=document,
        sha256=sha256_hex(document),
        drawn_at=moment,
        expires_at=expires_at,
    )
    session.add(proposal)
    session.flush()
    return proposal


def latest_proposal(session: Session, case: Case) -> Proposal | None:
    """Return the case's newest proposal."""
    return session.scalar(
        select(Proposal).where(Proposal.case_id == case.id).order_by(Proposal.number.desc()).limit(1)
    )


def document_of(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal's document as Python objects (times as text)."""
    parsed: dict[str, Any] = json.loads(proposal.document)
    return parsed


def measure_of(document: Mapping[str, Any]) -> tuple[MeasureKind, Scope, timedelta]:
    """Return kind, scope and duration of the measure in a proposal's document."""
    measure = document["measure"]
    return (
        MeasureKind(measure["kind"]),
        from_document(Scope, measure["scope"]),
        timedelta(hours=measure["hours"]),
    )


def obstacles_of(document: Mapping[str, Any]) -> list[str]:
    """Return why a proposal can never be carried out as it stands; none: it can."""
    return list(document["obstacles"])


def counsel_needed(proposal: Proposal) -> bool:
    """Whether the tenant is critical and the measure more than a block of destinations (gate, point 9)."""
    document = document_of(proposal)
    kind, _scope, _duration = measure_of(document)
    return bool(document["contract"]["critical"]) and kind.broader_than(MeasureKind.BLOCK_DESTINATIONS)


def _contract_document(position: Contract) -> dict[str, Any]:
    governing = position.governing_document
    return {
        "versions": dict(position.versions),
        "subscription_id": position.subscription_id,
        "provider_id": position.provider_id,
        "governing_document": (
            {"id": governing.id, "version": governing.version, "reference": governing.reference}
            if governing
            else None
        ),
        "right": position.right,
        "clause": position.clause,
        "term_from": position.term_from,
        "term_to": position.term_to,
        "provisioning_notice_ref": position.provisioning_notice_ref,
        "language": position.language,
        "time_zone": position.time_zone,
        "critical": position.critical,
        "longest_measure_hours": (
            int(position.longest_measure / timedelta(hours=1)) if position.longest_measure else None
        ),
    }
