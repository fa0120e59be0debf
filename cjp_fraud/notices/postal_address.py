"""A postal address as an envelope shows it: its lines, its country, and whether the country is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from babel import Locale

from cjp_fraud.contracts.methods import postal_lines
from cjp_fraud.notices.letter_languages import LANGUAGES, letter_locale


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Lines without the country, and the country (ISO 3166-1, two letters); None: the last line names none."""

    lines: tuple[str, ...]
    country: str | None


def postal_address(text: str) -> PostalAddress:
    """Read a postal address whose last line is its country: a code, or a name in a language of the letters."""
    lines = postal_lines(text)
    country = country_named(lines[-1]) if lines else None
    return PostalAddress(tuple(lines[:-1] if country is not None else lines), country)


def country_named(name: str) -> str | None:
    """Return the code of a country by its code or its name; None: no country is called so."""
    wanted = name.strip().casefold()
    return wanted.upper() if wanted.upper() in _territories("en") else _codes().get(wanted)


def window_lines(address: PostalAddress, from_country: str | None) -> tuple[str, ...]:
    """Return the lines of the window: a letter abroad ends with the country in English capitals (UPU, S42).

    Parameters
    ----------
    from_country : where the letter is posted; None: not known, and the country is written.
    """
    if address.country is None or address.country == from_country:
        return address.lines
    return (*address.lines, _territories("en")[address.country].upper())


@cache
def _territories(language: str) -> dict[str, str]:
    names = Locale.parse(letter_locale(language)).territories
    return {code: name for code, name in names.items() if len(code) == 2 and code not in ("ZZ", "EU", "UN")}


@cache
def _codes() -> dict[str, str]:
    return {
        name.casefold(): code for language in LANGUAGES for code, name in _territories(language).items()
    } | {"usa": "US", "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB"}
