"""Hold a tenant's texts, so that they are not erased, and release them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append, lock_log
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.compliance.held_texts import HELD, RELEASED
from cjp_fraud.compliance.tables import LegalHold
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import require_tenant_reach
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case


def hold_texts(decision: Decision, tenant_id: str, reason: str, *, case: str | None = None) -> LegalHold:
    """Order, as counsel, that nothing of a tenant be erased until the hold is released.

    Parameters
    ----------
    case : number or id of the case for whose sake; None: of no one case.

    Raises
    ------
    NotFoundError
        If the tenant, or the case, is not on record.
    Refused
        Names all that stands in the way.
    """
    session, by = decision.session, decision.by
    require_tenant(session, tenant_id)
    require_tenant_reach(session, by, tenant_id, {Role.COUNSEL})
    case_id = case_id_of(session, case) if case is not None else None
    of_tenant = case_id is None or session.get_one(Case, case_id).tenant_id == tenant_id
    refuse_unless(
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        (bool(reason.strip()), "give the reason"),
        (of_tenant, f"case {case} is of another tenant"),
        action=f"hold the texts of tenant {tenant_id}",
    )
    assert by.user_id is not None, "counsel is a person"
    lock_log(session)  # an erasure that reads which holds stand waits for this one
    words = keep_text(session, reason.strip(), decision.at)
    hold = LegalHold(
        tenant_id=tenant_id,
        case_id=case_id,
        reason_text_id=words.id,
        held_by=by.user_id,
        held_at=decision.at,
    )
    session.add(hold)
    session.flush()
    content = {"tenant_id": tenant_id, "case_id": case_id, "reason_sha256": words.sha256}
    append(decision, HELD, LegalHold.__tablename__, hold.id, content)
    return hold


def release_hold(decision: Decision, hold_id: str, reason: str) -> LegalHold:
    """Release a hold, as counsel; one that was released stays as it is.

    Raises
    ------
    NotFoundError
        If there is no such hold.
    Refused
        Names all that stands in the way.
    """
    session, by = decision.session, decision.by
    hold = session.get(LegalHold, hold_id, with_for_update=True)
    if hold is None:
        raise NotFoundError(f"no legal hold {hold_id!r} is on record; cjp-fraud privacy holds lists them")
    require_tenant_reach(session, by, hold.tenant_id, {Role.COUNSEL})
    refuse_unless(
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        (bool(reason.strip()), "give the reason"),
        action=f"release legal hold {hold_id}",
    )
    if hold.released_at is None:
        words = keep_text(session, reason.strip(), decision.at)
        hold.released_at, hold.released_by, hold.release_text_id = decision.at, by.reference, words.id
        content = {"tenant_id": hold.tenant_id, "reason_sha256": words.sha256}
        append(decision, RELEASED, LegalHold.__tablename__, hold.id, content)
    return hold


def standing_holds(session: Session, tenant_id: str) -> Sequence[LegalHold]:
    """Return the holds that stand on a tenant's texts, oldest first."""
    return session.scalars(
        select(LegalHold)
        .where(LegalHold.tenant_id == tenant_id, LegalHold.released_at.is_(None))
        .order_by(LegalHold.held_at, LegalHold.id)
    ).all()


def require_tenant(session: Session, tenant_id: str) -> Tenant:
    """Return the tenant; raises NotFoundError if there is none."""
    tenant = session.get(Tenant, tenant_id)
    if tenant is None:
        raise NotFoundError(
            f"no tenant {tenant_id!r} is on record; cjp-fraud tenants show lists those that are"
        )
    return tenant
