"""The parts of a letter's text: headings, paragraphs and lists, as a page or a sheet of paper sets them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_HEADING = re.compile(r"\d+\. \S")
_ITEM = "- "


class BlockKind(StrEnum):
    """What a part of a letter is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEMS = "items"


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a letter: a heading of one line, a paragraph of lines, or the items of a list, without their dash."""

    kind: BlockKind
    lines: tuple[str, ...]


def blocks(body: str) -> tuple[Block, ...]:
    """Return the parts of a letter's body in order; every word of it is in one of them.

    Parameters
    ----------
    body : a line a paragraph or an item, an empty line between parts, as :func:`letters.finished_body` returns it.
    """
    blocks_in_order: list[Block] = []
    for part in re.split(r"\n{2,}", body.strip("\n")):
        lines = part.split("\n")
        items = [line for line in lines if line.startswith(_ITEM)]
        if len(lines) == 1 and _HEADING.match(part):
            blocks_in_order.append(Block(BlockKind.HEADING, (part,)))
        elif items and len(items) == len(lines):
            blocks_in_order.append(Block(BlockKind.ITEMS, tuple(line.removeprefix(_ITEM) for line in lines)))
        else:
            blocks_in_order.append(Block(BlockKind.PARAGRAPH, tuple(lines)))
    return tuple(blocks_in_order)
