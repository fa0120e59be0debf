"""Standing consent: what a customer has signed about a cap of their own traffic, and when it is breached; pure.

The signed document says to which countries, in which hours of the customer's day and above what charge an hour their
outgoing traffic is blocked at once, for how long, and by which clause. It is entered by counsel, beside the digest of
the file that was signed, and counts once a second person has confirmed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cjp_fraud.contracts.numbering import lies_within, numbers_of
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import UtcMoment
from cjp_fraud.errors import BadInputError

LOOKED_AT: Final = timedelta(hours=1)
"""Over how long the charge is counted, which the document states an hour."""

LONGEST_CAP: Final = 72
"""Hours that a cap lasts at most, whatever was signed: people decide well before."""

CAPPED_CHANNELS: Final = ("voice", "sms")
"""Channels whose destinations can be blocked."""


@dataclass(frozen=True, slots=True)
class StandingConsent:
    """What the signed document says.

    Parameters
    ----------
    reference : of the document, as the customer knows it.
    clause : where in it the consent stands.
    countries : the destination class: ISO 3166-1, two letters.
    cents_per_hour : charge above which it is breached, of all contacts to the class within an hour.
    hours_from, hours_to : on the customer's clock, from and until before; both the same: all day. They may pass
        midnight.
    cap_hours : how long a cap lasts; it lapses by itself.
    valid_from, valid_to : first moment, and first moment after; aware.
    channels : whose outgoing traffic counts and is blocked.

    Raises
    ------
    BadInputError
        Naming all that cannot be acted on.
    """

    reference: str
    clause: str
    countries: tuple[str, ...]
    cents_per_hour: int
    cap_hours: int
    valid_from: UtcMoment
    valid_to: UtcMoment
    hours_from: time = time(0)
    hours_to: time = time(0)
    channels: tuple[str, ...] = ("voice",)

    def __post_init__(self) -> None:
        faults = [sentence for holds, sentence in self._checks() if not holds]
        if faults:
            raise BadInputError("; ".join(faults))

    def _checks(self) -> Iterable[tuple[bool, str]]:
        yield bool(self.reference.strip()), "reference: name the signed document"
        yield bool(self.clause.strip()), "clause: say where in the document the consent stands"
        yield bool(self.countries), "countries: name the destination class, two letters a country (LV)"
        shared = sorted(country for country in self.countries if not numbers_of(country, self.countries))
        yield (
            not shared,
            f"countries: {', '.join(shared)} has no numbers of its own, which could be blocked alone (ISO 3166-1)",
        )
        yield self.cents_per_hour > 0, "cents_per_hour: give the charge in cents, more than 0"
        yield 1 <= self.cap_hours <= LONGEST_CAP, f"cap_hours: give 1 to {LONGEST_CAP}"
        yield self.valid_from < self.valid_to, "valid_to: must come after valid_from"
        yield (
            bool(self.channels) and set(self.channels) <= set(CAPPED_CHANNELS),
            f"channels: of {', '.join(CAPPED_CHANNELS)}, whose destinations can be blocked",
        )
        yield (
            self.hours_from.tzinfo is None and self.hours_to.tzinfo is None,
            "hours_from, hours_to: are on the customer's clock; leave the zone out",
        )

    @property
    def kind(self) -> MeasureKind:
        """What a cap is: the destinations are blocked, and nothing else."""
        return MeasureKind.BLOCK_DESTINATIONS

    @property
    def scope(self) -> Scope:
        """What exactly a cap restricts."""
        numbers = sorted(
            {f"+{code}" for country in self.countries for code in numbers_of(country, self.countries)}
        )
        return Scope(channels=self.channels, directions=("outbound",), destination_prefixes=tuple(numbers))

    @property
    def lasts(self) -> timedelta:
        """How long a cap lasts."""
        return timedelta(hours=self.cap_hours)

    def counts_at(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether it is valid at ``at`` (aware), in an hour of the customer's day that it names."""
        if not self.valid_from <= at < self.valid_to:
            return False
        local = at.astimezone(zone).time()
        if self.hours_from <= self.hours_to:
            return self.hours_from == self.hours_to or self.hours_from <= local < self.hours_to
        return local >= self.hours_from or local < self.hours_to


@dataclass(frozen=True, slots=True)
class SignedProof:
    """The file that the customer signed, by its name and SHA-256; the file itself stays where contracts are kept."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ChargedInterval:
    """What one series was charged in one interval of the traffic.

    Parameters
    ----------
    start : aware.
    contacts : offered.
    cents : charged for all of them.
    to : contacts by place, as traffic names it (a country, or the beginning of a number).
    """

    start: datetime
    seconds: int
    channel: str
    direction: str
    contacts: float
    cents: float
    to: Mapping[str, float]

    @property
    def end(self) -> datetime:
        """First moment after it."""
        return self.start + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Breach:
    """That more was charged in an hour than was signed; ``start`` and ``end`` of that hour are aware."""

    start: datetime
    end: datetime
    cents: float


def charge_in_hour(
    consent: StandingConsent, traffic: Iterable[ChargedInterval], end: datetime, zone: ZoneInfo
) -> Breach | None:
    """Return the breach in the hour before ``end`` (aware); None: no more was charged than was signed.

    An interval counts where it lies in that hour whole and began in an hour of the day that the document names. What
    its contacts to the class were charged is their part of its charge.
    """
    start = end - LOOKED_AT
    cents = sum(
        each.cents * _part(consent, each)
        for each in traffic
        if each.channel in consent.channels
        and each.direction == "outbound"
        and each.start >= start
        and each.end <= end
        and consent.counts_at(each.start, zone)
    )
    return Breach(start, end, cents) if cents > consent.cents_per_hour else None


def _part(consent: StandingConsent, interval: ChargedInterval) -> float:
    """Return which part of an interval's contacts went to the class, 0 to 1."""
    if interval.contacts <= 0:
        return 0.0
    numbers = consent.scope.destination_prefixes
    to_class = sum(
        count
        for place, count in interval.to.items()
        if place.strip().upper() in consent.countries
        or (
            place.removeprefix("+").isdigit()
            and any(lies_within(f"+{place.removeprefix('+')}", [n]) for n in numbers)
        )
    )
    return min(to_class / interval.contacts, 1.0)
