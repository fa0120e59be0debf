"""What must follow what: the database, the gate and the verification accept the same orders, and no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from cjp_fraud.compliance.case_chronology import CaseChronology
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.suspension.case_records import all_records
from cjp_fraud.suspension.chronology import FOLLOWS, Step, chronology_faults
from cjp_fraud.suspension.gate import check
from tests.case_builders import START, mail_to, open_staffed
from tests.gate_builders import NOW, an_approval, the_facts
from tests.mail_servers import smtp_server
from tests.thoroughness import examples

COLUMNS = {
    Step.DETERMINED: ("determinations.at", "proposals.determined_at"),
    Step.DRAWN_UP: ("proposals.drawn_at", "approvals.drawn_at"),
    Step.APPROVED: ("approvals.at", "notice_plans.approved_at", "measures.approved_at"),
    Step.PLANNED: ("notice_plans.created_at", "notices.planned_at"),
    Step.DISPATCHED: ("notices.dispatched_at",),
    Step.PERMITTED: ("measures.permitted_at",),
    Step.ORDERED: ("measures.ordered_at",),
    Step.IN_FORCE: ("measures.in_force_at",),
    Step.ENDED: ("measures.ended_at",),
}
"""Step → where its moment stands."""

minutes = st.integers(0, 3)


@st.composite
def orders(draw: st.DrawFn) -> dict[Step, datetime]:
    """Moments a few minutes apart, in any order; the notice permits from its dispatch on, never before it."""
    moments = {step: NOW - timedelta(minutes=draw(minutes)) for step in COLUMNS}
    moments[Step.PERMITTED] = max(moments[Step.PERMITTED], moments[Step.DISPATCHED])
    # The gate is asked before a measure: it knows nothing of what follows, so here that is in order.
    moments[Step.IN_FORCE] = max(moments[Step.IN_FORCE], moments[Step.ORDERED])
    moments[Step.ENDED] = max(moments[Step.ENDED], moments[Step.IN_FORCE])
    return moments


@pytest.fixture(scope="module")
def suspended(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Engine:
    """The database of one suspended case."""
    folder = tmp_path_factory.mktemp("suspended")
    (folder / "cjp_fraud.db").write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{folder / 'cjp_fraud.db'}")
    with smtp_server() as server:
        staffed = open_staffed(engine, folder, mail_to(server))
        staffed.approved_case()
        assert staffed.enforce().state.value == "suspended"
    return engine


def stored(engine: Engine, moments: dict[Step, datetime]) -> bool:
    """Whether the database takes the moments; nothing of it stays."""
    connection = engine.connect()
    change = connection.begin()
    try:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        # One statement a table, so that no row is judged while only half of it is changed.
        by_table: dict[str, dict[str, str]] = {}
        for step, columns in COLUMNS.items():
            for column in columns:
                table, name = column.split(".")
                by_table.setdefault(table, {})[name] = f"{moments[step]:%Y-%m-%d %H:%M:%S.%f}"
        for table, values in by_table.items():
            assigned = ", ".join(f"{name} = :{name}" for name in values)
            connection.execute(text(f"UPDATE {table} SET {assigned}"), values)
    except IntegrityError:
        return False
    finally:
        change.rollback()
        connection.close()
    return True


def opens_the_gate(moments: dict[Step, datetime]) -> bool:
    facts = the_facts(approvals=(an_approval(at=moments[Step.APPROVED]),))
    assert facts.determination is not None
    assert facts.proposal is not None
    assert facts.notice is not None
    facts = replace(
        facts,
        determination=replace(facts.determination, at=moments[Step.DETERMINED]),
        proposal=replace(facts.proposal, drawn_at=moments[Step.DRAWN_UP]),
        notice=replace(
            facts.notice,
            planned_at=moments[Step.PLANNED],
            dispatched_at=moments[Step.DISPATCHED],
            complete_at=moments[Step.PERMITTED],
        ),
    )
    return check(facts, moments[Step.ORDERED]).is_open


def verifies(engine: Engine, moments: dict[Step, datetime]) -> bool:
    return not faults_with(
        engine, {column: moments[step] for step, columns in COLUMNS.items() for column in columns}
    )


def faults_with(engine: Engine, of_column: dict[str, datetime]) -> list[str]:
    """Return what the verification says of the case with other moments in some columns."""
    chronology = CaseChronology()
    with reading(engine) as session:
        for record in all_records(session, []):
            changed = {
                name: of_column.get(f"{record.table}.{name}", value) for name, value in record.fields.items()
            }
            fields = {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in changed.items()
            }
            chronology.add(replace(record, fields=fields))
    return list(chronology.faults())


@pytest.mark.thorough
@settings(max_examples=examples(15, 100))
@given(moments=orders())
def test_database_gate_and_verification_accept_the_same_orders(
    suspended: Engine, moments: dict[Step, datetime]
) -> None:
    in_order = not chronology_faults(moments)
    assert stored(suspended, moments) is in_order
    assert opens_the_gate(moments) is in_order
    assert verifies(suspended, moments) is in_order


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            ("notice_plans.approved_at", "notice_plans.created_at", "notices.planned_at"),
            "the plan of the notice",
        ),
        (("measures.permitted_at",), "lets the measure follow"),
    ],
)
def test_moments_in_rows_of_two_tables_are_compared(
    suspended: Engine, columns: tuple[str, ...], said: str
) -> None:
    assert faults_with(suspended, {}) == []
    hour_before = START - timedelta(hours=1)
    assert any(said in fault for fault in faults_with(suspended, dict.fromkeys(columns, hour_before)))


def test_a_suspended_case_is_in_order(suspended: Engine) -> None:
    assert verify_log(suspended).faults == ()


@pytest.mark.parametrize("pair", FOLLOWS, ids=lambda pair: f"{pair[0].name} before {pair[1].name}")
def test_each_pair_the_wrong_way_round_is_a_fault_that_names_both(pair: tuple[Step, Step]) -> None:
    later, earlier = pair
    [fault] = chronology_faults({later: NOW - timedelta(seconds=1), earlier: NOW})
    assert str(later) in fault
    assert str(earlier) in fault
    assert chronology_faults({later: NOW, earlier: NOW}) == ()
