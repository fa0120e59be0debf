"""What the gate is told is what the rows say: each fact that turns bad in the database shuts the gate by its own rule.

But for the tests that are about it, the comparison of rows with the audit log is left out, or it would shut the gate
before any other rule is asked.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.model import Right
from cjp_fraud.people.model import Decision
from cjp_fraud.review.model import Capacity, CaseState
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.suspension.contract_facts import position_fact
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import (
    approval_obstacles,
    gate_facts,
    proposal_obstacles,
    row_faults,
    unread_facts,
)
from cjp_fraud.suspension.model import GateFacts
from cjp_fraud.suspension.notification import serve_notice
from cjp_fraud.suspension.requirements import GateDecision, Requirement
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import smtp_server

LONG_AGO = "'2001-01-01 00:00:00.000000'"
LATER = "'2035-01-01 00:00:00.000000'"
ADAM, RITA, BELLA = (f"(SELECT id FROM users WHERE name = '{name}')" for name in ("adam", "rita", "bella"))
CASE = "(SELECT id FROM cases)"
TEXT = "(SELECT reasons_text_id FROM determinations)"


@dataclass(frozen=True)
class Due:
    """A case whose measure is due, and the file of its database."""

    staffed: StaffedDeployment
    file: Path
    case_id: str


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Due:
    folder = tmp_path_factory.mktemp("due")
    file = folder / "cjp_fraud.db"
    file.write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{file}")
    with smtp_server() as server:
        staffed = open_staffed(engine, folder, mail_to(server))
        case_id = staffed.approved_case().id
        serve_notice(staffed.enforcement(), case_id)
    assert staffed.state is CaseState.NOTICED
    with engine.connect() as connection:
        connection.execution_options(reading_only=True).exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return Due(staffed, file, case_id)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('copy') / 'edited.db'}")
    yield engine
    engine.dispose()


def edited(due: Due, copy: Engine, *statements: str) -> None:
    """Make the copy anew, and run the statements in it."""
    file = Path(copy.url.database or "")
    copy.dispose()
    for left in file.parent.glob(f"{file.name}-???"):
        left.unlink()
    shutil.copy(due.file, file)
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            assert raw.execute(statement).rowcount >= 1, statement
    raw.close()


def asked(
    due: Due,
    copy: Engine,
    *statements: str,
    hours: float = 0,
    mode: PlatformMode = PlatformMode.ACT,
    compare_rows: bool = False,
) -> GateDecision:
    """Return what the gate says of a copy in which the statements were run, some hours later."""
    edited(due, copy, *statements)
    at = due.staffed.now + timedelta(hours=hours)
    policy = due.staffed.policy if mode is PlatformMode.ACT else type(due.staffed.policy)(mode=mode)
    with transaction(copy) as session:
        case = session.get_one(Case, due.case_id)
        facts = gate_facts(session, case, policy, at, compare_rows=compare_rows)
    return check(facts, at)


def facts_at(due: Due, copy: Engine, at: datetime, *statements: str) -> GateFacts:
    """Return the facts of a copy in which the statements were run."""
    edited(due, copy, *statements)
    with transaction(copy) as session:
        case = session.get_one(Case, due.case_id)
        return gate_facts(session, case, due.staffed.policy, at, compare_rows=False)


def obstacles_of_approval(due: Due, copy: Engine, by: str, *statements: str) -> tuple[str, ...]:
    """Return what keeps a person from approving in a copy in which the statements were run."""
    edited(due, copy, *statements)
    with transaction(copy) as session:
        decision = Decision(session, due.staffed.people[by], due.staffed.now)
        case = session.get_one(Case, due.case_id)
        return approval_obstacles(decision, case, Capacity.APPROVER, due.staffed.policy)


def test_with_nothing_edited_it_is_open(due: Due, copy: Engine) -> None:
    assert asked(due, copy).sentences == ()


EDITS: dict[str, tuple[int, str, str]] = {
    "flag superseded": (1, "not in force", f"UPDATE flags SET superseded_at = {LONG_AGO}"),
    "flag changed": (1, "was changed since", "UPDATE flags SET excess = excess * 2"),
    "flag not upward": (1, "no named flag of this case", "UPDATE flags SET excess = -1"),
    "flag of no case": (1, "no named flag of this case", "UPDATE episodes SET case_id = NULL"),
    "flag not named": (1, "no named flag of this case", "DELETE FROM determination_flags"),
    "evidence changed": (
        1,
        "does not match its digest",
        "UPDATE evidence_sets SET document = CAST('{}' AS BLOB)",
    ),
    "evidence gone": (1, "does not match its digest", "DELETE FROM evidence_sets"),
    "determination gone": (2, "no determination", "DELETE FROM determinations"),
    "not fraud": (2, "is not of fraud", "UPDATE determinations SET finding = 'undetermined'"),
    "determined again": (
        2,
        "a later determination",
        "INSERT INTO determinations (id, case_id, number, finding, tenants_part, reasons_text_id, by_user_id, at, "
        "evidence_set_id, grounds, account_taken_over, recorded_at) SELECT 'again', case_id, 2, finding, tenants_part, "
        "reasons_text_id, by_user_id, at, evidence_set_id, grounds, account_taken_over, recorded_at "
        "FROM determinations",
    ),
    "reviewer's role revoked": (
        2,
        "is not a reviewer",
        f"UPDATE user_roles SET revoked_at = {LONG_AGO} WHERE user_id = {RITA} AND role = 'reviewer'",
    ),
    "reviewer disabled": (
        2,
        "is not a reviewer",
        f"UPDATE users SET disabled_at = {LONG_AGO} WHERE name = 'rita'",
    ),
    "no reasons": (2, "has no reasons", f"UPDATE personal_texts SET body = '' WHERE id = {TEXT}"),
    "no grounds": (2, "ground", "UPDATE determinations SET grounds = '[]'"),
    "no tenant's part": (2, "part is not said", "UPDATE determinations SET tenants_part = NULL"),
    "determined in the future": (2, "dated in the future", f"UPDATE determinations SET at = {LATER}"),
    "proposal changed": (
        3,
        "do not match its digest",
        "UPDATE proposals SET document = CAST(document || ' ' AS BLOB)",
    ),
    "approval gone": (3, "no approver's approval", "DELETE FROM approvals"),
    "approval of another version": (
        3,
        "of another version",
        "UPDATE approvals SET proposal_sha256 = substr(proposal_sha256, 33) || substr(proposal_sha256, 1, 32)",
    ),
    "approval by who determined": (3, "determined the fraud", f"UPDATE approvals SET by_user_id = {RITA}"),
    "approval before the determination": (3, "appro", f"UPDATE approvals SET at = {LONG_AGO}"),
    "approval in the future": (3, "dated in the future", f"UPDATE approvals SET at = {LATER}"),
    "approver's role revoked": (
        3,
        "is not an approver",
        f"UPDATE user_roles SET revoked_at = {LONG_AGO} WHERE user_id = {ADAM}",
    ),
    "approver took part": (
        3,
        "took part",
        f"INSERT INTO participations SELECT 'p', {ADAM}, 'commented', tenant_id, case_id, at, recorded_at "
        "FROM participations WHERE part = 'claimed'",
    ),
    "approver edited the contract": (
        3,
        "edited the tenant's addresses or terms",
        f"INSERT INTO participations SELECT 'p', {ADAM}, 'edited_contract', tenant_id, NULL, at, recorded_at "
        "FROM participations WHERE part = 'claimed'",
    ),
    "approver made today": (
        3,
        "less than 24 hours",
        f"UPDATE users SET created_by = {BELLA}, created_at = (SELECT at FROM approvals), "
        "recorded_at = (SELECT at FROM approvals) WHERE name = 'adam'",
    ),
    "right withdrawn": (4, "gives no right", "UPDATE governing_documents SET suspension_right = 'none'"),
    "right not read": (
        4,
        "has not been read",
        "UPDATE governing_documents SET suspension_right = 'not_read'",
    ),
    "hosted by a partner": (4, "", "UPDATE subscription_terms SET hosting = 'partner'"),
    "term over": (
        4,
        "not running",
        "UPDATE subscription_terms SET term_to = '2015-02-01 00:00:00.000000'",
    ),
    "term not begun": (4, "not running", f"UPDATE subscription_terms SET term_from = {LATER}"),
    "term without proof": (4, "not proven", "UPDATE provisioning_notices SET proof = NULL"),
    "contract changed since": (
        3,
        "are not those of the proposal",
        "UPDATE governing_documents SET id = 'another', version = 2",
    ),
    "address changed since": (
        3,
        "are not those of the proposal",
        f"UPDATE addresses SET valid_to = {LONG_AGO}",
    ),
    "changed by a feed": (
        4,
        "the feed crm changed",
        f"INSERT INTO feed_edits VALUES ('f', 'acme', 'crm', {LONG_AGO}, {LONG_AGO})",
    ),
    "no notice": (5, "no notice was served", "DELETE FROM notice_plans"),
    "notice only observed": (5, "only observed", "UPDATE notice_plans SET mode = 'observe'"),
    "notice withdrawn": (5, "was withdrawn", f"UPDATE notice_plans SET cancelled_at = {LONG_AGO}"),
    "another notice": (
        5,
        "not the one that was approved",
        "UPDATE notice_plans SET document = json_set(document, '$.body', 'pay me')",
    ),
    "letter changed": (5, "no dispatch", "UPDATE notices SET message = CAST('x' AS BLOB)"),
    "letter not sent": (5, "no dispatch", "UPDATE notices SET state = 'deferred'"),
    "nothing that shows it was sent": (5, "not complete", "DELETE FROM delivery_events"),
    "sent before it was planned": (5, "", f"UPDATE notices SET dispatched_at = {LONG_AGO}"),
    "bounced": (
        6,
        "did not arrive",
        "INSERT INTO delivery_events (id, notice_id, attempt_id, at, source, status, negative, authenticated, raw, "
        "raw_sha256, report_sha256, resolved_at, resolved_by, recorded_at) SELECT 'bounce', notice_id, attempt_id, at, "
        "source, 'delivered', 1, 1, raw, raw_sha256, 'r', NULL, NULL, recorded_at FROM delivery_events LIMIT 1",
    ),
    "counsel's stop": (
        6,
        "counsel ordered a stop",
        f"INSERT INTO stops SELECT 's', {CASE}, 'counsel_order', 's', 'x', at, NULL, NULL, NULL, NULL, at "
        "FROM approvals",
    ),
    "critical": (9, "needs counsel's consent", "UPDATE tenants SET critical = 1"),
}
"""What is edited: the gate's point, what its sentence says, and the edit."""


