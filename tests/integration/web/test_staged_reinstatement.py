"""A reinstatement in stages on the staff's pages, by the API and by commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.cli import cases, measures
from cjp_fraud.operations.measures import enforce
from tests.api_calls import calls_of
from tests.mail_servers import smtp_server
from tests.queue_pages import QueueUnderTest, a_queue, send, suspend

STAGES = {
    "first": {"measure": "block_destinations", "scope": {"destination_prefixes": ["+371"]}},
    "later": [
        {"measure": "block_destinations", "scope": {"destination_prefixes": ["+37166"]}, "when": "4h"},
    ],
    "lift": "tomorrow 23:00",
    "reasons": "their keys are changed",
    "checks": ["keys_revoked"],
}
IN_STAGES = "/cases/1/reinstate-in-stages"
FORM = {
    "measure_1": "block_destinations",
    "destination_1": "+371",
    "measure_2": "block_destinations",
    "destination_2": "+37166",
    "when_2": "4h",
    "lift": "tomorrow 23:00",
    "reasons": "their keys are changed",
    "check": "keys_revoked",
}


def wait(queue: QueueUnderTest, **by: float) -> None:
    """Let the clock show a later moment, and do what is due by then."""
    queue.deployment.wait_until(queue.deployment.now + timedelta(**by))
    enforce(queue.deployment, queue.deployment.now, "1")


@pytest.fixture
def suspended(sqlite_engine: Engine, tmp_path: Path) -> Iterator[QueueUnderTest]:
    """A queue whose one case was determined by rita and approved by adam; its measure is in force."""
    with smtp_server() as mail:
        queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
        suspend(queue)
        wait(queue, minutes=30)
        yield queue


def plain(page: str) -> str:
    """Return a page with plain blanks alone."""
    return " ".join(page.split())


def prefixes(queue: QueueUnderTest) -> list[str]:
    """Return which destinations the platform blocks; none: it restricts nothing, or everything."""
    return [
        prefix
        for each in calls_of(queue, "rita").get("/measures", params={"in_force_only": "true"}).json()["items"]
        for prefix in each["scope"]["destination_prefixes"]
    ]


def test_the_page_orders_stages_shows_what_is_next_and_holds_them(suspended: QueueUnderTest) -> None:
    adam, rita = suspended.signed_in("adam"), suspended.signed_in("rita")
    assert IN_STAGES in adam.get("/cases/1").text
    wrong = send(adam, "/cases/1", IN_STAGES, **FORM | {"destination_2": "+371", "lift": "soon"})
    assert wrong.status_code == 400
    assert "tomorrow 09:00" in wrong.text
    refused = send(adam, "/cases/1", IN_STAGES, **FORM | {"destination_2": "+371"})
    assert refused.status_code == 409
    assert "stage 2: block_destinations" in refused.text
    assert 'value="tomorrow 23:00"' in refused.text, "what was typed is still there"
    shown = plain(send(adam, "/cases/1", IN_STAGES, **FORM).text)
    assert "Lifted in stages, ordered by adam" in shown
    assert "Next: stage 2, at the earliest" in shown
    assert prefixes(suspended) == ["+371"]
    assert "the next stage of a reinstatement comes" in adam.get("/shift").text

    assert "/cases/1/hold-stages" in adam.get("/cases/1").text
    assert "/cases/1/hold-stages" not in rita.get("/cases/1").text
    held = plain(send(adam, "/cases/1", "/cases/1/hold-stages", reasons="they ask us to wait").text)
    assert "Held by an approver since" in held
    assert "a reinstatement in stages is held: an approver decides" in adam.get("/shift").text
    goes_on = plain(send(adam, "/cases/1", "/cases/1/resume-stages", reasons="they are ready").text)
    assert "Next: stage 2, at the earliest" in goes_on
    for words in ("reinstatement in stages ordered", "reinstatement in stages goes on"):
        assert words in goes_on, words
    wait(suspended, hours=5)
    assert prefixes(suspended) == ["+37166"]
    wait(suspended, days=2)
    case = calls_of(suspended, "rita").get("/cases/1").json()
    assert case["state"] == "reinstated"
    standings = [stage["standing"] for stage in case["measures"][0]["stages"]["stages"]]
    assert standings == ["confirmed", "confirmed", "confirmed"]


def test_a_plan_that_is_held_stands_in_the_queue_until_it_goes_on(suspended: QueueUnderTest) -> None:
    calls = calls_of(suspended, "adam")
    calls.post("/cases/1/reinstatement/stages", json=STAGES)
    rita = suspended.signed_in("rita")
    above, mark = (
        "1 reinstatement is held: an approver lets it go on",
        "reinstatement held: an approver decides",
    )

    def shown() -> tuple[bool, bool, bool, bool]:
        page, [case] = plain(rita.get("/queue").text), calls.get("/cases").json()["cases"]
        listed = CliRunner().invoke(cases.app, ["list"], obj=suspended.deployment, env={"COLUMNS": "160"})
        held = case["stages_held_at"] is not None
        return above in page, mark in page, held, "HELD since" in listed.output

    assert shown() == (False, False, False, False)
    calls.post("/cases/1/reinstatement/hold", json={"reasons": "they ask us to wait"})
    assert shown() == (True, True, True, True)
    calls.post("/cases/1/reinstatement/resume", json={"reasons": "they are ready"})
    assert shown() == (False, False, False, False)


def test_the_api_and_the_command_do_the_same(suspended: QueueUnderTest) -> None:
    adam, rita = calls_of(suspended, "adam"), calls_of(suspended, "rita")
    stages = "/cases/1/reinstatement/stages"
    assert adam.get(stages).status_code == 404
    assert rita.post(stages, json=STAGES).status_code == 403
    once = {"Idempotency-Key": "stages-1"}
    for replayed in (False, True):
        done = adam.post(stages, json=STAGES, headers=once)
        assert (done.status_code, done.json()["replayed"]) == (200, replayed), done.text
    shown = adam.get(stages).json()
    assert [stage["standing"] for stage in shown["stages"]] == ["confirmed", "waiting", "waiting"]
    assert (shown["next_number"], shown["held"]) == (2, None)
    hold, resume = "/cases/1/reinstatement/hold", "/cases/1/reinstatement/resume"
    assert adam.post(resume, json={"reasons": "go"}).status_code == 409
    assert adam.post(hold, json={"reasons": "wait"}).json()["result"]["stages"]["held"]["cause"] == "person"
    assert adam.post(resume, json={"reasons": "go"}).json()["result"]["stages"]["held"] is None
    told = calls_of(suspended, "adam").get("/cases/1").json()["measures"][0]["stages"]
    assert told["ordered_by"] == "adam"
    assert adam.post("/cases/1/reinstatement", json={"reasons": "at once"}).status_code == 200
    assert adam.get(stages).json()["is_open"] is False


def test_the_command_orders_shows_holds_and_resumes(suspended: QueueUnderTest) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(measures.app, list(words), obj=suspended.deployment)
        return done.exit_code, plain(done.output)

    by = ("--as", "adam", "--because", "their keys are changed")
    first, second = "block_destinations destination=+371", "block_destinations destination=+37166 from 4h"
    for wrong, said in (
        (("--lift", "12h"), "--lift goes with --stage"),
        (("--stage", first), "--lift WHEN"),
        (("--stage", second, "--lift", "12h"), "the first stage begins at once"),
        (("--stage", first, "--stage", first, "--lift", "12h"), "from when on"),
        (("--stage", "block_all", "--lift", "12h"), "no kind of measure"),
        (("--stage", "limit_rate rate=x", "--lift", "12h"), "no part of a scope"),
    ):
        code, output = run("reinstate", "1", *by, *wrong)
        assert code == 2, output
        assert said in output.replace("│ ", ""), output
    code, output = run("reinstate", "1", *by, "--stage", first, "--stage", second, "--lift", "tomorrow 23:00")
    assert code == 0, output
    assert "next: stage 2, at the earliest at" in output
    assert run("hold-stages", "1", *by)[0] == 0
    code, output = run("stages", "1")
    assert "held since" in output
    assert "measures resume-stages 1" in output
    assert run("resume-stages", "1", *by)[0] == 0
    shown = json.loads(
        CliRunner().invoke(measures.app, ["stages", "1", "--json"], obj=suspended.deployment).stdout
    )
    assert [stage["number"] for stage in shown["stages"]] == [1, 2, 3]
    assert run("reinstate", "1", *by)[0] == 0
    assert prefixes(suspended) == []
