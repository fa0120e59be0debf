"""Rows that are inserted many at a time are in the database as the session would have written them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.recording import AS_RECORDED
from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.contracts.model import Hosting
from cjp_fraud.contracts.tables import Party, Provider, Subscription, SubscriptionTerms, Tenant
from cjp_fraud.storage.base import Base, column_names, column_values, new_id
from cjp_fraud.storage.many_rows import insert_many, new_row

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ELSEWHERE = AT.astimezone(timezone(timedelta(hours=9)))


def terms(session: Session) -> list[dict[str, Any]]:
    """Two versions of a tenant's terms, with enums, moments, numbers and nulls."""
    subscription_id = new_id()
    session.add_all([Provider(id="p", recorded_at=AT), Party(id="q", recorded_at=AT)])
    session.flush()
    session.add(
        Tenant(
            id="t",
            provider_id="p",
            party_id="q",
            time_zone="UTC",
            language="en",
            critical=True,
            recorded_at=AT,
        )
    )
    session.flush()
    session.add(Subscription(id=subscription_id, tenant_id="t", recorded_at=AT))
    session.flush()
    common = {"subscription_id": subscription_id, "hosting": Hosting.PROVIDER, "recorded_at": AT}
    return [
        {**common, "id": new_id(), "version": 1, "source": "a%b :c ?", "valid_to": AT, "agents_standard": 3},
        {
            **common,
            "id": new_id(),
            "version": 2,
            "source": "é",
            "valid_from": ELSEWHERE,
            "term_from": ELSEWHERE,
        },
    ]


def entries(_session: Session) -> list[dict[str, Any]]:
    """Two entries of the log, with documents."""
    common = {"at": AT, "recorded_at": ELSEWHERE, "actor": "system:x", "action": "a", "subject_type": "s"}
    return [
        {
            **common,
            "sequence": number,
            "subject_id": "ü",
            "content": {"list": [1, 2.5, None, "é"], "number": number},
            "rows": [{"table": "t", "id": "i", "sha256": "0"}] * (number - 10),
            **{f"{name}_sha256": f"{name}{number}" for name in ("body", "previous", "entry")},
        }
        for number in (11, 12)
    ]


def stored(session: Session, kind: type[Base]) -> list[dict[str, Any]]:
    session.expunge_all()
    rows = session.scalars(select(kind).order_by(*kind.__table__.primary_key.columns)).all()
    return [column_values(row, column_names(kind)) for row in rows[-2:]]


@pytest.mark.parametrize(("kind", "of_kind"), [(SubscriptionTerms, terms), (AuditEntry, entries)])
def test_rows_are_stored_as_the_session_stores_them(engine: Engine, kind: Any, of_kind: Any) -> None:
    with Session(engine, info={AS_RECORDED: True}) as session:
        values = of_kind(session)
        session.add_all(kind(**row) for row in values)
        session.flush()
        expected = stored(session, kind)
        session.rollback()
    with Session(engine, info={AS_RECORDED: True}) as session:
        again = of_kind(session)
        same_ids: list[Mapping[str, Any]] = [
            {**row, **{name: before[name] for name in ("id",) if name in before}}
            for row, before in zip(again, values, strict=True)
        ]
        insert_many(session.connection(), kind, [new_row(kind, **row) for row in same_ids])
        found = stored(session, kind)
    for row in (*expected, *found):
        row.pop("subscription_id", None)  # made anew
    assert found == expected
    assert len(found) == 2


def test_a_new_row_has_no_column_that_its_table_has_not_and_null_where_nothing_is_given() -> None:
    with pytest.raises(TypeError, match="personal_texts has no column text"):
        new_row(PersonalText, id="x", text="y")
    assert new_row(PersonalText, id="x").body is None
