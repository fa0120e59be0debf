"""The documents of a contract as counsel enters them: what each says of a suspension, and where and when it holds.

Days are the tenant's local days; the last day belongs to what it ends. A value that a document does not state is left
to the documents below it in the order of precedence; one that nobody has read shuts the gate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from cjp_fraud.contracts.contract_terms import ClauseSource
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED, Stated, Unstated
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
    """

    right: Stated[Right] = NOT_STATED
    longest_measure_hours: Stated[int] = NOT_STATED
    filing_stops: Stated[bool] = NOT_STATED

    def __post_init__(self) -> None:
        hours = self.longest_measure_hours
        if not isinstance(hours, Unstated) and hours < 1:
            raise BadInputError(f"longest_measure_hours {hours}: write whole hours, at least one")


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


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """All documents of one subscription.

    Parameters
    ----------
    contracting_entity : of the provider, which signed; None: not known.
    precedence : kinds of documents, the one that beats all others first; each that a document has stands in it.

    Raises
    ------
    BadInputError
        Naming all that does not fit together: a name twice, a document that is not there, a kind without a rank.
    """

    documents: tuple[ContractDocument, ...]
    amendments: tuple[Amendment, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    contracting_entity: str | None = None
    precedence: tuple[DocumentKind, ...] = tuple(DocumentKind)

    def __post_init__(self) -> None:
        if faults := [*self._faults()]:
            raise BadInputError("; ".join(faults))

    @property
    def entries(self) -> tuple[ContractDocument | Amendment | Supplement, ...]:
        """All that was entered."""
        return (*self.documents, *self.amendments, *self.supplements)

    def _faults(self) -> Iterator[str]:
        entries = self.entries
        if not self.documents:
            yield "there is no document; enter at least one under [[documents]]"
        for name, count in sorted(Counter(entry.name for entry in entries).items()):
            if count > 1:
                yield f"the name {name!r} stands {count} times; give each entry its own"
        by_name = {document.name: document for document in self.documents}
        changes: tuple[Amendment | Supplement, ...] = (*self.amendments, *self.supplements)
        for change in changes:
            if change.of not in by_name:
                known = ", ".join(sorted(by_name))
                yield f"{change.name} changes {change.of!r}, which is none of the documents ({known})"
        for amendment in self.amendments:
            if amendment.of in by_name and not by_name[amendment.of].holds(amendment.effective):
                yield (
                    f"amendment {amendment.name} is effective {amendment.effective}, "
                    f"when {amendment.of} does not hold; "
                    "correct one of the two"
                )
        for supplement in self.supplements:
            if bool(supplement.territories) == (supplement.entity is not None):
                yield f"supplement {supplement.name}: give either territories or entity"
        placed: tuple[ContractDocument | Supplement, ...] = (*self.documents, *self.supplements)
        for entry in placed:
            for country in entry.territories:
                if len(country) != 2 or not (country.isascii() and country.isalpha() and country.isupper()):
                    yield f"{entry.name}: {country!r} is no country; write two capital letters, for example DE"
        yield from self._precedence_faults()

    def _precedence_faults(self) -> Iterator[str]:
        if len(set(self.precedence)) < len(self.precedence):
            yield "precedence names a kind twice"
        for document in self.documents:
            if document.kind not in self.precedence:
                yield f"{document.name} is of kind {document.kind}, to which precedence gives no rank; add it"
            if document.plan is not None and document.kind is not DocumentKind.OFFER_DESCRIPTION:
                yield f"{document.name}: only an offer description is of a plan; leave plan out"
