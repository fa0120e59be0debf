"""What a page takes from rows that were read whole is what it would ask for; a session that writes keeps none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from cjp_fraud.operations.case_desk import look_at_case
from cjp_fraud.operations.contracts import contract_view
from cjp_fraud.operations.customer_questions import asked_of
from cjp_fraud.people.participation import parts_taken
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.read_rows import rows_kept
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.notification import serve_notice
from cjp_fraud.suspension.views import measure_views
from tests.case_builders import StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.mail_servers import smtp_server
from tests.queue_pages import a_queue


def everything(session: Session, staffed: StaffedDeployment, *, compare_rows: bool) -> tuple[Any, ...]:
    """Return what a case's page is made from; only a comparison with the log keeps the rows."""
    case, now = session.scalars(select(Case)).one(), staffed.now
    facts = gate_facts(session, case, staffed.policy, now, compare_rows=compare_rows)
    assert (rows_kept(session, Flag, case.id) is not None) is compare_rows
    return (
        facts,
        case_view(session, case.id, now),
        measure_views(session, now, case_id=case.id),
        contract_view(session, case.tenant_id, now),
        asked_of(session, case, now),
        parts_taken(session, actor_named(session, "rita"), case.id),
    )


@pytest.mark.both_databases
@pytest.mark.parametrize("noticed", [False, True], ids=["open", "noticed"])
def test_what_is_taken_from_kept_rows_is_what_is_asked_without_them(
    engine: Engine, tmp_path: Path, noticed: bool
) -> None:
    with smtp_server() as server:
        staffed = open_staffed(engine, tmp_path, mail_to(server))
        if noticed:
            serve_notice(staffed.enforcement(), staffed.approved_case().id)
        else:
            flag(engine, a_flag(), at=staffed.now)
    with reading(engine) as session:
        kept = everything(session, staffed, compare_rows=True)
    with reading(engine) as session:
        asked = everything(session, staffed, compare_rows=False)
    assert kept == asked


def test_a_session_that_writes_keeps_no_rows(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    with transaction(queue.engine) as session:
        case = session.scalars(select(Case)).one()
        gate_facts(session, case, queue.deployment.policy, queue.deployment.now)
        assert rows_kept(session, Flag, case.id) is None


def test_the_page_of_a_fresh_case_asks_fewer_than_45_statements(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    statements: list[str] = []
    event.listen(
        queue.engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *others: statements.append(statement),
    )
    look_at_case(queue.deployment, "rita", queue.deployment.now, "1")
    assert 10 < len(statements) < 45
