"""The words of letters and of their pages: gettext catalogues, read by Babel and compiled in memory at first use.

English stands in the templates and in this package; every other language has catalogues of translations
(``locales/<locale>/LC_MESSAGES/letters.po`` and ``page.po``). No compiled catalogue is kept: compiling one takes some
20 ms, and a compiled file that is older than its source would send words that nobody has read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from babel.support import NullTranslations

from cjp_fraud.catalogues import read_catalogue, translations_of
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.letter_languages import letter_language, letter_locale
from cjp_fraud.notices.letter_words import number

CATALOGUES: Final = files("cjp_fraud.notices") / "locales"
LETTERS: Final = "letters"
PAGE: Final = "page"
"""Domains: one catalogue each in every language."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of one locale; the methods are gettext's, and fill ``%(name)s``.

    Parameters
    ----------
    locale : by which numbers and dates are written, as Babel writes it (``es_MX``).
    translations : of the nearest language that has a catalogue.
    """

    locale: str
    translations: NullTranslations

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return "" if self.locale.partition("_")[0] == "ja" else " "

    def gettext(self, message: str, **values: str) -> str:
        """Return a message in this language."""
        return str(self.translations.gettext(message)) % values

    def pgettext(self, context: str, message: str, **values: str) -> str:
        """Return a message in this language; ``context`` tells it from others that are the same in English."""
        return str(self.translations.pgettext(context, message)) % values

    def ngettext(self, one: str, several: str, count: float, **values: str) -> str:
        """Return a message in the form for ``count`` (rounded) things; ``%(n)s`` in it is the number."""
        form = str(self.translations.ngettext(one, several, round(count)))
        return form % (values | {"n": number(count, self.locale)})


@cache
def words(language: str, domain: str = LETTERS) -> Words:
    """Return the words of a language or locale (``fr-CA``, ``es_MX``); those of English where it is not known."""
    nearest = letter_language(language) or "en"
    return Words(letter_locale(language), _translations(nearest, domain))


@cache
def _translations(language: str, domain: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    locale = language.replace("-", "_")
    translations = translations_of(read_catalogue(catalogue_bytes(language, domain), locale), domain)
    broader = language.partition("-")[0]
    if broader != language:
        translations.add_fallback(_translations(broader, domain))
    return translations


def catalogue_bytes(language: str, domain: str = LETTERS) -> bytes:
    """Return a catalogue of a language as it lies in the package."""
    folder = CATALOGUES / language.replace("-", "_") / "LC_MESSAGES"
    return (folder / f"{domain}.po").read_bytes()


@cache
def catalogue_version(language: str) -> str:
    """Return a digest of the words of a language, and of those that it falls back on."""
    if language == "en":
        return "source"
    named = dict.fromkeys((language, language.partition("-")[0]))
    return sha256_hex(b"\0".join(catalogue_bytes(each) for each in named))[:16]


def in_context(context: str, message: str) -> tuple[str, str]:
    """Mark a message for the catalogues; :meth:`Words.pgettext` takes it later."""
    return context, message


def marked(message: str) -> str:
    """Mark a message for the catalogues; :meth:`Words.gettext` takes it later."""
    return message
