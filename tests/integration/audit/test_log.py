"""The audit log in a real database: append-only, without a gap, stands or falls with what it records."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.mapped_rows import named_row
from cjp_fraud.audit.recording import insert_rows
from cjp_fraud.audit.row_digests import salted_digest
from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.audit.texts import erase_contents, keep_text, new_text
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.base import Base, import_all_tables, new_id
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.written_rows import UnnamedRowsError
from tests.chains import chain_faults
from tests.tampering import unrecorded

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add(engine: Engine, subject: str, **content: object) -> None:
    with transaction(engine) as session:
        append(Decision(session, machine("test"), AT), "thing.done", "things", subject, content)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor = 'somebody' WHERE sequence = 1",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_entries WHERE sequence = 2",
    ],
)
def test_the_database_itself_refuses_to_change_or_delete_an_entry(engine: Engine, statement: str) -> None:
    add(engine, "a")
    add(engine, "b")
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))


def test_writers_at_the_same_time_make_one_sequence_without_a_gap(engine: Engine) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [add(engine, f"{n}-{step}") for step in range(10)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as session:
        assert chain_faults(session) == []
        entries = session.scalar(select(func.count()).select_from(AuditEntry))
    assert entries == 1 + 40, "the home's own, and those of the writers"


def test_an_entry_falls_with_its_transaction(engine: Engine) -> None:
    def fail_after_the_entry() -> None:
        with transaction(engine) as session:
            append(Decision(session, machine("test"), AT), "thing.done", "things", "a", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_the_entry()
    with reading(engine) as session:
        assert session.scalar(select(func.count()).where(AuditEntry.action == "thing.done")) == 0


def test_numbers_and_nested_content_verify_after_a_round_trip(engine: Engine) -> None:
    add(
        engine,
        "a",
        score=7.25,
        ratio=1 / 3,
        whole=5.0,
        tiny=1e-300,
        nested={"list": [1, 2.5, None], "ü": "日本"},
    )
    with reading(engine) as session:
        assert chain_faults(session) == []


def test_the_chain_verifies_after_a_personal_text_was_erased(engine: Engine) -> None:
    with transaction(engine) as session:
        kept = keep_text(session, "Frau Müller rief an", AT)
        append(
            Decision(session, machine("test"), AT),
            "comment.added",
            "personal_texts",
            kept.id,
            {"sha256": kept.sha256},
        )
        assert kept.salt is not None
        assert salted_digest(kept.salt, "Frau Müller rief an") == kept.sha256
    with unrecorded(engine) as session:
        erase_contents(session.scalars(select(PersonalText)).one(), AT)
    with reading(engine) as session:
        assert session.scalars(select(PersonalText)).one().body is None
        assert chain_faults(session) == []


def test_the_same_text_twice_has_two_digests(engine: Engine) -> None:
    with unrecorded(engine) as session:
        assert keep_text(session, "same", AT).sha256 != keep_text(session, "same", AT).sha256


def test_an_entry_names_every_row_that_was_written_since_the_entry_before(engine: Engine) -> None:
    with transaction(engine) as session:
        first = append_for_text(session, "one")
        second = append_for_text(session, "two")
        assert [row["table"] for row in first.rows] == ["personal_texts"]
        assert [row["table"] for row in second.rows] == ["personal_texts"]
        assert first.rows != second.rows


def test_a_row_that_no_entry_names_is_not_committed(engine: Engine) -> None:
    with pytest.raises(UnnamedRowsError, match=r"no entry of the audit log names personal_texts"):
        write_and_forget(engine)
    with reading(engine) as session:
        assert session.scalars(select(PersonalText)).all() == []


def test_a_row_that_is_changed_after_its_entry_is_not_committed(engine: Engine) -> None:
    with transaction(engine) as session:
        append_for_text(session, "one")
    with pytest.raises(UnnamedRowsError, match="personal_texts"), transaction(engine) as session:
        session.scalars(select(PersonalText)).one().written_at = AT.replace(year=2020)


def test_what_a_bulk_statement_wrote_must_be_named_too(engine: Engine) -> None:
    values = {"id": new_id(), "body": "a", "salt": "b", "sha256": "c", "written_at": AT, "recorded_at": AT}
    with (
        pytest.raises(UnnamedRowsError, match=r"rows of personal_texts \(bulk\)"),
        transaction(engine) as session,
    ):
        session.execute(insert(PersonalText).values(values))
    with transaction(engine) as session:
        session.execute(insert(PersonalText).values(values))
        rows = [PersonalText(**values)]
        entry = append(Decision(session, machine("test"), AT), "texts.kept", "texts", "all", {}, rows=rows)
    with reading(engine) as session:
        stored = session.scalars(select(PersonalText)).one()
        assert entry.rows == [named_row(stored).document]


def test_rows_inserted_many_at_a_time_are_stamped_and_named_as_the_database_holds_them(
    engine: Engine,
) -> None:
    long_ago = AT.replace(year=1999)
    with transaction(engine) as session:
        texts = [new_text(body, AT) for body in ("one", "two")]
        for row in texts:
            row.recorded_at = long_ago
        insert_rows(session, texts)
        entry = append(Decision(session, machine("test"), AT), "texts.kept", "texts", "all", {})
    with reading(engine) as session:
        stored = session.scalars(select(PersonalText).order_by(PersonalText.id)).all()
        assert entry.rows == [named_row(row).document for row in stored]
        assert {row.recorded_at for row in stored} == {row.recorded_at for row in texts} != {long_ago}


def test_rows_inserted_many_at_a_time_that_no_entry_names_are_not_committed(engine: Engine) -> None:
    text = new_text("one", AT)
    with pytest.raises(UnnamedRowsError, match=text.id), transaction(engine) as session:
        insert_rows(session, [text])


def test_a_row_of_an_audited_table_is_never_deleted(engine: Engine) -> None:
    with transaction(engine) as session:
        append_for_text(session, "one")
    with pytest.raises(UnnamedRowsError, match="never deleted"), transaction(engine) as session:
        session.delete(session.scalars(select(PersonalText)).one())
    with pytest.raises(UnnamedRowsError, match="never deleted"), transaction(engine) as session:
        session.execute(delete(PersonalText))


def test_every_table_is_audited_unless_it_says_why_not() -> None:
    import_all_tables()
    reasons = {mapper.class_.__tablename__: mapper.class_.NOT_AUDITED for mapper in Base.registry.mappers}
    assert {table for table, reason in reasons.items() if reason is not None} == {
        "audit_entries",
        "audit_entries_of_rows",
        "bulk_dismissal_cases",
        "case_leases",
        "case_lines",
        "case_mentions",
        "case_traits",
        "case_viewers",
        "case_waits",
        "customer_questions",
        "followed_zone_changes",
        "form_drafts",
        "form_submissions",
        "oncall_pages",
        "saved_views",
        "shadow_failures",
        "shadow_hours",
        "traffic_changes",
        "watermarks",
        "web_sessions",
        "webhook_deliveries",
        "webhook_events",
    }


def append_for_text(session: Session, body: str) -> AuditEntry:
    text_kept = keep_text(session, body, AT)
    return append(Decision(session, machine("test"), AT), "text.kept", "personal_texts", text_kept.id, {})


def write_and_forget(engine: Engine) -> None:
    with transaction(engine) as session:
        keep_text(session, "forgotten", AT)
