"""``cjp-fraud audit`` and ``cjp-fraud evidence``, run as commands."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from click.testing import Result
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.cli import audit, evidence
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, NotFoundError
from cjp_fraud.storage.database import reading
from tests.integration.compliance.conftest import CaseSteps
from tests.signed_heads import keep_heads
from tests.simulated_clocks import show_clock


@pytest.fixture
def opened(case: CaseSteps) -> Deployment:
    """A deployment on the case's database."""
    made = Deployment(load_settings(home=case.folder))
    made.__dict__["engine"] = case.engine
    keep_heads(made)
    return made


def run(app: typer.Typer, opened: Deployment, *arguments: str) -> Result:
    """Run a command after the newest entry of the log, by a clock that shows its time."""
    with reading(opened.engine) as session:
        show_clock(opened.engine, session.scalars(select(func.max(AuditEntry.recorded_at))).one())
    opened.__dict__.pop("home_clock", None)
    return CliRunner().invoke(app, list(arguments), obj=opened)


def answered(app: typer.Typer, opened: Deployment, *arguments: str) -> Any:
    result = run(app, opened, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_audit_log_is_verified_and_its_head_printed(case: CaseSteps, opened: Deployment) -> None:
    case.flagged()
    found = answered(audit.app, opened, "verify")
    assert found["holds"]
    assert found["entries"] == len(answered(audit.app, opened, "list"))
    said = run(audit.app, opened, "verify", "--expect-head", found["head_sha256"])
    assert said.exit_code == 0
    assert found["head_sha256"] in said.output
    assert "holds" in said.output
    assert run(audit.app, opened, "verify", "--expect-head", "ab" * 32).exit_code == 1
    assert run(audit.app, opened, "verify", "--expect-head", "short").exit_code == 2


def test_a_log_that_does_not_hold_ends_with_exit_code_1_and_sentences(
    case: CaseSteps, opened: Deployment
) -> None:
    case.flagged()
    with case.engine.begin() as connection:
        connection.execute(text("UPDATE cases SET state = 'lapsed'"))
    said = run(audit.app, opened, "verify")
    assert said.exit_code == 1
    assert "it was changed since" in said.output
    answer = run(audit.app, opened, "verify", "--json")
    assert answer.exit_code == 1
    assert not json.loads(answer.stdout)["holds"]


def test_the_entries_of_one_case_are_listed(case: CaseSteps, opened: Deployment) -> None:
    case.flagged()
    case.determined()
    rows = answered(audit.app, opened, "list", "--case", "1")
    assert [row["action"] for row in rows][:2] == ["case.opened", "case.claimed"]
    assert [row["sequence"] for row in rows] == sorted(row["sequence"] for row in rows)
    assert len(answered(audit.app, opened, "list", "--limit", "2")) == 2
    assert isinstance(run(audit.app, opened, "list", "--case", "7").exception, NotFoundError)


def test_a_bundle_is_exported_by_a_person_and_verified(case: CaseSteps, opened: Deployment) -> None:
    case.suspended()
    out = case.folder / "case.zip"
    made = answered(evidence.app, opened, "export", "1", str(out), "--as", "cora")
    assert made["faults"] == []
    found = answered(evidence.app, opened, "verify", str(out), "--against-database")
    assert found["holds"]
    assert found["head_sha256"] == made["head_sha256"]
    assert "The bundle holds" in run(evidence.app, opened, "verify", str(out)).output
    (actor,) = {row["actor"] for row in answered(audit.app, opened, "list", "--limit", "1")}
    assert actor == case.who("cora").user_id
    assert isinstance(run(evidence.app, opened, "export", "1", str(out)).exception, BadInputError)
    assert run(evidence.app, opened, "export", "1", str(out), "--force").exit_code == 0
    stranger = run(evidence.app, opened, "export", "1", str(out), "--force", "--as", "nobody")
    assert isinstance(stranger.exception, NotFoundError)


def test_a_bundle_that_was_changed_ends_with_exit_code_1_and_sentences(
    case: CaseSteps, opened: Deployment
) -> None:
    case.flagged()
    out = case.folder / "case.zip"
    assert run(evidence.app, opened, "export", "1", str(out)).exit_code == 0
    content = out.read_bytes()
    out.write_bytes(content.replace(b"case.opened", b"case.closed", 1))
    said = run(evidence.app, opened, "verify", str(out))
    assert said.exit_code == 1
    assert "FAULT" in said.output
    out.write_bytes(content[:-30])
    assert run(evidence.app, opened, "verify", str(out), "--json").exit_code == 1


def test_a_bundle_of_another_database_is_told_by_its_head(case: CaseSteps, opened: Deployment) -> None:
    case.flagged()
    out = case.folder / "case.zip"
    assert run(evidence.app, opened, "export", "1", str(out)).exit_code == 0
    with case.engine.begin() as connection:
        if case.engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER IF EXISTS audit_entries_no_delete"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("DELETE FROM audit_entries WHERE sequence = (SELECT max(sequence) FROM audit_entries)")
        )
    assert run(evidence.app, opened, "verify", str(out)).exit_code == 0
    said = run(evidence.app, opened, "verify", str(out), "--against-database")
    assert said.exit_code == 1
    assert "the database's chain is shorter" in said.output
