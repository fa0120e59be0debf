"""Caps as the pages of their case, consent and tenant, the claims view and the command line show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import in_parts
from cjp_fraud.storage.read_rows import has_none
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.tables import Cap


@dataclass(frozen=True, slots=True)
class CapView:
    """A cap, what it rests on, and until when it is in force."""

    id: str
    case: int
    """Number of its case."""
    consent_id: str
    state: MeasureState
    kind: MeasureKind
    scope: Scope
    cents: float
    breach_to: datetime
    ordered_at: datetime
    in_force_at: datetime | None
    ends_at: datetime
    ended_at: datetime | None


def cap_views(session: Session, case_id: str) -> tuple[CapView, ...]:
    """Return the caps of a case, the newest first."""
    if has_none(session, Cap, case_id):
        return ()
    return tuple(_views(session, Cap.case_id == case_id))


def caps_of_tenant(session: Session, tenant_id: str) -> tuple[CapView, ...]:
    """Return all caps of a tenant, the newest first."""
    return tuple(_views(session, Case.tenant_id == tenant_id))


def caps_of_consents(session: Session, consent_ids: Iterable[str]) -> dict[str, tuple[CapView, ...]]:
    """Return the caps of each of some consents, by the consent's id, the newest first."""
    caps: defaultdict[str, list[CapView]] = defaultdict(list)
    for some in in_parts(sorted(set(consent_ids))):
        for view in _views(session, Cap.consent_id.in_(some)):
            caps[view.consent_id].append(view)
    return {consent_id: tuple(views) for consent_id, views in caps.items()}


def _views(session: Session, condition: ColumnElement[bool]) -> Iterator[CapView]:
    rows = session.execute(
        select(Cap, Case.number)
        .join(Case, Case.id == Cap.case_id)
        .where(condition)
        .order_by(Cap.ordered_at.desc(), Cap.id.desc())
    )
    for row, number in rows:
        yield CapView(
            id=row.id,
            case=number,
            consent_id=row.consent_id,
            state=row.state,
            kind=row.kind,
            scope=row.order.scope,
            cents=row.cents,
            breach_to=row.breach_to,
            ordered_at=row.ordered_at,
            in_force_at=row.in_force_at,
            ends_at=row.ends_at,
            ended_at=row.ended_at,
        )
