"""The platform that carries measures out, and the embedded one, which is a table of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Engine, select

from cjp_fraud.clock import aware
from cjp_fraud.contracts.restriction import ALWAYS_REACHABLE, MeasureKind
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.tables import Entitlement


class PlatformError(CjpFraudError):
    """The platform refused, failed or did not answer; what is in force is told by read-back alone."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the platform is to restrict, or to restrict no more; ``keeps`` stays reachable in every case."""

    measure_id: str
    tenant_id: str
    kind: MeasureKind
    scope: Mapping[str, Any]
    keeps: tuple[str, ...] = ALWAYS_REACHABLE

    @property
    def document(self) -> dict[str, Any]:
        """The order as JSON; :func:`order_from` reads it back."""
        return {
            "measure_id": self.measure_id,
            "tenant_id": self.tenant_id,
            "kind": self.kind,
            "scope": dict(self.scope),
            "keeps": list(self.keeps),
        }


def order_from(document: Mapping[str, Any]) -> Order:
    """Read an order back from JSON."""
    return Order(
        measure_id=document["measure_id"],
        tenant_id=document["tenant_id"],
        kind=MeasureKind(document["kind"]),
        scope=document["scope"],
        keeps=tuple(document["keeps"]),
    )


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the platform says about one measure.

    Parameters
    ----------
    restricted : whether anything is in force under the measure's id.
    kind, scope : what; None where nothing is.
    emergency_calls : whether emergency calls go through; None: the platform does not say.
    """

    measure_id: str
    restricted: bool
    tenant_id: str | None = None
    kind: str | None = None
    scope: Mapping[str, Any] | None = None
    emergency_calls: bool | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "measure_id": self.measure_id,
            "restricted": self.restricted,
            "tenant_id": self.tenant_id,
            "kind": self.kind,
            "scope": None if self.scope is None else dict(self.scope),
            "emergency_calls": self.emergency_calls,
        }

    def is_as_ordered(self, order: Order) -> bool:
        """Whether exactly what was ordered is in force, and emergency calls are confirmed."""
        return (
            self.restricted
            and self.emergency_calls is True
            and self.tenant_id == order.tenant_id
            and self.kind == order.kind
            and self.scope is not None
            and dict(self.scope) == dict(order.scope)
        )


class PlatformClient(Protocol):
    """A platform; the same key twice does the thing once."""

    def apply(self, order: Order, key: str, at: datetime) -> None:
        """Restrict as ordered; raises PlatformError."""

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Restrict no more; lifting what is not in force is done already; raises PlatformError."""

    def read_back(self, measure_id: str) -> ReadBack:
        """Say what is in force under a measure's id; raises PlatformError."""

    def restrictions(self) -> list[ReadBack]:
        """Say everything that is in force by our orders; raises PlatformError."""


class EmbeddedPlatform:
    """The platform of the embedded default: restrictions are rows of the same database, told apart by key."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def apply(self, order: Order, key: str, at: datetime) -> None:
        """Restrict as ordered, once per key; an order that was lifted since is not done again."""
        if "emergency_calls" not in order.keeps:
            raise PlatformError("refused: the order does not keep emergency calls")
        with transaction(self.engine) as session:
            known = session.get(Entitlement, order.measure_id, with_for_update=True)
            if known is not None:
                if known.apply_key != key:
                    raise PlatformError(f"refused: measure {order.measure_id} was ordered with another key")
                return
            session.add(
                Entitlement(
                    measure_id=order.measure_id,
                    tenant_id=order.tenant_id,
                    kind=order.kind,
                    scope=dict(order.scope),
                    restricted=True,
                    emergency_calls=True,
                    apply_key=key,
                    changed_at=aware(at),
                )
            )

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Restrict no more."""
        with transaction(self.engine) as session:
            known = session.get(Entitlement, order.measure_id, with_for_update=True)
            if known is not None and known.restricted:
                known.restricted, known.lift_key, known.changed_at = False, key, aware(at)

    def read_back(self, measure_id: str) -> ReadBack:
        """Say what is in force under a measure's id."""
        with reading(self.engine) as session:
            known = session.get(Entitlement, measure_id)
            return _told(known) if known is not None else ReadBack(measure_id, restricted=False)

    def restrictions(self) -> list[ReadBack]:
        """Say everything that is in force."""
        with reading(self.engine) as session:
            rows = session.scalars(
                select(Entitlement).where(Entitlement.restricted).order_by(Entitlement.measure_id)
            )
            return [_told(row) for row in rows]


def _told(row: Entitlement) -> ReadBack:
    if not row.restricted:
        return ReadBack(row.measure_id, restricted=False, tenant_id=row.tenant_id, emergency_calls=True)
    return ReadBack(
        measure_id=row.measure_id,
        restricted=True,
        tenant_id=row.tenant_id,
        kind=row.kind,
        scope=row.scope,
        emergency_calls=row.emergency_calls,
    )
