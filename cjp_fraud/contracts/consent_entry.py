"""Put a customer's standing consent on record as counsel reads it; a second person confirms it, and it can be ended."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.contracts.standing_consent import SignedProof, StandingConsent
from cjp_fraud.contracts.tenant_reach import require_tenant_reach
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import newcomer_faults, record_part
from cjp_fraud.storage.base import new_id

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def enter_consent(
    decision: Decision, tenant_id: str, consent: StandingConsent, proof: SignedProof
) -> SignedConsent:
    """Enter a standing consent from the document that the customer signed, as counsel; the same again changes nothing.

    It counts once a second person has confirmed it (:func:`confirm_consent`). Who enters it may not approve for this
    tenant for 30 days.

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    require_tenant(session, tenant_id)
    require_tenant_reach(session, by, tenant_id, {Role.COUNSEL})
    refuse_unless(
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        (bool(proof.name.strip()), "name the file that the customer signed"),
        (_SHA256.fullmatch(proof.sha256) is not None, "give the SHA-256 of the signed file, 64 digits"),
        (consent.valid_to > at, "it is not valid any more"),
        action=f"enter a standing consent of tenant {tenant_id}",
    )
    document = canonical_json(to_document(consent))
    sha256 = sha256_hex(document)
    entered = session.scalar(
        select(SignedConsent).where(SignedConsent.tenant_id == tenant_id, SignedConsent.sha256 == sha256)
    )
    if entered is not None:
        refuse_unless(
            (
                entered.ended_at is None,
                "the same consent was entered before and was ended; what the customer signed anew has a reference or "
                "days of its own",
            ),
            (
                entered.proof_sha256 == proof.sha256,
                "this very consent is on record with another signed file; name the new one by its reference",
            ),
            action=f"enter a standing consent of tenant {tenant_id}",
        )
        return entered
    assert by.user_id is not None, "only persons have roles"
    row = SignedConsent(
        id=new_id(),
        tenant_id=tenant_id,
        document=document.decode(),
        sha256=sha256,
        proof_name=proof.name.strip(),
        proof_sha256=proof.sha256,
        entered_by=by.user_id,
        entered_at=at,
    )
    session.add(row)
    record_part(session, by, Part.EDITED_CONTRACT, tenant_id, at)
    session.flush()
    content = {"consent_id": row.id, "sha256": sha256, "proof_sha256": proof.sha256, "clause": consent.clause}
    append(decision, "contract.consent_entered", "tenants", tenant_id, content)
    return row


def confirm_consent(decision: Decision, consent_id: str) -> SignedConsent:
    """Confirm, as counsel or an approver other than who entered it, that a consent says what the customer signed.

    Raises
    ------
    NotFoundError
        If no such consent is on record.
    Refused
        Names everything that stands in the way.
    """
    session, by, at = decision.session, decision.by, decision.at
    row = _locked(session, consent_id)
    require_tenant_reach(session, by, row.tenant_id, {Role.COUNSEL, Role.APPROVER})
    role = Role.COUNSEL if Role.COUNSEL in by.roles else Role.APPROVER
    if row.confirmed_by is not None and row.confirmed_by == by.user_id:
        return row
    refuse_unless(
        (by.may(Role.COUNSEL, Role.APPROVER), f"{by} is neither counsel nor an approver"),
        (row.entered_by != by.user_id, f"{by} entered it; another person must confirm it"),
        (row.confirmed_by is None, "somebody else has confirmed it"),
        (row.ended_at is None, "it was ended"),
        *((False, fault) for fault in newcomer_faults(session, by, role, None, at)),
        action=f"confirm the standing consent of tenant {row.tenant_id}",
    )
    row.confirmed_by, row.confirmed_at = by.user_id, at
    record_part(session, by, Part.EDITED_CONTRACT, row.tenant_id, at)
    session.flush()
    content = {"consent_id": row.id, "sha256": row.sha256, "proof_sha256": row.proof_sha256}
    append(decision, "contract.consent_confirmed", "tenants", row.tenant_id, content)
    return row


def end_consent(decision: Decision, consent_id: str, reasons: str) -> SignedConsent:
    """End a consent, as counsel or an approver, because the customer has revoked it or it is wrong; no cap follows it.

    Raises
    ------
    NotFoundError
        If no such consent is on record.
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    row = _locked(session, consent_id)
    require_tenant_reach(session, by, row.tenant_id, {Role.COUNSEL, Role.APPROVER})
    refuse_unless(
        (by.may(Role.COUNSEL, Role.APPROVER), f"{by} is neither counsel nor an approver"),
        (row.ended_at is None, "it was ended before"),
        (bool(reasons.strip()), "give the reasons"),
        action=f"end the standing consent of tenant {row.tenant_id}",
    )
    words = keep_text(session, reasons.strip(), at)
    row.ended_by, row.ended_at, row.end_text_id = by.user_id, at, words.id
    session.flush()
    content = {"consent_id": row.id, "text_id": words.id, "text_sha256": words.sha256}
    append(decision, "contract.consent_ended", "tenants", row.tenant_id, content)
    return row


def consent_of(row: SignedConsent) -> StandingConsent:
    """Return what a consent on record says."""
    return from_document(StandingConsent, json.loads(row.document))


def consents_in_force(session: Session, at: datetime) -> list[SignedConsent]:
    """Return the consents that are confirmed, not ended, and valid at ``at`` (aware), by their ids."""
    rows = session.scalars(
        select(SignedConsent)
        .where(SignedConsent.confirmed_at <= at, SignedConsent.ended_at.is_(None))
        .order_by(SignedConsent.id)
    )
    return [row for row in rows if (said := consent_of(row)).valid_from <= at < said.valid_to]


def _locked(session: Session, consent_id: str) -> SignedConsent:
    row = session.get(SignedConsent, consent_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError(f"no standing consent {consent_id!r} is on record (contracts consents TENANT)")
    return row
