"""Rows of the queue's table as they were drawn: to draw fifty takes longer than all else on the page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Final

from markupsafe import Markup

from cjp_fraud.operations.case_queue import ListedCase
from cjp_fraud.web.words import Words

_MOST: Final = 5_000
"""Rows that are kept, of about a kilobyte each."""


class RowCache:
    """Rows by all that they show: the case, the view that they lead to, the reader's words, what time has made of it.

    So a row is found again only where it would be drawn the same; whoever reads it was given the very same case.
    """

    def __init__(self) -> None:
        self._cached: OrderedDict[Hashable, Markup] = OrderedDict()
        self._guard = Lock()

    def get(self, key: Hashable) -> Markup | None:
        """Return the row that was drawn for a key; None: none was."""
        with self._guard:
            return self._cached.get(key)

    def keep(self, key: Hashable, row: Markup) -> Markup:
        """Keep a row and return it."""
        with self._guard:
            self._cached[key] = row
            if len(self._cached) > _MOST:
                self._cached.popitem(last=False)
        return row


@dataclass(frozen=True)
class QueueRows:
    """The rows of one page.

    Parameters
    ----------
    asked : the view that is shown, as its address names it.
    now : aware; what the rows say of time is of this moment.
    """

    rows: RowCache
    asked: Mapping[str, str]
    words: Words
    now: datetime

    def key(self, case: ListedCase) -> Hashable:
        """Return what a row is known by; whatever of it depends on the moment stands in it as it is said."""
        words, now, outline = self.words, self.now, case.outline
        said = (
            words.clock(outline.since, now) if outline is not None else None,
            words.clock(case.person_due_at, now) if case.person_due_at is not None else None,
            words.clock(case.stages_held_at, now) if case.stages_held_at is not None else None,
            words.span(case.opened_at, now),
            *self._of_holding(case),
        )
        view = tuple(self.asked.values())
        return (words.language, words.time_zone, view, said, replace(case, holding=None))

    def get(self, key: Hashable) -> Markup | None:
        """Return the row that was drawn for a key; None: none was."""
        return self.rows.get(key)

    def keep(self, key: Hashable, row: Markup) -> Markup:
        """Keep a row and return it."""
        return self.rows.keep(key, row)

    def _of_holding(self, case: ListedCase) -> tuple[Hashable, ...]:
        holding = case.holding
        if holding is None:
            return ()
        words, now, clock = self.words, self.now, holding.clock
        until, stopped = holding.put_aside_until, clock.stopped_until if clock is not None else None
        return (
            holding.holder,
            (holding.awaited, holding.promised_by, words.clock(until, now)) if until is not None else None,
            words.clock(stopped, now) if stopped is not None else None,
            (clock.late, words.lasting(clock.left)) if clock is not None else None,
        )
