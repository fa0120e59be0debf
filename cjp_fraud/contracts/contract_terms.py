"""The notice terms of a whole contract, as counsel enters them: each kind of notice, and what stands beside notice.

Every value may be *not stated* or *not read* (:mod:`cjp_fraud.contracts.stated`); a kind that is left out is not
read for a suspension, and not stated for the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from enum import StrEnum

from cjp_fraud.contracts.business_calendar import RECIPIENT
from cjp_fraud.contracts.enforcement_window import EnforcementWindows
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.places import Place
from cjp_fraud.contracts.receipt_rule import RollForward
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED, Stated, Unstated, unread_values
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.documents import from_document
from cjp_fraud.errors import BadInputError


@dataclass(frozen=True, slots=True)
class ClauseSource:
    """Where something was read: enough to find it again, and to prove what stood there.

    Parameters
    ----------
    clause : number or heading.
    text : the clause's own words.
    version : of the document, as it names itself.
    page_sha256 : digest of the page or file that was read, 64 hexadecimal digits.
    """

    clause: Stated[str] = NOT_STATED
    text: Stated[str] = NOT_STATED
    version: Stated[str] = NOT_STATED
    page_sha256: Stated[str] = NOT_STATED

    def __post_init__(self) -> None:
        given = self.page_sha256
        if not isinstance(given, Unstated) and re.fullmatch("[0-9a-f]{64}", given) is None:
            raise BadInputError(f"page_sha256 {given!r} is no SHA-256: write 64 digits 0-9 a-f")


@dataclass(frozen=True, slots=True)
class ConditionalNotice:
    """Whether a notice may go out on condition, before the fraud is determined.

    Parameters
    ----------
    allowed : whether it may.
    suffices : whether it then is the notice that the measure needs; not stated: it does not.
    """

    allowed: Stated[bool] = NOT_STATED
    suffices: Stated[bool] = NOT_STATED


@dataclass(frozen=True, slots=True)
class GroundWithoutNotice:
    """A ground on which a measure needs no prior notice.

    Parameters
    ----------
    ground : in the contract's words, short.
    determinations : grounds of the catalogue under which a determination falls that may rely on it.
    notice_after : how soon after the measure the customer is told; not stated: at once.
    """

    ground: str
    determinations: tuple[str, ...]
    notice_after: Stated[Wait] = NOT_STATED
    source: ClauseSource = ClauseSource()


@dataclass(frozen=True, slots=True)
class NamedMeasure:
    """A measure that the contract names as an operational control, or to which the customer consented beforehand."""

    kind: MeasureKind
    source: ClauseSource = ClauseSource()


class LiftWhen(StrEnum):
    """When a measure must be lifted."""

    UNTIL_CORRECTED = "until_corrected"
    PROMPTLY = "promptly"
    ONLY_IF_RESOLVED = "only_if_resolved"


@dataclass(frozen=True, slots=True)
class LiftRule:
    """When a measure must be lifted.

    Parameters
    ----------
    within : how soon after the reason is gone.
    """

    when: LiftWhen
    within: Stated[Wait] = NOT_STATED
    source: ClauseSource = ClauseSource()


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What a contract says of notices and of the measures that they announce.

    Parameters
    ----------
    suspension, conditional_warning, withdrawal, reinstatement, breach, dispute_answer : how a notice of each kind is
        served. Not stated: to everybody who was told before, by the same methods.
    source : where it was read.
    places : whose days and hours count.
    without_notice : grounds on which no prior notice is needed.
    operational_controls, consented_beforehand : measures that need no notice.
    narrowest_measure : whether the contract asks for the narrowest measure; the gate asks for it in any case.
    longest_measure : in hours or calendar days.
    filing_stops : whether a dispute that is only filed already stops a measure.
    law : governing law, in words; a contract may be silent.
    to_provider : how the customer serves the provider, in words.
    """

    suspension: Stated[NoticeTerms] = NOT_READ
    conditional_warning: Stated[NoticeTerms] = NOT_STATED
    withdrawal: Stated[NoticeTerms] = NOT_STATED
    reinstatement: Stated[NoticeTerms] = NOT_STATED
    breach: Stated[NoticeTerms] = NOT_STATED
    dispute_answer: Stated[NoticeTerms] = NOT_STATED
    source: ClauseSource = ClauseSource()
    places: tuple[Place, ...] = ()
    conditional_notice: Stated[ConditionalNotice] = NOT_STATED
    without_notice: Stated[tuple[GroundWithoutNotice, ...]] = NOT_STATED
    operational_controls: Stated[tuple[NamedMeasure, ...]] = NOT_STATED
    consented_beforehand: Stated[tuple[NamedMeasure, ...]] = NOT_STATED
    narrowest_measure: Stated[bool] = NOT_STATED
    lift: Stated[LiftRule] = NOT_STATED
    longest_measure: Stated[Wait] = NOT_STATED
    filing_stops: Stated[bool] = NOT_STATED
    law: Stated[str] = NOT_STATED
    to_provider: Stated[str] = NOT_STATED

    def __post_init__(self) -> None:
        names = [place.name for place in self.places]
        if len(set(names)) < len(names):
            raise BadInputError(f"places are named twice: {', '.join(sorted(names))}")
        for name in _places_referred_to(self):
            if name not in (*names, RECIPIENT):
                raise BadInputError(
                    f"place {name!r} is not described; enter it under places, or write one of "
                    f"{', '.join(dict.fromkeys((RECIPIENT, *names)))}"
                )
        longest = self.longest_measure
        if isinstance(longest, Wait) and (
            longest.unit not in (WaitUnit.HOURS, WaitUnit.CALENDAR_DAYS, WaitUnit.DAYS) or longest.amount < 1
        ):
            raise BadInputError("longest_measure: give hours or calendar_days, at least one")

    @property
    def unread(self) -> tuple[str, ...]:
        """The values that nobody has read, by their places; each of them shuts the gate."""
        return tuple(unread_values(self))

    @property
    def counts_business_time(self) -> bool:
        """Whether business days or hours, or public holidays, matter anywhere in the terms."""
        marks = (WaitUnit.BUSINESS_DAYS, RollForward.EVENT, RollForward.RECEIPT, RollForward.BOTH)
        return any(value in marks or isinstance(value, EnforcementWindows) for value in _values(self))

    @property
    def fault(self) -> str | None:
        """What keeps the terms from being served: values that were not read, or no word of a suspension's notice."""
        if self.unread:
            return f"of the notice terms these have not been read: {'; '.join(self.unread)}"
        if not isinstance(self.suspension, NoticeTerms):
            return (
                "the contract does not state how a suspension is noticed; counsel enters what applies instead"
            )
        return None

    @property
    def longest(self) -> timedelta | None:
        """Longest duration of a measure; None: the contract names none, or it was not read."""
        if isinstance(self.longest_measure, Unstated):
            return None
        unit = timedelta(hours=1) if self.longest_measure.unit is WaitUnit.HOURS else timedelta(days=1)
        return self.longest_measure.amount * unit

    def notices(self, kind: str) -> NoticeTerms | None:
        """Return how a notice of ``kind`` is served; None: it is not stated, not read, or no such kind is."""
        terms = getattr(self, kind, NOT_STATED)
        return terms if isinstance(terms, NoticeTerms) else None

    def needs_no_notice(self, kind: MeasureKind) -> NamedMeasure | None:
        """Return the provision by which a measure needs no notice at all; None: there is none."""
        named = (self.operational_controls, self.consented_beforehand)
        provisions = (entry for entries in named if not isinstance(entries, Unstated) for entry in entries)
        return next((provision for provision in provisions if provision.kind is kind), None)

    def ground_without_notice(self, grounds: tuple[str, ...]) -> GroundWithoutNotice | None:
        """Return the contract's ground without prior notice under which all of a determination's grounds fall."""
        entries = () if isinstance(self.without_notice, Unstated) else self.without_notice
        return next(
            (entry for entry in entries if grounds and set(grounds) <= set(entry.determinations)), None
        )

    def needs_no_prior_notice(self, kind: MeasureKind | None, grounds: tuple[str, ...]) -> str | None:
        """Return by what provision a measure needs no notice beforehand, in words; None: it needs one.

        The measure is named as an operational control, the customer consented to it beforehand, or all ``grounds`` of
        the determination fall under a ground that counsel has marked.
        """
        named = self.needs_no_notice(kind) if kind is not None else None
        if named is not None:
            return f"the contract names {named.kind} as a measure without notice"
        ground = self.ground_without_notice(grounds)
        return f"the contract's ground without prior notice: {ground.ground}" if ground is not None else None

    def provision_without_notice(self, kind: MeasureKind, grounds: tuple[str, ...]) -> str | None:
        """Return that provision as a letter names it: the ground in the contract's words, and the clause; None: none.

        Of a measure that the contract names, only the clause is said; where none was entered, nothing is.
        """
        named = self.needs_no_notice(kind)
        provision = named or self.ground_without_notice(grounds)
        if provision is None:
            return None
        clauses = (provision.source.clause, self.source.clause)
        clause = next((each for each in clauses if not isinstance(each, Unstated)), None)
        if isinstance(provision, NamedMeasure):
            return clause
        return f"{provision.ground} ({clause})" if clause is not None else provision.ground

    @property
    def warning(self) -> NoticeTerms | None:
        """How a conditional warning is served: as the contract says, else as a suspension's notice; None: not known.

        Where a warning suffices, a period or window that is stated of a suspension's notice alone holds for it too.
        """
        base, own = self.notices("suspension"), self.notices("conditional_warning")
        if own is None or base is None:
            return own or base
        said = self.conditional_notice
        if not isinstance(said, ConditionalNotice) or said.suffices is not True:
            return own
        unstated = {
            name: getattr(base, name)
            for name in ("minimum", "cure", "windows")
            if isinstance(getattr(own, name), Unstated)
        }
        return replace(own, **unstated)

    @property
    def breach_notice(self) -> NoticeTerms | None:
        """How a notice of breach is served: as the contract says, else as the first step of a suspension's notice."""
        base, own = self.notices("suspension"), self.notices("breach")
        if own is not None or base is None:
            return own
        return replace(
            base, steps=(replace(base.steps[0], wait=NOT_STATED),), minimum=NOT_STATED, windows=NOT_STATED
        )


