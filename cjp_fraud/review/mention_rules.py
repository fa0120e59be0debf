"""Whom a comment names with ``@name``; a pure rule."""

from __future__ import annotations

import re
from typing import Final

_MENTION: Final = re.compile(r"(?<![\w@.+/-])@([\w.-]{2,64})")
"""An ``@`` that begins a word: none of a mail address (``ada@provider.example``), and none that stands alone."""


def names_mentioned(text: str) -> tuple[str, ...]:
    """Return the names that a text mentions, each once and in small letters, in their order.

    What ends a sentence is no part of a name: ``@adam.`` mentions ``adam``.
    """
    found = (match[1].rstrip(".-_").lower() for match in _MENTION.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name))
