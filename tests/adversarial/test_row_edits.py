"""Rows edited behind the application's back before a measure: the gate stays shut, and the log's verification says so.

Every column of every row that belongs to a case is changed in turn, so that a new column or table is tried by itself.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Boolean, Engine, Enum, Float, Integer, LargeBinary, String, Text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.review.dispute import open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import Base, UtcDateTime
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.suspension.case_records import records_behind, records_of_case
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.notification import serve_notice
from cjp_fraud.suspension.requirements import BEFORE_MEASURE, BEFORE_REAFFIRMATION, Requirement
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import smtp_server
from tests.thoroughness import THOROUGH


@dataclass(frozen=True)
class Noticed:
    """A case whose notice was served, whose measure is due or in force, and where its database stands."""

    staffed: StaffedDeployment
    file: Path
    case_id: str


class Edit(NamedTuple):
    """A statement that changes one row, and what it is said to be about."""

    statement: str
    values: tuple[Any, ...] = ()
    row: str = ""
    column: str = ""


@pytest.fixture(scope="module")
def noticed(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Noticed:
    """A case whose measure is due."""
    return brought_to(CaseState.NOTICED, tmp_path_factory.mktemp("noticed"), sqlite_template)


@pytest.fixture(scope="module")
def suspended(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Noticed:
    """A case whose measure is in force, was reaffirmed and disputed."""
    return brought_to(CaseState.SUSPENDED, tmp_path_factory.mktemp("suspended"), sqlite_template)


def brought_to(state: CaseState, folder: Path, sqlite_template: bytes) -> Noticed:
    """Bring a case to a state by the book, and leave its database on disk."""
    file = folder / "cjp_fraud.db"
    file.write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{file}")
    with smtp_server() as server:
        staffed = open_staffed(engine, folder, mail_to(server))
        case_id = staffed.approved_case().id
        if state is CaseState.NOTICED:
            serve_notice(staffed.enforcement(), case_id)
        else:
            staffed.enforce()
            staffed.wait(hours=1)
            staffed.reaffirm("adam", "it goes on")
            staffed.reaffirm("bella", "so says the carrier")
            staffed.enforce()
            staffed.do(open_dispute, "ana", "it was not us")
    assert staffed.state is state
    assert verify_log(engine).faults == ()
    with engine.connect() as connection:
        connection.execution_options(reading_only=True).exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return Noticed(staffed, file, case_id)


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine for the copies, one after the other in the same file: no statement is compiled twice."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('copies') / 'edited.db'}")
    yield engine
    engine.dispose()


def edited(noticed: Noticed, copies: Engine, *edits: Edit) -> Noticed:
    """Return a copy that somebody with the file has edited: no foreign key, no check."""
    file = Path(copies.url.database or "")
    copies.dispose()
    for left in file.parent.glob(f"{file.name}-???"):  # journals of the copy before
        left.unlink()
    shutil.copy(noticed.file, file)
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute("PRAGMA synchronous = OFF")
        for edit in edits:
            assert raw.execute(edit.statement, edit.values).rowcount == 1
    raw.close()
    staffed = noticed.staffed
    copy = replace(
        staffed, engine=copies, platform=type(staffed.platform)(copies), people=dict(staffed.people)
    )
    return Noticed(copy, file, noticed.case_id)


def other_value(kind: Any, value: Any) -> Any:
    """Return another value that the column could have."""
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return next(member.value for member in kind.enum_class if member.value != value)
    if isinstance(kind, UtcDateTime):
        return (
            "2015-01-01 00:00:00.000000"
            if value != "2015-01-01 00:00:00.000000"
            else "2016-01-01 00:00:00.000000"
        )
    if isinstance(kind, Boolean):
        return 0 if value else 1
    if isinstance(kind, Integer | Float):
        return (value or 0) + 1
    if isinstance(kind, LargeBinary):
        return b"{}"
    if isinstance(kind, String | Text):
        return f"{(value or '')[:-1]}x" if not (value or "").endswith("x") else f"{value[:-1]}y"
    return '{"changed": true}'


def every_column(noticed: Noticed) -> list[Edit]:
    """Return an edit of each column but the key of one row of each table that belongs to the case."""
    mappers = {mapper.class_.__tablename__: mapper for mapper in Base.registry.mappers}
    engine = make_engine(f"sqlite:///{noticed.file}")
    with reading(engine) as session:
        rows = {record.table: record.id for record in records_of_case(session, noticed.case_id)}
    engine.dispose()
    with sqlite3.connect(noticed.file) as raw:
        edits = [
            edit_of(raw, mappers[table], row_id, attribute.columns[0])
            for table, row_id in sorted(rows.items())
            for attribute in mappers[table].column_attrs
            if not attribute.columns[0].primary_key
        ]
    raw.close()
    return edits


def edit_of(raw: sqlite3.Connection, mapper: Mapper[Any], row_id: str, column: Any) -> Edit:
    """Return the edit that puts another value into a column of a row."""
    table, key = mapper.class_.__tablename__, row_id.split("/")
    where = " AND ".join(f'"{part.name}" = ?' for part in mapper.primary_key)
    [value] = raw.execute(f'SELECT "{column.name}" FROM {table} WHERE {where}', key).fetchone()
    statement = f'UPDATE {table} SET "{column.name}" = ? WHERE {where}'
    return Edit(statement, (other_value(column.type, value), *key), f"{table} {row_id}", column.name)


def at_once(edits: list[Edit], *, alone: bool = THOROUGH) -> list[list[Edit]]:
    """Return the edits in groups of one of each row, whose faults are told apart by the row that they name.

    Parameters
    ----------
    alone : each edit is a group of its own, so that no edit can lead to the fault of another.
    """
    if alone:
        return [[edit] for edit in edits]
    rows = [list(of_row) for _, of_row in groupby(edits, key=lambda edit: edit.row)]
    return [[edit for edit in group if edit is not None] for group in zip_longest(*rows)]


def test_every_edit_of_every_column_shuts_the_gate(noticed: Noticed, copies: Engine) -> None:
    edits = every_column(noticed)
    assert len(edits) > 200
    assert unseen_by_the_gate(noticed, copies, edits, BEFORE_MEASURE) == []


def test_every_row_that_is_deleted_shuts_the_gate(noticed: Noticed, copies: Engine) -> None:
    with transaction(edited(noticed, copies).staffed.engine) as session:
        records = records_of_case(session, noticed.case_id)
        records += records_behind(session, records)
    assert {"flags", "identities", "user_roles", "evidence_sets"} <= {record.table for record in records}
    mappers = {mapper.class_.__tablename__: mapper for mapper in Base.registry.mappers}
    one_of_each = {record.table: record for record in records}
    left = []
    for record in one_of_each.values():
        where = " AND ".join(f'"{part.name}" = ?' for part in mappers[record.table].primary_key)
        delete = Edit(f"DELETE FROM {record.table} WHERE {where}", tuple(record.id.split("/")), record.where)
        if record.table != "cases" and not shuts_the_gate(edited(noticed, copies, delete), BEFORE_MEASURE):
            left.append(record.where)
    assert left == []


def test_a_value_that_no_column_can_have_is_a_fault_like_others(noticed: Noticed, copies: Engine) -> None:
    for statement, table in (
        ("UPDATE cases SET state = 'lapsed '", "cases"),
        ("UPDATE users SET disabled_at = 'x' WHERE name = 'rita'", "users"),
        ("UPDATE user_roles SET role = 'king' WHERE id = (SELECT min(id) FROM user_roles)", "user_roles"),
        ("UPDATE notices SET kind = 'x'", "notices"),
    ):
        excess = Edit("UPDATE flags SET excess = excess + 1")
        faults = verify_log(edited(noticed, copies, Edit(statement), excess).staffed.engine).faults
        for edited_table in (table, "flags"):
            assert any(fault.startswith(f"{edited_table} ") for fault in faults), (statement, faults)


@pytest.mark.thorough
@pytest.mark.parametrize("state", ["noticed", "suspended"] if THOROUGH else ["noticed"])
def test_every_edit_of_every_column_is_said_by_the_logs_verification(
    request: pytest.FixtureRequest, copies: Engine, state: str
) -> None:
    noticed: Noticed = request.getfixturevalue(state)
    unseen = []
    alone = THOROUGH and state == "noticed"  # 600 runs of the verification more would show the same of it
    for edits in at_once(every_column(noticed), alone=alone):
        faults = verify_log(edited(noticed, copies, *edits).staffed.engine).faults
        named = [
            edit for edit in edits if any(fault.startswith(f"{edit.row} is not as ") for fault in faults)
        ]
        unseen += [edit for edit in edits if edit not in named]
    unseen = [edit for edit in unseen if not verify_log(edited(noticed, copies, edit).staffed.engine).faults]
    assert unseen == []


@pytest.mark.thorough
def test_every_edit_of_a_suspended_case_keeps_the_measure_from_being_kept(
    suspended: Noticed, copies: Engine
) -> None:
    untouched = edited(suspended, copies, Edit("UPDATE alembic_version SET version_num = version_num"))
    assert gate_sentences(untouched, BEFORE_REAFFIRMATION) == ()
    edits = every_column(suspended)
    tables = {edit.row.split()[0] for edit in edits}
    assert {"measures", "platform_commands", "entitlements", "reaffirmations", "disputes"} <= tables
    assert unseen_by_the_gate(suspended, copies, edits, BEFORE_REAFFIRMATION) == []


def unseen_by_the_gate(
    case: Noticed, copies: Engine, edits: list[Edit], requirements: Collection[Requirement]
) -> list[Edit]:
    """Return the edits after which the gate neither names the row nor is shut for another reason."""
    unseen = []
    for group in at_once(edits):
        said = gate_sentences(edited(case, copies, *group), requirements)
        unseen += [edit for edit in group if not any(edit.row in sentence for sentence in said)]
    return [edit for edit in unseen if not shuts_the_gate(edited(case, copies, edit), requirements)]


def gate_sentences(copy: Noticed, requirements: Collection[Requirement]) -> tuple[str, ...]:
    """Return what the gate says; nothing where what it asks for cannot even be read."""
    with transaction(copy.staffed.engine) as session:
        case = session.get_one(Case, copy.case_id)
        try:
            facts = gate_facts(session, case, copy.staffed.policy, copy.staffed.now)
        except CjpFraudError:
            return ()
        return check(facts, copy.staffed.now, requirements).sentences


def shuts_the_gate(copy: Noticed, requirements: Collection[Requirement]) -> bool:
    """Whether the gate says that a row was changed, or what it asks for is not on record, or is another case's."""
    with transaction(copy.staffed.engine) as session:
        case = session.get_one(Case, copy.case_id)
        try:
            facts = gate_facts(session, case, copy.staffed.policy, copy.staffed.now)
        except CjpFraudError:
            return True
        return not check(facts, copy.staffed.now, requirements).is_open


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE flags SET excess = excess * 2",
        "UPDATE personal_texts SET body = 'x' WHERE id = (SELECT reasons_text_id FROM determinations)",
        "UPDATE addresses SET valid_from = '2010-01-01 00:00:00.000000'",
        "INSERT INTO participations SELECT 'forged', user_id, part, tenant_id, case_id, at, recorded_at "
        "FROM participations WHERE part = 'claimed'",
        "DELETE FROM participations WHERE part = 'claimed'",
        "DELETE FROM delivery_events",
        "UPDATE delivery_events SET at = '2015-04-02 11:00:00.000000'",
    ],
)
def test_nothing_is_restricted_after_an_edit(noticed: Noticed, copies: Engine, statement: str) -> None:
    copy = edited(noticed, copies, Edit(statement))
    report = copy.staffed.enforce()
    assert report.state is not CaseState.SUSPENDED
    assert copy.staffed.restricted() == 0
    assert verify_log(copy.staffed.engine).faults != ()


