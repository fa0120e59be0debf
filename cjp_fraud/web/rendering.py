"""Render the templates of pages in a language; what is filled in is text, never markup."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from cjp_fraud.notices.letter_moments import moment, zone_in_words
from cjp_fraud.notices.page_words import page_words

STATIC_FILES: Final = files("cjp_fraud.web") / "static"


def render(template: str, language: str, **values: Any) -> str:
    """Return a page in a language (a tag), or in English where there are no words in it.

    The template may refer to ``language`` (as HTML names it), to ``moment(at, time_zone)`` and to ``zone(time_zone)``.
    """
    locale = page_words(language).locale
    return (
        _environment(locale)
        .get_template(template)
        .render(
            values,
            language=locale.replace("_", "-"),
            moment=lambda at, time_zone: moment(at, time_zone, locale),
            zone=lambda time_zone: zone_in_words(time_zone, locale),
        )
    )


@cache
def _environment(locale: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("cjp_fraud.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(page_words(locale).translations, newstyle=True)  # type: ignore[attr-defined]
    return environment
