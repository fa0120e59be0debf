from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cjp_fraud.audit.chain import GENESIS
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.storage.database import make_engine
from tests.integration.compliance.conftest import CaseSteps

OTHER = "'" + "0" * 63 + "1'"


def tamper(engine: Engine, *statements: str) -> None:
    """Change rows as somebody with the database's files and passwords would: no trigger, no foreign key."""
    if engine.dialect.name == "sqlite":
        assert engine.url.database is not None
        with sqlite3.connect(engine.url.database) as raw:
            locks = raw.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries'"
            ).fetchall()
            unlock = [f"DROP TRIGGER {name}" for name, _ in locks]
            for statement in (*unlock, *statements, *(sql for _, sql in locks)):
                raw.execute(statement)
        raw.close()
        return
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))


def test_the_log_and_the_decisions_agree_from_the_first_flag_to_the_end(steps: CaseSteps) -> None:
    steps.flagged()
    assert verify_log(steps.engine).faults == ()
    steps.determined()
    assert verify_log(steps.engine).faults == ()
    steps.approved()
    assert verify_log(steps.engine).faults == ()
    steps.carried_out()
    assert verify_log(steps.engine).faults == ()
    steps.kept_and_disputed()
    assert verify_log(steps.engine).faults == ()
    steps.reinstated()
    found = verify_log(steps.engine)
    assert found.faults == ()
    assert found.entries > 25


def test_every_head_there_ever_was_stays_in_the_chain(case: CaseSteps) -> None:
    case.flagged()
    head = verify_log(case.engine).head_sha256
    case.determined()
    assert verify_log(case.engine, expect_head=head).holds
    assert verify_log(case.engine, expect_head=GENESIS).holds
    found = verify_log(case.engine, expect_head="ab" * 32)
    assert len(found.faults) == 1
    assert "not in the chain" in found.faults[0]


TAMPERING = {
    "a case is set to suspended": "UPDATE cases SET state = 'reinstated'",
    "a finding is changed": "UPDATE determinations SET finding = 'not_fraudulent'",
    "a ground is exchanged": "UPDATE determinations SET grounds = '[\"blocked_lines\"]'",
    "the tenant's part is changed": "UPDATE determinations SET tenants_part = 'complicit'",
    "a determination is given to somebody else": (
        "UPDATE determinations SET by_user_id = (SELECT id FROM users WHERE name = 'cora')"
    ),
    "the frozen evidence is changed": "UPDATE evidence_sets SET document = 'x'",
    "the proposal's digest is changed": f"UPDATE proposals SET sha256 = {OTHER}",
    "the mode of a proposal is changed": "UPDATE proposals SET mode = 'observe'",
    "an approval is given to somebody else": (
        "UPDATE approvals SET by_user_id = (SELECT id FROM users WHERE name = 'cora')"
    ),
    "the capacity of an approval is changed": "UPDATE approvals SET capacity = 'counsel'",
    "a notice's bytes are changed": "UPDATE notices SET message = 'x'",
    "the end that a notice states is moved": "UPDATE notices SET states_end_at = '2030-01-01 00:00:00'",
    "a notice is said to have failed": "UPDATE notices SET state = 'failed'",
    "an attempt's outcome is changed": "UPDATE notice_attempts SET outcome = 'failed'",
    "an attempt's evidence is changed": "UPDATE notice_attempts SET evidence = '250 OK'",
    "a delivery event is changed": "UPDATE delivery_events SET raw = '250 OK'",
    "an order to the platform is changed": "UPDATE platform_commands SET document = 'x'",
    "a command's outcome is changed": "UPDATE platform_commands SET outcome = 'failed'",
    "a read-back is changed": "UPDATE platform_commands SET read_back = '{}'",
    "a measure's end is moved": "UPDATE measures SET ends_at = '2030-01-01 00:00:00+00:00'",
    "a measure is said to have ended": (
        "UPDATE measures SET state = 'ended', ended_at = ordered_at, ending = 'lapsed'"
    ),
    "somebody's words are changed": "UPDATE personal_texts SET body = 'x'",
    "a role is added": (
        "INSERT INTO user_roles (id, user_id, role, granted_at, granted_by, recorded_at) "
        "SELECT 'forged', id, 'approver', created_at, created_by, recorded_at FROM users WHERE name = 'cora'"
    ),
    "a comment is removed": "DELETE FROM case_comments",
    "an approval is removed": "DELETE FROM approvals",
    "a determination is removed": "DELETE FROM determinations",
    "evidence is removed": "DELETE FROM evidence_sets",
    "a notice is removed": "DELETE FROM notices",
    "a measure is removed": "DELETE FROM measures",
    "taking part is removed": "DELETE FROM participations",
    "notice terms are removed": "DELETE FROM notice_terms",
    "the moment of a delivery event is changed": "UPDATE delivery_events SET at = '2026-03-01 00:00:00+00:00'",
    "a case is given to another tenant": "UPDATE cases SET tenant_id = 'globex'",
    "an episode is given to another tenant": "UPDATE episodes SET tenant_id = 'globex'",
    "a user's name is changed": "UPDATE users SET name = 'aaron' WHERE name = 'aron'",
    "a reply code is changed": "UPDATE smtp_attempts SET reply_code = 251",
    "the time of an attempt is changed": "UPDATE notice_attempts SET started_at = '2026-03-01 00:00:00+00:00'",
    "when an address was recorded is changed": "UPDATE addresses SET recorded_at = '2020-01-01 00:00:00+00:00'",
    "taking part is added": (
        "INSERT INTO participations SELECT 'forged', user_id, part, tenant_id, case_id, at, recorded_at "
        "FROM participations LIMIT 1"
    ),
    "the excess of a flag is changed": "UPDATE flags SET excess = excess + 1",
    "a flag is given to another tenant": "UPDATE flags SET tenant_id = 'globex'",
    "the time of a flag is changed": (
        "UPDATE flags SET interval_start = '2026-03-01 00:00:00+00:00' WHERE id = (SELECT min(id) FROM flags)"
    ),
    "an entitlement is changed": "UPDATE entitlements SET restricted = NOT restricted",
    "the tenant's country is changed": "UPDATE tenants SET country = 'FR'",
    "the site's country is changed": "UPDATE sites SET country = 'FR'",
    "the term is changed": "UPDATE subscription_terms SET term_to = '2030-01-01 00:00:00+00:00'",
    "a role is removed": "DELETE FROM user_roles",
    "an entry's digest of a row is changed": "UPDATE audit_entries SET rows = '[]' WHERE sequence = 5",
    "an entry is changed": "UPDATE audit_entries SET actor = 'x' WHERE sequence = 5",
    "an entry is removed": "DELETE FROM audit_entries WHERE sequence = 5",
    "the last entry is removed": (
        "DELETE FROM audit_entries WHERE sequence = (SELECT max(sequence) FROM audit_entries)"
    ),
    "the whole log is removed": "DELETE FROM audit_entries",
}


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_no_tampering_with_rows_or_log_goes_unseen(
    sqlite_engine: Engine, tmp_path: Path, smtp_port: int, every: int
) -> None:
    steps = CaseSteps(sqlite_engine, tmp_path, smtp_port)
    steps.people()
    steps.suspended()
    whole = tmp_path / "whole.db"
    with sqlite3.connect(str(sqlite_engine.url.database)) as source, sqlite3.connect(whole) as copy:
        source.backup(copy)
    assert verify_log(sqlite_engine).holds
    unseen = []
    for place, (what, statement) in enumerate(list(TAMPERING.items())[::every]):
        file = tmp_path / f"{place}.db"
        shutil.copy(whole, file)
        engine = make_engine(f"sqlite:///{file}")
        tamper(engine, statement)
        if verify_log(engine).holds:
            unseen.append(what)
        engine.dispose()
    assert unseen == []


