"""Texts taken away, put back or erased against the rules, behind the application's back: the verification says so."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.audit.log import append
from cjp_fraud.audit.named_rows import ERASED
from cjp_fraud.audit.row_digests import ERASABLE
from cjp_fraud.audit.texts import erase_contents
from cjp_fraud.compliance.export import export_evidence
from cjp_fraud.compliance.legal_holds import hold_texts
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import Refused
from cjp_fraud.notices.tables import DeliveryEvent, Notice
from cjp_fraud.operations.attachments import Upload, attach
from cjp_fraud.operations.privacy import erase
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import make_engine, transaction
from cjp_fraud.suspension.reinstatement import reinstate
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import smtp_server


@dataclass(frozen=True)
class Closed:
    """A case that is closed, and where its database stands; of ``erased`` counsel has erased the texts."""

    staffed: StaffedDeployment
    file: Path
    erased: Path


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Closed:
    folder = tmp_path_factory.mktemp("closed")
    file, erased = folder / "cjp_fraud.db", folder / "erased.db"
    file.write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{file}")
    with smtp_server() as server:
        staffed = open_staffed(engine, folder, mail_to(server))
        staffed.approved_case()
        staffed.enforce()
        opened = deployment(folder, file)
        attach(opened, "rita", staffed.now, "1", Upload("what the carrier wrote.txt", b"they saw it too"))
        opened.engine.dispose()
        reinstate(staffed.enforcement(), staffed.case().id, staffed.people["bella"], reasons="resolved")
        staffed.enforce()
    assert staffed.state is CaseState.REINSTATED
    staffed.wait(minutes=30)
    engine.dispose()
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    shutil.copy(file, erased)
    erase(deployment(folder, erased), "carol", staffed.now, "acme", reason="asked for")
    return Closed(staffed, file, erased)


def deployment(folder: Path, file: Path) -> Deployment:
    made = Deployment(load_settings(home=folder / "home", database_url=f"sqlite:///{file}"))
    made.__dict__["engine"] = make_engine(f"sqlite:///{file}")
    return made


def edited(file: Path, folder: Path, *statements: str) -> Engine:
    """Return a copy in which statements were run by somebody with the file: no foreign key, no check."""
    copy = folder / "edited.db"
    shutil.copy(file, copy)
    with sqlite3.connect(copy) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            assert raw.execute(statement).rowcount >= 1, statement
    raw.close()
    return make_engine(f"sqlite:///{copy}")


def faults_of(engine: Engine) -> tuple[str, ...]:
    faults = verify_log(engine).faults
    engine.dispose()
    return faults


def test_both_verify_before_anybody_touches_them(closed: Closed) -> None:
    for file in (closed.file, closed.erased):
        assert faults_of(make_engine(f"sqlite:///{file}")) == ()


EACH = [(table, column) for table, columns in ERASABLE.items() for column in columns]


@pytest.mark.parametrize(("table", "column"), EACH)
def test_a_text_that_is_taken_away_is_noticed(
    closed: Closed, tmp_path: Path, table: str, column: str
) -> None:
    gone = edited(closed.file, tmp_path, f"UPDATE {table} SET {column} = NULL WHERE {column} IS NOT NULL")
    assert any(
        fault.startswith(table) and f"its {column} is gone, but it was not erased" in fault
        for fault in faults_of(gone)
    )


@pytest.mark.parametrize("table", ERASABLE)
def test_an_erasure_that_no_entry_names_is_noticed(closed: Closed, tmp_path: Path, table: str) -> None:
    columns = ", ".join(f"{column} = NULL" for column in ERASABLE[table])
    one = f"id = (SELECT min(id) FROM {table})"
    faults = faults_of(
        edited(closed.file, tmp_path, f"UPDATE {table} SET {columns}, erased_at = recorded_at WHERE {one}")
    )
    assert any("was erased, and no entry privacy.erased of the log names it" in fault for fault in faults)
    assert any("was changed since" in fault for fault in faults)


@pytest.mark.parametrize("table", ERASABLE)
def test_an_edit_of_an_erased_row_is_noticed(closed: Closed, tmp_path: Path, table: str) -> None:
    column, digest = next(iter(ERASABLE[table].items()))
    one = f"id = (SELECT min(id) FROM {table} WHERE erased_at IS NOT NULL)"
    for change, said in (
        (f"{column} = 'x'", f"was erased, but has its {column} again"),
        (f"{digest} = '{'0' * 64}'", "was changed since"),
        ("erased_at = '2014-01-01 00:00:00.000000'", "was changed since"),
        ("erased_at = NULL", f"its {column} is gone, but it was not erased"),
    ):
        faults = faults_of(edited(closed.erased, tmp_path, f"UPDATE {table} SET {change} WHERE {one}"))
        assert any(fault.startswith(table) and said in fault for fault in faults), change


def test_a_text_that_is_put_back_as_it_was_is_noticed(closed: Closed, tmp_path: Path) -> None:
    shutil.copy(closed.erased, tmp_path / "edited.db")
    with sqlite3.connect(tmp_path / "edited.db") as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute("ATTACH ? AS before", (str(closed.file),))
        raw.execute(
            "UPDATE notices SET message = (SELECT message FROM before.notices b WHERE b.id = notices.id)"
        )
    raw.close()
    faults = faults_of(make_engine(f"sqlite:///{tmp_path / 'edited.db'}"))
    assert faults
    assert all("was erased, but has its message again" in fault for fault in faults)


def with_entry(closed: Closed, folder: Path, act: Callable[[Decision], Any]) -> Engine:
    """Return a copy in which somebody with the product's code wrote, with entries of the log."""
    copy = folder / "edited.db"
    shutil.copy(closed.file, copy)
    engine = make_engine(f"sqlite:///{copy}")
    with transaction(engine) as session:
        act(Decision(session, closed.staffed.people["carol"], closed.staffed.now))
    return engine


