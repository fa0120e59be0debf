"""The facts of a letter: who writes, what was seen and found, what is restricted, until when, and why it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cjp_fraud.config import UNNAMED_PROVIDER
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.model import NoticeKind

_FEWEST_LETTERS: Final = 2


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes, and how a dispute of what is written reaches them.

    Parameters
    ----------
    legal_name : of the provider.
    reply_to : address that the letter comes from.
    contact : telephone, postal or mail address beside it; None: none is set, and the letter names none.
    dispute_days : how long after the letter's date it may be disputed.
    answer_hours : within how many hours of its receipt a dispute is decided.
    """

    legal_name: str
    reply_to: str
    contact: str | None = None
    dispute_days: int = 30
    answer_hours: int = 72

    @property
    def is_named(self) -> bool:
        """Whether the legal name is one, and not what stands in its place where none is set."""
        letters = sum(map(str.isalpha, self.legal_name))
        return (
            letters >= _FEWEST_LETTERS and self.legal_name.strip().casefold() != UNNAMED_PROVIDER.casefold()
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """One flagged interval, or 15 minutes that end with it, as a letter tells it.

    Parameters
    ----------
    interval_start : aware.
    observed, usual : contacts in the interval.
    p_value : chance of such an interval, or a more unusual one.
    application_id : what carried it; None: no third-party application or bot.
    country : ISO 3166-1, two letters, to or from which the contacts went that were counted; None: all were counted.
    """

    channel: str
    direction: str
    application_id: str | None
    interval_start: datetime
    interval_seconds: int
    observed: float
    usual: float
    p_value: float
    country: str | None = None


def by_kind_of_traffic(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Return what was seen by channel, direction, application, length and country, in the order of letters."""
    kinds: dict[tuple[str, ...], list[Seen]] = {}
    for each in seen:
        length = f"{each.interval_seconds:08}"
        key = (each.channel, each.direction, each.application_id or "", length, each.country or "")
        kinds.setdefault(key, []).append(each)
    return [members for _, members in sorted(kinds.items())]


def most_unusual(seen: Sequence[Seen]) -> Seen:
    """Return the interval that a letter tells by itself: the most unusual one, the earliest of several."""
    return min(seen, key=lambda each: (each.p_value, each.interval_start))


class WhyRestored(StrEnum):
    """Why a restriction ended, as the customer is told; the words of those who decided stay with us."""

    LAPSED = "lapsed"
    NOT_APPROVED = "not_approved"
    DECIDED = "decided"
    DISPUTE_UPHELD = "dispute_upheld"


@dataclass(frozen=True, slots=True)
class Restored:
    """When (aware) nothing was in force any more, and why."""

    at: datetime
    why: WhyRestored


class WhyWithdrawn(StrEnum):
    """Why a notice is withdrawn, as the customer is told."""

    DECIDED = "decided"
    DISPUTE_UPHELD = "dispute_upheld"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Why a notice is withdrawn; ``may_have_begun``: its restriction may have been in force for a time."""

    why: WhyWithdrawn
    may_have_begun: bool


@dataclass(frozen=True, slots=True)
class Announced:
    """A notice that the customer got before: its number, and the date that it bears (aware)."""

    number: str
    dated: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """How a dispute was decided.

    Parameters
    ----------
    received_at, decided_at : aware.
    upheld : decided for the customer.
    in_force : the restriction is in force when the answer is written.
    remains : what stays restricted where it was decided in part for the customer; None: it was not.
    narrowed : nothing wider than that is in force when the answer is written.
    """

    received_at: datetime
    decided_at: datetime
    upheld: bool
    in_force: bool
    remains: tuple[MeasureKind, Scope] | None = None
    narrowed: bool = False


@dataclass(frozen=True, slots=True)
class LaterStage:
    """What stays restricted from a moment on (aware), at the earliest."""

    measure: MeasureKind
    scope: Scope
    earliest_at: datetime


@dataclass(frozen=True, slots=True)
class Staged:
    """How a restriction is lifted in stages.

    Parameters
    ----------
    since : when read-back showed that no more than ``remains`` is restricted; aware.
    later : the stages that follow, the next first.
    lift_at : when all of it is lifted, at the earliest; aware.
    """

    since: datetime
    remains: tuple[MeasureKind, Scope]
    later: tuple[LaterStage, ...]
    lift_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """The facts of a letter; which of them its kind needs, :data:`NEEDED` says.

    Parameters
    ----------
    case_reference : what the customer quotes.
    measure, scope : what is restricted, or was to be.
    seen : the flags that the determination names; in a continuation those since the restriction began, if any.
    grounds : keys of the catalogue that the reviewer ticked (``[grounds]`` of the phrases).
    determined_at : when the traffic was found fraudulent; aware.
    lasts : longest duration of the measure, whole hours; its end is counted at dispatch.
    until : when a continued restriction, or a cap, ends at the latest; aware.
    restored : when and why a restriction ended.
    announced : the notice that announced the restriction, or those, where several addresses were served.
    began : since when a continued restriction is in force, or when a consent was breached; aware.
    withdrawn : why a notice is withdrawn; None: it was decided so, and nothing had begun.
    term_concerned : the term of the contract that a notice of breach is about, as counsel words it in its language.
    cure_until : until when the customer is asked to end what is not in order; aware. None: as the terms
        give it from the dispatch on.
    answered : how a dispute was decided.
    staged : how a restriction is lifted in stages.
    other_redress : bodies outside to which the customer can turn, by name.
    provision : by which the contract lets a measure begin without prior notice, in its own words; None: by none.
    waits_for_post : whether the measure waits for a carrier's word, so that the letter says how long it lasts beside an
        end that leaves time for that.
    consent : what the customer signed that a cap rests on: the document and its clause.
    in_sequence : whether it is one of several notices that the contract wants one after the other.

    Raises
    ------
    ValueError
        If a fact is missing that the kind needs.
    """

    kind: NoticeKind
    case_reference: str
    sender: Sender
    measure: MeasureKind
    scope: Scope
    seen: tuple[Seen, ...] = ()
    grounds: tuple[str, ...] = ()
    determined_at: datetime | None = None
    lasts: timedelta | None = None
    until: datetime | None = None
    restored: Restored | None = None
    announced: tuple[Announced, ...] = ()
    began: datetime | None = None
    withdrawn: Withdrawn | None = None
    term_concerned: str | None = None
    cure_until: datetime | None = None
    answered: Answered | None = None
    other_redress: tuple[str, ...] = ()
    provision: str | None = None
    waits_for_post: bool = False
    in_sequence: bool = False
    consent: str | None = None
    staged: Staged | None = None

    def __post_init__(self) -> None:
        needed = [name for name in NEEDED[self.kind] if name != "grounds" or not self.is_about_cap]
        missing = [name for name in needed if getattr(self, name) in (None, ())]
        if missing:
            raise ValueError(f"a {self.kind} letter needs {', '.join(missing)}")

    @property
    def is_about_cap(self) -> bool:
        """Whether it answers a dispute of a cap alone: no ground was found, and it names what was agreed to."""
        return self.kind is NoticeKind.DISPUTE_ANSWER and self.consent is not None and not self.grounds


NEEDED: Final = {
    NoticeKind.SUSPENSION: ("seen", "grounds", "determined_at", "lasts"),
    NoticeKind.REAFFIRMATION: ("grounds", "determined_at", "until"),
    NoticeKind.WITHDRAWAL: (),
    NoticeKind.REINSTATEMENT: ("restored",),
    NoticeKind.CONDITIONAL_WARNING: ("seen", "lasts"),
    NoticeKind.BREACH: ("seen", "grounds", "determined_at", "lasts", "term_concerned"),
    NoticeKind.DISPUTE_ANSWER: ("grounds", "answered"),
    NoticeKind.CAP: ("began", "until", "consent"),
    NoticeKind.STAGED_REINSTATEMENT: ("grounds", "determined_at", "until", "staged"),
}
"""Facts that a letter of each kind cannot do without, besides those that every letter has."""
