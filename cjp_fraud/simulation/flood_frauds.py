"""Frauds that come in, or go out as text: toll-free pumping, denial of service, SMS pumping, floods of chat and mail.

Whose numbers they are: *Vonage* and *eGain* (vendors), *published* (stated by some other public source: pumping of 9.76
million calls in 61 days, 2,500 messages for US$800, 55,000 mails in two hours), *ours* (our choice, where nothing is
published).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cjp_fraud.simulation.local_calendar import When
from cjp_fraud.simulation.scenario import Mix, Part, Place, drawn, drawn_log, stretches
from cjp_fraud.simulation.series_kinds import VOICE_IN, SeriesName

_CODES = "DZ AZ BD BB BY BJ BG EG SV GH KZ KG LA MV MM NG PK LK TJ UZ"
SMS_COUNTRIES = tuple(_CODES.split())
"""Of the set that a vendor blocks for traffic pumping (Vonage)."""


@dataclass(frozen=True, slots=True)
class TollFreePumpingShort:
    """Short calls of near-identical length to toll-free numbers, by night and at weekends, for weeks.

    Attributes
    ----------
    share : up to 30 % of the victim's traffic (published); from 10 % on (ours).
    days : up to 61 (published); from 14 on (ours).
    seconds : of silence, nearly the same each time (published); 25 (ours).
    cents_a_minute : the victim pays about US$0.025 (published).
    """

    name: ClassVar[str] = "toll_free_pumping_short"
    method: ClassVar[str] = "number_spoofing"
    fraud_type: ClassVar[str] = "toll_free_pumping"
    series: ClassVar[SeriesName] = VOICE_IN
    twins: ClassVar[tuple[str, ...]] = ("mailing", "season", "new_client", "back_fill")

    share: tuple[float, float] = (0.1, 0.3)
    days: tuple[float, float] = (14.0, 61.0)
    seconds: float = 25.0
    cents_a_minute: float = 2.5

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return a part a night or weekend."""
        begin = place.begin(When.OFF_HOURS, rng)
        length = place.until(begin, 1440 * drawn(self.days, rng))
        off_hours = place.within(When.OFF_HOURS, begin, length)
        share = drawn(self.share, rng)
        usual = place.usual(self.series, begin, length).sum()
        rate = usual * share / (1 - share) * off_hours / max(int(off_hours.sum()), 1)
        mix = Mix(
            connected=0.98,
            short=0.2,
            seconds=self.seconds,
            seconds_spread=0.05,
            cents_a_minute=self.cents_a_minute,
        )
        return stretches("pumping", self.series, begin, rng.poisson(rate), mix, pause=240)


