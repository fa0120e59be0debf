"""Which document governs a suspension on a day, and why: documents in, governing chain out, with its reasoning.

Pure. The document that ranks highest of those that hold for the subscription governs; what it does not state is left to
those below it. Two of one rank on one day, or days between two that no document covers, are faults that name both, and
then nothing governs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import TypeVar

from cjp_fraud.contracts.contract_documents import (
    Amendment,
    ContractDocument,
    DocumentKind,
    DocumentSet,
    Entry,
    Provisions,
    Supplement,
)
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.model import OFFERED_CLAUSE, Right, inside_flex_plan
from cjp_fraud.contracts.stated import Unstated

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bought:
    """What decides which documents hold for a subscription.

    Parameters
    ----------
    plan : plan under which it was bought; None: not known, or none.
    country : ISO 3166-1 alpha-2 of the provisioned site, or of the order; None: not known.
    """

    plan: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Where documents overlap or leave a gap, in words, and the names of the entries that it is between."""

    sentence: str
    between: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Governing:
    """What governs on a day.

    Parameters
    ----------
    document : the one that ranks highest; None: nothing governs, and ``faults`` says why.
    right_of : name of the entry that gives the right, or refuses it; None: none says anything of it.
    right_in : that entry as letters name it, a change by its document; None: none says anything of it.
    right : as that entry says; not read where any that ranks as high was not read.
    longest_measure_hours, filing_stops : of the highest entry that states them.
    clause : clause that speaks of the right; None: not entered, and no offer description gives it.
    terms : how notices are served, as the highest entry that says it has it, ``terms_of``; not read where nobody has
        read that of it; None: no entry says it.
    chain : names of the entries that hold, the highest document first, each followed by what changes it.
    steps : the reasoning, a sentence each.
    faults : why nothing governs, a sentence each; none: it does.
    """

    document: ContractDocument | None
    right_of: str | None
    right_in: str | None
    right: Right
    longest_measure_hours: int | None
    filing_stops: bool
    clause: str | None
    terms: ContractTerms | Unstated | None
    terms_of: str | None
    chain: tuple[str, ...]
    steps: tuple[str, ...]
    faults: tuple[str, ...]


def governing(documents: DocumentSet, bought: Bought, day: date) -> Governing:
    """Return what governs on the tenant's local ``day``; the order in which documents were entered does not matter."""
    holding, left_out = _holding(documents, bought)
    steps = [*left_out]
    faults = [clash.sentence for clash in set_faults(documents, bought)]
    inside = [document for document in holding if document.holds(day)]
    steps += [
        f"{document.words} does not hold on {day}: {_span(document)}"
        for document in holding
        if not document.holds(day)
    ]
    if not inside and not faults:
        faults.append(f"no document governs on {day}; entered are {_listed(documents.documents)}")
    if faults:
        return no_governing(tuple(faults), tuple(steps))
    return _resolved(documents, bought, inside, day, steps)


def no_governing(faults: tuple[str, ...], steps: tuple[str, ...] = ()) -> Governing:
    """Return that nothing governs, and why."""
    return Governing(None, None, None, Right.NOT_READ, None, False, None, None, None, (), steps, faults)


def set_faults(documents: DocumentSet, bought: Bought) -> tuple[Clash, ...]:
    """Return where the documents that hold for a subscription overlap or leave a gap, naming both; none: nowhere."""
    holding, _ = _holding(documents, bought)
    faults: list[Clash] = []
    for kind in documents.precedence:
        of_kind = [document for document in holding if document.kind is kind]
        faults += _seams(of_kind, f"two documents of the kind {kind}", overlap=True)
    if not faults:
        faults += _seams(holding, "two documents", overlap=False)
    for document in holding:
        faults += _change_faults(documents, document, bought)
    if _flex_without_offer(holding, bought):
        faults.append(
            Clash(
                f"the service was bought inside the plan {bought.plan!r}, whose own offer description governs it, "
                "and that one is not entered (kind offer_description, with its plan)",
                (),
            )
        )
    return tuple(dict.fromkeys(faults))


def _holding(documents: DocumentSet, bought: Bought) -> tuple[list[ContractDocument], list[str]]:
    """Return the documents that can hold for the subscription, in order, and a sentence for each other."""
    ordered = sorted(
        documents.documents,
        key=lambda each: (documents.precedence.index(each.kind), each.from_day or date.min, each.name),
    )
    why = {document.name: _why_not(document, documents, bought) for document in ordered}
    return (
        [document for document in ordered if why[document.name] is None],
        [
            f"{document.words} does not hold: {why[document.name]}"
            for document in ordered
            if why[document.name]
        ],
    )


