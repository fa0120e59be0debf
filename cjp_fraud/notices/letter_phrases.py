"""What letters say of traffic, measures, grounds and ends: phrases in a language, out of its catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from babel import Locale

from cjp_fraud.contracts.model import OFFERED_CLAUSE
from cjp_fraud.contracts.restriction import CHANNELS, DIRECTIONS, MeasureKind, Scope
from cjp_fraud.notices.letter_catalogues import Words, in_context, marked, words
from cjp_fraud.notices.letter_facts import (
    Announced,
    Seen,
    WhyRestored,
    WhyWithdrawn,
    by_kind_of_traffic,
    most_unusual,
)
from cjp_fraud.notices.letter_moments import moment
from cjp_fraud.notices.letter_words import enumerated, minutes, number
from cjp_fraud.notices.principal_names import is_secret, last_characters

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
GROUNDS: Final = {
    "costly_destinations": marked(
        "Calls or messages went to costly numbers from which third parties earn a share."
    ),
    "unusual_destinations": marked(
        "Calls or messages went to countries or number ranges to which this traffic does not usually go."
    ),
    "unattended": marked(
        "The traffic ran while, as far as could be seen, none of the customer’s staff was at work on it."
    ),
    "taken_over_access": marked(
        "The access that was used showed signs of use by somebody other than its holder."
    ),
    "forwarded_calls": marked(
        "Incoming calls were passed on to outside numbers by call forwarding or transfer, without a conversation "
        "with the customer’s staff."
    ),
    "call_back_lures": marked(
        "Very many calls were broken off before they could be answered, as is done to draw costly calls back."
    ),
    "automated_calls": marked(
        "Very many short calls were made to ever new numbers, as unlawful automatic diallers make them."
    ),
    "carried_for_others": marked(
        "The access carried calls of third parties, as when calls are resold without permission."
    ),
    "calls_without_conversation": marked(
        "Incoming calls to numbers that are free for the caller were held without a conversation, at the cost of "
        "the called party."
    ),
    "blocked_lines": marked(
        "Incoming calls occupied lines in such number that other callers could not get through."
    ),
    "pumped_messages": marked(
        "Messages were sent in great number to recipients who had not asked for them or did not use them, as is "
        "done to produce charges."
    ),
    "feigned_contacts": marked(
        "Chats, emails or other messages came in great number without a real enquiry in them."
    ),
}
"""Key of each ground (review/grounds.py) → its words."""

_RESTORED: Final = {
    WhyRestored.LAPSED: marked(
        "The restriction ended because its time had run out and nobody had decided to keep it longer."
    ),
    WhyRestored.NOT_APPROVED: marked(
        "The restriction, which one person had ordered because it could not wait, ended because no other person "
        "approved it in time."
    ),
    WhyRestored.DECIDED: marked("The restriction ended because authorised staff of ours decided to lift it."),
    WhyRestored.DISPUTE_UPHELD: marked(
        "The restriction ended because your dispute was decided in your favour."
    ),
}
_WITHDRAWN: Final = {
    WhyWithdrawn.DISPUTE_UPHELD: marked("It is withdrawn because your dispute was decided in your favour."),
}


def ground_in_words(ground: str, language: str = "en") -> str:
    """Return a ground of the catalogue as letters say it.

    Raises
    ------
    KeyError
        If the catalogue has no such ground.
    """
    return words(language).gettext(GROUNDS[ground])


def why_restored(why: WhyRestored, said: Words) -> str:
    """Return why a restriction ended, as a sentence."""
    return said.gettext(_RESTORED[why])


def why_withdrawn(why: WhyWithdrawn, said: Words) -> str:
    """Return why a notice is withdrawn, as a sentence; empty where there is nothing to tell."""
    return said.gettext(_WITHDRAWN[why]) if why in _WITHDRAWN else ""


def may_have_begun(said: Words) -> str:
    """Say that a restriction may have been in force."""
    return said.gettext(
        "The restriction may have been in force for a time before this letter; it is no longer in force."
    )


def simulated_clock(language: str) -> str:
    """Return the line that stands over a letter of a home whose clock is simulated."""
    return words(language).gettext(
        "SIMULATED CLOCK: this letter is part of a trial. Nothing was found, decided or restricted."
    )


def not_sent(language: str) -> str:
    """Return the line that stands over a letter which is only looked at."""
    return words(language).gettext("PREVIEW: this letter has not been sent.")


def approval(unless_approved_by: str | None, language: str) -> str:
    """Say who released a notice of a restriction.

    Parameters
    ----------
    unless_approved_by : moment, as the language writes it, at which a restriction that one person ordered in an
        emergency ends without an approval; None: another person has approved the notice.
    """
    said = words(language)
    if unless_approved_by is None:
        return said.gettext("Another person has approved this notice.")
    return said.gettext(
        "Because it could not wait, one person ordered the restriction alone. It ends by itself on %(until)s, unless "
        "another person has approved it by then.",
        until=unless_approved_by,
    )


def place_in_sequence(number: int, count: int, language: str) -> str:
    """Say which of the notices before a restriction a letter is, and which of the dates in them hold.

    Parameters
    ----------
    number : of the step that the letter belongs to, from 1.
    count : of the steps; 2 at least.
    """
    said = words(language)
    values = {"number": str(number), "count": str(count)}
    if number < count:
        place = said.gettext(
            "This is notice %(number)s of %(count)s. The next one follows before a restriction begins.",
            **values,
        )
    else:
        place = said.gettext(
            "This is notice %(number)s of %(count)s, the last one before the restriction begins.", **values
        )
    dates = said.gettext(
        "Where these notices state different dates, the latest beginning and the earliest end hold."
    )
    return f"{place}{said.gap}{dates}"


def clause(document: str | None, number: str | None, notices: str | None, said: Words) -> str:
    """Return document and clause that a notice relies on, and where its provisions on notices stand.

    Parameters
    ----------
    document : None: it is not known which, and the clause stands alone.
    number : of the clause; None: it was not entered, and the document stands alone.
    """
    named = number or OFFERED_CLAUSE
    if document and number is None:
        if notices is None:
            return document
        return said.gettext("%(document)s (notices: %(notices)s)", document=document, notices=notices)
    if document and notices:
        return said.gettext(
            "%(document)s, clause %(clause)s (notices: %(notices)s)",
            document=document,
            clause=named,
            notices=notices,
        )
    if document:
        return said.gettext("%(document)s, clause %(clause)s", document=document, clause=named)
    if notices:
        return said.gettext("clause %(clause)s (notices: %(notices)s)", clause=named, notices=notices)
    return said.gettext("clause %(clause)s", clause=named)


def announced(notices: tuple[Announced, ...], time_zone: str, said: Words) -> str:
    """Return the notices before a letter by number and date; empty where there are none."""
    if not notices:
        return ""
    names = [
        said.gettext(
            "%(number)s of %(dated)s",
            number=notice.number,
            dated=moment(notice.dated, time_zone, said.locale),
        )
        for notice in notices
    ]
    return said.ngettext(
        "our notice %(notices)s",
        "our notices %(notices)s",
        len(names),
        notices=enumerated(names, said.locale),
    )


def measure_in_words(kind: MeasureKind, scope: Scope, language: str) -> str:
    """Return what a measure restricts, as a line of a letter."""
    said = words(language)
    channels = [_named(_CHANNELS, name, said) for name in scope.channels]
    parts = _limits(kind, scope, channels, said)
    limits = said.gettext(" (%(parts)s only)", parts=", ".join(parts)) if parts else ""
    return _MEASURES[kind](said, scope, channels, limits)


def _limits(kind: MeasureKind, scope: Scope, channels: list[str], said: Words) -> list[str]:
    """Return to what a measure is limited, beside what its kind names itself."""
    limits = []
    if kind is not MeasureKind.SUSPEND_CHANNEL and channels and set(scope.channels) != set(CHANNELS):
        names = enumerated(channels, said.locale)
        limits.append(said.ngettext("%(names)s channel", "%(names)s channels", len(channels), names=names))
    if scope.directions and set(scope.directions) != set(DIRECTIONS):
        limits += [
            said.pgettext("limit", "%(direction)s", direction=_named(_DIRECTIONS, name, said))
            for name in scope.directions
        ]
    if kind is not MeasureKind.SUSPEND_APPLICATION and scope.application_ids:
        names = enumerated(scope.application_ids, said.locale)
        limits.append(
            said.ngettext(
                "application %(names)s", "applications %(names)s", len(scope.application_ids), names=names
            )
        )
    return limits


def _named(table: Mapping[str, tuple[str, str]], name: str, said: Words) -> str:
    return said.pgettext(*table[name]) if name in table else name


def _block_destinations(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.gettext(
        "Block on calls and messages to numbers that begin with %(destination_prefixes)s%(limits)s.",
        destination_prefixes=enumerated(scope.destination_prefixes, said.locale, "or"),
        limits=limits,
    )


def _limit_origins(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.gettext(
        "Refusal of calls and messages from %(origins)s%(limits)s.",
        origins=enumerated(scope.origins, said.locale, "or"),
        limits=limits,
    )


def _limit_rate(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Limit of one contact an hour%(limits)s.",
        "Limit of %(n)s contacts an hour%(limits)s.",
        scope.contacts_per_hour or 0,
        limits=limits,
    )


def _suspend_principal(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Suspension of the access of the user, credential or key %(principals)s%(limits)s.",
        "Suspension of the access of %(n)s users, credentials or keys: %(principals)s%(limits)s.",
        len(scope.principal_ids),
        principals=enumerated([_principal(each, said) for each in scope.principal_ids], said.locale),
        limits=limits,
    )


def _suspend_application(said: Words, scope: Scope, _channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Suspension of the access of the application %(application_ids)s%(limits)s.",
        "Suspension of the access of the applications %(application_ids)s%(limits)s.",
        len(scope.application_ids),
        application_ids=enumerated(scope.application_ids, said.locale),
        limits=limits,
    )


def _suspend_channel(said: Words, _scope: Scope, channels: list[str], limits: str) -> str:
    return said.ngettext(
        "Suspension of the %(channels)s channel%(limits)s.",
        "Suspension of the %(channels)s channels%(limits)s.",
        len(channels),
        channels=enumerated(channels, said.locale),
        limits=limits,
    )


def _suspend_all_access(said: Words, _scope: Scope, _channels: list[str], _limits: str) -> str:
    return said.gettext("Suspension of all access to the service.")


_MEASURES: Final = {
    MeasureKind.BLOCK_DESTINATIONS: _block_destinations,
    MeasureKind.LIMIT_ORIGINS: _limit_origins,
    MeasureKind.LIMIT_RATE: _limit_rate,
    MeasureKind.SUSPEND_PRINCIPAL: _suspend_principal,
    MeasureKind.SUSPEND_APPLICATION: _suspend_application,
    MeasureKind.SUSPEND_CHANNEL: _suspend_channel,
    MeasureKind.SUSPEND_ALL_ACCESS: _suspend_all_access,
}


def _principal(principal_id: str, said: Words) -> str:
    """Return a user, a credential or a key as the customer knows it; of a secret the last characters."""
    if not is_secret(principal_id):
        return principal_id
    return said.gettext("ending in “%(last)s”", last=last_characters(principal_id))


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
    channel = _named(_CHANNELS, flag.channel, said)
    carried = (
        said.gettext(", carried by %(application)s", application=flag.application_id)
        if flag.application_id
        else ""
    )
    return said.gettext(
        "- %(channel)s, %(direction)s%(carried)s",
        channel=channel[:1].upper() + channel[1:],
        direction=_named(_DIRECTIONS, flag.direction, said),
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
