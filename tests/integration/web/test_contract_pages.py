"""The page Contracts: what counsel enters counts once a second person has confirmed it, and open cases are checked."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.errors import Refused
from cjp_fraud.operations import contract_entries, contracts
from cjp_fraud.people.participation import lately_edited_contract
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.database import reading
from tests.api_calls import calls_of
from tests.queue_pages import QueueUnderTest, a_queue, send

TEXT = """
tenant = "acme"

[[documents]]
name = "MSA"
kind = "existing_agreement"
title = "Master agreement"
version = "2014"
from_day = 2014-01-01
says = { right = "none" }
page = "page 7"
"""
FORM = {"name": "acme", "kind": "toml", "text": TEXT}


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """acme with one open case."""
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    return queue


def entry_of(page: str) -> str:
    found = re.search(r'action="/contracts/entries/([^/]+)/', page)
    assert found is not None, page
    return found[1]


def right(queue: QueueUnderTest) -> str:
    return contracts.show(queue.deployment, queue.deployment.now, "acme").right


def test_what_counsel_enters_counts_only_after_a_second_person_confirmed_it(queue: QueueUnderTest) -> None:
    before = right(queue)
    carol, adam = queue.signed_in("carol"), queue.signed_in("adam")
    entered = send(carol, "/contracts?tenant=acme", "/contracts", **FORM)
    assert "Waits for a second person" in entered.text
    entry = entry_of(entered.text)
    assert right(queue) == before
    assert f"/contracts/entries/{entry}/confirm" not in entered.text, "who entered it is not offered it"
    shown = send(adam, "/contracts", f"/contracts/entries/{entry}/confirm")
    assert "On record now" in shown.text
    assert "page 7" in shown.text
    assert right(queue) == "none"
    with reading(queue.engine) as session:
        edited = [
            lately_edited_contract(session, actor_named(session, name), "acme", queue.deployment.now)
            for name in ("carol", "adam", "bella")
        ]
    assert edited == [True, True, False]
    assert verify_log(queue.engine).faults == ()


def test_an_open_case_is_checked_again_and_a_page_made_before_is_stale(queue: QueueUnderTest) -> None:
    rita, carol, adam = (queue.signed_in(name) for name in ("rita", "carol", "adam"))
    send(rita, "/cases/1", "/cases/1/claim")
    version = calls_of(queue, "rita").get("/cases/1").headers["etag"]
    entry = entry_of(send(carol, "/contracts", "/contracts", **FORM).text)
    shown = send(adam, "/contracts", f"/contracts/entries/{entry}/confirm")
    assert 'href="/cases/1"' in shown.text
    [(_, _, content)] = queue.entries("case.contract_changed")
    assert content["changed"] == ["contract_documents"]
    assert content["missing"] > 0
    assert "the contract changed" in rita.get("/cases/1").text
    stale = calls_of(queue, "rita").post(
        "/cases/1/dismissal", json={"reasons": "a launch"}, headers={"If-Match": version}
    )
    assert stale.status_code == 412


def test_a_preview_shows_what_would_be_on_record_and_keeps_nothing(queue: QueueUnderTest) -> None:
    carol, before, newest = queue.signed_in("carol"), right(queue), queue.newest_entry()
    shown = send(carol, "/contracts?tenant=acme", "/contracts", **FORM | {"text": TEXT})
    entry_of(shown.text)
    newest = queue.newest_entry()
    form = re.search(r'name="form_proof" value="([^"]+)"', shown.text)
    assert form is not None
    previewed = carol.post("/contracts/preview", data=FORM | {"form_proof": form[1]})
    assert "What would be on record" in previewed.text
    assert "page 7" in previewed.text
    assert TEXT.strip() in previewed.text.replace("&#34;", '"'), "what was typed is still there"
    assert (right(queue), queue.newest_entry()) == (before, newest)


def test_the_contract_on_record_is_text_that_enters_it_again_unchanged(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    entry = contract_entries.enter_text(deployment, "carol", deployment.now, "acme.toml", TEXT)
    contract_entries.confirm_entry(deployment, "adam", deployment.now, entry.id)
    text = contract_entries.text_on_record(deployment, deployment.now, "acme")
    assert json.loads(text)["documents"][0]["page"] == "page 7"
    again = contract_entries.preview(deployment, "carol", deployment.now, "acme.json", text)
    assert again.changed == ()


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"text": 'tenant = "acme"\n[[provisioning]]\ngiven_on = 2015-01-10\npart = "voice"\nhow = "by mail"\n'
          'proof = "file:/etc/passwd"'}, "names a file, which is not here"),
        ({"text": 'tenant = "acme"\nnotice_terms = "file:../terms.toml"'}, "names a file, which is not here"),
        ({"text": "tenant = "}, "acme.toml line 1"),
        ({"text": TEXT, "name": "../acme"}, "is no file"),
        ({"text": TEXT.replace("acme", "acne")}, "not on record"),
        ({"text": TEXT, "kind": "exe"}, "TOML or JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(queue: QueueUnderTest, form: dict[str, str], says: str) -> None:
    refused = send(queue.signed_in("carol"), "/contracts", "/contracts", **FORM | form)
    assert refused.status_code in (400, 404)
    assert says in refused.text
    assert queue.entries("contract.entered") == []


def test_who_may_not_is_refused_and_nothing_is_decided_twice(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    now = deployment.now
    entry = contract_entries.enter_text(deployment, "carol", now, "acme.toml", TEXT)
    assert contract_entries.enter_text(deployment, "carol", now, "acme.toml", TEXT).id == entry.id
    with pytest.raises(Refused, match="is not counsel"):
        contract_entries.enter_text(deployment, "adam", now, "acme.toml", TEXT)
    with pytest.raises(Refused, match="a second person confirms"):
        contract_entries.confirm_entry(deployment, "carol", now, entry.id)
    with pytest.raises(Refused, match="neither counsel nor an approver"):
        contract_entries.confirm_entry(deployment, "rita", now, entry.id)
    with pytest.raises(Refused, match="more than 14 days ago"):
        contract_entries.confirm_entry(deployment, "adam", now + timedelta(days=14), entry.id)
    contract_entries.withdraw_entry(deployment, "carol", now, entry.id)
    with pytest.raises(Refused, match="withdrawn already"):
        contract_entries.confirm_entry(deployment, "adam", now, entry.id)
    assert right(queue) != "none"


@pytest.mark.both_databases
def test_the_api_enters_and_confirms_once(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(engine, tmp_path)
    queue.flagged()
    carol, adam = calls_of(queue, "carol"), calls_of(queue, "adam")
    body = {"name": "acme.toml", "text": TEXT}
    entered = carol.post("/contract-entries", json=body, headers={"Idempotency-Key": "1"})
    assert entered.status_code == 201
    assert carol.post("/contract-entries", json=body, headers={"Idempotency-Key": "1"}).json()["replayed"]
    [waiting] = adam.get("/contract-entries").json()["items"]
    path = f"/contract-entries/{waiting['id']}/confirmation"
    assert carol.post(path).status_code == 409
    confirmed = adam.post(path).json()["result"]
    assert confirmed["loaded"]["changed"] == ["contract_documents"]
    assert [case["number"] for case in confirmed["cases"]] == [1]
    assert adam.post(path).status_code == 409
    assert carol.post("/tenants/acme/confirmation").status_code == 200
