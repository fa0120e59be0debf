"""What large entries of the log name is kept: read once, never in the place of another entry, and hiding no change."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from cjp_fraud.audit import entries_of_case
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.gate_facts import row_faults
from tests.queue_pages import a_queue


def faults(engine: Engine) -> tuple[str, ...]:
    """Return in what the rows of the one case are not as the log names them."""
    with reading(engine) as session:
        return row_faults(session, session.scalars(select(Case)).one())


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> entries_of_case._LargeEntries:
    """Every entry counts as large, and none is kept yet."""
    kept = entries_of_case._LargeEntries()
    monkeypatch.setattr(entries_of_case, "_LARGE", 10)
    monkeypatch.setattr(entries_of_case, "_large_entries", kept)
    return kept


@pytest.mark.both_databases
def test_a_row_that_was_changed_is_found_though_all_entries_are_kept(
    engine: Engine, tmp_path: Path, kept: entries_of_case._LargeEntries
) -> None:
    queue = a_queue(engine, tmp_path)
    queue.flagged()
    assert faults(queue.engine) == ()
    assert kept.numbers
    assert faults(queue.engine) == ()
    with queue.engine.begin() as connection:
        connection.execute(text("UPDATE cases SET top_score = top_score + 1"))
    assert any("was changed since" in fault for fault in faults(queue.engine))


def test_what_an_entry_of_another_log_names_is_never_taken_for_it(
    sqlite_engine: Engine, tmp_path: Path, kept: entries_of_case._LargeEntries
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    for number in range(1, queue.newest_entry() + 1):
        kept.keep(number, "0" * 64, {})
    assert faults(queue.engine) == ()
