"""How wide the columns of a table are: which are whole, which are cut, which are left out where room is short."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

GAP = 2
"""Blanks between two columns, and after the last."""
EDGE = 1
"""Blanks before the first column."""


LEAST_TEXT = 12
"""To how many characters text is cut in a table that is too wide."""

_WHOLE = re.compile(r"[0-9a-f]{8,}(-[0-9a-f]+)*|\d{4}-\d{2}-\d{2} \d{2}:\d{2}Z")
"""Cells that say nothing if they are cut: identifiers, also shortened ones, and stamps."""


@dataclass(frozen=True, slots=True)
class Widths:
    """What one column needs, in cells of the terminal.

    Parameters
    ----------
    wanted : shows every cell whole.
    least : to which it is cut before a column is left out; ``wanted`` where its cells must be whole.
    lowest : to which it is cut where even that is not enough.
    spare : it may be left out.
    """

    wanted: int
    least: int
    lowest: int
    spare: bool = False


def widths_of(texts: Sequence[str], *, is_text: bool, full: bool, spare: bool) -> Widths:
    """Return how wide a column wants to be: text may be cut; identifiers, names, stamps and numbers may not.

    Parameters
    ----------
    texts : the title, and the cells.
    is_text : whether the cells are more than numbers and stamps.
    full : they are names, and cut after all other text.
    """
    from rich.cells import cell_len

    wanted = max(cell_len(line) for text in texts for line in text.split("\n"))
    if not is_text:
        return Widths(wanted, wanted, wanted, spare)
    whole = max((cell_len(text) for text in texts if _WHOLE.fullmatch(text)), default=0)
    least, lowest = (max(whole, min(wanted, letters)) for letters in (LEAST_TEXT, LEAST_TEXT // 2))
    return Widths(wanted, wanted, least, spare) if full else Widths(wanted, least, lowest, spare)


def fits(columns: Sequence[Widths], room: int) -> bool:
    """Whether all columns can be shown in so much room with nothing cut that must be whole."""
    return sum(column.least + GAP for column in columns) + EDGE <= room


def fit(columns: Sequence[Widths], room: int) -> list[int | None]:
    """Return the width of each column, None for one that is left out.

    First the last of the spare columns are left out until the others fit, then the widest are cut: text that may be cut
    first, what should be whole only where that is not enough.
    """
    shown = list(range(len(columns)))
    while not fits([columns[at] for at in shown], room):
        spare = [at for at in shown if columns[at].spare]
        if not spare:
            break
        shown.remove(spare[-1])
    widths = {at: columns[at].wanted for at in shown}
    least = {at: columns[at].least for at in shown}
    lowest = {at: columns[at].lowest for at in shown}
    text = {at: lowest[at] if least[at] < columns[at].wanted else least[at] for at in shown}
    for floor in (least, text, lowest):
        while sum(width + GAP for width in widths.values()) + EDGE > room:
            widest = max(shown, key=lambda at: (widths[at] > floor[at], widths[at]))
            if widths[widest] <= floor[widest]:
                break
            widths[widest] -= 1
    return [widths.get(at) for at in range(len(columns))]
