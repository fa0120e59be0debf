"""How a letter's language writes numbers, durations and lists; and where its lines break.

``language`` is that of the contract, with its region where it names one, as Babel writes it (``es``, ``es_MX``): words
are the language's, numbers and dates the region's.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final, Literal
from unicodedata import east_asian_width

from babel.lists import format_list
from babel.numbers import format_decimal
from babel.units import format_unit

from cjp_fraud.notices.letter_languages import letter_locale

LINE_WIDTH: Final = 72
"""Columns at which lines are broken; a word, an address or a URL that is longer stays whole."""


def number(value: float, language: str) -> str:
    """Return a number, rounded to a whole one."""
    return format_decimal(round(value), locale=letter_locale(language))


def hours(count: int, language: str) -> str:
    """Return a number of hours in words."""
    return _duration(count, "duration-hour", language)


def minutes(seconds: int, language: str) -> str:
    """Return a length of time in minutes, not rounded."""
    return _duration(seconds / 60, "duration-minute", language)


def _duration(count: float, unit: str, language: str) -> str:
    """Return a number and its unit so that no line is broken between them.

    Where a language writes a unit in one way only, CLDR has it as the short one, and Babel does not follow from there.
    """
    locale = letter_locale(language)
    text = format_unit(count, unit, "long", locale=locale)
    if unit in text:
        text = format_unit(count, unit, "short", locale=locale)
    return text.replace(" ", "" if locale.startswith("ja") else "\u00a0")


def enumerated(names: Iterable[str], language: str, style: Literal["standard", "or"] = "standard") -> str:
    """Return names as a list: "a, b and c", or "a, b or c"."""
    return format_list(list(names), style=style, locale=letter_locale(language))


def wrapped(text: str) -> str:
    """Break lines at :data:`LINE_WIDTH` columns; what follows a ``- `` keeps its indentation.

    Between words; where a script has no blanks between them, between its characters, by the rules of that script.
    """
    return "\n".join(_wrapped_line(line) for line in text.split("\n"))


def _wrapped_line(line: str) -> str:
    indent = "  " if line.startswith("- ") else ""
    if any(map(_is_wide, line)):
        return _filled(_pieces(line), indent)
    return textwrap.fill(
        line, LINE_WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


_NOT_AT_A_START: Final = frozenset(
    "、。，．・：；？！ー）」』】〕〉》々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ"
)
_NOT_AT_AN_END: Final = frozenset("（「『【〔〈《")
"""Characters that begin or end no line in Japanese (JIS X 4051)."""


def _is_wide(character: str) -> bool:
    return east_asian_width(character) in "WF"


def _pieces(line: str) -> list[str]:
    """Return a line cut where it may be broken: after blanks, and at wide characters."""
    pieces = [""]
    for before, character in zip(" " + line, line, strict=False):
        after_blank = before == " " and pieces[-1].strip() not in ("", "-")
        between = (
            _may_part(before, character) and character not in _NOT_AT_A_START and before not in _NOT_AT_AN_END
        )
        if after_blank or between:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _may_part(before: str, character: str) -> bool:
    """Whether a line may be broken between two characters: at a wide one, but beside no digit, sign or blank."""
    wide = _is_wide(before), _is_wide(character)
    if all(wide):
        return True
    return any(wide) and (character if wide[0] else before).isalpha()


def _filled(pieces: list[str], indent: str) -> str:
    lines, width = [""], 0
    for piece in pieces:
        columns = sum(2 if _is_wide(character) else 1 for character in piece.rstrip(" "))
        if width and width + columns > LINE_WIDTH:
            lines.append(indent)
            width = len(indent)
        lines[-1] += piece
        width += columns + len(piece) - len(piece.rstrip(" "))
    return "\n".join(line.rstrip(" ") for line in lines)
