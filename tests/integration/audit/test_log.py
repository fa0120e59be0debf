"""The audit log in a real database: append-only, without a gap, stands or falls with what it records."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from cjp_fraud.audit.log import append, verify_chain
from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.audit.texts import erase_text, keep_text, salted_digest
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import reading, transaction

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add(engine: Engine, subject: str, **content: object) -> None:
    with transaction(engine) as session:
        append(session, machine("test"), "thing.done", "things", subject, AT, content)


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
        found = verify_chain(session)
    assert found.holds, found.faults
    assert found.entries == 40


def test_an_entry_falls_with_its_transaction(engine: Engine) -> None:
    def fail_after_the_entry() -> None:
        with transaction(engine) as session:
            append(session, machine("test"), "thing.done", "things", "a", AT, {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_the_entry()
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0


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
        assert verify_chain(session).holds


def test_the_chain_verifies_after_a_personal_text_was_erased(engine: Engine) -> None:
    with transaction(engine) as session:
        kept = keep_text(session, "Frau Müller rief an", AT)
        append(
            session, machine("test"), "comment.added", "personal_texts", kept.id, AT, {"sha256": kept.sha256}
        )
        assert kept.salt is not None
        assert salted_digest(kept.salt, "Frau Müller rief an") == kept.sha256
    with transaction(engine) as session:
        erase_text(session.scalars(select(PersonalText)).one(), AT)
    with reading(engine) as session:
        assert session.scalars(select(PersonalText)).one().body is None
        assert verify_chain(session).holds


def test_the_same_text_twice_has_two_digests(engine: Engine) -> None:
    with transaction(engine) as session:
        assert keep_text(session, "same", AT).sha256 != keep_text(session, "same", AT).sha256
