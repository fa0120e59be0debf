"""A platform that misbehaves as told, for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from cjp_fraud.suspension.platform import Order, PlatformClient, PlatformError, ReadBack


class Killed(BaseException):
    """Stands for the death of the process: nothing of ours catches it."""


class UnreliablePlatform:
    """Does what the platform behind it does, but for its behaviours, taken in turn by ``apply`` and ``lift``.

    ``refuse``: does nothing and says no. ``lose``: does it and answers with an error. ``kill_before`` and
    ``kill_after``: the process dies before or after it was done. ``deaf`` shuts the read-back, ``silent``
    leaves emergency calls unconfirmed.
    """

    def __init__(self, inner: PlatformClient) -> None:
        self.inner = inner
        self.behaviours: deque[str] = deque()
        self.deaf = False
        self.silent = False
        self.applied: list[tuple[Order, str]] = []
        self.lifted: list[tuple[Order, str]] = []
        self.before_apply: Callable[[Order], None] = lambda order: None

    def apply(self, order: Order, key: str, at: datetime) -> None:
        """Restrict, in the behaviour of the day."""
        self.before_apply(order)
        self.applied.append((order, key))
        self._misbehaving(lambda: self.inner.apply(order, key, at))

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Lift, in the behaviour of the day."""
        self.lifted.append((order, key))
        self._misbehaving(lambda: self.inner.lift(order, key, at))

    def read_back(self, measure_id: str) -> ReadBack:
        """Say what is in force, or nothing at all."""
        if self.deaf:
            raise PlatformError("no answer")
        told = self.inner.read_back(measure_id)
        if self.silent and told.restricted:
            return ReadBack(told.measure_id, True, told.tenant_id, told.kind, told.scope, None)
        return told

    def restrictions(self) -> list[ReadBack]:
        """Say everything that is in force."""
        return self.inner.restrictions()

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
