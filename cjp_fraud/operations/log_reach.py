"""Which entries of the audit log somebody sees whose roles are narrowed; what is not known to be reached is hidden."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, true

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.contracts.confirmation_tables import ContractEntry
from cjp_fraud.contracts.tables import Subscription, Tenant
from cjp_fraud.contracts.tenant_reach import tenants_within
from cjp_fraud.people.model import Reach, Role
from cjp_fraud.review.case_reach import within_reach
from cjp_fraud.review.tables import Case

READS_LOG: Final = frozenset({Role.AUDITOR, Role.COUNSEL, Role.ADMIN})
"""Roles that search the log; of them only counsel can be narrowed."""

_ABOUT_NO_TENANT: Final = (
    "api_tokens",
    "audit_entries",
    "homes",
    "model_promotions",
    "model_versions",
    "oncall_turns",
    "reason_profiles",
    "users",
    "webhook_endpoints",
)
"""Subjects of entries in which no tenant is named."""

_NAMES_WHAT_WAS_ASKED_FOR: Final = "access.denied"


def entries_within_reach(reach: tuple[Reach, ...] | None) -> ColumnElement[bool]:
    """Return the condition that an entry is about a case or a tenant that is reached, or about none; None: every one.

    An entry of any other kind is hidden, and so are refusals, which name what was asked for.
    """
    if reach is None:
        return true()
    tenants = select(Tenant.id).where(tenants_within(reach))
    subject = AuditEntry.subject_type
    reached = {
        "tenants": tenants,
        "subscriptions": select(Subscription.id).where(Subscription.tenant_id.in_(tenants)),
        "contract_entries": select(ContractEntry.id).where(ContractEntry.tenant_id.in_(tenants)),
    }
    return or_(
        # Never null, so that it can be denied: what is hidden is counted.
        and_(
            AuditEntry.case_id.is_not(None),
            AuditEntry.case_id.in_(select(Case.id).where(within_reach(reach))),
        ),
        and_(
            AuditEntry.case_id.is_(None),
            AuditEntry.action != _NAMES_WHAT_WAS_ASKED_FOR,
            or_(
                subject.in_(_ABOUT_NO_TENANT),
                *(and_(subject == table, AuditEntry.subject_id.in_(ids)) for table, ids in reached.items()),
            ),
        ),
    )
