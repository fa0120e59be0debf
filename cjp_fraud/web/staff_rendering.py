"""Render the staff's pages in the reader's language; what is filled in is text, never markup."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cjp_fraud.web.sentences import Said, said
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
    environment.filters["spoken"] = _spoken
    return environment


def _spoken(sentence: str, words: Words) -> Said:
    """The filter ``spoken``: an operation's sentence in the reader's language, where it is known there."""
    return said(words, sentence)
