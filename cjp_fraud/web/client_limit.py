"""How many steps one client may take within a span of time; counted in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

_MOST_CLIENTS: Final = 10_000


class Allowance(Enum):
    """Whether a step may be taken; of those that may not, the first of a span is told apart, so that it is recorded."""

    YES = auto()
    FIRST_TOO_MANY = auto()
    TOO_MANY = auto()


@dataclass
class ClientLimit:
    """Counts the steps of each client in spans that begin with its first step.

    Parameters
    ----------
    most : steps of a span.
    """

    most: int
    span: timedelta
    _spans: OrderedDict[str, tuple[datetime, int]] = field(default_factory=OrderedDict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def count(self, client: str, now: datetime) -> Allowance:
        """Count a step of a client at ``now`` (aware)."""
        with self._guard:
            began, steps = self._spans.pop(client, (now, 0))
            if now - began >= self.span:
                began, steps = now, 0
            self._spans[client] = (began, steps + 1)
            if len(self._spans) > _MOST_CLIENTS:
                self._spans.popitem(last=False)
        if steps < self.most:
            return Allowance.YES
        return Allowance.FIRST_TOO_MANY if steps == self.most else Allowance.TOO_MANY
