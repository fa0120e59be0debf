"""How a reader's language writes the words, days and numbers of charts."""

from __future__ import annotations

from datetime import date
from functools import cache

from babel.dates import format_date

from cjp_fraud.charts.reader import ENGLISH, ChartReader
from cjp_fraud.charts.rendering import NumberSigns
from cjp_fraud.web.sentences import said
from cjp_fraud.web.words import Words


@cache
def chart_reader(language: str) -> ChartReader:
    """Return the reader of charts in a language of the pages; the same one each time, by which pictures are kept."""
    if language == "en":
        return ENGLISH
    words = Words(language)

    def say(text: str) -> str:
        return said(words, text).text

    def day(day: date) -> str:
        return format_date(day, "d MMM", locale=language)

    def weekday(day: date) -> str:
        return format_date(day, "EEE d MMM y", locale=language)

    def number(number: float) -> str:
        return words.number(number, 0 if number >= 10 else 1)

    return ChartReader(say, day, weekday, number, NumberSigns(words.decimal_sign, words.thousands_sign))