@pytest.mark.parametrize("name", EDITS)
def test_a_fact_that_turns_bad_shuts_it_by_its_own_rule(due: Due, copy: Engine, name: str) -> None:
    point, said, statement = EDITS[name]

    decision = asked(due, copy, statement)

    assert any(each.point == point and said in each.sentence for each in decision.obstacles), (
        decision.sentences
    )


def test_a_day_after_the_last_flag_somebody_says_again_that_it_is_needed(due: Due, copy: Engine) -> None:
    shut = asked(due, copy, hours=25)
    assert [each.point for each in shut.obstacles] == [8]
    at = (due.staffed.now + timedelta(hours=2)).strftime("'%Y-%m-%d %H:%M:%S.%f'")
    stated = f"INSERT INTO need_statements VALUES ('n', {CASE}, {RITA}, {at}, {TEXT}, {at})"

    assert asked(due, copy, stated, hours=25).is_open


def test_a_contradiction_that_a_person_resolved_does_not_shut_it(due: Due, copy: Engine) -> None:
    statement = EDITS["bounced"][2].replace("NULL, NULL, recorded_at", f"{LONG_AGO}, 'carol', recorded_at")

    assert asked(due, copy, statement).is_open


def test_an_unauthenticated_bounce_proves_nothing(due: Due, copy: Engine) -> None:
    statement = EDITS["bounced"][2].replace("'delivered', 1, 1,", "'delivered', 1, 0,")

    assert asked(due, copy, statement).is_open


