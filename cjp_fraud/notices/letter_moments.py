"""How a letter's language writes a moment and a time zone.

The patterns are CLDR's (https://unicode.org/reports/tr35/tr35-dates.html); a blank inside a date, or between a number
and its unit, is one at which no line is broken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, get_timezone_name

from cjp_fraud.notices.letter_languages import letter_language, letter_locale


@dataclass(frozen=True, slots=True)
class _Patterns:
    """How a language writes a moment: date, what joins them, time; and UTC beside it.

    Parameters
    ----------
    first_of_month, month_first : the date on the first of a month, and where the region writes the month first.
    at_one : what joins date and time in the hour from one o'clock on.
    full_hour, full_hour_utc : the time where the minutes are none.
    beside : how UTC stands beside the moment.
    """

    date: str
    at: str
    time: str
    utc: str
    first_of_month: str | None = None
    month_first: str | None = None
    at_one: str | None = None
    full_hour: str | None = None
    full_hour_utc: str | None = None
    comma: str = ", "
    beside: str = "{local} ({utc})"
    only_utc: str = "{local} UTC"

    def local(self, at: datetime, *, month_first: bool) -> str:
        joined = self.at_one if self.at_one is not None and at.hour == 1 else self.at
        time = self.full_hour if self.full_hour is not None and at.minute == 0 else self.time
        return self.day(at, month_first=month_first) + joined + time

    def in_utc(self, at: datetime) -> str:
        return self.full_hour_utc if self.full_hour_utc is not None and at.minute == 0 else self.utc

    def day(self, at: datetime, *, month_first: bool) -> str:
        if month_first and self.month_first is not None:
            return self.month_first
        return self.first_of_month if self.first_of_month is not None and at.day == 1 else self.date


_FRENCH: Final = _Patterns(
    date="d\u00a0MMMM y",
    first_of_month="d'er'\u00a0MMMM y",
    at=" 'à' ",
    time="H'\u00a0h\u00a0'mm",
    utc="H'\u00a0h\u00a0'mm\u00a0'UTC'",
)

_PATTERNS: Final = {
    "en": _Patterns(
        date="d\u00a0MMMM y", month_first="MMMM\u00a0d, y", at=" 'at' ", time="HH:mm", utc="HH:mm\u00a0'UTC'"
    ),
    "fr": _FRENCH,
    "fr-CA": _Patterns(
        date=_FRENCH.date,
        first_of_month=_FRENCH.first_of_month,
        at=_FRENCH.at,
        time=_FRENCH.time,
        utc=_FRENCH.utc,
        full_hour="H'\u00a0h'",
        full_hour_utc="H'\u00a0h\u00a0UTC'",
    ),
    "de": _Patterns(date="d.\u00a0MMMM y", at=" 'um' ", time="HH:mm\u00a0'Uhr'", utc="HH:mm\u00a0'UTC'"),
    "es": _Patterns(
        date="d\u00a0'de'\u00a0MMMM 'de' y",
        at=" 'a las' ",
        at_one=" 'a la' ",
        time="HH:mm",
        utc="HH:mm\u00a0'UTC'",
    ),
    "it": _Patterns(
        date="d\u00a0MMMM y",
        first_of_month="d'º'\u00a0MMMM y",
        at=" 'alle ore' ",
        time="HH:mm",
        utc="HH:mm\u00a0'UTC'",
    ),
    "nl": _Patterns(date="d\u00a0MMMM y", at=" 'om' ", time="HH:mm\u00a0'uur'", utc="HH:mm\u00a0'UTC'"),
    "sv": _Patterns(date="'den'\u00a0d\u00a0MMMM y", at=" 'kl.'\u00a0", time="HH:mm", utc="HH:mm\u00a0'UTC'"),
    "ja": _Patterns(
        date="y年M月d日",
        at="",
        time="H時mm分",
        utc="'協定世界時'H時mm分",
        comma="",
        beside="{local}（{utc}）",
        only_utc="{local}（協定世界時）",
    ),
}
"""Language of the letters → its patterns."""


def moment(at: datetime, time_zone: str, language: str) -> str:
    """Return a moment on the clock of ``time_zone``, with UTC beside it where that differs.

    UTC tells apart the two readings of the hour that a change of the clocks repeats.

    Parameters
    ----------
    at : aware; told to the minute.
    language : of the contract, with its region where it names one (``es_MX``).
    """
    patterns, locale = _PATTERNS[letter_language(language) or "en"], letter_locale(language)
    local, utc = at.astimezone(ZoneInfo(time_zone)), at.astimezone(UTC)
    month_first = _month_comes_first(locale)
    shown = format_datetime(local, patterns.local(local, month_first=month_first), locale=locale)
    if local.utcoffset() == timedelta(0):
        return patterns.only_utc.format(local=shown)
    beside = patterns.in_utc(utc)
    if utc.date() != local.date():
        beside = patterns.day(utc, month_first=month_first) + patterns.comma + beside
    return patterns.beside.format(local=shown, utc=format_datetime(utc, beside, locale=locale))


@cache
def _month_comes_first(locale: str) -> bool:
    """Whether a region writes "April 2, 2015"; without a region nobody knows, and the day comes first."""
    return "_" in locale and str(Locale.parse(locale).date_formats["long"].pattern).startswith("M")


@cache
def zone_in_words(time_zone: str, language: str) -> str:
    """Return a zone as the language calls it, with its IANA name, by which it can be looked up."""
    if time_zone.partition("/")[0] in ("Etc", time_zone):
        return time_zone
    name = get_timezone_name(
        ZoneInfo(time_zone), "long", locale=letter_locale(language), zone_variant="generic"
    )
    return f"{name}, {time_zone}" if re.search(r"[^\W\d_]", name) else time_zone
