"""The words of a letter, read back from the exact bytes that were served; a pure rule."""

from __future__ import annotations

import email
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from typing import Final
from unicodedata import east_asian_width

from cjp_fraud.notices.letter_words import LINE_WIDTH

_KEPT_FREE: Final = 6
"""Columns that may be left free in a full line of wide characters, where some of them may not begin or end one."""


@dataclass(frozen=True, slots=True)
class ServedText:
    """A letter as a page shows it.

    Parameters
    ----------
    paragraphs : each a tuple of lines; lines that were broken only because they were full are whole again.
    """

    subject: str
    paragraphs: tuple[tuple[str, ...], ...]


def served_text(message: bytes) -> ServedText | None:
    """Return the words of what was served by email or on the page; None: the bytes are no such message (a PDF)."""
    parsed = email.message_from_bytes(message, policy=default)
    assert isinstance(parsed, EmailMessage), "the default policy makes these"
    body = parsed.get_body(("plain",))
    if parsed["Subject"] is None or body is None:
        return None
    blocks = "\n".join(body.get_content().splitlines()).strip("\n").split("\n\n")
    paragraphs = tuple(lines for block in blocks if (lines := _whole_lines(block)))
    return ServedText(str(parsed["Subject"]), paragraphs)


def _whole_lines(block: str) -> tuple[str, ...]:
    """Undo the breaking of lines: a line goes on where the first piece of the next one had no room in it.

    A piece is a word; among wide characters it is one of them, and rules of the script may have left some room.
    """
    whole: list[str] = []
    room = 0
    for line in block.splitlines():
        words = line.split()
        if not words:
            continue
        wide = bool(whole) and (_is_wide(words[0][0]) or _is_wide(whole[-1][-1]))
        needed = _KEPT_FREE if wide else _columns(words[0])
        if whole and not line.startswith("- ") and needed >= room:
            whole[-1] += line.strip() if wide else f" {line.strip()}"
        else:
            whole.append(line.strip())
        room = LINE_WIDTH - _columns(line)
    return tuple(whole)


def _columns(text: str) -> int:
    return sum(2 if _is_wide(character) else 1 for character in text)


def _is_wide(character: str) -> bool:
    return east_asian_width(character) in "WF"
