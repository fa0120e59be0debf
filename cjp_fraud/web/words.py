"""The words of the staff's pages: gettext catalogues, moments in the reader's zone, money and numbers.

English stands in the templates and in :mod:`cjp_fraud.web.labels`; every other language has catalogues, a file for a
few pages (``locales/<language>/LC_MESSAGES/*.po``), which are compiled in memory at first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_timedelta
from babel.messages.catalog import Catalog
from babel.numbers import (
    format_compact_decimal,
    format_decimal,
    format_percent,
    get_decimal_symbol,
    get_group_symbol,
)
from babel.support import NullTranslations
from babel.units import format_unit

from cjp_fraud.catalogues import read_catalogue, translations_of
from cjp_fraud.web.labels import LABELS

CATALOGUES: Final = files("cjp_fraud.web") / "locales"


def _languages() -> dict[str, str]:
    """Return the languages of the pages, each by its own name: English, and those that have catalogues."""
    others = sorted(folder.name for folder in CATALOGUES.iterdir() if folder.is_dir())
    return {tag: str(Locale(tag).get_language_name()).capitalize() for tag in ("en", *others)}


LANGUAGES: Final = _languages()
_SHORTEST: Final = timedelta(minutes=1)

_RAREST: Final = 9.0
"""Score beyond which odds are said alike: no fit on some months of traffic tells a billion from more."""

_KEPT: Final = 10_000
"""Numbers and moments whose words are kept: a page of the queue shows the same ones again and again."""

_ROUGHLY: Final[dict[str, Any]] = {"granularity": "minute", "threshold": 1.2}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one reader: a language and a zone.

    Parameters
    ----------
    language : one of ``LANGUAGES``.
    time_zone : IANA name.
    """

    language: str
    time_zone: str = "UTC"

    @property
    def translations(self) -> NullTranslations:
        """The catalogue."""
        return translations(self.language)

    def gettext(self, message: str, **values: object) -> str:
        """Return a message in this language, its ``%(name)s`` filled."""
        said = str(self.translations.gettext(message))
        return said % values if values else said

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Return a message for a count, its ``%(num)d`` filled with it."""
        return str(self.translations.ngettext(one, many, count)) % ({"num": count} | values)

    def label(self, value: Enum | str) -> str:
        """Return a value of the product's own lists (a state, a channel, a role) in words."""
        text = str(value.value if isinstance(value, Enum) else value)
        return self.gettext(LABELS[text]) if text in LABELS else text.replace("_", " ")

    def moment(self, at: datetime) -> str:
        """Return an aware moment in the reader's zone: ``3 Apr 2015, 14:05``."""
        return _moment_in(at, self.time_zone, "d MMM y, HH:mm", self.language)

    def clock(self, at: datetime, now: datetime) -> str:
        """Return the hour of an aware moment, with its day where it is not of the reader's today."""
        zone = ZoneInfo(self.time_zone)
        today = at.astimezone(zone).date() == now.astimezone(zone).date()
        return _moment_in(at, self.time_zone, "HH:mm" if today else "d MMM, HH:mm", self.language)

    def utc(self, at: datetime) -> str:
        """Return the same moment in UTC, for the title that a pointer shows."""
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

    def span(self, at: datetime, now: datetime) -> str:
        """Return how long it is since a moment, in one unit: ``2 hours``."""
        return self.lasting(max(now - at, _SHORTEST))

    def lasting(self, span: timedelta) -> str:
        """Return how long something lasts, in one unit and without a sign: ``12 minutes``."""
        return _lasting_in(round(abs(span) / _SHORTEST), self.language)

    def minutes(self, count: int) -> str:
        """Return so many minutes in words: ``15 minutes``, ``4 hours``."""
        return self.lasting(timedelta(minutes=count))

    def ago(self, at: datetime, now: datetime) -> str:
        """Return how long ago a moment was, in one unit: ``2 hours ago``."""
        return format_timedelta(
            min(at - now, -_SHORTEST), **_ROUGHLY, add_direction=True, locale=self.language
        )

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with at most so many decimal digits."""
        return _number_in(round(value, digits), self.language)

    def size(self, count: int) -> str:
        """Return so many bytes in kilobytes of 1,024, one at least, or in megabytes."""
        megabytes = count >= 2**20
        value = round(count / 2**20, 1) if megabytes else max(1, round(count / 2**10))
        unit = "digital-megabyte" if megabytes else "digital-kilobyte"
        return format_unit(value, unit, "short", locale=self.language)

    def percent(self, share: float) -> str:
        """Return a share from 0 to 1 as a percentage with one digit."""
        return format_percent(share, "#,##0.#%", locale=self.language)

    def times(self, value: float) -> str:
        """Return how many times the usual: two digits below ten, whole numbers above, compact from ten thousand on."""
        if value >= 10_000:
            return format_compact_decimal(value, locale=self.language)
        return self.number(value, 1 if value < 10 else 0)

    def odds(self, score: float) -> str:
        """Return how rare a score (-log10 p) is, two digits of it: ``40,000`` of once in 40,000; at most a billion."""
        if self.beyond_odds(score):
            return self.label("over_a_billion")
        rare = 10**score
        digits = 10 ** max(int(score) - 1, 0)
        return self.number(round(rare / digits) * digits)

    def beyond_odds(self, score: float) -> bool:
        """Whether a score is rarer than once in a billion."""
        return score > _RAREST

    def money(self, cents: int) -> str:
        """Return an amount of the deployment's currency, which is not named: whole units from a hundred on."""
        units = cents / 100
        return self.number(units) if abs(units) >= 100 else _number_in(units, self.language, "#,##0.00")

    @property
    def decimal_sign(self) -> str:
        """What stands between a whole number and its fraction."""
        return str(get_decimal_symbol(self.language))

    @property
    def thousands_sign(self) -> str:
        """What stands between thousands."""
        return str(get_group_symbol(self.language))

    def country(self, code: str) -> str:
        """Return a country's name."""
        return str(Locale(self.language).territories.get(code, code))


