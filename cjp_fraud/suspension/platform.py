"""What a platform that enforces measures is told and answers: orders, read-backs, and the interface of its client."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cjp_fraud.contracts.restriction import ALWAYS_REACHABLE, MeasureKind, Reachable, Scope
from cjp_fraud.documents import to_document
from cjp_fraud.errors import CjpFraudError

_STRICT = ConfigDict(extra="forbid")


class PlatformError(CjpFraudError):
    """The platform refused, failed or did not answer; only a read-back says what is in force."""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Order:
    """What the platform is to restrict, or to restrict no more; ``keeps`` stays reachable in every case.

    Its JSON (:mod:`cjp_fraud.documents`) is what a command keeps and hashes.

    Parameters
    ----------
    ends_at : aware; from then on the platform restricts nothing any more, without being asked.
    """

    measure_id: str
    tenant_id: str
    kind: MeasureKind
    scope: Scope
    ends_at: datetime
    keeps: Reachable = ALWAYS_REACHABLE


@dataclass(frozen=True, slots=True, config=_STRICT)
class ReadBack:
    """What the platform says about one measure.

    Parameters
    ----------
    restricted : whether anything is in force under the measure's id.
    kind, scope : what, in the platform's own words; None where nothing is.
    emergency_calls : whether emergency calls go through; None: the platform does not say.
    ends_at : when the platform ends it by itself (aware); None: it does not say, or nothing is in force.
    """

    measure_id: str
    restricted: bool
    tenant_id: str | None = None
    kind: str | None = None
    scope: Mapping[str, Any] | None = None
    emergency_calls: bool | None = None
    ends_at: datetime | None = None

    def is_as_ordered(self, order: Order) -> bool:
        """Whether exactly what was ordered is in force, ends when it should, and emergency calls are confirmed."""
        return (
            self.restricted
            and self.emergency_calls is True
            and self.tenant_id == order.tenant_id
            and self.kind == order.kind
            and self.ends_at == order.ends_at
            and self.scope is not None
            and dict(self.scope) == to_document(order.scope)
        )


class PlatformClient(Protocol):
    """A platform; the same key twice does the thing once."""

    def apply(self, order: Order, key: str, at: datetime) -> None:
        """Restrict as ordered, until the order's end; a later order of the same measure moves the end or narrows it.

        What a measure restricts is replaced in one step: at no moment is nothing of it in force, or the old beside
        the new. No later order restricts more than the one before. Raises PlatformError.
        """

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Restrict no more; there is nothing to do where nothing is in force; raises PlatformError."""

    def read_back(self, measure_id: str, at: datetime) -> ReadBack:
        """Say what is in force at ``at`` under a measure's id; raises PlatformError."""

    def restrictions(self, at: datetime) -> list[ReadBack]:
        """Say everything that is in force at ``at`` by our orders; raises PlatformError."""
