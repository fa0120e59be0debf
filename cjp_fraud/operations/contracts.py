"""What contracts allow, and from when; ``case`` is a case's number or id, as people type it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from cjp_fraud.contracts import contract_entry
from cjp_fraud.contracts.address_book import KnownAddress, addresses_known
from cjp_fraud.contracts.contract_entry import ContractLoaded
from cjp_fraud.contracts.contract_explanation import Explained, explained
from cjp_fraud.contracts.contract_file import read_contract_file
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.documents_on_record import documents_at
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.offer_catalogue import offer_remarks
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.provisioning import ProvisioningNotice
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.tables import NoticeTermsVersion
from cjp_fraud.deployment import Deployment
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.earliest import Earliest, earliest_measures
from cjp_fraud.suspension.gate_facts import gate_facts


@dataclass(frozen=True, slots=True)
class EarliestView:
    """The earliest lawful minute of one measure on one case; see :class:`cjp_fraud.suspension.earliest.Earliest`."""

    case: int
    measure: MeasureKind
    proposed: bool
    earliest_at: datetime | None
    missing: tuple[str, ...]
    missing_then: tuple[str, ...]
    path: tuple[str, ...]


def earliest(deployment: Deployment, now: datetime, case: str) -> tuple[EarliestView, ...]:
    """Return the earliest lawful minute of every kind of measure, the narrowest first.

    Parameters
    ----------
    now : aware.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    """
    with reading(deployment.engine) as session:
        at_one_moment(session)  # its rows and what the log says of them
        row = session.get_one(Case, case_id_of(session, case))
        facts = gate_facts(session, row, deployment.policy, now)
        return tuple(_view(row.number, measure) for measure in earliest_measures(facts, now))


def _view(case: int, measure: Earliest) -> EarliestView:
    return EarliestView(
        case=case,
        measure=measure.kind,
        proposed=measure.proposed,
        earliest_at=measure.at,
        missing=measure.missing,
        missing_then=measure.missing_then,
        path=measure.path,
    )


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value of a contract beside its source.

    Parameters
    ----------
    says : None: not known.
    source : who entered it, or which file and line; None: nobody did.
    recorded_at : aware; None: it is not on record.
    page : from which it was read; None: not said.
    """

    name: str
    says: str | None
    source: str | None
    recorded_at: datetime | None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class ContractView:
    """A tenant's contract at a moment, each value beside its source.

    Parameters
    ----------
    governing_document : None: it is not known which governs; ``faults`` says why.
    term_from, term_to : first moment of the term and first moment after it, UTC.
    provisioning_notices : in the order of their days; the term runs from the first.
    values : the documents with their amendments and supplements, and the notice terms, with their sources.
    """

    tenant_id: str
    at: datetime
    governing_document: str | None
    right: Right
    clause: str
    term_from: datetime | None
    term_to: datetime | None
    faults: tuple[str, ...]
    provisioning_notices: tuple[ProvisioningNotice, ...]
    values: tuple[Sourced, ...]


@dataclass(frozen=True, slots=True)
class ContractExplained:
    """The chain of reasoning behind a tenant's contract at a moment, topic by topic."""

    tenant_id: str
    at: datetime
    governing_document: str | None
    right: Right
    chain: tuple[Explained, ...]


def load(deployment: Deployment, by: str, now: datetime, file: Path) -> ContractLoaded:
    """Put a contract's file on record, as counsel; the same file again changes nothing.

    Raises
    ------
    BadInputError
        Naming what of the file cannot be used; then nothing is stored.
    Refused
        If ``by`` is not counsel.
    """
    read = read_contract_file(file)
    with deployment.deciding(by, now) as decision:
        return contract_entry.load_contract(decision, read)


def show(deployment: Deployment, now: datetime, tenant_id: str, at: datetime | None = None) -> ContractView:
    """Return a tenant's contract at ``at`` (aware; None: now), by what is known at ``now``."""
    with reading(deployment.engine) as session:
        position = contract_at(session, tenant_id, at or now, known_at=now)
        values = _values(session, position, now)
    document = position.governing_document
    governing_faults = position.governing.faults if position.governing is not None else ()
    unread = (position.notice_terms_fault,) if position.notice_terms_fault is not None else ()
    return ContractView(
        tenant_id=tenant_id,
        at=at or now,
        governing_document=document.reference if document is not None else None,
        right=position.right,
        clause=position.clause,
        term_from=position.term_from,
        term_to=position.term_to,
        faults=(*governing_faults, *position.term_faults(at or now), *unread),
        provisioning_notices=position.provisioning_notices,
        values=values,
    )


def explain(
    deployment: Deployment, now: datetime, tenant_id: str, at: datetime | None = None
) -> ContractExplained:
    """Return why a tenant's contract stands as it does at ``at`` (aware; None: now), by what is known at ``now``."""
    moment = at or now
    with reading(deployment.engine) as session:
        position = contract_at(session, tenant_id, moment, known_at=now)
    remarks = offer_remarks(position.offer_version, position.country, position.features)
    document = position.governing_document
    return ContractExplained(
        tenant_id=tenant_id,
        at=moment,
        governing_document=document.reference if document is not None else None,
        right=position.right,
        chain=explained(position, remarks, moment),
    )


def addresses(
    deployment: Deployment,
    now: datetime,
    tenant_id: str,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> tuple[KnownAddress, ...]:
    """Return the addresses that were true at ``at``, by what was recorded at ``known_at`` (aware; None: now)."""
    with reading(deployment.engine) as session:
        return addresses_known(session, tenant_id, at or now, known_at)


def _values(session: Session, position: Contract, now: datetime) -> tuple[Sourced, ...]:
    values = []
    row = documents_at(session, position.subscription_id, now)
    documents = position.documents
    if row is not None and documents is not None:
        for entry in documents.entries:
            values.append(
                Sourced(entry.name, f"right: {entry.says.right}", row.source, row.recorded_at, entry.page)
            )
    terms = (
        session.get(NoticeTermsVersion, position.notice_terms_id)
        if position.notice_terms_id is not None
        else None
    )
    page = None
    if position.terms is not None and isinstance(position.terms.source.clause, str):
        page = str(position.terms.source.clause)
    values.append(
        Sourced(
            "notice terms",
            terms.reading if terms is not None else None,
            terms.source if terms is not None else None,
            terms.recorded_at if terms is not None else None,
            page,
        )
    )
    return tuple(values)
