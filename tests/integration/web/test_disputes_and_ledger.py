"""Disputes and the ledger of wrongful measures on the staff's pages, by the API and by commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.cli import disputes, measures
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.operations import cases
from tests.api_calls import calls_of
from tests.mail_servers import smtp_server
from tests.queue_pages import FINDING, QueueUnderTest, a_queue, hidden_in, send, suspend


@pytest.fixture
def suspended(sqlite_engine: Engine, tmp_path: Path) -> Iterator[QueueUnderTest]:
    """A queue whose one case was determined by rita and approved by adam; its measure is in force."""
    with smtp_server() as mail:
        queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
        suspend(queue)
        assert state_of(queue) == "suspended"
        yield queue


def state_of(queue: QueueUnderTest) -> str:
    """Return the state of the case."""
    return str(calls_of(queue, "rita").get("/cases/1").json()["state"])


def wait(queue: QueueUnderTest, **by: float) -> None:
    """Let the clock show a later moment."""
    queue.deployment.wait_until(queue.deployment.now + timedelta(**by))


def plain(page: str) -> str:
    """Return a page with plain blanks alone."""
    return " ".join(page.split())


def decide(browser: TestClient, **fields: str) -> str:
    """Decide the dispute on the case's page; return what it says then."""
    page = browser.get("/cases/1").text
    action = re.search(r'action="(/cases/1/disputes/[^"]+)"', page)
    assert action is not None
    return browser.post(action[1], data=hidden_in(page, action[1]) | fields).text


def test_a_dispute_has_its_clock_in_the_queue_and_upheld_it_fills_the_ledger(
    suspended: QueueUnderTest,
) -> None:
    rita = suspended.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/dispute", text="this was our own campaign")
    wait(suspended, minutes=45)
    for path in ("/queue", "/disputes"):
        assert "15 minutes left" in plain(rita.get(path).text), path
    wait(suspended, minutes=30)
    assert "late by 15 minutes" in plain(rita.get("/disputes").text)
    assert "The letter says by" in rita.get("/cases/1").text
    assert "somebody who took no part must decide" in rita.get("/cases/1").text

    carol = suspended.signed_in("carol")
    shown = decide(carol, decision="upheld", reasons="shown by their invoices", cause="detector")
    assert state_of(suspended) == "reinstated"
    assert "shown by their invoices" in shown
    assert "this was our own campaign" not in rita.get("/disputes").text
    assert 'href="/cases/1"' in rita.get("/disputes?decided=1").text

    page = carol.get("/ledger").text
    assert "the detector" in page
    assert "by a dispute" in page
    for credit, status in (("12.505", 400), ("12.50", 200)):
        answer = send(carol, "/ledger", "/ledger/1/assessment", cause="person", credit=credit)
        assert answer.status_code == status
    assert send(carol, "/ledger", "/ledger/1/assessment", cause="person", line="0" * 8).status_code == 404
    assert "12.50" in carol.get("/ledger").text
    looked = calls_of(suspended, "rita").get("/measures/ledger").json()
    [line] = looked["lines"]
    assert (line["case"], line["cause"], line["credit_cents"]) == (1, "person", 1250)
    assert line["hours_down"] == pytest.approx(1.25, abs=0.01)
    assert f'name="line" value="{line["id"]}"' in carol.get("/ledger").text
    api = calls_of(suspended, "carol")
    for named, status in ((line["id"][:13], 200), ("0" * 8, 404), ("1", 422)):
        said = api.post("/cases/1/wrongful-measure/assessment", json={"line": named, "credit_cents": 1250})
        assert said.status_code == status, said.text
    words = ["assess", "1", "--as", "carol", "--credit", "1250", "--line"]
    for named, code in ((line["id"], 0), ("0" * 8, 1)):
        assert CliRunner().invoke(measures.app, [*words, named], obj=suspended.deployment).exit_code == code
    looked = calls_of(suspended, "rita").get("/measures/ledger").json()
    printed = CliRunner().invoke(measures.app, ["ledger", "--json"], obj=suspended.deployment)
    assert json.loads(printed.stdout) == looked
    said = CliRunner().invoke(measures.app, ["ledger"], obj=suspended.deployment).output
    assert "1 measure(s) overturned: 1.2 hours down" in said
    assert max(map(len, said.splitlines()[:6])) <= 80


