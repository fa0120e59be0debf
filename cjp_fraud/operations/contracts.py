"""What contracts allow, and from when; ``case`` is a case's number or id, as people type it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from cjp_fraud.contracts.address_book import KnownAddress, addresses_known
from cjp_fraud.contracts.contract_explanation import Explained, explained
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.documents_on_record import documents_at
from cjp_fraud.contracts.model import Reading, Right
from cjp_fraud.contracts.offer_catalogue import Offer, offers_with
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.provisioning import ProvisioningNotice
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.stated import Unstated, stated
from cjp_fraud.contracts.tables import ContractDocuments, NoticeTermsVersion, SubscriptionTerms
from cjp_fraud.contracts.terms_listed import EnteredTerm, listed
from cjp_fraud.deployment import Deployment
from cjp_fraud.review.case_lines import outline_on_record
from cjp_fraud.review.case_outline import CaseOutline, exposure_until
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case, CaseLine
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.earliest import Earliest, earliest_measures
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import GateFacts


@dataclass(frozen=True, slots=True)
class EarliestView:
    """The earliest lawful minute of one measure on one case; see :class:`cjp_fraud.suspension.earliest.Earliest`.

    Parameters
    ----------
    exposure_cents : what is charged until then, if it goes on as in the hour of the last flag, counted as in the case's
        line; None: there is no such minute, or the case's flags were all taken back.
    """

    case: int
    measure: MeasureKind
    proposed: bool
    earliest_at: datetime | None
    missing: tuple[str, ...]
    missing_then: tuple[str, ...]
    path: tuple[str, ...]
    binds: tuple[str, ...]
    exposure_cents: int | None


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
        return earliest_views(row.number, facts, now, outline_on_record(session.get(CaseLine, row.id)))


def earliest_views(
    case: int, facts: GateFacts, now: datetime, shown: CaseOutline | None
) -> tuple[EarliestView, ...]:
    """Return the same of the case with this number, by facts that the gate sees at ``now``; ``shown``: its line."""
    return tuple(_view(case, measure, now, shown) for measure in earliest_measures(facts, now))


def _view(case: int, measure: Earliest, now: datetime, shown: CaseOutline | None) -> EarliestView:
    return EarliestView(
        case=case,
        measure=measure.kind,
        proposed=measure.proposed,
        earliest_at=measure.at,
        missing=measure.missing,
        missing_then=measure.missing_then,
        path=measure.path,
        binds=measure.binds,
        exposure_cents=(
            exposure_until(shown, now, measure.at) if shown is not None and measure.at is not None else None
        ),
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
    country : of the tenant's site, or of the order (ISO 3166-1); None: not known.
    term_from, term_to : first moment of the term and first moment after it, UTC.
    agents : purchased agents, standard and premium; None: not given.
    provisioning_notices : in the order of their days; the term runs from the first.
    values : the documents with their amendments and supplements, and the notice terms, with their sources.
    terms : the notice terms in force, entry by entry; empty: none are on record, or they cannot be read.
    """

    tenant_id: str
    country: str | None
    at: datetime
    governing_document: str | None
    right: Right
    clause: str
    term_from: datetime | None
    term_to: datetime | None
    agents: int | None
    faults: tuple[str, ...]
    provisioning_notices: tuple[ProvisioningNotice, ...]
    values: tuple[Sourced, ...]
    terms: tuple[EnteredTerm, ...]


@dataclass(frozen=True, slots=True)
class ContractExplained:
    """The chain of reasoning behind a tenant's contract at a moment, topic by topic."""

    tenant_id: str
    at: datetime
    governing_document: str | None
    right: Right
    chain: tuple[Explained, ...]


def offers(deployment: Deployment) -> tuple[Offer, ...]:
    """Return all versions of the offer description that are known: those shipped, and those of the own folder."""
    return offers_with(deployment.settings.offers_dir).offers


def show(deployment: Deployment, now: datetime, tenant_id: str, at: datetime | None = None) -> ContractView:
    """Return a tenant's contract at ``at`` (aware; None: now), by what is known at ``now``."""
    with reading(deployment.engine) as session:
        return contract_view(session, tenant_id, now, at)


def contract_view(
    session: Session, tenant_id: str, now: datetime, at: datetime | None = None
) -> ContractView:
    """Return the same, read in a session that others read in too."""
    position = contract_at(session, tenant_id, at or now, known_at=now)
    values = _values(session, position, now)
    document = position.governing_document
    governing_faults = position.governing.faults if position.governing is not None else ()
    unread = (position.notice_terms_fault,) if position.notice_terms_fault is not None else ()
    return ContractView(
        tenant_id=tenant_id,
        country=position.country,
        at=at or now,
        governing_document=document.reference if document is not None else None,
        right=position.right,
        clause=position.clause,
        term_from=position.term_from,
        term_to=position.term_to,
        agents=_agents(session, position),
        faults=(*governing_faults, *position.term_faults(at or now), *unread),
        provisioning_notices=position.provisioning_notices,
        values=values,
        terms=listed(position.terms) if position.terms is not None else (),
    )


def explain(
    deployment: Deployment, now: datetime, tenant_id: str, at: datetime | None = None
) -> ContractExplained:
    """Return why a tenant's contract stands as it does at ``at`` (aware; None: now), by what is known at ``now``."""
    moment = at or now
    with reading(deployment.engine) as session:
        position = contract_at(session, tenant_id, moment, known_at=now)
    remarks = offers_with(deployment.settings.offers_dir).remarks(position.bought)
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


def _agents(session: Session, position: Contract) -> int | None:
    """Return the purchased agents, standard and premium; None: neither is given."""
    terms_id = position.versions.get("subscription_terms")
    bought = session.get(SubscriptionTerms, terms_id) if terms_id is not None else None
    counts = (bought.agents_standard, bought.agents_premium) if bought is not None else ()
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _values(session: Session, position: Contract, now: datetime) -> tuple[Sourced, ...]:
    values = []
    row = documents_at(session, position.subscription_id, now)
    documents = position.documents
    if row is not None and documents is not None:
        for entry in documents.entries:
            values.append(
                Sourced(entry.name, f"right: {entry.says.right}", row.source, row.recorded_at, entry.page)
            )
    values.append(_notice_terms_value(session, position, row))
    return tuple(values)


def _notice_terms_value(session: Session, position: Contract, row: ContractDocuments | None) -> Sourced:
    """Return the notice terms beside their source: the documents, or what was entered of the contract as a whole."""
    page = stated(position.terms.source.clause) if position.terms is not None else None
    answer = position.governing
    if row is not None and answer is not None and answer.terms_of is not None:
        reading_of = Reading.NOT_READ if isinstance(answer.terms, Unstated) else Reading.READ
        return Sourced(f"notice terms ({answer.terms_of})", reading_of, row.source, row.recorded_at, page)
    terms_id = position.notice_terms_id
    terms = session.get(NoticeTermsVersion, terms_id) if terms_id is not None else None
    if terms is None:
        return Sourced("notice terms", None, None, None, page)
    return Sourced("notice terms", terms.reading, terms.source, terms.recorded_at, page)