def test_a_stop_that_was_cleared_does_not_shut_it(due: Due, copy: Engine) -> None:
    statement = EDITS["counsel's stop"][2].replace("at, NULL, NULL,", f"at, NULL, 'carol', {LONG_AGO},", 1)
    cleared = statement.replace(f"'carol', {LONG_AGO}, NULL, NULL, at", f"'carol', {LONG_AGO}, NULL, at")

    assert asked(due, copy, cleared).is_open


def test_a_feeds_edit_that_another_person_confirmed_does_not_shut_it(due: Due, copy: Engine) -> None:
    edit = EDITS["changed by a feed"][2]
    columns = "id, tenant_id, by_user_id, edits_covered, at, recorded_at"
    values = f"'c', 'acme', {BELLA}, 1, {LATER}, {LATER}"
    confirmed = f"INSERT INTO contract_confirmations ({columns}) VALUES ({values})"

    assert asked(due, copy, edit, confirmed).is_open


def test_the_switch_is_asked_too(due: Due, copy: Engine) -> None:
    assert [each.point for each in asked(due, copy, mode=PlatformMode.OBSERVE).obstacles] == [3]


UNRECORDED = {
    "a row changed": "UPDATE flags SET excess = excess * 2",
    "a row added": f"INSERT INTO user_roles (id, user_id, role, granted_at, granted_by, recorded_at) VALUES "
    f"('r', {ADAM}, 'counsel', {LONG_AGO}, {BELLA}, {LONG_AGO})",
    "a row of the case gone": "DELETE FROM participations WHERE part = 'claimed'",
    "a role gone": f"DELETE FROM user_roles WHERE user_id = {ADAM}",
    "an address gone": "DELETE FROM addresses",
}
"""Edits that no entry of the audit log names."""


