"""``cjp-fraud notices dispatch|list|show``: what is due is served once, and one notice's whole record is shown."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.cells import cell_len
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.cli import notices
from cjp_fraud.cli.printing import stamp
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.terms import NoticeTerms, plain_terms
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, NotFoundError
from cjp_fraud.notices.delivery_record import record_event
from cjp_fraud.notices.model import DeliveryEvidence
from cjp_fraud.operations.notices import DispatchedCases, dispatch_all
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.storage.database import transaction
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.contract_builders import a_row, load_rows, read_agreement
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.return_paths import KEY_HEX

EIGHTY = {"COLUMNS": "80"}


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def staffed(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> StaffedDeployment:
    return open_staffed(engine, tmp_path, mail_to(server))


def home_of(staffed: StaffedDeployment, server: MailServerUnderTest, folder: Path) -> Deployment:
    """The same deployment as the command line opens it, with an engine of its own."""
    settings = load_settings(
        home=folder / "home",
        database_url=staffed.engine.url.render_as_string(hide_password=False),
        smtp_host=server.host,
        smtp_port=server.port,
        mail_from="notices@provider.example",
        contact="+1 555 0100",
        provider_name="The provider",
        provider_legal_name="Example Cloud Ltd.",
        platform_mode="act",
        return_path_key=KEY_HEX,
        now=staffed.now,
    )
    settings.home.mkdir(exist_ok=True)
    return Deployment(settings)


def run(home: Deployment, *words: str) -> Result:
    return CliRunner().invoke(notices.app, list(words), obj=home, env=EIGHTY)


def answered(home: Deployment, *words: str, code: int = 0) -> Any:
    result = run(home, *words, "--json")
    assert result.exit_code == code, (result.output, result.exception)
    return json.loads(result.stdout)


@pytest.mark.both_databases
def test_dispatch_serves_what_is_due_once_however_often_and_by_however_many_at_once(
    staffed: StaffedDeployment, server: MailServerUnderTest, tmp_path: Path
) -> None:
    staffed.approved_case()
    results: list[DispatchedCases] = []

    def dispatch_by_itself() -> None:
        home = home_of(staffed, server, tmp_path)
        results.append(dispatch_all(home, home.now))

    threads = [threading.Thread(target=dispatch_by_itself) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(result.is_stuck, result.faults) for result in results] == [(False, ())] * 2
    assert len(server.received) == 1
    assert staffed.state is CaseState.SUSPENDED
    again = answered(home_of(staffed, server, tmp_path), "dispatch", "1")
    assert (again["handed_over"], again["state"]) == (0, "suspended")
    assert len(server.received) == 1


def test_dispatch_of_all_goes_on_past_a_case_that_waits_and_says_for_what(
    staffed: StaffedDeployment, server: MailServerUnderTest, tmp_path: Path
) -> None:
    staffed.approved_case()
    server.rcpt_replies["notices@acme.example"].append("451 later")
    home = home_of(staffed, server, tmp_path)
    waits = answered(home, "dispatch", code=1)
    assert [(case["case"], case["handed_over"]) for case in waits["cases"]] == [(1, 0)]
    assert waits["cases"][0]["waiting_for"]
    printed = run(home, "dispatch")
    assert printed.exit_code == 0, printed.output
    assert "suspended" in printed.output
    assert max(map(cell_len, printed.output.splitlines())) <= 80
    assert answered(home, "dispatch")["cases"][0]["handed_over"] == 0
    assert len(server.received) == 1


def test_dispatch_of_a_case_that_only_time_holds_up_exits_with_0_and_says_until_when(
    staffed: StaffedDeployment, server: MailServerUnderTest, tmp_path: Path
) -> None:
    day = NoticeTerms(plain_terms().steps, minimum=Wait(24, WaitUnit.HOURS))
    with transaction(staffed.engine) as session:
        read_agreement(session, ContractTerms(suspension=day))
    staffed.approved_case()
    staffed.enforce()
    home = home_of(staffed, server, tmp_path)
    until = staffed.now + timedelta(days=1)

    waits = answered(home, "dispatch", "1")
    assert (waits["before"], waits["state"], waits["only_time_missing"]) == ("noticed", "noticed", True)
    for words in (("dispatch",), ("dispatch", "1")):
        printed = run(home, *words)
        assert printed.exit_code == 0, printed.output
        assert f"case 1: only time is missing, until {stamp(until)}" in printed.output
    staffed.do(order_stop, "carol", "the court has been asked")
    assert not answered(home, "dispatch", "1", code=1)["only_time_missing"]


@pytest.fixture
def served(sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> tuple[Deployment, str]:
    """A home with one notice that was put off once and then sent, and the notice's id."""
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(server))
    staffed.approved_case()
    server.rcpt_replies["notices@acme.example"].append("451 4.7.1 greylisted " + "for your own good " * 8)
    staffed.enforce()
    staffed.wait(minutes=10)
    staffed.enforce()
    home = home_of(staffed, server, tmp_path)
    (row,) = answered(home, "list")
    return home, row["id"]