def test_a_fault_is_a_sentence_that_names_the_row_and_the_entry(steps: CaseSteps) -> None:
    steps.suspended()
    tamper(steps.engine, "UPDATE cases SET state = 'reinstated'")
    (fault,) = verify_log(steps.engine).faults
    assert f"cases {steps.case_id}" in fault
    assert "(case.suspended)" in fault
    assert "was changed since" in fault


def test_a_text_that_was_erased_without_an_entry_is_seen(case: CaseSteps) -> None:
    case.suspended()
    tamper(case.engine, "UPDATE personal_texts SET body = NULL, salt = NULL, erased_at = written_at")
    faults = verify_log(case.engine).faults
    assert (
        sum("was erased, and no entry privacy.erased of the log names it" in fault for fault in faults) >= 3
    )


def test_an_approval_slipped_in_beside_the_log_is_seen(case: CaseSteps) -> None:
    case.flagged()
    case.determined()
    tamper(
        case.engine,
        "INSERT INTO approvals "
        "(id, proposal_id, proposal_sha256, determined_by, drawn_at, capacity, by_user_id, at, recorded_at) "
        "SELECT 'forged', id, sha256, determined_by, drawn_at, 'approver', "
        "(SELECT id FROM users WHERE name = 'aron'), drawn_at, recorded_at FROM proposals",
        "UPDATE cases SET state = 'approved'",
    )
    faults = verify_log(case.engine).faults
    assert any("approvals forged has no entry" in fault for fault in faults)
    assert any(f"cases {case.case_id} is not as entry" in fault for fault in faults)


def test_an_entry_that_the_lookup_of_rows_hides_is_noticed(case: CaseSteps) -> None:
    case.flagged()
    case.determined()
    tamper(case.engine, "DELETE FROM audit_entries_of_rows WHERE sequence = 5")
    (fault,) = verify_log(case.engine).faults
    assert fault.startswith("audit_entries_of_rows does not say that entry 5 names the row ")
