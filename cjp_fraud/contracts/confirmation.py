"""What a feed changes of contract data counts for a measure once counsel or a second approver has confirmed it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.recording import insert_rows
from cjp_fraud.clock import aware
from cjp_fraud.contracts.confirmation_tables import ContractConfirmation, FeedEdit
from cjp_fraud.contracts.model import FeedStanding
from cjp_fraud.contracts.tenant_reach import require_tenant_reach
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Actor, Decision, Part, Role
from cjp_fraud.people.participation import deciders, newcomer_faults, record_part, record_parts
from cjp_fraud.storage.base import Base, new_id
from cjp_fraud.storage.many_rows import new_row
from cjp_fraud.storage.read_rows import has_none

# Made once: to make a statement takes longer than to run it.
_NEWEST_EDIT: Final = (
    select(FeedEdit)
    .where(FeedEdit.tenant_id == bindparam("tenant_id"))
    .order_by(FeedEdit.recorded_at.desc(), FeedEdit.id.desc())
    .limit(1)
)


def record_edit(session: Session, by: Actor, tenant_id: str, at: datetime) -> None:
    """Record who edited a tenant's contract data: a person took part, a feed must be confirmed.

    Parameters
    ----------
    by : a person, a feed, or another machine, of which there is no row.
    at : aware.
    """
    if by.feed is None:
        record_part(session, by, Part.EDITED_CONTRACT, tenant_id, at)
    else:
        session.add(FeedEdit(id=new_id(), tenant_id=tenant_id, feed=by.feed, at=aware(at)))


def record_edits(decision: Decision, tenant_ids: Collection[str]) -> Mapping[str, Base]:
    """Record at once who edited the contract data of many tenants; see :func:`record_edit`.

    Returns
    -------
    each tenant's row; none of a machine that is no feed.
    """
    session, by, at = decision.session, decision.by, aware(decision.at)
    if by.feed is None:
        return record_parts(decision, Part.EDITED_CONTRACT, tenant_ids)
    edits = {
        tenant_id: new_row(FeedEdit, id=new_id(), tenant_id=tenant_id, feed=by.feed, at=at)
        for tenant_id in tenant_ids
    }
    insert_rows(session, edits.values())
    return edits


def feed_standing(session: Session, tenant_id: str, case_id: str) -> FeedStanding:
    """Return where a tenant stands: who has confirmed all that feeds have edited so far.

    A confirmation covers the edits that were on record when it was given: counted, for clocks may stand still.

    Parameters
    ----------
    case_id : the case that is asked about; who took part in it cannot confirm for it.
    """
    if has_none(session, FeedEdit, tenant_id):
        return FeedStanding(None, frozenset())
    edit = session.scalar(_NEWEST_EDIT, {"tenant_id": tenant_id})
    if edit is None:
        return FeedStanding(None, frozenset())
    confirmed = frozenset(
        session.scalars(
            select(ContractConfirmation.by_user_id).where(
                ContractConfirmation.tenant_id == tenant_id,
                ContractConfirmation.edits_covered == _edits(session, tenant_id),
            )
        )
    )
    return FeedStanding(edit.feed, confirmed, confirmed & deciders(session, case_id))


def confirm_contract(decision: Decision, tenant_id: str) -> ContractConfirmation:
    """Confirm, as counsel or as an approver, what feeds have changed of a tenant's contract data until now.

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    Refused
        Names everything that stands in the way.
    """
    session, by = decision.session, decision.by
    require_tenant(session, tenant_id)
    require_tenant_reach(session, by, tenant_id, {Role.COUNSEL, Role.APPROVER})
    role = Role.COUNSEL if Role.COUNSEL in by.roles else Role.APPROVER
    refuse_unless(
        (by.may(Role.COUNSEL, Role.APPROVER), f"{by} is neither counsel nor an approver"),
        *((False, fault) for fault in newcomer_faults(session, by, role, None, decision.at)),
        action=f"confirm the contract data of tenant {tenant_id}",
    )
    assert by.user_id is not None, "only persons have roles"
    row = ContractConfirmation(
        id=new_id(),
        tenant_id=tenant_id,
        by_user_id=by.user_id,
        edits_covered=_edits(session, tenant_id),
        at=decision.at,
    )
    session.add(row)
    session.flush()
    append(decision, "contract.confirmed", "tenants", tenant_id, {"confirmation_id": row.id})
    return row


def _edits(session: Session, tenant_id: str) -> int:
    of_tenant = select(func.count()).select_from(FeedEdit).where(FeedEdit.tenant_id == tenant_id)
    return session.scalar(of_tenant) or 0
