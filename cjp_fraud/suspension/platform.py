"""The platform that enforces measures, the embedded one, and what cases are enforced with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, Protocol

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from sqlalchemy import Engine, select

from cjp_fraud.audit.log import append
from cjp_fraud.clock import Clock, aware
from cjp_fraud.contracts.restriction import ALWAYS_REACHABLE, MeasureKind, Reachable, Scope
from cjp_fraud.documents import to_document
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.model import ProviderPolicy
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.suspension.model import ENFORCER
from cjp_fraud.suspension.tables import Entitlement

_STRICT = ConfigDict(extra="forbid")


PLATFORM = machine("platform")
"""Who changes entitlements: the embedded platform itself, on an order."""


class PlatformError(CjpFraudError):
    """The platform refused, failed or did not answer; only a read-back says what is in force."""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Order:
    """What the platform is to restrict, or to restrict no more; ``keeps`` stays reachable in every case.

    Its JSON (:mod:`cjp_fraud.documents`) is what a command keeps and hashes.
    """

    measure_id: str
    tenant_id: str
    kind: MeasureKind
    scope: Scope
    keeps: Reachable = ALWAYS_REACHABLE


@dataclass(frozen=True, slots=True, config=_STRICT)
class ReadBack:
    """What the platform says about one measure.

    Parameters
    ----------
    restricted : whether anything is in force under the measure's id.
    kind, scope : what, in the platform's own words; None where nothing is.
    emergency_calls : whether emergency calls go through; None: the platform does not say.
    """

    measure_id: str
    restricted: bool
    tenant_id: str | None = None
    kind: str | None = None
    scope: Mapping[str, Any] | None = None
    emergency_calls: bool | None = None

    def is_as_ordered(self, order: Order) -> bool:
        """Whether exactly what was ordered is in force, and emergency calls are confirmed."""
        return (
            self.restricted
            and self.emergency_calls is True
            and self.tenant_id == order.tenant_id
            and self.kind == order.kind
            and self.scope is not None
            and dict(self.scope) == to_document(order.scope)
        )


class PlatformClient(Protocol):
    """A platform; the same key twice does the thing once."""

    def apply(self, order: Order, key: str, at: datetime) -> None:
        """Restrict as ordered; raises PlatformError."""

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Restrict no more; there is nothing to do where nothing is in force; raises PlatformError."""

    def read_back(self, measure_id: str) -> ReadBack:
        """Say what is in force under a measure's id; raises PlatformError."""

    def restrictions(self) -> list[ReadBack]:
        """Say everything that is in force by our orders; raises PlatformError."""


@dataclasses.dataclass(frozen=True, slots=True)
class Enforcement:
    """What an approved case is enforced with.

    Parameters
    ----------
    engine : the database.
    notice_methods, platform : where notices and commands go.
    policy : the mode in force, how long things stay fresh, and who writes.
    clock : tells when each connection, order and read-back happens.
    """

    engine: Engine
    notice_methods: NoticeMethods
    platform: PlatformClient
    policy: ProviderPolicy
    clock: Clock

    @property
    def now(self) -> datetime:
        """The present moment by the clock."""
        return self.clock.now()

    @contextmanager
    def deciding(self) -> Iterator[Decision]:
        """Open a transaction in which the machine acts on the standing approval; committed at the end."""
        with transaction(self.engine) as session:
            yield Decision(session, ENFORCER, self.now)

    def case_lock(self, case_id: str) -> AbstractContextManager[None]:
        """Return the lock under which a case's notices are sent and its measures commanded, in any process."""
        return process_lock(self.engine, f"enforcement:{case_id}")


class EmbeddedPlatform:
    """The platform of the embedded default: its restrictions are rows of the same database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def apply(self, order: Order, key: str, at: datetime) -> None:
        """Restrict as ordered, once per key; an order that was lifted since is not done again."""
        with transaction(self.engine) as session:
            entitlement = session.get(Entitlement, order.measure_id, with_for_update=True)
            if entitlement is not None:
                if entitlement.apply_key != key:
                    raise PlatformError(f"refused: measure {order.measure_id} was ordered with another key")
                return
            session.add(
                Entitlement(
                    measure_id=order.measure_id,
                    tenant_id=order.tenant_id,
                    kind=order.kind,
                    scope=to_document(order.scope),
                    restricted=True,
                    emergency_calls=True,
                    apply_key=key,
                    changed_at=aware(at),
                )
            )
            append(Decision(session, PLATFORM, at), "entitlement.restricted", *_row(order), {"key": key})

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Restrict no more."""
        with transaction(self.engine) as session:
            entitlement = session.get(Entitlement, order.measure_id, with_for_update=True)
            if entitlement is not None and entitlement.restricted:
                entitlement.restricted, entitlement.lift_key, entitlement.changed_at = False, key, aware(at)
                append(Decision(session, PLATFORM, at), "entitlement.lifted", *_row(order), {"key": key})

    def read_back(self, measure_id: str) -> ReadBack:
        """Say what is in force under a measure's id."""
        with reading(self.engine) as session:
            entitlement = session.get(Entitlement, measure_id)
            return _answer(entitlement) if entitlement is not None else ReadBack(measure_id, restricted=False)

    def restrictions(self) -> list[ReadBack]:
        """Say everything that is in force."""
        with reading(self.engine) as session:
            rows = session.scalars(
                select(Entitlement).where(Entitlement.restricted).order_by(Entitlement.measure_id)
            )
            return [_answer(row) for row in rows]


def _row(order: Order) -> tuple[str, str]:
    return Entitlement.__tablename__, order.measure_id


def _answer(row: Entitlement) -> ReadBack:
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
