"""Draw up what an approver is asked to approve: one canonical document, hashed, never changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import recipients
from cjp_fraud.contracts.offer_catalogue import offer_remarks
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.restriction import FORMER_ADDRESS_ERASED, MeasureKind, Scope, consent_reasons
from cjp_fraud.digests import canonical_json, digest, sha256_hex
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.notices.letter_facts import Letter
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.review.case_letters import suspension_letter
from cjp_fraud.review.decision_tables import Determination, Proposal
from cjp_fraud.review.measure_fit import PlannedMeasure
from cjp_fraud.review.model import ProviderPolicy
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from cjp_fraud.storage.base import new_id

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
    drafted = draft_notice(session, grounds.position, letter, moment, policy.methods)
    expires_at = moment + policy.proposal_expires
    document = canonical_json(
        {
            "format": 1,
            "case_id": case.id,
            "number": latest + 1,
            "tenant_id": case.tenant_id,
            "mode": policy.mode,
            "drawn_at": moment,
            "expires_at": expires_at,
            "measure": _measure_document(planned, duration, policy),
            "notice": drafted.document,
            "notice_sha256": digest(drafted.document) if drafted.document else None,
            "obstacles": [*obstacles, *drafted.faults, *_letter_faults(policy, grounds.position)],
        }
        | _grounds_document(grounds)
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


def _measure_document(
    planned: PlannedMeasure, duration: timedelta, policy: ProviderPolicy
) -> dict[str, object]:
    """Return what a proposal's document says of the measure; it lasts for ``duration``."""
    return {
        "kind": planned.kind,
        "scope": to_document(planned.scope),
        "hours": int(duration / timedelta(hours=1)),
        "review_hours": int(policy.measure_review / timedelta(hours=1)),
    }


def _grounds_document(grounds: Grounds) -> dict[str, object]:
    """Return what a proposal's document says of the grounds that it rests on."""
    determination, position = grounds.determination, grounds.position
    return {
        "determination": {
            "id": determination.id,
            "finding": determination.finding,
            "tenants_part": determination.tenants_part,
            "grounds": determination.grounds,
            "reasons_sha256": grounds.reasons_sha256,
            "by": determination.by_user_id,
            "at": determination.at,
            "flag_ids": sorted(flag.id for flag in grounds.flags),
        },
        "evidence": {"id": grounds.evidence.id, "sha256": grounds.evidence.sha256},
        "contract": _contract_document(position),
        "remarks": [
            *([FORMER_ADDRESS_ERASED] if position.former_address_erased else []),
            *offer_remarks(position.offer_version, position.country, position.features),
        ],
    }


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


@dataclass(frozen=True, slots=True)
class DraftedNotice:
    """A notice plan's document, or why there can be none."""

    document: dict[str, Any] | None
    faults: tuple[str, ...]


def draft_notice(
    session: Session,
    position: Contract,
    letter: Letter,
    at: datetime,
    methods: frozenset[str] | None,
) -> DraftedNotice:
    """Draft the notice plan of a suspension; a tenant that cannot be served yet gets the reasons instead.

    Parameters
    ----------
    methods : by which the deployment serves; None: not known.
    """
    terms = position.notice_terms
    served = recipients(session, position.tenant_id, terms.address_roles, at) if terms else ()
    try:
        return DraftedNotice(to_document(draft_plan(position, served, letter, methods)), ())
    except Refused as refused:
        return DraftedNotice(None, refused.missing)
    except BadInputError as error:
        return DraftedNotice(None, (str(error),))


def _letter_faults(policy: ProviderPolicy, position: Contract) -> list[str]:
    """Return what a letter must say and is not known, a sentence each; none in ``observe``, where no letter leaves."""
    if policy.mode is not PlatformMode.ACT:
        return []
    checks = (
        (
            policy.sender.is_named,
            "letters name no legal name of the provider; set CJP_FRAUD_PROVIDER_LEGAL_NAME",
        ),
        (
            policy.sender.contact is not None,
            "letters name no contact beside the address that they come from; set CJP_FRAUD_CONTACT",
        ),
        (
            position.customer_name is not None,
            "the customer's legal name is not on record; give it in the tenants file (name)",
        ),
    )
    return [sentence for holds, sentence in checks if not holds]