@dataclass(frozen=True, slots=True)
class TollFreePumpingLong:
    """Few calls that stay in the announcement for hours, by night, for weeks.

    Attributes
    ----------
    simultaneous : few at a time (published); 3 to 12 (ours).
    hours : length of a call, of constant length (published).
    days : as the short shape.
    """

    name: ClassVar[str] = "toll_free_pumping_long"
    method: ClassVar[str] = "number_spoofing"
    fraud_type: ClassVar[str] = "toll_free_pumping"
    series: ClassVar[SeriesName] = VOICE_IN
    twins: ClassVar[tuple[str, ...]] = ("new_client", "migration", "back_fill")

    simultaneous: tuple[float, float] = (3.0, 12.0)
    hours: tuple[float, float] = (1.0, 6.0)
    days: tuple[float, float] = (14.0, 61.0)
    cents_a_minute: float = 2.5

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part; the calls begin by night and at weekends."""
        begin = place.begin(When.OFF_HOURS, rng)
        length = place.until(begin, 1440 * drawn(self.days, rng))
        hours = drawn(self.hours, rng)
        rate = drawn(self.simultaneous, rng) / (60 * hours) * place.within(When.OFF_HOURS, begin, length)
        mix = Mix(
            connected=1.0,
            seconds=3600 * hours,
            seconds_spread=0.02,
            distinct=0.5,
            cents_a_minute=self.cents_a_minute,
        )
        return (Part("pumping", self.series, begin, rng.poisson(rate), mix),)


@dataclass(frozen=True, slots=True)
class TelephonyDenialOfService:
    """Calls that hold the lines, for hours, then nothing for hours, then again.

    Attributes
    ----------
    simultaneous : tens to hundreds (published).
    hold_minutes : as long as possible (published); 3 to 20 (ours).
    stretch_hours, pause_hours, stretches : it goes on for hours, stops for hours, resumes (published); numbers ours.
    """

    name: ClassVar[str] = "telephony_denial_of_service"
    method: ClassVar[str] = "number_spoofing"
    fraud_type: ClassVar[str] = "denial_of_service"
    series: ClassVar[SeriesName] = VOICE_IN
    twins: ClassVar[tuple[str, ...]] = ("tenant_outage", "catastrophe", "migration", "back_fill")

    simultaneous: tuple[float, float] = (30.0, 300.0)
    hold_minutes: tuple[float, float] = (3.0, 20.0)
    stretch_hours: tuple[float, float] = (0.5, 4.0)
    pause_hours: tuple[float, float] = (1.5, 10.0)
    stretches: tuple[int, int] = (2, 6)

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return a part a stretch."""
        hold = drawn(self.hold_minutes, rng)
        rate = drawn_log(self.simultaneous, rng) / hold
        mix = Mix(connected=0.3, seconds=60 * hold, distinct=0.6, cents_a_minute=2.5)
        begin, parts = place.begin(When.BUSINESS, rng), []
        for _ in range(int(rng.integers(self.stretches[0], self.stretches[1] + 1))):
            length = place.until(begin, 60 * drawn(self.stretch_hours, rng))
            parts.append(Part("stretch", self.series, begin, rng.poisson(np.full(length, rate)), mix))
            begin += length + int(60 * drawn(self.pause_hours, rng))
            if begin >= place.end - 30:
                break
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class SmsPumping:
    """One-time codes sent to blocks of adjacent numbers whose carrier shares the charge.

    Attributes
    ----------
    hours : hours (published: 2,500 before a vendor's block, then 4,000).
    messages_an_hour : thousands (published); 1,000 to 5,000.
    countries : one to three of the usual set.
    cents_a_message : 32 (US$800 for 2,500).
    """

    name: ClassVar[str] = "sms_pumping"
    method: ClassVar[str] = "form_abuse"
    fraud_type: ClassVar[str] = "inflated_traffic"
    series: ClassVar[SeriesName] = ("sms", "outbound")
    twins: ClassVar[tuple[str, ...]] = ("season", "mailing", "new_client", "migration", "back_fill")

    hours: tuple[float, float] = (1.5, 8.0)
    messages_an_hour: tuple[float, float] = (1000.0, 5000.0)
    cents_a_message: float = 32.0

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part of hours, off hours."""
        begin = place.begin(When.OFF_HOURS, rng)
        length = place.until(begin, 60 * drawn(self.hours, rng))
        rate = np.full(length, drawn_log(self.messages_an_hour, rng) / 60)
        countries = rng.choice(SMS_COUNTRIES, size=int(rng.integers(1, 4)), replace=False)
        mix = Mix(
            connected=0.95,
            failed=0.05,
            international=1.0,
            high_risk=0.8,
            invalid=0.1,
            countries=tuple(map(str, countries)),
            cents_a_contact=self.cents_a_message,
        )
        return (Part("pumping", self.series, begin, rng.poisson(rate), mix),)


@dataclass(frozen=True, slots=True)
class ChatFlood:
    """A bot that opens chats from a few addresses.

    Attributes
    ----------
    hours : minutes to hours (eGain).
    chats_a_minute : 3 to 60 (ours; vendors allow 4 an hour from one address, eGain).
    """

    name: ClassVar[str] = "chat_flood"
    method: ClassVar[str] = "bot"
    fraud_type: ClassVar[str] = "denial_of_service"
    series: ClassVar[SeriesName] = ("chat", "inbound")
    twins: ClassVar[tuple[str, ...]] = ("tenant_outage", "migration", "back_fill")

    hours: tuple[float, float] = (0.3, 5.0)
    chats_a_minute: tuple[float, float] = (3.0, 60.0)

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part."""
        mix = Mix(connected=0.25, seconds=30.0, seconds_spread=0.2, distinct=0.05)
        return (_flood(place, rng, self.series, self.hours, self.chats_a_minute, mix),)


@dataclass(frozen=True, slots=True)
class EmailFlood:
    """Mail without end: subscriptions in somebody's name, or answers of machines to machines.

    Attributes
    ----------
    hours : 2 to 24 (published).
    mails_a_minute : up to 458, 55,000 in two hours (published); from 2 on: 500 in four hours to one victim (published).
    """

    name: ClassVar[str] = "email_flood"
    method: ClassVar[str] = "form_abuse"
    fraud_type: ClassVar[str] = "denial_of_service"
    series: ClassVar[SeriesName] = ("email", "inbound")
    twins: ClassVar[tuple[str, ...]] = ("mailing", "migration", "back_fill")

    hours: tuple[float, float] = (2.0, 24.0)
    mails_a_minute: tuple[float, float] = (2.0, 458.0)

    def parts(self, place: Place, rng: np.random.Generator) -> tuple[Part, ...]:
        """Return one part."""
        mix = Mix(connected=1.0, distinct=0.9)
        return (_flood(place, rng, self.series, self.hours, self.mails_a_minute, mix),)


def _flood(
    place: Place,
    rng: np.random.Generator,
    series: SeriesName,
    hours: tuple[float, float],
    contacts_a_minute: tuple[float, float],
    mix: Mix,
) -> Part:
    """Return a part of a constant rate at any time of the day; how long and how much are drawn from the two ranges."""
    begin = place.begin(When.ANY, rng)
    length = place.until(begin, 60 * drawn_log(hours, rng))
    rate = np.full(length, drawn_log(contacts_a_minute, rng))
    return Part("flood", series, begin, rng.poisson(rate), mix)