@lru_cache(_KEPT)
def _moment_in(at: datetime, time_zone: str, pattern: str, language: str) -> str:
    return format_datetime(at.astimezone(ZoneInfo(time_zone)), pattern, locale=language)


@lru_cache(_KEPT)
def _lasting_in(minutes: int, language: str) -> str:
    return format_timedelta(timedelta(minutes=minutes), **_ROUGHLY, locale=language)


@lru_cache(_KEPT)
def _number_in(value: float, language: str, pattern: str | None = None) -> str:
    return format_decimal(value, pattern, locale=language, decimal_quantization=pattern is not None)


@cache
def translations(language: str) -> NullTranslations:
    """Return the messages of a language, of all its catalogues; English is what the messages themselves are."""
    if language == "en":
        return NullTranslations()
    whole = Catalog(locale=language, fuzzy=False)
    for content in catalogues(language).values():
        for message in read_catalogue(content, language):
            if message.id:
                whole[message.id] = message
    return translations_of(whole)


def catalogues(language: str) -> dict[str, bytes]:
    """Return the catalogues of a language as they lie in the package, by file name."""
    folder = CATALOGUES / language / "LC_MESSAGES"
    return {
        file.name: file.read_bytes()
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".po")
    }


def language_wanted(chosen: str | None, accept_language: str) -> str:
    """Return the language of a page: the reader's choice, else the first of the browser's that there is."""
    if chosen in LANGUAGES:
        return str(chosen)
    for tag in _by_preference(accept_language):
        try:
            language = Locale.parse(tag, sep="-").language
        except (ValueError, UnknownLocaleError, TypeError):
            continue
        if language in LANGUAGES:
            return language
    return "en"


def _by_preference(accept_language: str) -> Sequence[str]:
    """Return the tags of an Accept-Language header, the most wanted first (RFC 9110, section 12.5.4)."""
    wanted = []
    for place, item in enumerate(accept_language[:500].split(",")):
        tag, _, weight = item.partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag.strip() and quality > 0:
            wanted.append((-quality, place, tag.strip()))
    return [tag for _, _, tag in sorted(wanted)]
