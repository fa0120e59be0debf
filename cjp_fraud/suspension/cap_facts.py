"""What the gate asks about a cap that a customer has consented to, read from the records; the rule: ``cap_gate``."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.contracts.consent_entry import consent_of
from cjp_fraud.contracts.standing_consent import Breach, ChargedInterval, charge_in_hour
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.people.model import Role
from cjp_fraud.people.tables import UserRole
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.stops_on_record import standing_stops
from cjp_fraud.review.tables import Case, EvidenceSet
from cjp_fraud.suspension.cap_gate import CapFacts, ConsentFact
from cjp_fraud.suspension.contract_facts import contract_fact
from cjp_fraud.suspension.gate_facts import row_faults, unread_facts
from cjp_fraud.suspension.tables import Cap


def cap_facts(
    session: Session, cap: Cap, policy: ProviderPolicy, at: datetime, *, compare_rows: bool = True
) -> CapFacts:
    """Return what the gate asks about a cap on record, as of ``at`` (aware); the breach is counted anew.

    Parameters
    ----------
    compare_rows : as for :func:`cjp_fraud.suspension.gate_facts.gate_facts`.
    """
    case = session.get_one(Case, cap.case_id)
    changed = row_faults(session, case) if compare_rows else ()
    if changed:
        return CapFacts(unread_facts(policy, changed), *(None,) * 7)
    row, evidence = session.get(SignedConsent, cap.consent_id), session.get(EvidenceSet, cap.evidence_set_id)
    known = replace(
        unread_facts(policy, ()),
        contract=contract_fact(session, case, policy, at),
        stops=tuple(standing_stops(session, case.id)),
    )
    order = cap.order
    return CapFacts(
        known=known,
        consent=_consent_fact(session, row) if row is not None else None,
        breach=_counted_anew(row, evidence, cap) if row is not None and evidence is not None else None,
        evidence_sha256=evidence.sha256 if evidence is not None else None,
        actual_evidence_sha256=sha256_hex(evidence.document) if evidence is not None else None,
        kind=order.kind,
        scope=order.scope,
        ends_at=cap.ends_at,
    )


def facts_of_new_cap(
    session: Session,
    case: Case,
    cap: Cap,
    row: SignedConsent,
    evidence: EvidenceSet,
    policy: ProviderPolicy,
    at: datetime,
) -> CapFacts:
    """Return the facts of a cap that is not on record yet; rows are compared once it is, before the platform's call."""
    order = cap.order
    known = replace(
        unread_facts(policy, ()),
        contract=contract_fact(session, case, policy, at),
        stops=tuple(standing_stops(session, case.id)),
    )
    return CapFacts(
        known=known,
        consent=_consent_fact(session, row),
        breach=_counted_anew(row, evidence, cap),
        evidence_sha256=evidence.sha256,
        actual_evidence_sha256=sha256_hex(evidence.document),
        kind=order.kind,
        scope=order.scope,
        ends_at=cap.ends_at,
    )


def _counted_anew(row: SignedConsent, evidence: EvidenceSet, cap: Cap) -> Breach | None:
    """Return the breach by the frozen traffic; None: it shows none, or was frozen for another consent."""
    frozen = json.loads(evidence.document)
    if frozen.get("consent_sha256") != row.sha256:
        return None
    traffic = [from_document(ChargedInterval, each) for each in frozen["traffic"]]
    return charge_in_hour(consent_of(row), traffic, cap.breach_to, ZoneInfo(frozen["time_zone"]))


def _consent_fact(session: Session, row: SignedConsent) -> ConsentFact:
    return ConsentFact(
        says=consent_of(row),
        sha256=row.sha256,
        actual_sha256=sha256_hex(row.document.encode()),
        proof_sha256=row.proof_sha256,
        entered_by=row.entered_by,
        by_counsel=_held(session, row.entered_by, row.entered_at, Role.COUNSEL),
        confirmed_by=row.confirmed_by,
        by_second_role=(
            _held(session, row.confirmed_by, row.confirmed_at, Role.COUNSEL, Role.APPROVER)
            if row.confirmed_by is not None and row.confirmed_at is not None
            else None
        ),
        confirmed_at=row.confirmed_at,
        ended_at=row.ended_at,
    )


def _held(session: Session, user_id: str, at: datetime, *roles: Role) -> bool:
    """Whether a person held one of the roles at ``at`` (aware)."""
    held = select(UserRole.id).where(
        UserRole.user_id == user_id,
        UserRole.role.in_(roles),
        UserRole.granted_at <= at,
        UserRole.revoked_at.is_(None) | (UserRole.revoked_at > at),
    )
    return session.scalar(held.limit(1)) is not None