def test_without_an_edit_the_measure_follows(noticed: Noticed, copies: Engine) -> None:
    copy = edited(noticed, copies, Edit("UPDATE alembic_version SET version_num = version_num"))
    assert copy.staffed.enforce().state is CaseState.SUSPENDED
    assert copy.staffed.restricted() == 1


def test_an_entry_is_not_overwritten_past_the_triggers(noticed: Noticed, copies: Engine) -> None:
    copy = edited(noticed, copies, Edit("UPDATE alembic_version SET version_num = version_num"))
    columns = ", ".join(f'"{column.name}"' for column in AuditEntry.__table__.columns)
    for words in ("INSERT OR REPLACE", "REPLACE"):
        statement = (
            f"{words} INTO audit_entries ({columns}) SELECT {columns} FROM audit_entries WHERE sequence = 5"
        )
        with pytest.raises(DBAPIError, match="append-only"), copy.staffed.engine.begin() as connection:
            connection.exec_driver_sql(statement)


def test_the_moment_of_the_last_act_is_unchanged(noticed: Noticed) -> None:
    """The copies are edited, never the one that they are copies of."""
    engine = make_engine(f"sqlite:///{noticed.file}")
    assert verify_log(engine).faults == ()
    assert isinstance(noticed.staffed.now, datetime)
    engine.dispose()
