"""Draw up what an approver is asked to approve: one canonical document, hashed, never changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.contracts.offer_catalogue import OfferCatalogue
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.restriction import FORMER_ADDRESS_ERASED, MeasureKind, Scope, consent_reasons
from cjp_fraud.digests import canonical_json, digest, sha256_hex
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.review.case_letters import suspension_letter
from cjp_fraud.review.decision_tables import Determination, Proposal
from cjp_fraud.review.drafted_notice import Noticed, draft_notice, letter_faults
from cjp_fraud.review.earlier_notice import Announcing, held_until, sufficing
from cjp_fraud.review.earlier_notices_on_record import earlier_notices
from cjp_fraud.review.measure_fit import PlannedMeasure
from cjp_fraud.review.measure_replay import Replay, replayed
from cjp_fraud.review.model import NamedEvidence
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import read_once
from cjp_fraud.storage.read_rows import has_none

# Made once: to make a statement takes longer than to run it.
_LATEST: Final = (
    select(Proposal).where(Proposal.case_id == bindparam("case_id")).order_by(Proposal.number.desc()).limit(1)
)

ProposalObstacles = Callable[[Contract, datetime], Sequence[str]]
"""Says why a contract, at a moment, gives no right to act; given by the caller, who knows the gate."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a proposal rests on: the determination, its evidence, and where the tenant stands.

    Parameters
    ----------
    reasons_sha256 : digest of the determination's reasons.
    flags : those that the determination names.
    position : the contract in force.
    replay : the frozen traffic of the flagged intervals; None: no row is of one.
    named : on what of the evidence the reviewer says that the finding rests.
    """

    case: Case
    determination: Determination
    reasons_sha256: str
    evidence: EvidenceSet
    flags: Sequence[Flag]
    position: Contract
    replay: Replay | None = None
    named: Sequence[NamedEvidence] = ()


def draw_up(
    session: Session,
    grounds: Grounds,
    planned: PlannedMeasure,
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
    case, determination = grounds.case, grounds.determination
    latest = session.scalar(select(func.max(Proposal.number)).where(Proposal.case_id == case.id)) or 0
    duration = min(planned.duration, grounds.position.longest_measure or planned.duration)
    letter = suspension_letter(case, determination, grounds.flags, planned, duration, policy.sender)
    noticed = _how_noticed(session, grounds, planned, duration, moment)
    drafted = draft_notice(session, grounds.position, letter, moment, policy.methods, noticed)
    expires_at = moment + policy.proposal_expires
    remarks = (*drafted.remarks, *_shortened(planned.duration, duration))
    document = canonical_json(
        {
            "format": 1,
            "case_id": case.id,
            "number": latest + 1,
            "tenant_id": case.tenant_id,
            "mode": policy.mode,
            "drawn_at": moment,
            "expires_at": expires_at,
            "measure": _measure_document(planned, duration, policy, grounds.replay),
            "notice": drafted.document,
            "notice_sha256": digest(drafted.document) if drafted.document else None,
            "obstacles": [*obstacles, *drafted.faults, *letter_faults(policy, grounds.position)],
        }
        | _grounds_document(grounds, remarks, policy.offers)
    )
    proposal = Proposal(
        id=new_id(),
        case_id=case.id,
        number=latest + 1,
        determination_id=determination.id,
        determined_at=determination.at,
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


def _how_noticed(
    session: Session, grounds: Grounds, planned: PlannedMeasure, duration: timedelta, at: datetime
) -> Noticed:
    """Return how a measure is noticed, by what the contract excepts and what was sent on the case before."""
    determination, terms = grounds.determination, grounds.position.terms
    earlier = earlier_notices(session, grounds.case.id, at)
    warned = sufficing(
        terms,
        earlier,
        Announcing(planned.kind, planned.scope, duration, determination.at, determination.account_taken_over),
    )
    excepted = terms is not None and (
        terms.needs_no_prior_notice(planned.kind, tuple(determination.grounds)) is not None
    )
    moments = [held_until(earlier), warned.complete_at if warned is not None and not excepted else None]
    return Noticed(
        everywhere=determination.account_taken_over,
        waits=not excepted and warned is None,
        not_before=max((moment for moment in moments if moment is not None), default=None),
    )


def _measure_document(
    planned: PlannedMeasure, duration: timedelta, policy: ProviderPolicy, replay: Replay | None
) -> dict[str, object]:
    """Return what a proposal's document says of the measure; it lasts for ``duration``."""
    return {
        "kind": planned.kind,
        "scope": to_document(planned.scope),
        "hours": int(duration / timedelta(hours=1)),
        "review_hours": int(policy.measure_review / timedelta(hours=1)),
        "replayed": replayed(planned.kind, planned.scope, replay).words if replay is not None else None,
    }


