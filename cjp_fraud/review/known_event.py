"""Known events, which explain unusual traffic: what may be entered, what one explains, who sees it; pure rules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cjp_fraud.contracts.countries import is_country, no_country
from cjp_fraud.contracts.restriction import CHANNELS
from cjp_fraud.errors import BadInputError
from cjp_fraud.people.model import Reach, Role
from cjp_fraud.review.model import CauseKind

MOST_CHARACTERS: Final = 400
LASTS_AT_MOST: Final = timedelta(days=366)
MAY_ENTER: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL, Role.ADMIN})
"""Who may enter a known event and withdraw one: nothing is decided by it."""

_YEARS: Final = range(2000, 2200)


class KnownEventKind(StrEnum):
    """What a known event is."""

    CAMPAIGN = "campaign"
    SOURCE_OUTAGE = "source_outage"
    HOLIDAY = "holiday"
    MIGRATION = "migration"
    INCIDENT = "incident"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class KnownEventWanted:
    """A known event that somebody enters.

    Parameters
    ----------
    words : what happens, for whoever reads a case.
    begins_at, ends_at : aware, half-open.
    tenant_id : whose traffic it explains; None: that of all tenants, or of those in ``countries``.
    channel : voice, chat, email, sms or social; None: every channel.
    countries : of the tenants, ISO 3166-1, two capital letters; empty: all. Only without a tenant.
    """

    kind: KnownEventKind
    words: str
    begins_at: datetime
    ends_at: datetime
    tenant_id: str | None = None
    channel: str | None = None
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whose traffic an event concerns.

    Parameters
    ----------
    channel : None: every channel.
    countries : of the tenants, None among them for a tenant whose country is not known; empty: all.
    """

    channel: str | None
    countries: frozenset[str | None]


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """A known event as a row of the queue names it.

    Parameters
    ----------
    words : None: erased.
    """

    id: str
    kind: KnownEventKind
    words: str | None

    @property
    def title(self) -> str:
        """Kind and words."""
        return f"{self.kind.replace('_', ' ')}: {self.words or '(erased)'}"


@dataclass(frozen=True, slots=True)
class KnownEventView:
    """A known event on record; moments aware, UTC.

    Parameters
    ----------
    words : None: erased.
    entered_late : whether it was entered after it had begun.
    withdrawn_by, withdrawn_at : None: it counts.
    """

    id: str
    kind: KnownEventKind
    words: str | None
    tenant_id: str | None
    channel: str | None
    countries: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime
    entered_by: str
    entered_at: datetime
    entered_late: bool
    withdrawn_by: str | None
    withdrawn_at: datetime | None

    @property
    def cause_kind(self) -> CauseKind:
        """What cases have in common that are dismissed because of it."""
        outage = self.kind is KnownEventKind.SOURCE_OUTAGE
        return CauseKind.SOURCE_OUTAGE if outage else CauseKind.KNOWN_EVENT

    @property
    def when(self) -> str:
        """Kind, time and id in words, without what a person wrote."""
        same_day = self.begins_at.date() == self.ends_at.date()
        until = f"{self.ends_at:%H:%M}" if same_day else f"{self.ends_at:%Y-%m-%d %H:%M}"
        kind = self.kind.replace("_", " ")
        return f"known event {self.id} ({kind}) from {self.begins_at:%Y-%m-%d %H:%M} to {until}Z"

    @property
    def sentence(self) -> str:
        """The same with the words that were entered."""
        return f"{self.when}: {self.words or '(erased)'}"

    def concerns(self, tenant_id: str, country: str | None) -> bool:
        """Whether it concerns a tenant of a country (ISO 3166-1; None: not known)."""
        return self.tenant_id in (None, tenant_id) and (not self.countries or country in self.countries)

    def explains(self, channel: str, start: datetime, end: datetime) -> bool:
        """Whether traffic of its tenants on a channel lies in its time, at least a part of [start, end)."""
        return self.channel in (None, channel) and start < self.ends_at and end > self.begins_at


def checked(wanted: KnownEventWanted) -> None:
    """Refuse what cannot be entered.

    Raises
    ------
    BadInputError
        Names everything that is wrong with it.
    """
    moments = (wanted.begins_at, wanted.ends_at)
    dated = all(at.utcoffset() is not None and at.year in _YEARS for at in moments)
    faults = [
        (bool(wanted.words.strip()), "say in a few words what happens"),
        (
            len(wanted.words.strip()) <= MOST_CHARACTERS,
            f"the words are {len(wanted.words.strip())} characters, and {MOST_CHARACTERS} at most",
        ),
        (dated, f"moments need a zone and a year from {_YEARS.start} to {_YEARS.stop - 1}"),
        (not dated or wanted.begins_at < wanted.ends_at, "it must end after it begins"),
        (
            not dated or wanted.ends_at - wanted.begins_at <= LASTS_AT_MOST,
            f"it may last {LASTS_AT_MOST.days} days at most",
        ),
        (
            wanted.channel is None or wanted.channel in CHANNELS,
            f"{wanted.channel!r} is no channel; they are {', '.join(CHANNELS)}",
        ),
        (
            wanted.tenant_id is None or not wanted.countries,
            "countries narrow an event of all tenants; leave them out where one tenant is named",
        ),
        *((is_country(code), no_country(code)) for code in wanted.countries),
    ]
    if wrong := [said for holds, said in faults if not holds]:
        raise BadInputError("; ".join(wrong))


def may_enter_for(reach: Collection[Reach] | None, concerned: Concerned) -> bool:
    """Whether roles that reach so far reach every case that an event concerns; None: they reach all."""
    if reach is None:
        return True
    countries = concerned.countries or frozenset({None})
    return all(any(each.covers(concerned.channel, country) for each in reach) for country in countries)


def is_seen_by(reach: Collection[Reach] | None, concerned: Concerned) -> bool:
    """Whether roles that reach so far reach some case that an event may concern; None: they reach all."""
    return reach is None or any(
        (concerned.channel is None or not each.channels or concerned.channel in each.channels)
        and (not concerned.countries or not each.countries or bool(each.countries & concerned.countries))
        for each in reach
    )
