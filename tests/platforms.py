"""A platform that fails in the ways that a test asks for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from cjp_fraud.suspension.platform import Order, PlatformClient, PlatformError, ReadBack

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""A moment at which no end has come yet."""


class Killed(BaseException):
    """Stands for the death of the process: nothing of ours catches it."""


class UnreliablePlatform:
    """Passes everything on to the platform behind it, but for the failures that a test asks for.

    ``behaviours`` are used up in turn, one a command: ``refuse`` does nothing and answers with an error, ``lose``
    does it and answers with an error, ``kill_before`` and ``kill_after`` end the process before or after it is
    done. While ``endless``, it ends nothing by itself. While ``unreachable``, read-back fails; while ``unconfirmed``,
    it does not say that emergency calls work.
    """

    def __init__(self, inner: PlatformClient) -> None:
        self.inner = inner
        self.behaviours: deque[str] = deque()
        self.unreachable = False
        self.unconfirmed = False
        self.endless = False
        self.applied: list[tuple[Order, str]] = []
        self.lifted: list[tuple[Order, str]] = []
        self.before_apply: Callable[[Order], None] = lambda order: None

    def apply(self, order: Order, key: str, at: datetime) -> None:
        """Restrict, or fail as asked."""
        self.before_apply(order)
        self.applied.append((order, key))
        self._misbehaving(lambda: self.inner.apply(order, key, at))

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Lift, or fail as asked."""
        self.lifted.append((order, key))
        self._misbehaving(lambda: self.inner.lift(order, key, at))

    def read_back(self, measure_id: str, at: datetime) -> ReadBack:
        """Say what is in force, or fail as asked."""
        if self.unreachable:
            raise PlatformError("no answer")
        answer = self.inner.read_back(measure_id, LONG_AGO if self.endless else at)
        if self.unconfirmed and answer.restricted:
            return replace(answer, emergency_calls=None)
        return answer

    def restrictions(self, at: datetime) -> list[ReadBack]:
        """Say everything that is in force."""
        return self.inner.restrictions(LONG_AGO if self.endless else at)

    def _misbehaving(self, do: Callable[[], None]) -> None:
        behaviour = self.behaviours.popleft() if self.behaviours else ""
        if behaviour == "kill_before":
            raise Killed
        if behaviour == "refuse":
            raise PlatformError("refused")
        do()
        if behaviour == "lose":
            raise PlatformError("the answer was lost")
        if behaviour == "kill_after":
            raise Killed
