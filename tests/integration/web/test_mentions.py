"""Mentions: who is named has the case before them until they open it; who may not see it is not told."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.cli.cases import app as cases_app
from cjp_fraud.cli.shift import app as shift_app
from cjp_fraud.errors import Refused
from cjp_fraud.operations import attachments, case_desk, case_queue, cases, people, shift
from cjp_fraud.operations.attachments import Upload
from cjp_fraud.people.model import Role
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.model import QueueFilter
from cjp_fraud.storage.database import reading
from tests.api_calls import calls_of
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, send


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Case 1 in the US, case 2 in France."""
    return two_cases(sqlite_engine, tmp_path)


def two_cases(engine: Engine, folder: Path) -> QueueUnderTest:
    queue = a_queue(engine, folder, a_row(), a_row(tenant_id="gamma", country="FR"))
    queue.flagged()
    queue.flagged("gamma")
    return queue


def comment(queue: QueueUnderTest, text: str, *, by: str = "rita", case: str = "1") -> None:
    cases.comment(queue.deployment, by, queue.deployment.now, case, text)


def waiting(queue: QueueUnderTest, name: str) -> list[int]:
    """Numbers of the cases that mention a person, as the queue lists them for them."""
    page = case_queue.list_cases(queue.deployment, QueueFilter(mentions=name), by=name)
    assert all(case.mentions_reader for case in page.cases)
    return [case.number for case in page.cases]


@pytest.mark.both_databases
def test_a_case_waits_for_who_is_mentioned_until_they_open_it(engine: Engine, tmp_path: Path) -> None:
    queue = two_cases(engine, tmp_path)
    deployment = queue.deployment
    comment(queue, "@ana and @adam: what do you say?")
    assert (waiting(queue, "ana"), waiting(queue, "adam"), waiting(queue, "rita")) == ([1], [1], [])
    [(_, _, content)] = queue.entries("case.commented")
    with reading(queue.engine) as session:
        assert content["mentions"] == [actor_named(session, name).reference for name in ("ana", "adam")]

    case_desk.look_at_case(deployment, "ana", deployment.now, "1")

    assert (waiting(queue, "ana"), waiting(queue, "adam")) == ([], [1])
    comment(queue, "@ana once more")
    assert waiting(queue, "ana") == [1], "though their reading of this hour is on record"
    case_desk.read_case(deployment, "ana", deployment.now, "1")
    assert waiting(queue, "ana") == []
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_a_name_that_cannot_be_told_is_said_and_nothing_is_written(queue: QueueUnderTest) -> None:
    people.grant_role(
        queue.deployment, "ida", queue.deployment.now, "ana", Role.ANALYST, countries=["fr"], channels=[]
    )
    with pytest.raises(Refused) as refused:
        comment(queue, "@ana @ida @nobody.here @adam")
    assert [sentence.partition(";")[0].partition(":")[0] for sentence in refused.value.missing] == [
        "@ana may not see case 1",
        "@ida may not see case 1",
        "nobody is called @nobody.here",
    ]
    assert (queue.entries("case.commented"), waiting(queue, "adam")) == ([], [])
    shown = send(queue.signed_in("rita"), "/cases/1", "/cases/1/comment", text="ask @nobody.here, please")
    assert shown.status_code == 409
    assert "nobody is called @nobody.here" in shown.text
    assert "ask @nobody.here, please</textarea>" in shown.text
    with pytest.raises(Refused, match="names 21 people"):
        comment(queue, " ".join(f"@x{number}" for number in range(21)))


def test_who_does_not_reach_the_case_any_more_sees_nothing_of_it(queue: QueueUnderTest) -> None:
    comment(queue, "@ana")
    people.grant_role(
        queue.deployment, "ida", queue.deployment.now, "ana", Role.ANALYST, countries=["fr"], channels=[]
    )
    assert waiting(queue, "ana") == []
    assert shift.look_at_shift(queue.deployment, queue.deployment.now, "ana").mentions == ()
    assert "mentions you" not in queue.signed_in("ana").get("/queue").text


def test_queue_and_shift_show_it_and_a_closed_case_waits_too(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    cases.claim(deployment, "rita", deployment.now, "2")
    cases.dismiss(deployment, "rita", deployment.now, "2", reasons="a campaign")
    comment(queue, "@ana <b>look</b>", case="2")
    ana = queue.signed_in("ana")
    assert "mentions you" in ana.get("/queue?mentions=me").text
    assert 'href="/cases/2"' in ana.get("/queue?mentions=me").text
    assert 'href="/cases/1"' not in ana.get("/queue?mentions=me").text
    assert "rita mentions you in" in ana.get("/shift").text
    ana.get("/cases/2")
    assert "No case fits." in ana.get("/queue?mentions=me").text
    assert "mentions you" not in ana.get("/shift").text


def test_the_api_and_the_command_line_list_them(queue: QueueUnderTest) -> None:
    comment(queue, "@ana")
    calls = calls_of(queue, "ana")
    assert [
        case["number"] for case in calls.get("/cases", params={"mentions_me": "true"}).json()["cases"]
    ] == [1]
    words = ["list", "--mentions-me", "--json"]
    said = CliRunner().invoke(cases_app, [*words, "--as", "ana"], obj=queue.deployment)
    assert (said.exit_code, said.output.count('"mentions_reader": true')) == (0, 1)
    assert CliRunner().invoke(cases_app, words, obj=queue.deployment).exit_code == 2
    assert calls.get("/cases/1").status_code == 200
    assert calls.get("/cases", params={"mentions_me": "true"}).json()["cases"] == []


def test_the_shift_of_the_command_line_is_its_readers(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    people.grant_role(deployment, "ida", deployment.now, "ana", Role.ANALYST, countries=["us"], channels=[])
    comment(queue, "@ana")
    for case in ("1", "2"):
        cases.claim(deployment, "rita", deployment.now, case)

    def shown(*words: str) -> str:
        return CliRunner().invoke(shift_app, ["show", *words], obj=deployment).output

    assert "rita mentions ana in case 1 (acme)" in shown("--as", "ana")
    assert "gamma" not in shown("--as", "ana"), "her role is narrowed to another country"
    assert "gamma" in shown()
    assert "mentions" not in shown("--as", "rita")


def test_words_beside_a_file_mention_too_and_oneself_is_not_told(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    upload = Upload("a.csv", b"1;2\n")
    attachments.attach(deployment, "rita", deployment.now, "1", upload, "@adam @rita see the file")
    assert (waiting(queue, "adam"), waiting(queue, "rita")) == ([1], [])
    assert len(queue.entries("case.attached")[0][2]["mentions"]) == 2
