"""A tenant's contract at one moment: what governs, what was read of it, what term runs; value types and their rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.contract_documents import DocumentSet
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.governing import Governing
from cjp_fraud.contracts.model import OFFERED_CLAUSE, Hosting, PurchaseModel, Right
from cjp_fraud.contracts.offer_catalogue import BoughtService
from cjp_fraud.contracts.provisioning import (
    ProvisioningNotice,
    date_fault,
    part_fault,
    proof_fault,
)
from cjp_fraud.contracts.reason_profiles import ProfileInForce
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.contracts.terms import NoticeTerms


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One version of a governing document."""

    id: str
    version: int
    reference: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What governs a suspension of one tenant at one moment: its contract, as far as it was read.

    Parameters
    ----------
    customer_name : legal name of the customer, by which letters call it; None: not on record.
    governing_document : None where it is not known which document governs.
    right : what that document says about clause 2.4.
    deployment_accepted : whether the provider runs the deployment (clause 3); else ``deployment_fault``.
    term_from, term_to : first moment of the term and first moment after it; None: not given.
    provisioning_notice_date, provisioning_notice_part, provisioning_notice_proof : date (ISO 8601) and part of the
        notice of provisioning that the term rests on (clause 2.1), and where its proof lies; any one None: the term
        is not proven.
    notice_terms : how a suspension is noticed; None where the clause, or any value of the terms, was not read or cannot
        be served; ``notice_terms_fault`` says which.
    longest_measure : the shorter of what document and notice terms say; None where they name none.
    filing_stops : whether a dispute that is only filed already stops a measure.
    former_address_erased : whether an address was entered in the last 30 days, and the one before it was erased.
    versions : ids and digests of what this was read from; a proposal keeps them, and if they have changed
        since, a new proposal is needed.
    terms : all that is on record of the notice terms, also where a value is not read; None: nothing is, or it cannot be
        read.
    provisioning_notices : all that count, in the order of their days; the term runs from the first.
    documents : those documents; None: none were entered, or they cannot be read.
    governing : what governs of the documents that counsel entered, with its reasoning; None: none were entered.
    own_calendars : of the places that the terms count in, with their holidays; None: the terms are not known.
    reason_profiles : laws whose lists a statement of reasons must satisfy; counsel turns them on for who contracted.
    """

    tenant_id: str
    customer_name: str | None
    subscription_id: str
    provider_id: str
    governing_document: DocumentVersion | None
    right: Right
    hosting: Hosting | None
    product: str | None
    deployment_accepted: bool
    deployment_fault: str | None
    term_from: datetime | None
    term_to: datetime | None
    provisioning_notice_date: str | None
    provisioning_notice_part: str | None
    provisioning_notice_proof: str | None
    notice_terms: NoticeTerms | None
    notice_terms_id: str | None
    notice_terms_fault: str | None
    language: str
    time_zone: str
    critical: bool
    country: str | None
    offer_version: str | None
    features: tuple[str, ...]
    longest_measure: timedelta | None
    filing_stops: bool
    former_address_erased: bool
    versions: Mapping[str, str | None]
    terms: ContractTerms | None = None
    own_calendars: Calendars | None = None
    provisioning_notices: tuple[ProvisioningNotice, ...] = ()
    governing: Governing | None = None
    documents: DocumentSet | None = None
    reason_profiles: tuple[ProfileInForce, ...] = ()
    purchase_model: PurchaseModel | None = None

    @property
    def bought(self) -> BoughtService:
        """What was bought, as it is compared with the offer."""
        return BoughtService(
            offer_version=self.offer_version,
            country=self.country,
            features=self.features,
            purchase_model=self.purchase_model,
            hosting=self.hosting,
            product=self.product,
        )

    @property
    def calendars(self) -> Calendars:
        """The calendars of the places that the terms count in; at least the recipient's zone."""
        return self.own_calendars or Calendars(self.time_zone)

    def term_faults(self, at: datetime) -> tuple[str, ...]:
        """Return why the term is not proven at ``at`` (aware; clause 2.1), a sentence each; none: it is.

        It needs both ends, and of the notice of provisioning a date (given by then, and before the term's end), a part
        and a proof.
        """
        given, part, proof = (
            self.provisioning_notice_date,
            self.provisioning_notice_part,
            self.provisioning_notice_proof,
        )
        if self.term_from is None or self.term_to is None or given is None or part is None or proof is None:
            needed = {
                "its first day (term_from of the tenants file)": self.term_from,
                "its end (term_to of the tenants file)": self.term_to,
                "a notice of provisioning with its date": given,
                "the part that the notice of provisioning is about": part,
                "the proof of the notice of provisioning": proof,
            }
            missing = [what for what, value in needed.items() if value is None]
            return (f"the term is not proven; not on record: {', '.join(missing)}",)
        try:
            day = date.fromisoformat(given)
        except ValueError:
            return (f"the term is not proven: the notice of provisioning has no date ({given})",)
        faults = (date_fault(day, self.term_to, self.time_zone, at), part_fault(part), proof_fault(proof))
        return tuple(f"the term is not proven: {fault}" for fault in faults if fault is not None)

    def term_running(self, at: datetime) -> bool:
        """Whether ``at`` (aware) lies inside a term that has both ends."""
        if self.term_from is None or self.term_to is None:
            return False
        return self.term_from <= aware(at) < self.term_to

    @property
    def right_given_in(self) -> tuple[str | None, str | None]:
        """Document and clause in it that give the right; None: not known which, or the clause was not entered."""
        if self.governing is not None and self.governing.right_in is not None:
            return self.governing.right_in, self.governing.clause
        document = self.governing_document
        return (document.reference if document is not None else None), OFFERED_CLAUSE

    @property
    def notice_clause(self) -> str | None:
        """Where the provisions on a suspension's notice stand; None: nobody said."""
        own = self.notice_terms.clause if self.notice_terms is not None else None
        of_all = (
            self.terms.source.clause if self.terms is not None and self.notice_terms is not None else None
        )
        return own or (None if isinstance(of_all, Unstated) else of_all)

    @property
    def clause(self) -> str:
        """Document and clause that a notice relies on, in words."""
        document, clause = self.right_given_in
        if document is None:
            return "clause 2.4"
        relied_on = f"{document}, clause {clause}" if clause is not None else document
        return f"{relied_on}; notices: {self.notice_clause}" if self.notice_clause else relied_on
