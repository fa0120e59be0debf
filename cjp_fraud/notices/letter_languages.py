"""The languages of letters, and which of them a contract's language takes."""

from __future__ import annotations

from typing import Final

from babel import Locale, UnknownLocaleError

LANGUAGES: Final = ("en", "fr", "fr-CA", "de", "es", "it", "nl", "sv", "ja")
"""Languages that letters can be written in (BCP 47); a contract's language takes the nearest of them."""


def letter_language(tag: str) -> str | None:
    """Return the language of letters under a contract that names ``tag``; None: there are no words in it.

    That of the region where it has one of its own (``fr-CA``), else the language's.
    """
    try:
        named = Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        return None
    of_region = f"{named.language}-{named.territory}"
    if of_region in LANGUAGES:
        return of_region
    return named.language if named.language in LANGUAGES else None


def letter_locale(tag: str) -> str:
    """Return the locale of letters under a contract that names ``tag``: the language, with its region if it has one.

    Raises
    ------
    ValueError
        If it is no language tag; :func:`letter_language` returns None then.
    """
    named = Locale.parse(tag.replace("_", "-"), sep="-")
    return f"{named.language}_{named.territory}" if named.territory else named.language
