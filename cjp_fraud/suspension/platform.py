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
from sqlalchemy.orm import Session

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
        """Restrict as ordered, until the order's end; a later order of the same measure moves the end.

        Raises PlatformError.
        """

    def lift(self, order: Order, key: str, at: datetime) -> None:
        """Restrict no more; there is nothing to do where nothing is in force; raises PlatformError."""

    def read_back(self, measure_id: str, at: datetime) -> ReadBack:
        """Say what is in force at ``at`` under a measure's id; raises PlatformError."""

    def restrictions(self, at: datetime) -> list[ReadBack]:
        """Say everything that is in force at ``at`` by our orders; raises PlatformError."""


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
        """Restrict as ordered, once per key; an order that was lifted or has ended since is not done again."""
        with transaction(self.engine) as session:
            entitlement = session.get(Entitlement, order.measure_id, with_for_update=True)
            if entitlement is not None:
                if entitlement.apply_key != key:
                    _extend(session, entitlement, order, key, at)
                return
            session.add(
                Entitlement(
                    measure_id=order.measure_id,
                    tenant_id=order.tenant_id,
                    kind=order.kind,
                    scope=to_document(order.scope),
                    restricted=True,
                    emergency_calls=True,
                    ends_at=order.ends_at,
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

    def read_back(self, measure_id: str, at: datetime) -> ReadBack:
        """Say what is in force under a measure's id; past its end, nothing is."""
        with reading(self.engine) as session:
            entitlement = session.get(Entitlement, measure_id)
            if entitlement is None:
                return ReadBack(measure_id, restricted=False)
            return _answer(entitlement, at)

    def restrictions(self, at: datetime) -> list[ReadBack]:
        """Say everything that is in force; what is past its end is not."""
        with reading(self.engine) as session:
            rows = session.scalars(
                select(Entitlement).where(Entitlement.in_force_at(aware(at))).order_by(Entitlement.measure_id)
            )
            return [_answer(row, at) for row in rows]


def _row(order: Order) -> tuple[str, str]:
    return Entitlement.__tablename__, order.measure_id


def _extend(session: Session, entitlement: Entitlement, order: Order, key: str, at: datetime) -> None:
    """Move the end of a restriction that is in force to a later one; nothing else of it can be changed."""
    same = (entitlement.tenant_id, entitlement.kind) == (order.tenant_id, order.kind)
    if not same or entitlement.scope != to_document(order.scope):
        raise PlatformError(f"refused: measure {order.measure_id} was ordered with another scope")
    if not entitlement.restricted or entitlement.ends_at <= aware(at):
        raise PlatformError(f"refused: measure {order.measure_id} has ended; only a new one restricts again")
    if order.ends_at < entitlement.ends_at:
        raise PlatformError(f"refused: measure {order.measure_id} was ordered until later meanwhile")
    entitlement.ends_at, entitlement.apply_key, entitlement.changed_at = order.ends_at, key, aware(at)
    append(Decision(session, PLATFORM, at), "entitlement.extended", *_row(order), {"key": key})


def _answer(row: Entitlement, at: datetime) -> ReadBack:
    if not row.restricted or row.ends_at <= aware(at):
        return ReadBack(row.measure_id, restricted=False, tenant_id=row.tenant_id, emergency_calls=True)
    return ReadBack(
        measure_id=row.measure_id,
        restricted=True,
        tenant_id=row.tenant_id,
        kind=row.kind,
        scope=row.scope,
        emergency_calls=row.emergency_calls,
        ends_at=row.ends_at,
    )
