"""How a letter's language writes moments, numbers, durations, lists and plurals; and where its lines break.

``language`` is that of the contract, with its region where it names one, as Babel writes it (``es``, ``es_MX``): words
are the language's, numbers and dates the region's.
"""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import Environment, StrictUndefined, Template

LINE_WIDTH: Final = 72
"""Columns at which lines are broken; a word, an address or a URL that is longer stays whole."""

TEMPLATES: Final = files("cjp_fraud.notices") / "templates"

_ENVIRONMENT: Final = Environment(undefined=StrictUndefined)


@cache
def phrases(language: str) -> Mapping[str, Any]:
    """Return the phrases of a language, whatever its region."""
    name = f"phrases.{language.partition('_')[0]}.toml"
    return tomllib.loads((TEMPLATES / name).read_text(encoding="utf-8"))


def fill(phrase: str, **values: str) -> str:
    """Fill the ``{{ name }}`` of a phrase."""
    return _compiled(phrase).render(values)


@cache
def _compiled(phrase: str) -> Template:
    return _ENVIRONMENT.from_string(phrase)


def counted(forms: Mapping[str, str], count: float, language: str, **values: str) -> str:
    """Fill the phrase for a number of things; ``n`` in it is the number.

    Parameters
    ----------
    forms : phrase by plural category of the language (CLDR), ``other`` where it has none of its own; ``zero`` is
        for none of them, in every language.
    """
    whole = round(count)
    category = "zero" if whole == 0 and "zero" in forms else Locale.parse(language).plural_form(whole)
    return fill(forms.get(category, forms["other"]), n=number(whole, language), **values)


def number(value: float, language: str) -> str:
    """Return a number, rounded to a whole one."""
    return format_decimal(round(value), locale=language)


def hours(count: int, language: str) -> str:
    """Return a number of hours in words."""
    return _unbroken(format_unit(count, "duration-hour", locale=language))


def minutes(seconds: int, language: str) -> str:
    """Return a length of time in minutes, not rounded."""
    return _unbroken(format_unit(seconds / 60, "duration-minute", locale=language))


def _unbroken(text: str) -> str:
    """Return a number and its unit so that no line is broken between them."""
    return text.replace(" ", "\u00a0")


def enumerated(names: Iterable[str], language: str, style: Literal["standard", "or"] = "standard") -> str:
    """Return names as a list: "a, b and c", or "a, b or c"."""
    return format_list(list(names), style=style, locale=language)


def moment(at: datetime, time_zone: str, language: str) -> str:
    """Return a moment on the clock of ``time_zone``, with UTC beside it where that differs.

    UTC tells apart the two readings of the hour that a change of the clocks repeats.

    Parameters
    ----------
    at : aware; told to the minute.
    """
    forms: Mapping[str, str] = phrases(language)["moment"]
    local, utc = at.astimezone(ZoneInfo(time_zone)), at.astimezone(UTC)
    pattern, utc_another_day = forms["pattern"], forms["utc_another_day"]
    if _month_comes_first(language):
        pattern = forms.get("month_first", pattern)
        utc_another_day = forms.get("utc_month_first", utc_another_day)
    if local.day == 1:
        pattern = forms.get("first_of_month", pattern)
    if local.hour == 1:
        pattern = forms.get("one_o_clock", pattern)
    shown = format_datetime(local, pattern, locale=language)
    if local.utcoffset() == timedelta(0):
        return f"{shown} UTC"
    beside = forms["utc"]
    if utc.date() != local.date():
        beside = utc_another_day
        if utc.day == 1:
            beside = forms.get("utc_first_of_month", beside)
    return f"{shown} ({format_datetime(utc, beside, locale=language)})"


@cache
def _month_comes_first(language: str) -> bool:
    """Whether a region writes "April 2, 2015"; without a region nobody knows, and the day comes first."""
    return "_" in language and str(Locale.parse(language).date_formats["long"].pattern).startswith("M")


def wrapped(text: str) -> str:
    """Break lines at :data:`LINE_WIDTH` columns between words; what follows a ``- `` keeps its indentation."""
    return "\n".join(_wrapped_line(line) for line in text.split("\n"))


def _wrapped_line(line: str) -> str:
    return textwrap.fill(
        line,
        LINE_WIDTH,
        subsequent_indent="  " if line.startswith("- ") else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