def _why_not(document: ContractDocument, documents: DocumentSet, bought: Bought) -> str | None:
    if document.territories and bought.country not in document.territories:
        where = bought.country or "a country not known"
        return f"it is for {', '.join(document.territories)}, and the service is in {where}"
    if document.entity is not None and document.entity != documents.contracting_entity:
        return f"it is of {document.entity}, and {documents.contracting_entity or 'an entity not known'} contracted"
    if document.plan is not None and not _same_plan(document.plan, bought.plan):
        return f"it is for what is bought inside the plan {document.plan!r}"
    if document.kind is DocumentKind.OFFER_DESCRIPTION and document.plan is None:
        of_plan = [
            other.name
            for other in documents.documents
            if other.plan is not None and _same_plan(other.plan, bought.plan)
        ]
        if of_plan or inside_flex_plan(bought.plan):
            return f"the service was bought inside the plan {bought.plan!r}, which has an offer description of its own"
    return None


def _same_plan(of_document: str, plan: str | None) -> bool:
    return (inside_flex_plan(of_document) and inside_flex_plan(plan)) or (
        plan is not None and of_document.casefold().split() == plan.casefold().split()
    )


def _flex_without_offer(holding: Sequence[ContractDocument], bought: Bought) -> bool:
    return inside_flex_plan(bought.plan) and not any(
        document.kind is DocumentKind.EXISTING_AGREEMENT or document.plan is not None for document in holding
    )


def _seams(documents: Sequence[ContractDocument], what: str, *, overlap: bool) -> Iterator[Clash]:
    """Yield where documents, taken in the order of their first days, overlap (if asked), or leave days without one."""
    ordered = sorted(documents, key=lambda each: (each.from_day or date.min, each.name))
    if not ordered:
        return
    latest = ordered[0]
    for following in ordered[1:]:
        begins, ends = following.from_day or date.min, latest.to_day or date.max
        if begins <= ends and overlap:
            last = min(ends, following.to_day or date.max)
            until = "on" if last == date.max else f"until {last}"
            yield Clash(
                f"{what} overlap from {begins} {until}: {latest.words} and {following.words}; "
                "enter the last day of one, or which of them is of another kind",
                (latest.name, following.name),
            )
        elif begins > ends and begins - ends > timedelta(days=1):
            yield Clash(
                f"no document covers the days between {latest.words}, which ends {ends}, and {following.words}, "
                f"which begins {begins}; enter what held in between{' as one of this kind' if overlap else ''}",
                (latest.name, following.name),
            )
        if (following.to_day or date.max) > ends:
            latest = following


def _change_faults(documents: DocumentSet, document: ContractDocument, bought: Bought) -> Iterator[Clash]:
    """Yield which changes of a document meet: two amendments of one day, two supplements of one kind at a time."""
    amendments = _amendments(documents, document, date.max)
    for first, second in pairwise(amendments):
        if first.effective == second.effective:
            yield Clash(
                f"amendments {first.name} and {second.name} of {document.name} are both effective {first.effective}; "
                "enter which follows the other",
                (first.name, second.name),
            )
    supplements = [
        each
        for each in documents.supplements
        if each.of == document.name and _reaches(each, documents, bought)
    ]
    ordered = sorted(
        supplements, key=lambda each: (each.entity is None, each.from_day or date.min, each.name)
    )
    for earlier, later in combinations(ordered, 2):
        meet = (later.from_day or date.min) <= (earlier.to_day or date.max)
        if meet and (earlier.entity is None) == (later.entity is None):
            yield Clash(
                f"supplements {earlier.name} and {later.name} of {document.name} overlap from "
                f"{later.from_day or 'ever'}; enter the last day of one",
                (earlier.name, later.name),
            )


def _amendments(documents: DocumentSet, document: ContractDocument, day: date) -> list[Amendment]:
    of_document = (
        each for each in documents.amendments if each.of == document.name and each.effective <= day
    )
    return sorted(of_document, key=lambda each: (each.effective, each.name))


def _reaches(supplement: Supplement, documents: DocumentSet, bought: Bought) -> bool:
    if supplement.entity is not None:
        return supplement.entity == documents.contracting_entity
    return bought.country in supplement.territories


def _entries(
    documents: DocumentSet, document: ContractDocument, bought: Bought, day: date
) -> tuple[list[Entry], list[str]]:
    """Return a document and what changes it on a day, what beats the others first; and a sentence for each change."""
    amendments = _amendments(documents, document, day)
    supplements = sorted(
        (
            each
            for each in documents.supplements
            if each.of == document.name and each.holds(day) and _reaches(each, documents, bought)
        ),
        key=lambda each: (each.entity is not None, each.name),  # the territory's beats the entity's
    )
    steps = [f"amendment {each.name} changes {document.name} from {each.effective} on" for each in amendments]
    for each in supplements:
        whose = (
            f"contracting entity {each.entity}" if each.entity is not None else f"territory {bought.country}"
        )
        steps.append(f"supplement {each.name} holds beside {document.name} for the {whose}, and beats it")
    return [*supplements, *reversed(amendments), document], steps


