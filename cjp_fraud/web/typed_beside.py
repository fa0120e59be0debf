"""Values of a contract as pages show them: the product's words in the reader's language, counsel's as they are."""

from __future__ import annotations

import re
from typing import Final

from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.review.grounds import Ground
from cjp_fraud.web.labels import LABELS
from cjp_fraud.web.sentence_values import BETWEEN
from cjp_fraud.web.sentences import said
from cjp_fraud.web.words import Words

_NUMBERED: Final = re.compile(r"(.+) (\d+)")
_AS_ENTERED: Final = "en"
"""The language in which names and values are on record, and shown as they are."""

_LISTED_VALUES: Final = {*MeasureKind, *Ground}
"""Values of notice terms that have labels, since people choose them too."""

_LONGEST_NAME: Final = 3
"""Words of the longest name of a value (``last before holiday``)."""


def known_or_typed(words: Words, text: str) -> str:
    """Return a text in the reader's language where the product wrote it; else as somebody typed it."""
    if words.language != _AS_ENTERED and text.replace(" ", "_") in _LISTED_VALUES:
        return words.label(text.replace(" ", "_"))
    return said(words, text).text


def term_name(words: Words, name: str) -> str:
    """Return where an entry of notice terms stands: ``suspension, step 1, email``."""
    return ", ".join(_name(words, part) for part in name.split(", "))


def _name(words: Words, part: str) -> str:
    if (
        words.language != _AS_ENTERED and f"method_{part}" in LABELS
    ):  # a channel of the same name has another word
        return words.label(f"method_{part}")
    numbered = _NUMBERED.fullmatch(part)
    known = said(words, part)
    if known.language == words.language or numbered is None:
        return known.text
    return f"{known_or_typed(words, numbered[1])} {numbered[2]}"


def term_says(words: Words, says: str) -> str:
    """Return the values of an entry of notice terms: ``basis sent; address roles notice``."""
    known = said(words, says)
    if known.language == words.language:
        return known.text
    return words.gettext(BETWEEN).join(_value(words, part) for part in says.split("; "))


def _value(words: Words, part: str) -> str:
    """Return one value, the name before it too where it has one; of a list what is known of it."""
    parts = part.split(" ")
    for length in range(min(_LONGEST_NAME, len(parts) - 1), 0, -1):
        name = said(words, " ".join(parts[:length]))
        if name.language == words.language:
            return f"{name.text} {_listed(words, ' '.join(parts[length:]))}"
    return _listed(words, part)


def _listed(words: Words, values: str) -> str:
    return ", ".join(known_or_typed(words, each) for each in values.split(", "))
