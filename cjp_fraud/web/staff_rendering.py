"""Render the staff's pages in the reader's language; what is filled in is text, never markup."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cjp_fraud.web import typed_beside
from cjp_fraud.web.sentence_values import COLON, SEMICOLON
from cjp_fraud.web.sentences import Said, said, shown
from cjp_fraud.web.sparkline import sparkline
from cjp_fraud.web.words import Words, translations


def render_page(template: str, words: Words, **values: Any) -> str:
    """Return a page of ``templates/staff/``; ``words`` are those of its reader, to which the template may refer too."""
    return _environment(words.language).get_template(template).render(values, words=words)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("cjp_fraud.web", "templates/staff"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["sparkline"] = sparkline
    environment.globals["colon"] = translations(language).gettext(COLON)
    environment.globals["semicolon"] = translations(language).gettext(SEMICOLON)
    environment.filters["spoken"] = _spoken
    environment.filters["shown"] = _shown
    environment.filters["known_or_typed"] = _known_or_typed
    environment.filters["term_name"] = _term_name
    environment.filters["term_says"] = _term_says
    return environment


def _spoken(sentence: str, words: Words) -> Said:
    """The filter ``spoken``: an operation's sentence in the reader's language, where it is known there."""
    return said(words, sentence)


def _shown(sentences: str | Iterable[str], words: Words) -> Markup:
    """The filter ``shown``: one such sentence, or several behind semicolons; one in another language is marked."""
    return shown(words, *([sentences] if isinstance(sentences, str) else sentences))


def _known_or_typed(text: str, words: Words) -> str:
    """The filter ``known_or_typed``: the product's words in the reader's language, a person's as they are."""
    return typed_beside.known_or_typed(words, text)


def _term_name(name: str, words: Words) -> str:
    """The filter ``term_name``: where an entry of notice terms stands."""
    return typed_beside.term_name(words, name)


def _term_says(says: str, words: Words) -> str:
    """The filter ``term_says``: what an entry of notice terms says."""
    return typed_beside.term_says(words, says)
