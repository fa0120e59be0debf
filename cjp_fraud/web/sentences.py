"""Sentences that operations answer, in the reader's language, by the form that each follows.

Operations speak English: their sentences go on record, to the command line and to the API. A page shows one in the
reader's language where its form stands in :mod:`cjp_fraud.web.sentence_forms` and in the catalogue, and in English,
marked as such, where not. What fills a form is said in the reader's language too: states, measures and channels by
their labels, numbers and moments as the language writes them, sentences inside of sentences by their own forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from markupsafe import Markup

from cjp_fraud.web.sentence_forms import FORMS
from cjp_fraud.web.sentence_values import BETWEEN, VALUES
from cjp_fraud.web.words import Words

_FIELD: Final = re.compile(r"%\((\w+)\)s")
_NUMBERED: Final = re.compile(r"_\d+$")
_KEPT: Final = 10_000
"""Sentences that are kept as they were said: the pages of a case say the same ones again and again."""

_INSIDE: Final[Mapping[str, re.Pattern[str] | None]] = {
    "said": None,
    "rest": None,
    "events": None,
    "parts": re.compile(", "),
    "listed": re.compile(", "),
    "steps": re.compile("; "),
    "by_country": re.compile(r"(?<=\)), "),
}
"""Kind of a field that holds sentences → what stands between them; None: it is one, or none in a ``rest``."""

_FORMS: Final = {"rest": ".*?", "events": "(?: Known event from .*)?"}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as a page shows it.

    Parameters
    ----------
    language : the language of ``text``, which may be another one than the page's.
    """

    text: str
    language: str


def said(words: Words, sentence: str) -> Said:
    """Return an operation's sentence in the reader's language where it is known there; else as it is, in English."""
    if words.language == "en":
        return Said(sentence, "en")
    own = _said(words, sentence)
    return Said(sentence, "en") if own is None else Said(own, words.language)


def shown(words: Words, *sentences: str) -> Markup:
    """Return sentences behind semicolons as a page shows them: what is in another language is marked as that."""
    parts = [said(words, sentence) for sentence in sentences]
    return Markup(words.gettext(BETWEEN)).join(
        Markup("{}").format(part.text)
        if part.language == words.language
        else Markup('<span lang="{}">{}</span>').format(part.language, part.text)
        for part in parts
    )


@lru_cache(_KEPT)
def _said(words: Words, sentence: str) -> str | None:
    """Return a sentence in the reader's language; None: no form fits, or what fills it is not known."""
    for message, always in _literals():
        if always not in sentence:  # far quicker than to match each form
            continue
        found = form_of(message).fullmatch(sentence)
        filled = _filled(words, found.groupdict()) if found is not None else None
        if filled is not None:
            return words.gettext(message) % filled
    return None


@cache
def _literals() -> tuple[tuple[str, str], ...]:
    """Return each form with the longest text in it that is the same in all of its sentences."""
    return tuple((message, max(_texts_of(message), key=len)) for message in FORMS)


def _texts_of(message: str) -> list[str]:
    return [text.replace("%%", "%") for text in _FIELD.split(message)[::2]]


def _filled(words: Words, fields: Mapping[str, str]) -> dict[str, str] | None:
    """Return what fills the fields of a form, in the reader's language; None: one of them is not known in it."""
    filled = {}
    for name, value in fields.items():
        own = _field(words, _kind_of(name), value)
        if own is None:
            return None
        filled[name] = own
    return filled


def _field(words: Words, kind: str, value: str) -> str | None:
    if kind in VALUES:
        return VALUES[kind].say(words, value)
    if kind not in _INSIDE:
        return value
    if not value and kind in _FORMS:
        return ""
    between = _INSIDE[kind]
    if between is None:
        return _said(words, value)
    parts = [_said(words, part) for part in between.split(value)]
    joined = words.gettext(BETWEEN) if kind == "steps" else ", "
    known = [part for part in parts if part is not None]
    return joined.join(known) if len(known) == len(parts) else None


def _kind_of(field: str) -> str:
    """Return what kind of value a field holds: its name without its number."""
    return _NUMBERED.sub("", field)


@cache
def form_of(message: str) -> re.Pattern[str]:
    """Return what a message matches in English, each field a group of its name."""
    names = _FIELD.split(message)[1::2]
    texts = [re.escape(text) for text in _texts_of(message)]
    body = texts[0]
    for name, after in zip(names, texts[1:], strict=True):
        kind = _kind_of(name)
        form = VALUES[kind].form if kind in VALUES else _FORMS.get(kind, ".+?")
        body += f"(?P<{name}>{form}){after}"
    return re.compile(body, re.DOTALL)
