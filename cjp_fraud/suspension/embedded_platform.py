"""The platform of the embedded default: it keeps what it restricts in the database, and ends it by itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.narrower_measure import Restriction, restricts_less
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.platform import Order, PlatformError, ReadBack
from cjp_fraud.suspension.tables import Entitlement

PLATFORM = machine("platform")
"""Who changes entitlements: the embedded platform itself, on an order."""


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
                    _change(session, entitlement, order, key, at)
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


def _change(session: Session, entitlement: Entitlement, order: Order, key: str, at: datetime) -> None:
    """Move the end of a restriction that is in force to a later one, or narrow it; it is never made wider."""
    if entitlement.tenant_id != order.tenant_id:
        raise PlatformError(f"refused: measure {order.measure_id} was ordered for another tenant")
    standing = Restriction(MeasureKind(entitlement.kind), from_document(Scope, entitlement.scope))
    wanted = Restriction(order.kind, order.scope)
    narrows = restricts_less(standing, wanted)
    if wanted != standing and not narrows:
        raise PlatformError(f"refused: measure {order.measure_id} was ordered with another scope")
    if not entitlement.restricted or entitlement.ends_at <= aware(at):
        raise PlatformError(f"refused: measure {order.measure_id} has ended; only a new one restricts again")
    if order.ends_at < entitlement.ends_at:
        raise PlatformError(f"refused: measure {order.measure_id} was ordered until later meanwhile")
    entitlement.kind, entitlement.scope = order.kind, to_document(order.scope)
    entitlement.ends_at, entitlement.apply_key, entitlement.changed_at = order.ends_at, key, aware(at)
    action = "entitlement.narrowed" if narrows else "entitlement.extended"
    append(Decision(session, PLATFORM, at), action, *_row(order), {"key": key})


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
