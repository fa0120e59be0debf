"""For whom a chart is drawn: how its words, days and numbers are written; English unless another is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from cjp_fraud.charts.rendering import NumberSigns


def _as_it_is(words: str) -> str:
    return words


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _weekday(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _number(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


@dataclass(frozen=True, slots=True)
class ChartReader:
    """Who reads a chart.

    Parameters
    ----------
    say : a title, a legend or a remark of a chart, in the reader's language.
    day : a day in few letters: ``14 Nov``.
    weekday : a day with its day of the week and its year: ``Fri 14 Nov 2025``.
    number : a number beside a bar.
    signs : of the numbers on axes.
    """

    say: Callable[[str], str] = _as_it_is
    day: Callable[[date], str] = _day
    weekday: Callable[[date], str] = _weekday
    number: Callable[[float], str] = _number
    signs: NumberSigns = field(default_factory=NumberSigns)


ENGLISH: Final = ChartReader()