def test_an_erasure_under_another_name_is_noticed(closed: Closed, tmp_path: Path) -> None:
    def under_another_name(decision: Decision) -> None:
        event = decision.session.scalars(select(DeliveryEvent)).first()
        erase_contents(event, decision.at)
        append(decision, "notice.tidied", "tenants", "acme", {})

    (fault,) = faults_of(with_entry(closed, tmp_path, under_another_name))
    assert "was erased, and no entry privacy.erased" in fault


def test_an_erasure_under_a_hold_is_refused_and_one_written_past_the_refusal_is_noticed(
    closed: Closed, tmp_path: Path
) -> None:
    engine = with_entry(closed, tmp_path, lambda decision: hold_texts(decision, "acme", "a suit"))
    later = closed.staffed.now + timedelta(minutes=30)
    opened = deployment(tmp_path, tmp_path / "edited.db")
    with pytest.raises(Refused, match=r"legal hold .* of carol stands since"):
        erase(opened, "carol", later, "acme", reason="asked for")
    assert verify_log(engine).faults == ()
    with transaction(engine) as session:
        erase_contents(session.scalars(select(Notice)).first(), later)
        append(Decision(session, closed.staffed.people["carol"], later), ERASED, "tenants", "acme", {})
    (fault,) = faults_of(engine)
    assert "erases texts of tenant acme under a legal hold" in fault


def test_a_bundle_in_which_a_text_was_taken_away_does_not_verify(closed: Closed, tmp_path: Path) -> None:
    columns = ", ".join(f"{column} = NULL" for column in ERASABLE["personal_texts"])
    engine = edited(
        closed.file,
        tmp_path,
        f"UPDATE personal_texts SET {columns}, erased_at = written_at "
        "WHERE id = (SELECT reasons_text_id FROM determinations)",
    )
    at = closed.staffed.now + timedelta(minutes=30)
    made = export_evidence(engine, "1", tmp_path / "bundle.zip", machine("test"), at)
    assert any("no entry privacy.erased" in fault for fault in made.faults)
    assert verify_file(made.file).faults == made.faults
    engine.dispose()
