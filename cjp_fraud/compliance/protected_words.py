"""Words that a disclosable bundle must not hold: names and accounts of staff, other tenants, texts held back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

_SHORTEST_TEXT: Final = 12
"""A text of fewer characters ("ok", "see above") is found everywhere, and says nothing."""

_TOKEN: Final = re.compile(r"[\w.@+-]+")
_PIECE: Final = re.compile(r"[^\W_]+|[\W_]")
_SHORTEST_TENANT: Final = 3
_LONGEST_TOKEN_PIECES: Final = 24


@dataclass(frozen=True)
class ProtectedWords:
    """What must not be read in anything that leaves the house, and how it is looked for.

    Parameters
    ----------
    names : of staff, and accounts and addresses by which they are known; found as words of their own, in any case.
    tenants : ids of all other tenants; found as words of their own.
    texts : found anywhere.
    own : the customer's own id, name and addresses: not looked into.
    vocabulary : words that the records themselves use (values of their enumerations, names of columns), which
        tell nothing even where somebody is called so.
    """

    names: frozenset[str]
    tenants: frozenset[str]
    texts: frozenset[str]
    own: frozenset[str]
    vocabulary: frozenset[str]

    def found_in(self, text: str) -> str | None:
        """Return the first protected word or text that stands in ``text``; None: there is none."""
        for own in self._own:
            text = text.replace(own, " ")
        if self._names is not None and (match := self._names.search(text)) is not None:
            return match.group()
        for held_back in self._texts:
            if held_back in text:
                return held_back
        if self.tenants:
            return next((word for word in _words(text) if word in self._tenants), None)
        return None

    @cached_property
    def _own(self) -> tuple[str, ...]:
        return tuple(sorted((word for word in self.own if word), key=len, reverse=True))

    @cached_property
    def _names(self) -> re.Pattern[str] | None:
        names = sorted(
            {name for name in self.names if name and name.lower() not in self.vocabulary},
            key=len,
            reverse=True,
        )
        if not names:
            return None
        return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, names))})(?![^\W_])", re.IGNORECASE)

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(sorted(text for text in self.texts if len(text) >= _SHORTEST_TEXT))

    @cached_property
    def _tenants(self) -> frozenset[str]:
        return frozenset(
            tenant
            for tenant in self.tenants
            if len(tenant) >= _SHORTEST_TENANT and tenant.lower() not in self.vocabulary
        )


def _words(text: str) -> Iterator[str]:
    """Yield each word of a text, and the words that it is joined of: ``acme-eu.csv`` holds ``acme-eu`` too."""
    for token in dict.fromkeys(_TOKEN.findall(text)):
        yield token
        pieces: Collection[str] = _PIECE.findall(token)
        if 1 < len(pieces) <= _LONGEST_TOKEN_PIECES:
            parts = list(pieces)
            for first in range(len(parts)):
                for last in range(first + 1, len(parts) + 1):
                    yield "".join(parts[first:last])
