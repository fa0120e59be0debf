"""Contracts that counsel entered: each counts once a second person has confirmed it, and not before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.confirmation import record_edit
from cjp_fraud.contracts.confirmation_tables import ContractEntry
from cjp_fraud.contracts.contract_entry import ContractLoaded, load_contract
from cjp_fraud.contracts.contract_file import ContractFile, read_contract_text
from cjp_fraud.contracts.model import EntryState
from cjp_fraud.contracts.tenant_reach import require_tenant_reach
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.participation import newcomer_faults
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_of
from cjp_fraud.storage.base import new_id

ENTRY_LASTS: Final = timedelta(days=14)
"""An entry that nobody confirmed by then is of no use: so that who entered it is still kept from approving for this
tenant when it begins to count."""


@dataclass(frozen=True, slots=True)
class EntryView:
    """A contract that was entered.

    Parameters
    ----------
    text : the file; None: it was erased.
    decided_by, decided_at : who confirmed or withdrew it; None: it waits.
    """

    id: str
    tenant_id: str
    file_name: str
    state: EntryState
    entered_by: str
    entered_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    text: str | None


def enter_contract(decision: Decision, file: ContractFile, text: str) -> ContractEntry:
    """Keep a contract's file until a second person confirms it; one that waits already is not kept twice.

    Who enters it has edited the contract, and may not approve for this tenant for 30 days.

    Raises
    ------
    NotFoundError
        If the tenant is not on record.
    Refused
        If who acts is not counsel.
    """
    session, by = decision.session, decision.by
    refuse_unless((by.may(Role.COUNSEL), f"{by} is not counsel"), action=f"enter {file.name}")
    require_tenant(session, file.tenant)
    require_tenant_reach(session, by, file.tenant, {Role.COUNSEL})
    assert by.user_id is not None, "only persons have roles"
    waiting = session.execute(
        select(ContractEntry, PersonalText.body)
        .join(PersonalText, PersonalText.id == ContractEntry.text_id)
        .where(ContractEntry.tenant_id == file.tenant, ContractEntry.state == EntryState.WAITING)
    )
    for entry, body in waiting:
        if body == text and entry.file_name == file.name:
            return entry
    words = keep_text(session, text, decision.at)
    row = ContractEntry(
        id=new_id(),
        tenant_id=file.tenant,
        file_name=file.name,
        text_id=words.id,
        state=EntryState.WAITING,
        entered_by=by.user_id,
        entered_at=decision.at,
    )
    session.add(row)
    record_edit(session, by, file.tenant, decision.at)
    session.flush()
    content = {"tenant_id": file.tenant, "text_sha256": words.sha256}
    append(decision, "contract.entered", "contract_entries", row.id, content)
    return row


def confirm_entry(decision: Decision, entry_id: str) -> ContractLoaded:
    """Put on record what was entered, as a second person: counsel, or an approver.

    Who confirms has edited the contract too, and may not approve for this tenant for 30 days.

    Raises
    ------
    NotFoundError
        If nothing was entered under this id.
    Refused
        Names everything that stands in the way.
    BadInputError
        If what was entered does not fit any more what is on record.
    """
    session, by = decision.session, decision.by
    row = _locked(session, entry_id)
    require_tenant_reach(session, by, row.tenant_id, {Role.COUNSEL, Role.APPROVER})
    text = session.get_one(PersonalText, row.text_id).body
    role = Role.COUNSEL if Role.COUNSEL in by.roles else Role.APPROVER
    refuse_unless(
        (row.state is EntryState.WAITING, f"it is {row.state} already"),
        (by.may(Role.COUNSEL, Role.APPROVER), f"{by} is neither counsel nor an approver"),
        (
            decision.at < row.entered_at + ENTRY_LASTS,
            f"it was entered more than {ENTRY_LASTS.days} days ago; look at the contract and enter it again",
        ),
        (by.user_id != row.entered_by, f"{by} entered it; a second person confirms"),
        *((False, fault) for fault in newcomer_faults(session, by, role, None, decision.at)),
        (text is not None, "its text was erased"),
        action=f"confirm what was entered of tenant {row.tenant_id}",
    )
    assert text is not None, "asked above"
    file = read_contract_text(row.file_name, text)
    _decide(decision, row, EntryState.CONFIRMED, "contract.entry_confirmed")
    return load_contract(decision, file, entered_by=actor_of(session, session.get_one(User, row.entered_by)))


def withdraw_entry(decision: Decision, entry_id: str) -> None:
    """Withdraw what waits, as counsel; nothing of it was ever on record as a contract.

    Raises
    ------
    NotFoundError
        If nothing was entered under this id.
    Refused
        Names everything that stands in the way.
    """
    row = _locked(decision.session, entry_id)
    require_tenant_reach(decision.session, decision.by, row.tenant_id, {Role.COUNSEL})
    refuse_unless(
        (row.state is EntryState.WAITING, f"it is {row.state} already"),
        (decision.by.may(Role.COUNSEL), f"{decision.by} is not counsel"),
        action=f"withdraw what was entered of tenant {row.tenant_id}",
    )
    _decide(decision, row, EntryState.WITHDRAWN, "contract.entry_withdrawn")


def entries_on_record(session: Session, *, waiting_only: bool = True) -> tuple[EntryView, ...]:
    """Return what was entered, the newest first."""
    entering, deciding = aliased(User), aliased(User)
    query = (
        select(ContractEntry, PersonalText.body, entering.name, deciding.name)
        .join(PersonalText, PersonalText.id == ContractEntry.text_id)
        .join(entering, entering.id == ContractEntry.entered_by)
        .outerjoin(deciding, deciding.id == ContractEntry.decided_by)
        .order_by(ContractEntry.id.desc())
    )
    if waiting_only:
        query = query.where(ContractEntry.state == EntryState.WAITING)
    return tuple(
        EntryView(
            row.id,
            row.tenant_id,
            row.file_name,
            row.state,
            by,
            row.entered_at,
            decided_by,
            row.decided_at,
            text,
        )
        for row, text, by, decided_by in session.execute(query)
    )


def _locked(session: Session, entry_id: str) -> ContractEntry:
    row = session.get(ContractEntry, entry_id, with_for_update=True)
    if row is None:
        raise NotFoundError(f"nothing was entered under {entry_id!r}; contracts entries lists what waits")
    return row


def _decide(decision: Decision, row: ContractEntry, state: EntryState, action: str) -> None:
    row.state, row.decided_by, row.decided_at = state, decision.by.user_id, decision.at
    decision.session.flush()
    append(decision, action, "contract_entries", row.id, {"tenant_id": row.tenant_id})