def asks_for_the_narrowest(terms: ContractTerms | None) -> bool:
    """Whether a contract asks for the narrowest measure that can meet the fraud."""
    return terms is not None and terms.narrowest_measure is True


def contract_terms_from(document: object) -> ContractTerms:
    """Read the notice terms of a contract, also where they are of the first form, which had only a suspension's steps.

    Raises
    ------
    BadInputError
        Naming every place that cannot be used.
    """
    if isinstance(document, Mapping) and "steps" in document:
        return ContractTerms(suspension=from_document(NoticeTerms, document))
    return from_document(ContractTerms, document)


def whole_terms(terms: NoticeTerms | ContractTerms) -> ContractTerms:
    """Return the terms of a whole contract, of which perhaps only those of a suspension were given."""
    return ContractTerms(suspension=terms) if isinstance(terms, NoticeTerms) else terms


def _values(value: object) -> Iterator[object]:
    """Yield whatever stands anywhere in terms: dataclasses, and the values of their fields."""
    yield value
    if isinstance(value, tuple):
        for entry in value:
            yield from _values(entry)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _values(getattr(value, field.name))


def _places_referred_to(terms: ContractTerms) -> Iterator[str]:
    """Yield the names of the places that terms refer to, anywhere in them."""
    for value in _values(terms):
        place = getattr(value, "place", None)
        if isinstance(place, str) and not isinstance(place, Unstated):
            yield place
