"""Countries by their two letters: what ISO 3166-1 lists, and Kosovo."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

_BESIDE_THE_LIST: Final = frozenset({"XK"})
"""Kosovo: not in the list, and used for it by carriers, banks and the European Union."""


def is_country(code: str) -> bool:
    """Whether ``code`` is two capital letters of a country: ``ZZ``, ``XX`` and ``EU`` are none."""
    return code in _countries()


def no_country(code: str) -> str:
    """Return what to say of a code that is none."""
    return f"{code!r} is no country; write two capital letters (ISO 3166-1), for example DE"


@cache
def _countries() -> frozenset[str]:
    """Return the codes of ISO 3166-1 as the time zone database lists them."""
    text = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return _BESIDE_THE_LIST | {line[:2] for line in text.splitlines() if line[:1] not in ("", "#")}
