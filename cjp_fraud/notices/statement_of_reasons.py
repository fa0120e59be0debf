"""The statement of reasons of a restriction: of what, for how long, why, on which ground, found by whom, and redress.

A pure rule. It is part of the plan that is approved, so that its digest and the audit log cover it; what only the
dispatch knows (when the restriction may begin, until when it may be disputed) stands with the notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cjp_fraud.contracts.reason_profiles import LAWS, ProfileInForce, ReasonProfile
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.documents import UtcMoment
from cjp_fraud.notices.letter_facts import by_kind_of_traffic, most_unusual
from cjp_fraud.notices.model import NoticeKind

if TYPE_CHECKING:
    from cjp_fraud.contracts.position import Contract
    from cjp_fraud.notices.letter_facts import Letter

STATING: Final = (NoticeKind.SUSPENSION, NoticeKind.REAFFIRMATION)
"""Kinds of notices that restrict, and so state reasons."""

EVERYWHERE: Final = "everywhere the service is provided"


class Source(StrEnum):
    """What made the provider look: its own analysis, a notice of somebody else, or an authority."""

    OWN_INITIATIVE = "own_initiative"
    THIRD_PARTY_NOTICE = "third_party_notice"
    AUTHORITY = "authority"


class GroundKind(StrEnum):
    """On what a restriction rests: the contract, or a law."""

    CONTRACT = "contract"
    LAW = "law"


@dataclass(frozen=True, slots=True)
class Fact:
    """What was observed: one flagged interval or span, as the letter tells it.

    Parameters
    ----------
    most_unusual : whether it is the one of its kind of traffic that the letter tells by itself.
    """

    channel: str
    direction: str
    application_id: str | None
    country: str | None
    begins_at: UtcMoment
    seconds: int
    observed: float
    usual: float
    most_unusual: bool = False


@dataclass(frozen=True, slots=True)
class Redress:
    """How the customer can have it looked at again.

    Parameters
    ----------
    internal : address at which the provider's own people, who took no part, take a dispute; empty: none.
    days, answer_hours : how long it may be disputed, and how soon it is decided.
    out_of_court, mediators : bodies outside, by name.
    to_provider : how the contract wants notices to the provider served, in words; None: it does not say.
    judicial : the courts stay open.
    """

    internal: str
    days: int
    answer_hours: int
    out_of_court: tuple[str, ...]
    mediators: tuple[str, ...]
    judicial: bool
    to_provider: str | None = None


@dataclass(frozen=True, slots=True)
class StatementOfReasons:
    """Why a customer's service is restricted, as data.

    Parameters
    ----------
    profiles : laws whose list it must satisfy (:class:`ReasonProfile`); may be empty.
    measure, scope, restricts : what is restricted, and in the words of the letter.
    service, territory : of what, and where it holds.
    lasts_hours, until : for how long: hours from its beginning, or a moment; one of them.
    facts : specific and dated.
    source, third_party_notice : what made the provider look, and what the notice of somebody else said; None: none.
    ground_kind, ground, explanation : the ground, by document and clause or by law, and why the facts fall under it.
    without_prior_notice : by which provision the contract lets it begin without prior notice; None: by none.
    governing_law : in the contract's words; None: it does not say.
    automated_detection, automated_decision : whether machines found it, and whether machines decided.
    """

    profiles: tuple[ReasonProfile, ...]
    measure: MeasureKind
    scope: Scope
    restricts: str
    service: str | None
    territory: str
    lasts_hours: int | None
    until: UtcMoment | None
    facts: tuple[Fact, ...]
    source: Source
    third_party_notice: str | None
    ground_kind: GroundKind
    ground: str
    explanation: tuple[str, ...]
    automated_detection: bool
    automated_decision: bool
    determined_at: UtcMoment | None
    redress: Redress
    without_prior_notice: str | None = None
    governing_law: str | None = None


def statement_of(letter: Letter, position: Contract, language: str) -> StatementOfReasons | None:
    """Return the statement of the restriction that a letter announces or continues; None: it does neither.

    Persons determine and approve, whatever found the traffic: no decision is automated here.

    Parameters
    ----------
    language : of the letter, in which the words of the statement are.
    """
    if letter.kind not in STATING:
        return None
    # Inside: listings load plans, and with them this module, but no letters.
    from cjp_fraud.notices.letter_measures import measure_in_words
    from cjp_fraud.notices.letter_phrases import ground_in_words

    profiles, sender, terms = position.reason_profiles, letter.sender, position.terms
    return StatementOfReasons(
        profiles=tuple(each.profile for each in profiles),
        measure=letter.measure,
        scope=letter.scope,
        restricts=measure_in_words(letter.measure, letter.scope, language),
        service=position.product,
        territory=EVERYWHERE,
        lasts_hours=int(letter.lasts / timedelta(hours=1)) if letter.lasts is not None else None,
        until=letter.until,
        facts=_facts(letter),
        source=Source.OWN_INITIATIVE,
        third_party_notice=None,
        ground_kind=GroundKind.CONTRACT,
        ground=position.clause if position.governing_document is not None else "",
        explanation=tuple(ground_in_words(ground, language) for ground in letter.grounds),
        automated_detection=True,
        automated_decision=False,
        determined_at=letter.determined_at,
        redress=Redress(
            internal=sender.reply_to,
            days=sender.dispute_days,
            answer_hours=sender.answer_hours,
            out_of_court=tuple(body for each in profiles for body in each.out_of_court),
            mediators=tuple(body for each in profiles for body in each.mediators),
            judicial=True,
            to_provider=_said(terms.to_provider) if terms is not None else None,
        ),
        without_prior_notice=letter.provision,
        governing_law=_said(terms.law) if terms is not None else None,
    )


def _said(value: str | Unstated) -> str | None:
    return None if isinstance(value, Unstated) else value


def _facts(letter: Letter) -> tuple[Fact, ...]:
    told = [most_unusual(seen) for seen in by_kind_of_traffic(letter.seen)]
    return tuple(
        Fact(
            channel=seen.channel,
            direction=seen.direction,
            application_id=seen.application_id,
            country=seen.country,
            begins_at=seen.interval_start,
            seconds=seen.interval_seconds,
            observed=seen.observed,
            usual=seen.usual,
            most_unusual=seen in told,
        )
        for seen in letter.seen
    )


def bodies_outside(profiles: tuple[ProfileInForce, ...]) -> tuple[str, ...]:
    """Return the bodies to which the customer can turn beside the provider and the courts, each once."""
    return tuple(dict.fromkeys(body for each in profiles for body in (*each.out_of_court, *each.mediators)))


_Holds = Callable[[StatementOfReasons], bool]

_EVERY: Final[dict[str, _Holds]] = {
    "the measure, in words": lambda said: bool(said.restricts),
    "the facts, dated": lambda said: bool(said.facts) or said.until is not None,
    "the ground of the contract or the law": lambda said: bool(said.ground),
    "why the facts fall under that ground": lambda said: bool(said.explanation),
    "what the notice of a third party said": lambda said: (
        said.source is not Source.THIRD_PARTY_NOTICE or bool(said.third_party_notice)
    ),
    "how to complain to the provider": lambda said: bool(said.redress.internal),
}
REQUIRED: Final[dict[ReasonProfile, dict[str, _Holds]]] = {
    ReasonProfile.EU_2022_2065: {
        **_EVERY,
        "where it holds": lambda said: bool(said.territory),
        "how long it lasts": lambda said: said.lasts_hours is not None or said.until is not None,
        "a body for settlement out of court": lambda said: bool(said.redress.out_of_court),
        "the way to the courts": lambda said: said.redress.judicial,
    },
    ReasonProfile.EU_2019_1150: {
        **_EVERY,
        "a ground of the terms (article 3(1)(c))": lambda said: said.ground_kind is GroundKind.CONTRACT,
        "two mediators (article 12)": lambda said: len(said.redress.mediators) >= 2,
    },
}
"""What the record of each profile must hold: 2022/2065, article 17(3)(a) to (f); 2019/1150, articles 4(5), 11, 12."""


def profile_faults(said: StatementOfReasons) -> tuple[str, ...]:
    """Return what a statement lacks of what its profiles want, a sentence each; none: it holds all."""
    return tuple(
        f"the statement of reasons lacks {name}, which {LAWS[profile]} wants"
        for profile in said.profiles
        for name, holds in REQUIRED[profile].items()
        if not holds(said)
    )
