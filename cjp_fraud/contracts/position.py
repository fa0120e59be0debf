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
from cjp_fraud.contracts.model import Hosting, Right
from cjp_fraud.contracts.provisioning import (
    ProvisioningNotice,
    date_fault,
    part_fault,
    proof_fault,
)
from cjp_fraud.contracts.reason_profiles import ProfileInForce
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
    own_calendars : of the places that the terms count in, with their holidays; None: they count in none.
    reason_profiles : laws whose lists the provider's statements of reasons must satisfy; counsel turns them on.
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
            return (
                "the term is not proven: it needs both ends, and date, part and proof of the notice of provisioning",
            )
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
    def clause(self) -> str:
        """Document and clause that a notice relies on, in words."""
        if self.governing_document is None:
            return "clause 2.4"
        served = self.notice_terms.clause if self.notice_terms else None
        clause = self.governing.clause if self.governing is not None else None
        notices = f"; notices: {served}" if served else ""
        return f"{self.governing_document.reference}, clause {clause or '2.4'}{notices}"