FILTERS = {
    ("--case", "1"): True,
    ("--tenant", "acme"): True,
    ("--tenant", "other"): False,
    ("--state", "sent"): True,
    ("--state", "failed", "--state", "sent"): True,
    ("--state", "failed"): False,
    ("--kind", "suspension"): True,
    ("--kind", "reinstatement"): False,
    ("--method", "email"): True,
    ("--method", "letter"): False,
    ("--for-people",): False,
    ("--tenant", "acme", "--method", "email", "--state", "sent", "--kind", "suspension"): True,
}


def test_the_list_is_narrowed_by_case_tenant_kind_state_and_method(served: tuple[Deployment, str]) -> None:
    home, notice_id = served
    load_rows(home.engine, home.settings.home, a_row(tenant_id="other"))
    for words, listed in FILTERS.items():
        assert [row["id"] for row in answered(home, "list", *words)] == ([notice_id] if listed else []), words
    assert answered(home, "list")[0]["reached"] == "sent"
    for words, error in (
        (("--tenant", "acne"), NotFoundError),
        (("--case", "7"), NotFoundError),
        (("--method", "pigeon"), BadInputError),
    ):
        assert isinstance(run(home, "list", *words).exception, error), words


def test_the_record_of_a_notice_shows_attempts_dialogue_events_and_the_reasoning(
    served: tuple[Deployment, str],
) -> None:
    home, notice_id = served
    record = answered(home, "show", notice_id)
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["deferred", "sent"]
    assert record["attempts"][1]["smtp"]["queue_id"] == "4711"
    (event,) = record["events"]
    assert (event["status"], event["erds_event"]) == ("sent", "SubmissionAcceptance")
    assert event["raw"].startswith("20")
    receipt = record["receipt"]
    assert (receipt["standing"], receipt["decides"]) == ("received", True)
    assert receipt["received_at"] is not None
    assert receipt["steps"][0].startswith("it counts from sent, which authenticated evidence shows at")
    assert record["plan"]["step_complete"]

    printed = run(home, "show", notice_id).output
    assert max(map(cell_len, printed.splitlines())) <= 80
    assert "…" not in printed
    for words in (
        "451 4.7.1 greylisted",
        "queue id: 4711",
        "SubmissionAcceptance",
        "Whether it counts as received: received",
        "1. it counts from sent",
        "protection: none",
    ):
        assert words in printed, words


def test_the_record_says_why_a_notice_does_not_count_any_more(served: tuple[Deployment, str]) -> None:
    home, notice_id = served
    bounce = DeliveryEvidence(
        DeliveryStatus.ATTEMPTED, negative=True, authenticated=True, source="report x", raw="\x1b[2Jgone\n"
    )
    forged = DeliveryEvidence(
        DeliveryStatus.DELIVERED,
        negative=False,
        authenticated=False,
        source="report y",
        raw="x",
        needs_person="nobody vouches for it",
    )
    with transaction(home.engine) as session:
        for evidence in (bounce, forged):
            record_event(Decision(session, machine("test"), home.now), notice_id, evidence)
    record = answered(home, "show", notice_id)
    assert record["receipt"]["standing"] == "contradicted"
    assert "the gate is shut until a person decides" in record["receipt"]["steps"][-1]
    assert [event["erds_event"] for event in record["events"]] == [
        "SubmissionAcceptance",
        "SubmissionRejection",
        None,
    ]
    assert [row["id"] for row in answered(home, "list", "--for-people")] == [notice_id]
    assert answered(home, "list")[0]["came_back"] is True
    printed = run(home, "show", notice_id).output
    assert "for a person to look at: nobody vouches for it" in printed
    assert max(map(cell_len, printed.splitlines())) <= 80
