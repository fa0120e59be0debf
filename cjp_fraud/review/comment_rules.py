"""What a comment may consist of: as much as every face takes, and only signs that its readers see; a pure rule."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST_COMMENT: Final = 20_000
"""Characters of a comment, on the page, in the API and by command."""

_UNSHOWN: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode categories of signs that are not seen, or that turn the direction of what is."""

_WRITTEN: Final = frozenset("\n\r\t\u200c\u200d")
"""Signs of these categories that people type: ends of lines, tabs, and what joins letters and pictures."""


def comment_faults(text: str) -> tuple[str, ...]:
    """Return why a comment cannot stand as it is written, a sentence each; none: it can."""
    faults = []
    if len(text) > LONGEST_COMMENT:
        faults.append(f"the comment has {len(text)} characters; {LONGEST_COMMENT} at most")
    for place, sign in enumerate(text, start=1):
        if sign not in _WRITTEN and unicodedata.category(sign) in _UNSHOWN:
            faults.append(
                f"character {place} of the comment is U+{ord(sign):04X}, which nobody sees; take it out"
            )
            break
    return tuple(faults)