def _resolved(
    documents: DocumentSet,
    bought: Bought,
    inside: Sequence[ContractDocument],
    day: date,
    steps: list[str],
) -> Governing:
    highest = inside[0]
    steps.append(f"{highest.words} governs on {day}: {_rank_reason(highest, inside)}")
    entries: list[Entry] = []
    for document in inside:
        if document is not highest:
            steps.append(
                f"{document.words} holds too, below {highest.name}: it counts for what those above it do not state"
            )
        of_document, changes = _entries(documents, document, bought, day)
        entries += of_document
        steps += changes
    speaks = _first(entries, lambda says: says.right)
    right = speaks[1] if speaks is not None else Right.NONE
    steps.append(_right_sentence(speaks[0] if speaks else None, right))
    faults = []
    longest, filing = (
        _first(entries, lambda says: says.longest_measure_hours),
        _first(entries, lambda says: says.filing_stops),
    )
    limits: tuple[tuple[str, tuple[Entry, int | bool | Unstated] | None], ...] = (
        ("the longest suspension", longest),
        ("whether filing a dispute stops a measure", filing),
    )
    for name, value in limits:
        if value is None:
            continue
        entry, stated = value
        if isinstance(stated, Unstated):
            faults.append(f"of {entry.name} nobody has read {name}; counsel enters it")
        else:
            steps.append(f"{entry.name} says that {_in_words(stated)}")
    terms = _first(entries, lambda says: says.notice_terms)
    if terms is not None:
        steps.append(f"{terms[0].name} says how notices are served")
    if isinstance(right, Unstated):
        right = Right.NOT_READ
    return Governing(
        document=highest,
        right_of=speaks[0].name if speaks is not None else None,
        right_in=_cited(speaks[0], inside) if speaks is not None else None,
        right=right if not faults else Right.NOT_READ,
        longest_measure_hours=longest[1] if longest and not isinstance(longest[1], Unstated) else None,
        filing_stops=filing is not None and filing[1] is True,
        clause=_clause_of_right(speaks[0]) if speaks is not None else None,
        terms=terms[1] if terms is not None else None,
        terms_of=terms[0].name if terms is not None else None,
        chain=tuple(entry.name for entry in entries),
        steps=tuple(steps),
        faults=tuple(faults),
    )


def _first(
    entries: Sequence[Entry], value_of: Callable[[Provisions], T | Unstated]
) -> tuple[Entry, T | Unstated] | None:
    """Return the first entry that states a value, with the value, or whose value was not read; None: none states it."""
    for entry in entries:
        value = value_of(entry.says)
        if value is not Unstated.NOT_STATED:
            return entry, value
    return None


def _rank_reason(highest: ContractDocument, inside: Sequence[ContractDocument]) -> str:
    if len(inside) == 1:
        return "no other holds"
    if highest.kind is DocumentKind.EXISTING_AGREEMENT:
        return "an agreement that exists beats what holds by default (preamble)"
    return f"the kind {highest.kind} goes before {', '.join(each.kind for each in inside[1:])}"


def _in_words(value: int | bool) -> str:
    """Return the longest suspension (hours), or whether filing a dispute stops a measure, as what a document says."""
    if isinstance(value, bool):
        return f"a dispute that is only filed stops {'a measure' if value else 'no measure'}"
    return f"a suspension lasts {value} hours at most"


def _right_sentence(entry: Entry | None, right: Right | Unstated) -> str:
    if entry is None:
        return "no document says anything of suspending for fraudulent use: there is no right"
    clause = _clause(entry)
    where = f"{entry.name}, clause {clause}," if clause else entry.name
    page = f" ({entry.page})" if entry.page else ""
    if right is Right.CLAUSE_2_4:
        return f"{where} gives the right to suspend for fraudulent use{page}"
    if right is Right.NONE:
        return f"{where} gives no right to suspend for fraudulent use{page}"
    return f"whether {where} gives the right to suspend has not been read{page}"


def _clause(entry: Entry) -> str | None:
    return entry.source.clause if not isinstance(entry.source.clause, Unstated) else None


def _clause_of_right(entry: Entry) -> str | None:
    """Return the clause that gives the right: the entered one, or where every offer description has it."""
    offered = isinstance(entry, ContractDocument) and entry.kind is DocumentKind.OFFER_DESCRIPTION
    return _clause(entry) or (OFFERED_CLAUSE if offered else None)


def _cited(entry: Entry, inside: Sequence[ContractDocument]) -> str:
    """Return how letters name an entry: a document by its words, a change by those of its document and its own name."""
    if isinstance(entry, ContractDocument):
        return entry.words
    return f"{next(document.words for document in inside if document.name == entry.of)}, {entry.name}"


def _span(document: ContractDocument) -> str:
    begins = f"from {document.from_day}" if document.from_day else "since ever"
    return f"it holds {begins} {f'to {document.to_day}' if document.to_day else 'on'}"


def _listed(documents: Sequence[ContractDocument]) -> str:
    return "; ".join(sorted(f"{document.words}: {_span(document)}" for document in documents))