@pytest.mark.parametrize("name", UNRECORDED)
def test_an_edit_that_the_log_does_not_name_is_all_that_is_judged(due: Due, copy: Engine, name: str) -> None:
    decision = asked(due, copy, UNRECORDED[name], compare_rows=True)

    assert decision.obstacles, "the gate is shut"
    assert {each.requirement for each in decision.obstacles} == {Requirement.RECORD}


def test_with_nothing_edited_the_log_names_every_row(due: Due, copy: Engine) -> None:
    assert asked(due, copy, compare_rows=True).is_open


def test_of_changed_rows_nothing_is_read(due: Due, copy: Engine) -> None:
    edited(due, copy, UNRECORDED["a row changed"])
    with transaction(copy) as session:
        facts = gate_facts(session, session.get_one(Case, due.case_id), due.staffed.policy, due.staffed.now)

    assert facts == unread_facts(due.staffed.policy, facts.row_faults)
    assert len(facts.row_faults) == 1


@pytest.mark.parametrize("opened", [transaction, reading])
def test_the_log_is_locked_where_something_will_be_written(
    due: Due, copy: Engine, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(due, copy)
    locked: list[Session] = []
    monkeypatch.setattr("cjp_fraud.suspension.gate_facts.lock_log", locked.append)
    with opened(copy) as session:
        assert row_faults(session, session.get_one(Case, due.case_id)) == ()

        assert locked == ([session] if opened is transaction else [])


NO_PROPOSAL = (
    "DELETE FROM notices",
    "DELETE FROM notice_plans",
    "DELETE FROM approvals",
    "DELETE FROM proposals",
)


def test_a_case_without_a_proposal_says_so(due: Due, copy: Engine) -> None:
    decision = asked(due, copy, *NO_PROPOSAL)

    assert "gate point 3: no proposal is on record" in decision.sentences
    assert "gate point 5: no notice was served" in decision.sentences


def test_nobody_approves_where_nothing_is_proposed(due: Due, copy: Engine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cjp_fraud.suspension.gate_facts.row_faults", lambda *_: ())
        said = obstacles_of_approval(due, copy, "bella", *NO_PROPOSAL)

    assert "no proposal is on record" in said
    assert not [sentence for sentence in said if "bella" in sentence]


def test_who_may_not_approve_is_told_beside_what_stands_in_the_way(due: Due, copy: Engine) -> None:
    said = obstacles_of_approval(due, copy, "rita")
    assert "rita determined the fraud; another person must approve" in said
    assert "rita is not an approver" in said
    assert obstacles_of_approval(due, copy, "bella") == ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cjp_fraud.suspension.gate_facts.row_faults", lambda *_: ())
        said = obstacles_of_approval(due, copy, "bella", EDITS["right withdrawn"][2])
    assert [sentence for sentence in said if "gives no right" in sentence]


def test_a_contract_without_the_right_keeps_a_proposal_from_being_acted_on(due: Due, copy: Engine) -> None:
    edited(due, copy)
    with reading(copy) as session:
        position = contract_at(session, "acme", due.staffed.now)
    without = replace(position, right=Right.NONE)

    assert proposal_obstacles(position, due.staffed.now) == ()
    assert [each for each in proposal_obstacles(without, due.staffed.now) if "gives no right" in each]


def test_why_notice_terms_cannot_be_used_is_told_in_their_own_words(due: Due, copy: Engine) -> None:
    edited(due, copy)
    with reading(copy) as session:
        position = contract_at(session, "acme", due.staffed.now)
    unread = replace(position, notice_terms=None, notice_terms_fault=None)
    without_holidays = replace(unread, notice_terms_fault="no holidays of FR are on record")

    at = due.staffed.now
    assert position_fact(unread, at).terms_faults == ("the notice clause has not been read",)
    assert position_fact(without_holidays, at).terms_faults == ("no holidays of FR are on record",)


def test_what_is_still_to_come_of_a_complete_notice_is_nothing(due: Due, copy: Engine) -> None:
    notice = facts_at(due, copy, due.staffed.now + timedelta(hours=1)).notice

    assert notice is not None
    assert notice.projected_at == notice.complete_at is not None


@pytest.mark.parametrize("moment", ["determined", "asked"])
def test_a_need_stated_at_the_moment_of_the_determination_or_of_the_question_counts(
    due: Due, copy: Engine, moment: str
) -> None:
    later = due.staffed.now + timedelta(hours=3)
    at = {"determined": "(SELECT at FROM determinations)", "asked": f"{later:'%Y-%m-%d %H:%M:%S.%f'}"}[moment]
    stated = f"INSERT INTO need_statements VALUES ('n', {CASE}, {RITA}, {at}, {TEXT}, {at})"

    facts = facts_at(due, copy, later, stated)

    assert facts.determination is not None
    assert facts.need_stated_at == {"determined": facts.determination.at, "asked": later}[moment]


def test_a_flag_that_begins_at_the_moment_of_the_question_is_seen(due: Due, copy: Engine) -> None:
    edited(due, copy)
    with reading(copy) as session:
        [start] = session.scalars(select(func.min(Flag.interval_start)))

    assert facts_at(due, copy, start).newest_flag_end == start + timedelta(minutes=5)
    assert facts_at(due, copy, start - timedelta(seconds=1)).newest_flag_end is None


def test_an_approver_is_not_counsel(due: Due, copy: Engine) -> None:
    columns = "proposal_id, proposal_sha256, determined_by, drawn_at"
    counsels = (
        f"INSERT INTO approvals (id, capacity, by_user_id, {columns}, at, recorded_at) "
        f"SELECT 'c', 'counsel', {BELLA}, {columns}, at, recorded_at FROM approvals"
    )

    facts = facts_at(due, copy, due.staffed.now, counsels)

    assert {approval.capacity: approval.has_role for approval in facts.approvals} == {
        Capacity.APPROVER: True,
        Capacity.COUNSEL: False,
    }


def test_an_approval_by_nobody_who_is_known_does_not_count(due: Due, copy: Engine) -> None:
    decision = asked(due, copy, "UPDATE approvals SET by_user_id = 'nobody'")

    assert "gate point 3: nobody is not an approver" in decision.sentences
