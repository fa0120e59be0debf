"""Enter a contract, have a second person confirm it, and check the tenant's open cases again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.contracts import entries
from cjp_fraud.contracts.contract_entry import ContractLoaded, load_contract
from cjp_fraud.contracts.contract_file import ContractFile, read_contract_file, read_contract_text
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.entries import EntryView, entries_on_record
from cjp_fraud.deployment import Deployment
from cjp_fraud.documents import to_document
from cjp_fraud.operations.contracts import ContractView, contract_view
from cjp_fraud.operations.reach import tenants_reached
from cjp_fraud.people.model import Decision
from cjp_fraud.review.model import CLOSED_STATES, CaseState
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.earliest import earliest_measures
from cjp_fraud.suspension.gate_facts import gate_facts


@dataclass(frozen=True, slots=True)
class CaseChecked:
    """An open case of the tenant, checked again; ``missing``: for every kind of measure, by what is entered now."""

    number: int
    state: CaseState
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryPreview:
    """What would be on record if a contract's file were confirmed now; nothing of it is.

    Parameters
    ----------
    changed : names of the parts that would be new on record.
    before, after : the contract, each value beside its page.
    """

    tenant_id: str
    changed: tuple[str, ...]
    before: ContractView
    after: ContractView
    cases: tuple[CaseChecked, ...]


@dataclass(frozen=True, slots=True)
class EntryConfirmed:
    """What a confirmation put on record, and what it means for the tenant's open cases."""

    loaded: ContractLoaded
    cases: tuple[CaseChecked, ...]


class _Undone(Exception):
    """Ends a transaction of which nothing shall stay."""


def enter_text(deployment: Deployment, by: str, now: datetime, name: str, text: str) -> EntryView:
    """Enter a contract as counsel; it counts once a second person has confirmed it (:func:`confirm_entry`).

    Parameters
    ----------
    name : as a file's; its end says what the text is: ``acme.toml``, ``acme.json``.

    Raises
    ------
    BadInputError
        Naming what of it cannot be used; then nothing is kept.
    Refused
        If ``by`` is not counsel.
    """
    text = text.replace("\r\n", "\n")
    file = read_contract_text(name, text)
    with deployment.deciding(by, now) as decision:
        row = entries.enter_contract(decision, file, text)
        return next(each for each in entries_on_record(decision.session) if each.id == row.id)


def load(deployment: Deployment, by: str, now: datetime, file: Path) -> ContractLoaded:
    """Put a contract's file on record at once, as counsel alone; the same file again changes nothing.

    The tenant's open cases are checked again, as :func:`confirm_entry` does.

    Raises
    ------
    BadInputError
        Naming what of the file cannot be used; then nothing is stored.
    Refused
        If ``by`` is not counsel.
    """
    read = read_contract_file(file)
    with deployment.deciding(by, now) as decision:
        loaded = load_contract(decision, read)
        note_change(decision, deployment, loaded)
        return loaded


def preview(deployment: Deployment, by: str, now: datetime, name: str, text: str) -> EntryPreview:
    """Say what would be on record, and what open cases would lack then; raises as :func:`enter_text` does."""
    file = read_contract_text(name, text.replace("\r\n", "\n"))
    shown: EntryPreview | None = None
    try:
        with deployment.deciding(by, now) as decision:
            shown = _preview(deployment, decision, file)
            raise _Undone
    except _Undone:
        pass
    assert shown is not None, "only what was made is undone"
    return shown


def _preview(deployment: Deployment, decision: Decision, file: ContractFile) -> EntryPreview:
    session, at = decision.session, decision.at
    before = contract_view(session, file.tenant, at)
    loaded = load_contract(decision, file)
    return EntryPreview(
        tenant_id=file.tenant,
        changed=loaded.changed,
        before=before,
        after=contract_view(session, file.tenant, at),
        cases=_checked(session, deployment, file.tenant, at) if loaded.changed else (),
    )


def confirm_entry(deployment: Deployment, by: str, now: datetime, entry_id: str) -> EntryConfirmed:
    """Put on record what was entered, as a second person, and check the tenant's open cases again.

    Each of them has the change in its timeline, so that nobody acts on a page that was made before it.

    Raises
    ------
    NotFoundError, Refused, BadInputError
        As :func:`cjp_fraud.contracts.entries.confirm_entry`.
    """
    with deployment.deciding(by, now) as decision:
        loaded = entries.confirm_entry(decision, entry_id)
        return EntryConfirmed(loaded, note_change(decision, deployment, loaded))


def note_change(
    decision: Decision, deployment: Deployment, loaded: ContractLoaded
) -> tuple[CaseChecked, ...]:
    """Check a tenant's open cases again after its contract changed, and put that into their timelines."""
    if not loaded.changed:
        return ()
    session = decision.session
    checked = _checked(session, deployment, loaded.tenant_id, decision.at)
    for row in _open_cases(session, loaded.tenant_id):
        missing = next(len(each.missing) for each in checked if each.number == row.number)
        content = {"changed": list(loaded.changed), "missing": missing}
        append(decision, "case.contract_changed", "cases", row.id, content, case_id=row.id)
    return checked


def withdraw_entry(deployment: Deployment, by: str, now: datetime, entry_id: str) -> None:
    """Withdraw what waits, as counsel."""
    with deployment.deciding(by, now) as decision:
        entries.withdraw_entry(decision, entry_id)


def list_entries(
    deployment: Deployment, *, all_there_are: bool = False, by: str | None = None
) -> tuple[EntryView, ...]:
    """Return the contracts that wait for a second person; or all that were entered, the newest first.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        reached = tenants_reached(session, by)
        listed = entries_on_record(session, waiting_only=not all_there_are)
        return tuple(each for each in listed if reached is None or each.tenant_id in reached)


def text_on_record(deployment: Deployment, now: datetime, tenant_id: str) -> str:
    """Return a tenant's contract as it stands, as the text (JSON) of a file that would enter it.

    Addresses and notices of provisioning are left out: what a file does not name stays.

    Raises
    ------
    NotFoundError
        If the tenant is not on record.
    """
    with reading(deployment.engine) as session:
        position = contract_at(session, tenant_id, now)
    document: dict[str, Any] = {"tenant": tenant_id}
    if position.documents is not None:
        document |= _without_nothing(to_document(position.documents))
    elif position.terms is not None:
        document["notice_terms"] = _without_nothing(to_document(position.terms))
    return json.dumps(document, ensure_ascii=False, indent=2)


def _without_nothing(value: Any) -> Any:
    """Return a document without fields that say nothing (null)."""
    if isinstance(value, dict):
        return {key: _without_nothing(inner) for key, inner in value.items() if inner is not None}
    return [_without_nothing(inner) for inner in value] if isinstance(value, list | tuple) else value


def _checked(
    session: Session, deployment: Deployment, tenant_id: str, at: datetime
) -> tuple[CaseChecked, ...]:
    session.flush()
    return tuple(
        CaseChecked(row.number, row.state, _missing(session, deployment, row, at))
        for row in _open_cases(session, tenant_id)
    )


def _missing(session: Session, deployment: Deployment, row: Case, at: datetime) -> tuple[str, ...]:
    measures = earliest_measures(gate_facts(session, row, deployment.policy, at), at)
    first = measures[0].missing if measures else ()
    return tuple(sentence for sentence in first if all(sentence in each.missing for each in measures))


def _open_cases(session: Session, tenant_id: str) -> Iterator[Case]:
    yield from session.scalars(
        select(Case)
        .where(Case.tenant_id == tenant_id, Case.state.not_in(CLOSED_STATES))
        .order_by(Case.number)
    ).all()
