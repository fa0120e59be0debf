"""The documents of a contract as counsel enters them: what each says of a suspension, and where and when it holds.

Days are the tenant's local days; the last day belongs to what it ends. A value that a document does not state is left
to the documents below it in the order of precedence; one that nobody has read shuts the gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from cjp_fraud.contracts.contract_terms import ClauseSource, ContractTerms
from cjp_fraud.contracts.countries import is_country, no_country
from cjp_fraud.contracts.field_lines import Place
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.periods import LONGEST
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED, Stated, Unstated
from cjp_fraud.documents import DocumentError, Fault, place_in_words
from cjp_fraud.errors import BadInputError

NO_SOURCE: Final = ClauseSource()


class DocumentKind(StrEnum):
    """Kinds of documents, in the order of precedence that holds where the contract names no other."""

    EXISTING_AGREEMENT = "existing_agreement"
    """Signed between this customer and the provider before: it beats whatever holds by default (preamble)."""
    PURCHASE_AGREEMENT = "purchase_agreement"
    OFFER_DESCRIPTION = "offer_description"
    ORDER = "order"
    POLICY = "policy"
    GENERAL_TERMS = "general_terms"


@dataclass(frozen=True, slots=True)
class Provisions:
    """What a document, an amendment or a supplement says of a suspension.

    Parameters
    ----------
    right : whether it gives the right of clause 2.4; not stated: that is left to the documents below, or to the
        document that is changed.
    longest_measure_hours : longest suspension that it allows.
    filing_stops : whether a dispute that is only filed already stops a measure.
    notice_terms : how it wants notices served, the whole of it: an amendment that changes one value states them all.
    """

    right: Stated[Right] = NOT_STATED
    longest_measure_hours: Stated[int] = NOT_STATED
    filing_stops: Stated[bool] = NOT_STATED
    notice_terms: Stated[ContractTerms] = NOT_STATED

    def __post_init__(self) -> None:
        hours = self.longest_measure_hours
        most = LONGEST // timedelta(hours=1)
        if not isinstance(hours, Unstated) and not 1 <= hours <= most:
            raise BadInputError(
                f"longest_measure_hours {hours}: write whole hours from 1 to {most} (two years), or not_stated"
            )


UNREAD: Final = Provisions(right=NOT_READ)
"""What an entry says of which nobody has written anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """First and last day on which something holds; None: since ever, or still."""

    from_day: date | None = None
    to_day: date | None = None

    def __post_init__(self) -> None:
        if self.from_day is not None and self.to_day is not None and self.to_day < self.from_day:
            raise BadInputError(
                f"to_day {self.to_day} lies before from_day {self.from_day}; the last day belongs to it"
            )

    def holds(self, day: date) -> bool:
        """Whether ``day`` lies in it."""
        return (self.from_day or date.min) <= day <= (self.to_day or date.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDocument(Period):
    """One document, in one version.

    Parameters
    ----------
    name : short, by which the file's other entries refer to it; unique.
    title, version : as the document names itself.
    territories : ISO 3166-1 alpha-2; empty: everywhere.
    entity : contracting entity of the provider; None: any.
    plan : an offer description of this plan governs what was bought inside it, and nothing else; None: of no plan.
    source : where it was read: clause, its text, version and digest of the page.
    page : page of the file that was read, in words.
    """

    name: str
    kind: DocumentKind
    title: str
    version: str | None = None
    territories: tuple[str, ...] = ()
    entity: str | None = None
    plan: str | None = None
    says: Provisions = UNREAD
    source: ClauseSource = NO_SOURCE
    page: str | None = None

    @property
    def words(self) -> str:
        """How sentences call it."""
        version = f", version {self.version}" if self.version else ""
        return f"{self.title}{version} ({self.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A change of a document from ``effective`` on; what it does not state stays as it was."""

    name: str
    of: str
    effective: date
    says: Provisions = UNREAD
    source: ClauseSource = NO_SOURCE
    page: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplement(Period):
    """What holds beside a document in some territories, or for one contracting entity; it beats the document."""

    name: str
    of: str
    territories: tuple[str, ...] = ()
    entity: str | None = None
    says: Provisions = UNREAD
    source: ClauseSource = NO_SOURCE
    page: str | None = None


Entry = ContractDocument | Amendment | Supplement


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """All documents of one subscription.

    Parameters
    ----------
    contracting_entity : of the provider, which signed; None: not known.
    precedence : kinds of documents, the one that beats all others first; each that a document has stands in it.

    Raises
    ------
    DocumentError
        Naming all that does not fit together: a name twice, a document that is not there, a kind without a rank.
    """

    documents: tuple[ContractDocument, ...]
    amendments: tuple[Amendment, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    contracting_entity: str | None = None
    precedence: tuple[DocumentKind, ...] = tuple(DocumentKind)

    def __post_init__(self) -> None:
        if faults := [*set_up_faults(self)]:
            raise DocumentError("document set", tuple(faults))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that was entered."""
        return (*self.documents, *self.amendments, *self.supplements)


def set_up_faults(documents: DocumentSet) -> Iterator[Fault]:
    """Yield what does not fit together in a set of documents, with its place in the file that enters them."""
    if not documents.documents:
        yield Fault(("documents",), "there is no document; enter at least one under [[documents]]")
    named = [
        ((kind, number), entry)
        for kind in ("documents", "amendments", "supplements")
        for number, entry in enumerate(getattr(documents, kind))
    ]
    first: dict[str, Place] = {}
    for place, entry in named:
        if entry.name in first:
            yield Fault(
                (*place, "name"),
                f"{place_in_words(first[entry.name])} has the name {entry.name!r} already; "
                "give each entry its own",
            )
        first.setdefault(entry.name, place)
    for place, entry in named:
        yield from _entry_faults(documents, place, entry)
    if len(set(documents.precedence)) < len(documents.precedence):
        yield Fault(("precedence",), "precedence names a kind twice; leave one of the two out")


def _entry_faults(documents: DocumentSet, place: Place, entry: Entry) -> Iterator[Fault]:
    by_name = {document.name: document for document in documents.documents}
    if not isinstance(entry, ContractDocument) and entry.of not in by_name:
        known = ", ".join(sorted(by_name))
        yield Fault(
            (*place, "of"), f"{entry.name} changes {entry.of!r}, which is none of the documents ({known})"
        )
    if isinstance(entry, Amendment):
        of = by_name.get(entry.of)
        if of is not None and not of.holds(entry.effective):
            yield Fault(
                (*place, "effective"),
                f"amendment {entry.name} is effective {entry.effective}, when {entry.of} does not hold; "
                "correct one of the two",
            )
        return
    if isinstance(entry, Supplement) and bool(entry.territories) == (entry.entity is not None):
        yield Fault(place, f"supplement {entry.name}: give either territories or entity")
    for number, country in enumerate(entry.territories):
        if not is_country(country):
            yield Fault((*place, "territories", number), f"{entry.name}: {no_country(country)}")
    if isinstance(entry, ContractDocument):
        yield from _document_faults(documents, place, entry)


def _document_faults(documents: DocumentSet, place: Place, document: ContractDocument) -> Iterator[Fault]:
    if document.kind not in documents.precedence:
        yield Fault(
            ("precedence",),
            f"{document.name} is of kind {document.kind}, to which precedence gives no rank; add it",
        )
    if document.plan is not None and document.kind is not DocumentKind.OFFER_DESCRIPTION:
        yield Fault(
            (*place, "plan"), f"{document.name}: only an offer description is of a plan; leave plan out"
        )
