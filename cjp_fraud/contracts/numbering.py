"""International numbers (ITU-T E.164): whose a beginning is, and how much of all numbers beginnings cover."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Final

PREFIX: Final = re.compile(r"\+[1-9][0-9]{0,14}")
"""The beginning of an international number; emergency short codes never begin with ``+``, so none covers one."""


def breadth(prefixes: Iterable[str]) -> Fraction:
    """Return which part of all numbers begins with one of ``prefixes``: a tenth for each world zone (one digit).

    What two prefixes cover counts once. What is no prefix counts nothing.
    """
    digits = sorted({prefix[1:] for prefix in prefixes if PREFIX.fullmatch(prefix)}, key=len)
    widest: set[str] = set()
    for each in digits:
        if not any(each[:length] in widest for length in range(1, len(each))):
            widest.add(each)
    return sum((Fraction(1, 10 ** len(each)) for each in widest), Fraction(0))


def countries_of(prefix: str) -> frozenset[str]:
    """Return the countries (ISO 3166-1) inside whose numbers a prefix lies; none: it is wider than any, or of none.

    ``+1876`` is Jamaica's alone, ``+1`` that of Canada and of the United States.
    """
    digits = prefix.removeprefix("+")
    for length in range(len(digits), 0, -1):
        if owners := _owners().get(digits[:length]):
            return owners
    return frozenset()


def codes_of(place: str) -> tuple[str, ...]:
    """Return how the numbers of a place begin, each with ``+``; none: it has no code of its own.

    Parameters
    ----------
    place : a country (ISO 3166-1, two letters) or the beginning of numbers (``371``, ``+371``), as traffic names them.
    """
    digits = place.strip().removeprefix("+")
    if digits.isdigit() and digits.isascii():
        return (f"+{digits}",) if PREFIX.fullmatch(f"+{digits}") else ()
    return tuple(f"+{code}" for code in _codes().get(place.strip().upper(), ()))


def numbers_of(country: str, together: Collection[str]) -> tuple[str, ...]:
    """Return how the numbers of a country begin, without the ``+``: those that no country but ``together`` has.

    None: others' numbers begin so too (``+1`` is Canada's, and Jamaica's are ``+1876``), or there is no such country.
    """
    own = frozenset(together)
    theirs = [code for code, owners in _owners().items() if not owners <= own]
    return tuple(
        sorted(
            code
            for code, owners in _owners().items()
            if country in owners and not any(each.startswith(code) for each in theirs)
        )
    )


def lies_within(prefix: str, places: Collection[str]) -> bool:
    """Whether a prefix lies inside the numbers of one of ``places``.

    Parameters
    ----------
    places : countries (ISO 3166-1, two letters) or beginnings of numbers (``371``, ``+371``), as traffic names them.
    """
    owners = countries_of(prefix)
    named = {place.strip().upper() for place in places}
    beginnings = [place.removeprefix("+") for place in named if place.removeprefix("+").isdigit()]
    return bool(owners & named) or any(prefix[1:].startswith(beginning) for beginning in beginnings)


@cache
def _codes() -> dict[str, list[str]]:
    """Return the country codes of each country, without ``+``."""
    text = (files("cjp_fraud.contracts") / "calling_codes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _owners() -> dict[str, frozenset[str]]:
    """Return the countries of each country code."""
    owners: dict[str, frozenset[str]] = {}
    for country, codes in _codes().items():
        for code in codes:
            owners[code] = owners.get(code, frozenset()) | {country}
    return owners
