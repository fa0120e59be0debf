"""The chart in a letter on paper: what was seen beside what is usual, in the letter's language.

It shows numbers that stand in the letter's words, and no others, so it needs no approval of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.numbers import get_decimal_symbol, get_group_symbol

from cjp_fraud.notices.letter_catalogues import Words, words
from cjp_fraud.notices.letter_moments import moment
from cjp_fraud.notices.letter_traffic import MOST_SERIES, traffic_in_words
from cjp_fraud.notices.letter_words import minutes, number

if TYPE_CHECKING:
    from cjp_fraud.notices.statement_of_reasons import Fact


@dataclass(frozen=True, slots=True)
class LetterChart:
    """A chart of a letter.

    Parameters
    ----------
    svg : the picture.
    said : all that it shows in words, for who cannot see it.
    """

    svg: bytes
    said: str


@dataclass(frozen=True, slots=True)
class LetterFigures:
    """What a letter's chart is made of.

    Parameters
    ----------
    facts : of its statement of reasons.
    time_zone : of the customer.
    language : of its words, with the contract's region.
    """

    facts: Sequence[Fact]
    time_zone: str
    language: str

    def chart(self) -> LetterChart | None:
        """Return two bars for each kind of traffic, of its most unusual interval; None: there is nothing to show."""
        shown = [fact for fact in self.facts if fact.most_unusual][:MOST_SERIES]
        if not shown:
            return None
        # Inside: only letters on paper have charts, and what draws them takes its time to load.
        from cjp_fraud.charts.comparison import Compared, comparison_chart
        from cjp_fraud.charts.rendering import NumberSigns, svg

        said = words(self.language)
        seen, usual = said.pgettext("chart", "seen"), said.pgettext("chart", "usual")
        compared = [Compared(self._named(fact, said), fact.observed, fact.usual) for fact in shown]
        title, unit = said.gettext("What was seen"), said.gettext("Contacts in the interval")
        drawn = comparison_chart(
            compared,
            title=title,
            unit=unit,
            flagged=seen,
            usual=usual,
            number=lambda value: number(value, said.locale),
            width=300,
            names_width=420,
        )
        signs = NumberSigns(get_decimal_symbol(said.locale), get_group_symbol(said.locale))
        rows = (
            f"{each.name}: {seen} {number(each.flagged, said.locale)}, {usual} {number(each.usual or 0, said.locale)}"
            for each in compared
        )
        return LetterChart(svg(drawn, signs), f"{title} ({unit}). {'; '.join(rows)}".replace("\n", ", "))

    def _named(self, fact: Fact, said: Words) -> str:
        """Return of which traffic and interval two bars are, in two lines."""
        begins = moment(fact.begins_at, self.time_zone, said.locale)
        what = traffic_in_words(fact, said).removeprefix("- ")
        return f"{what}\n{begins}, {minutes(fact.seconds, said.locale)}"