def test_the_first_dispute_of_a_new_finding_has_its_hour_though_an_earlier_finding_was_disputed(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    with smtp_server() as mail:
        queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
        queue.flagged()
        rita, adam = queue.signed_in("rita"), queue.signed_in("adam")
        send(rita, "/cases/1", "/cases/1/claim")
        send(rita, "/cases/1", "/cases/1/determine", **FINDING)
        send(adam, "/cases/1", "/cases/1/return", reasons="name the range")
        deployment = queue.deployment
        early = cases.open_dispute(deployment, "rita", deployment.now, "1", "we had called before")
        assert early.answer_due_at > deployment.now + timedelta(hours=1), "nothing is restricted or announced"
        wait(queue, minutes=5)
        send(rita, "/cases/1", "/cases/1/determine", **FINDING)
        adam.post("/cases/1/approve", data=hidden_in(adam.get("/cases/1").text, "/cases/1/approve"))
        assert state_of(queue) == "suspended"
        wait(queue, minutes=5)
        entered = [
            cases.open_dispute(deployment, "rita", deployment.now, "1", words)
            for words in ("our own campaign", "and here is the proof")
        ]
        within = [each.answer_due_at - deployment.now for each in entered]
        assert within[0] <= timedelta(hours=1) < within[1]


def test_a_measure_is_found_wrong_by_api_and_page_once_and_not_by_an_analyst(
    suspended: QueueUnderTest,
) -> None:
    wait(suspended, hours=2)
    adam = calls_of(suspended, "adam")
    finding = {"cause": "contract_data", "reasons": "another customer's address"}
    early = adam.post("/cases/1/wrongful-measure", json=finding)
    assert early.status_code == 409
    assert "still in force" in early.text
    assert adam.post("/cases/1/reinstatement", json={"reasons": "wrong data"}).status_code == 200
    analyst = suspended.signed_in("ana")
    assert "/ledger/entries" not in analyst.get("/ledger").text
    once = {"Idempotency-Key": "finding-1"}
    for replayed in (False, True):
        found = adam.post("/cases/1/wrongful-measure", json=finding, headers=once)
        assert (found.status_code, found.json()["replayed"]) == (200, replayed)
    again = send(suspended.signed_in("rita"), "/ledger", "/ledger/entries", case="1", **finding)
    assert again.status_code == 409
    assert "in the ledger already" in again.text
    said = adam.post("/cases/1/wrongful-measure/assessment", json={"credit_cents": 900})
    assert said.json()["result"]["credit_cents"] == 900


def test_a_dispute_is_narrowed_on_the_page_by_the_api_and_by_a_command(suspended: QueueUnderTest) -> None:
    rita, carol = suspended.signed_in("rita"), suspended.signed_in("carol")
    send(rita, "/cases/1", "/cases/1/dispute", text="you stopped all of our calls")
    offered = calls_of(suspended, "carol").get("/cases/1/narrower-measures").json()
    assert {each["kind"] for each in offered} <= set(MeasureKind) - {"suspend_all_access", "suspend_channel"}
    wide = {"decision": "narrowed", "measure": "suspend_all_access", "reasons": "one range is enough"}
    assert "is not narrower than suspend_channel" in decide(carol, **wide)
    narrow = wide | {"measure": "block_destinations", "destination": "+371"}
    assert "decided in part for the customer" in decide(carol, **narrow, cause="person")
    assert state_of(suspended) == "suspended"
    [measure] = calls_of(suspended, "rita").get("/measures", params={"case": "1"}).json()["items"]
    assert (measure["kind"], measure["scope"]["destination_prefixes"]) == ("block_destinations", ["+371"])
    assert "narrowed to block destinations" in plain(carol.get("/ledger").text)

    send(rita, "/cases/1", "/cases/1/dispute", text="still too much")
    [dispute] = calls_of(suspended, "rita").get("/disputes").json()["items"]
    path = f"/cases/1/disputes/{dispute['id']}/narrowing"
    scope = {"destination_prefixes": ["+37166"]}
    body = {"measure": "block_destinations", "scope": scope, "reasons": "a part of it"}
    refused = calls_of(suspended, "carol").post(path, json=body)
    assert refused.status_code == 409
    assert "took part in this case (narrowed)" in refused.text
    options = [
        "--measure",
        "block_destinations",
        "--destination",
        "+37166",
        "--because",
        "less",
        "--as",
        "rolf",
    ]
    said = CliRunner().invoke(disputes.app, ["narrow", dispute["id"], *options], obj=suspended.deployment)
    assert (said.exit_code, "block_destinations (voice, outbound, +37166)" in said.output) == (0, True)
    listed = CliRunner().invoke(disputes.app, ["narrower", "1", "--json"], obj=suspended.deployment)
    assert listed.exit_code == 0
