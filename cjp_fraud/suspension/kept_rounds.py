"""Rounds of reaffirmations: which one a person's is of, which one keeps a measure, and until when; a pure rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cjp_fraud.review.provider_policy import ProviderPolicy

PEOPLE_NEEDED: Final = 2
"""How many approvers reaffirm in one round."""


@dataclass(frozen=True, slots=True)
class Given:
    """One reaffirmation by one person; moments are aware.

    Parameters
    ----------
    review_at, ends_at : new review date and end, of the one that completes its round; None for the others.
    """

    round: int
    by_user_id: str
    at: datetime
    review_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """When a measure is reviewed and when it ends; both aware."""

    review_at: datetime
    ends_at: datetime

    @property
    def lapses_at(self) -> datetime:
        """When the measure ends unless it is reaffirmed."""
        return min(self.review_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class KeptRound:
    """A complete round of reaffirmations whose end the measure does not have yet.

    Parameters
    ----------
    number : of the round.
    complete_at : when its last person decided; aware.
    term : what the measure's review date and end become once the customer was told.
    """

    number: int
    complete_at: datetime
    term: Term


@dataclass(frozen=True, slots=True)
class OpenRound:
    """The round that the next reaffirmation belongs to, and what was given in it before."""

    number: int
    given: tuple[Given, ...]

    @property
    def lacks_one(self) -> bool:
        """Whether the next reaffirmation completes it."""
        return len(self.given) + 1 >= PEOPLE_NEEDED


def round_that_keeps(given: Iterable[Given], term: Term) -> KeptRound | None:
    """Return the newest complete round, if it moves review date or end; None: nothing is to be moved.

    Parameters
    ----------
    given : all reaffirmations of the measure.
    term : which the measure has.
    """
    rounds: dict[int, list[Given]] = {}
    for each in given:
        rounds.setdefault(each.round, []).append(each)
    complete = [number for number, members in rounds.items() if len(members) >= PEOPLE_NEEDED]
    if not complete:
        return None
    newest = rounds[max(complete)]
    review_at = max((each.review_at for each in newest if each.review_at is not None), default=None)
    ends_at = max((each.ends_at for each in newest if each.ends_at is not None), default=None)
    if review_at is None or ends_at is None:
        return None
    if review_at <= term.review_at and ends_at <= term.ends_at:
        return None
    return KeptRound(max(complete), max(each.at for each in newest), Term(review_at, ends_at))


def open_round(given: Sequence[Given], at: datetime, policy: ProviderPolicy) -> OpenRound:
    """Return the round that a reaffirmation at ``at`` belongs to: a new one after a complete or a stale one."""
    number = max((each.round for each in given), default=0)
    members = tuple(each for each in given if each.round == number)
    over = len(members) >= PEOPLE_NEEDED or any(each.at < at - policy.fresh for each in members)
    return OpenRound(number + 1, ()) if over or not members else OpenRound(number, members)


def last_complete_at(given: Sequence[Given]) -> datetime | None:
    """Return when the last complete round ended; None: there was none."""
    count = Counter(each.round for each in given)
    return max((each.at for each in given if count[each.round] >= PEOPLE_NEEDED), default=None)


def term_if_kept(term: Term, latest: datetime | None, at: datetime, policy: ProviderPolicy) -> Term:
    """Return review date and end of a measure that is kept from ``at`` on.

    Parameters
    ----------
    term : which the measure has.
    latest : past which neither goes: end of the contract's term or longest duration; None: there is no such end.
    """
    review_at = max(term.review_at, at + policy.measure_review)
    ends_at = max(term.ends_at, review_at)
    return Term(review_at, ends_at) if latest is None else Term(min(review_at, latest), min(ends_at, latest))


def term_given(term: Term, kept: Term, latest: datetime | None) -> Term:
    """Return the term that a measure gets by a round of which the customer was told: none is made nearer.

    Parameters
    ----------
    term : which the measure has.
    kept : which the round gives it.
    latest : past which neither goes by now; None: there is no such end.
    """
    return Term(
        max(term.review_at, min(kept.review_at, latest or kept.review_at)),
        max(term.ends_at, min(kept.ends_at, latest or kept.ends_at)),
    )


def time_faults(term: Term, latest: datetime | None, at: datetime) -> list[str]:
    """Return why it is too late, or of no use, to reaffirm at ``at``, a sentence each; none: it is not."""
    checks = (
        (
            at < term.review_at,
            f"its review date {term.review_at:%Y-%m-%d %H:%M:%SZ} has passed; it lapses",
        ),
        (
            latest is None or term.review_at < latest,
            "it already runs to the end of the term or of the contract's longest duration",
        ),
    )
    return [sentence for holds, sentence in checks if not holds]
