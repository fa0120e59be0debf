"""``cjp-fraud notices read-report``, ``collect`` and ``work-items``, run as commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cjp_fraud.cli import notices
from cjp_fraud.cli.main import app
from cjp_fraud.clock import StandingClock
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.inbound_folders import inbound_folders
from tests.contract_builders import NOON
from tests.delivery_reports import a_report
from tests.mail_servers import smtp_server
from tests.notice_builders import a_plain_plan, attempts_of, methods_of, notices_of, smtp_of
from tests.simulated_clocks import simulate_clock

RETURNED = Path(__file__).resolve().parents[2] / "returned_mail"


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes) -> Deployment:
    """A deployment with a database."""
    settings = load_settings(home=tmp_path / "home", now=NOON)
    settings.home.mkdir()
    (settings.home / "cjp_fraud.db").write_bytes(sqlite_template)
    made = Deployment(settings)
    simulate_clock(made.engine)
    return made


@pytest.fixture
def sent(opened: Deployment, tmp_path: Path) -> tuple[str, str]:
    """Id of a notice that was sent, and its return path."""
    plan_id = a_plain_plan(opened.engine, tmp_path)
    with smtp_server() as server:
        dispatch_due(opened.engine, methods_of(server), plan_id, StandingClock(NOON))
    (notice,) = notices_of(opened.engine, plan_id)
    (attempt,) = attempts_of(opened.engine, notice.id)
    return notice.id, smtp_of(opened.engine, attempt).envelope_from


def run(opened: Deployment, *arguments: str) -> Result:
    result = CliRunner().invoke(notices.app, list(arguments), obj=opened)
    assert result.exit_code == 0, result.output
    return result


def answered(opened: Deployment, *arguments: str) -> Any:
    return json.loads(run(opened, *arguments, "--json").stdout)


def test_messages_are_read_without_a_home(tmp_path: Path) -> None:
    files = [str(RETURNED / f"{name}.eml") for name in ("two_recipients", "out_of_office", "ordinary_mail")]
    home = tmp_path / "nowhere"
    result = CliRunner().invoke(app, ["--home", str(home), "notices", "read-report", *files, "--json"])
    assert result.exit_code == 0, result.output
    person = {"action": None, "status": None, "permanent": None, "notice": None}
    assert json.loads(result.stdout) == [
        {
            "file": files[0],
            "kind": "bounce",
            "recipients": [
                {
                    "address": "legal@acme.example",
                    "action": "failed",
                    "status": "5.1.1",
                    "permanent": True,
                    "notice": None,
                },
                {
                    "address": "finance@acme.example",
                    "action": "failed",
                    "status": "4.2.2",
                    "permanent": False,
                    "notice": None,
                },
            ],
        },
        {"file": files[1], "kind": "auto_reply", "recipients": [{"address": "legal@acme.example"} | person]},
        {"file": files[2], "kind": "none", "recipients": []},
    ]
    assert not home.exists()


def test_the_notice_is_named_by_its_return_path_alone(
    opened: Deployment, sent: tuple[str, str], tmp_path: Path
) -> None:
    notice_id, return_path = sent
    ours, forged = tmp_path / "ours.eml", tmp_path / "forged.eml"
    ours.write_bytes(a_report(return_path.upper(), "failed"))
    forged.write_bytes(a_report(f"b+{'a' * 45}@provider.example", "failed"))
    named = [
        each["recipients"][0]["notice"] for each in answered(opened, "read-report", str(ours), str(forged))
    ]
    assert named == [notice_id, None]


def test_a_keyed_return_path_is_no_notice_without_the_database(sent: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "ours.eml"
    file.write_bytes(a_report(sent[1], "failed"))
    result = CliRunner().invoke(
        app, ["--home", str(tmp_path / "nowhere"), "notices", "read-report", str(file), "--json"]
    )
    assert json.loads(result.stdout)[0]["recipients"][0]["notice"] is None


def test_the_table_has_a_line_for_a_message_that_names_nobody(opened: Deployment) -> None:
    result = run(
        opened, "read-report", *(str(RETURNED / f"{name}.eml") for name in ("ordinary_mail", "james"))
    )
    assert "bounce" in result.output
    assert "none" in result.output


def test_a_file_that_is_not_there_is_named(opened: Deployment) -> None:
    result = CliRunner().invoke(notices.app, ["read-report", "nowhere.eml"], obj=opened)
    assert "no such file: nowhere.eml" in str(result.exception)


def test_what_came_back_is_collected_listed_and_shown(opened: Deployment, sent: tuple[str, str]) -> None:
    notice_id, return_path = sent
    folder = inbound_folders(opened.settings).incoming
    folder.mkdir(parents=True)
    (folder / "a.eml").write_bytes(a_report(return_path, "delivered"))
    (folder / "b.eml").write_bytes(a_report(return_path, "expired"))
    (folder / "c.eml").write_bytes((RETURNED / "ordinary_mail.eml").read_bytes())
    wanted = {"taken": 0, "new_events": 2, "for_people": 1, "unmatched": 1, "aside": 0}
    assert answered(opened, "collect") == wanted
    assert answered(opened, "collect") == wanted | {"new_events": 0, "for_people": 0}
    (item,) = answered(opened, "work-items")
    assert (item["notice_id"], item["kind"]) == (notice_id, "report")
    assert "expired" in item["why"]
    events = answered(opened, "show", notice_id)["events"]
    assert [each["erds_event"] for each in events] == ["SubmissionAcceptance", "ContentConsignment", None]
