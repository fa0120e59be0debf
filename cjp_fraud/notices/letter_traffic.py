"""What letters say of traffic: which it is, what was observed and what is usual."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from babel import Locale

from cjp_fraud.notices.letter_catalogues import Words, in_context
from cjp_fraud.notices.letter_facts import Seen, by_kind_of_traffic, most_unusual
from cjp_fraud.notices.letter_moments import moment
from cjp_fraud.notices.letter_words import minutes, number

if TYPE_CHECKING:
    from cjp_fraud.notices.statement_of_reasons import Fact

MOST_SERIES: Final = 10
"""Series that a letter lists one by one."""

_RAREST: Final = 1_000_000_000
"""Odds beyond which a letter says "less than once in"."""

_CHANNELS: Final = {
    "voice": in_context("channel", "voice"),
    "chat": in_context("channel", "chat"),
    "email": in_context("channel", "email"),
    "sms": in_context("channel", "SMS"),
    "social": in_context("channel", "social media"),
}
_DIRECTIONS: Final = {
    "inbound": in_context("direction", "inbound"),
    "outbound": in_context("direction", "outbound"),
}


def seen_in_words(flags: tuple[Seen, ...], time_zone: str, said: Words) -> str:
    """Return what was observed, a line for each series."""
    lines = [_series_line(members, time_zone, said) for members in by_kind_of_traffic(flags)]
    beyond = len(lines) - MOST_SERIES
    if beyond > 0:
        further = said.ngettext(
            "- and one further kind of traffic", "- and %(n)s further kinds of traffic", beyond
        )
        lines = [*lines[:MOST_SERIES], further]
    return "\n".join(lines)


def channel_in_words(channel: str, said: Words) -> str:
    """Return a channel as letters call it; one that they have no word for as traffic names it."""
    return said.pgettext(*_CHANNELS[channel]) if channel in _CHANNELS else channel


def direction_in_words(direction: str, said: Words) -> str:
    """Return a direction of traffic as letters call it; one that they have no word for as traffic names it."""
    return said.pgettext(*_DIRECTIONS[direction]) if direction in _DIRECTIONS else direction


def _series_line(flags: list[Seen], time_zone: str, said: Words) -> str:
    peak = most_unusual(flags)
    end = max(flag.interval_start + timedelta(seconds=flag.interval_seconds) for flag in flags)
    values = {
        "what": traffic_in_words(peak, said),
        "minutes": minutes(peak.interval_seconds, said.locale),
        "first": moment(min(flag.interval_start for flag in flags), time_zone, said.locale),
        "last": moment(end, time_zone, said.locale),
        "peak": moment(peak.interval_start, time_zone, said.locale),
        "observed": _observed(peak.observed, said),
        "usual": _usual(peak.usual, said),
    }
    line = (
        said.gettext(
            "%(what)s: one interval of %(minutes)s, which began on %(peak)s. In it there %(observed)s, where "
            "%(usual)s.",
            **values,
        )
        if len(flags) == 1
        else said.ngettext(
            "%(what)s: %(n)s interval of %(minutes)s, between %(first)s and %(last)s. The most unusual one began on "
            "%(peak)s. In it there %(observed)s, where %(usual)s.",
            "%(what)s: %(n)s intervals of %(minutes)s each, between %(first)s and %(last)s. The most unusual one "
            "began on %(peak)s. In it there %(observed)s, where %(usual)s.",
            len(flags),
            **values,
        )
    )
    odds = _odds(peak.p_value, said)
    return f"{line}{said.gap}{odds}" if odds else line


def traffic_in_words(flag: Seen | Fact, said: Words) -> str:
    """Return which traffic it is, as an item of a list: channel, direction, country where known, what carried it."""
    channel = channel_in_words(flag.channel, said)
    carried = (
        said.gettext(", carried by %(application)s", application=flag.application_id)
        if flag.application_id
        else ""
    )
    return said.gettext(
        "- %(channel)s, %(direction)s%(carried)s",
        channel=channel[:1].upper() + channel[1:],
        direction=direction_in_words(flag.direction, said),
        carried=f"{_country(flag, said)}{carried}",
    )


def _country(flag: Seen | Fact, said: Words) -> str:
    if flag.country is None:
        return ""
    name = Locale.parse(said.locale).territories.get(flag.country, flag.country)
    if flag.direction == "inbound":
        return said.gettext(", country of origin: %(country)s", country=name)
    return said.gettext(", country of destination: %(country)s", country=name)


def _observed(count: float, said: Words) -> str:
    if round(count) == 0:
        return said.gettext("were no contacts")
    return said.ngettext("was one contact", "were %(n)s contacts", count)


def _usual(count: float, said: Words) -> str:
    if round(count) == 0:
        return said.gettext("none are usual")
    return said.ngettext("one is usual", "%(n)s are usual", count)


def _odds(p_value: float, said: Words) -> str:
    """Return how often chance brings such an interval; nothing where it does so every other time."""
    if not p_value > 1 / _RAREST:
        return said.gettext(
            "By chance, that happens less than once in %(n)s such intervals.", n=number(_RAREST, said.locale)
        )
    odds = float(f"{1 / min(p_value, 1.0):.1e}")
    if odds < 2:
        return ""
    return said.ngettext(
        "By chance, that happens about once in %(n)s such interval.",
        "By chance, that happens about once in %(n)s such intervals.",
        odds,
    )