def _grounds_document(grounds: Grounds, remarks: Sequence[str], offers: OfferCatalogue) -> dict[str, object]:
    """Return what a proposal's document says of the grounds that it rests on, and of what an approver is told."""
    determination, position = grounds.determination, grounds.position
    return {
        "determination": {
            "id": determination.id,
            "finding": determination.finding,
            "tenants_part": determination.tenants_part,
            "grounds": determination.grounds,
            "account_taken_over": determination.account_taken_over,
            "reasons_sha256": grounds.reasons_sha256,
            "by": determination.by_user_id,
            "at": determination.at,
            "flag_ids": sorted(flag.id for flag in grounds.flags),
            "rests_on": list(grounds.named),
        },
        "evidence": {"id": grounds.evidence.id, "sha256": grounds.evidence.sha256},
        "contract": _contract_document(position),
        "remarks": [
            *remarks,
            *([FORMER_ADDRESS_ERASED] if position.former_address_erased else []),
            *_awaited(position),
            *offers.remarks(position.bought),
        ],
    }


def _shortened(planned: timedelta, duration: timedelta) -> list[str]:
    if duration == planned:
        return []
    hour = timedelta(hours=1)
    return [
        f"the contract lets no measure last longer than {duration / hour:g} hours; {planned / hour:g} were planned"
    ]


def _awaited(position: Contract) -> list[str]:
    """Say what may shorten the measure: its letters state an end before anybody knows how long their receipt takes."""
    steps = position.notice_terms.awaited if position.notice_terms is not None else ()
    return [
        f"of the notice, {each} counts only once a carrier or the recipient has said so; the letters state the latest "
        "end beforehand (a week is left for each step by post), and what the word takes longer shortens the measure"
        for each in steps
    ]


def latest_proposal(session: Session, case: Case) -> Proposal | None:
    """Return the case's newest proposal."""
    case_id = case.id
    return read_once(
        session,
        ("latest proposal", case_id),
        lambda: (
            None if has_none(session, Proposal, case_id) else session.scalar(_LATEST, {"case_id": case_id})
        ),
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


def version_checks(
    proposal: Proposal, at: datetime, expected_sha256: str | None
) -> tuple[tuple[bool, str], ...]:
    """Return the checks that whoever carries a proposal further at ``at`` (aware) means the version that stands.

    Parameters
    ----------
    expected_sha256 : digest, or its first 8 or more digits, of the version that the person has seen; None: any.
    """
    expected = (expected_sha256 or "").strip().lower()
    return (
        (
            proposal.expires_at > at,
            f"the proposal expired at {proposal.expires_at:%Y-%m-%d %H:%M:%SZ}; it must be determined again",
        ),
        (
            not expected or (len(expected) >= 8 and proposal.sha256.startswith(expected)),
            f"the proposal changed: {expected} was expected and {proposal.sha256} stands; read it again",
        ),
    )


def counsel_needed(proposal: Proposal) -> bool:
    """Whether the proposed measure needs counsel's consent (gate, point 9)."""
    document = document_of(proposal)
    kind, scope, _duration = measure_of(document)
    contract = document["contract"]
    return bool(
        consent_reasons(
            kind,
            scope,
            critical=bool(contract["critical"]),
            former_address_erased=bool(contract["former_address_erased"]),
        )
    )


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
        "provisioning_notice_date": position.provisioning_notice_date,
        "provisioning_notice_part": position.provisioning_notice_part,
        "provisioning_notice_proof": position.provisioning_notice_proof,
        "language": position.language,
        "time_zone": position.time_zone,
        "critical": position.critical,
        "former_address_erased": position.former_address_erased,
        "longest_measure_hours": (
            int(position.longest_measure / timedelta(hours=1)) if position.longest_measure else None
        ),
    }
