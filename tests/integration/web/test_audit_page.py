"""The page Audit: who reads it, what is found, page by page, and that the log holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cjp_fraud.storage.database import reading
from tests.api_calls import calls_of
from tests.queue_pages import QueueUnderTest, a_queue, send
from tests.signed_heads import keep_heads


@pytest.fixture
def queue(engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """One case, which ana has claimed."""
    queue = a_queue(engine, tmp_path)
    queue.flagged()
    send(queue.signed_in("ana"), "/cases/1", "/cases/1/claim")
    return queue


@pytest.fixture
def sqlite_queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    return a_queue(sqlite_engine, tmp_path)


def numbers(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr><td class="n">(\d+)</td>', page)]


@pytest.mark.both_databases
def test_entries_are_found_by_person_action_and_case(queue: QueueUnderTest) -> None:
    otto = queue.signed_in("otto")
    by_ana = otto.get("/audit?by=ana&action=case.")
    assert "case.claimed" in by_ana.text
    assert "sign_in" not in by_ana.text
    assert "case.opened" not in by_ana.text
    assert "case.opened" in otto.get("/audit?by=system:detect").text
    assert "case.opened" in otto.get("/audit?case=1").text
    assert "No entry fits" in otto.get("/audit?by=nobody").text
    assert "No entry fits" in otto.get("/audit?action=case%25.").text, "it is no pattern"
    assert otto.get("/audit?case=99").status_code == 404
    assert otto.get("/audit?since=soon").status_code == 400
    assert "No entry fits" in otto.get("/audit?until=1900-01-01T00:00").text


@pytest.mark.both_databases
def test_the_log_is_paged_without_a_gap(queue: QueueUnderTest) -> None:
    otto, seen, path = queue.signed_in("otto"), [], "/audit"
    newest = queue.newest_entry()
    for _ in range(20):
        shown = otto.get(path).text
        seen += numbers(shown)
        older = re.search(r'rel="next" href="([^"]+)"', shown)
        if older is None:
            break
        path = older[1].replace("&amp;", "&")
    assert seen == list(range(newest, 0, -1))


def test_a_long_log_is_searched_by_an_index(sqlite_queue: QueueUnderTest) -> None:
    plan = "EXPLAIN QUERY PLAN SELECT * FROM audit_entries WHERE action = :it AND sequence < 9 ORDER BY sequence DESC"
    with reading(sqlite_queue.engine) as session:
        steps = " ".join(str(row) for row in session.execute(text(plan), {"it": "case.read"}))
    assert "ix_audit_entries_action" in steps
    assert "TEMP B-TREE" not in steps


def test_the_log_is_verified_and_that_is_on_record(sqlite_queue: QueueUnderTest) -> None:
    queue = sqlite_queue
    keep_heads(queue.deployment)
    otto = queue.signed_in("otto")
    queue.signed_in("ana").get("/tenants/acme")
    shown = send(otto, "/audit", "/audit/verification")
    assert "The log holds" in shown.text, re.findall("<li>([^<]*)</li>", shown.text)
    [(_, _, content)] = queue.entries("log.verified")
    assert content["holds"] is True
    again = calls_of(queue, "otto").post("/audit/verification", headers={"Idempotency-Key": "one"}).json()
    assert again["result"]["holds"] is True, "also with its own entry in it"


def test_a_log_that_does_not_hold_is_said(sqlite_queue: QueueUnderTest) -> None:
    queue = sqlite_queue
    otto = queue.signed_in("otto")
    with queue.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET critical = 1"))
    shown = send(otto, "/audit", "/audit/verification")
    assert "does NOT hold" in shown.text
    assert "tenants" in shown.text


def test_only_auditors_counsel_and_admins_read_the_log(sqlite_queue: QueueUnderTest) -> None:
    for name, status in (("otto", 200), ("carol", 200), ("ida", 200), ("rita", 403), ("adam", 403)):
        assert sqlite_queue.signed_in(name).get("/audit").status_code == status
    assert 'href="/audit"' not in sqlite_queue.signed_in("rita").get("/queue").text


def test_the_api_searches_as_the_page_does(sqlite_queue: QueueUnderTest) -> None:
    sqlite_queue.flagged()
    caller = calls_of(sqlite_queue, "otto")
    found = caller.get("/audit", params={"by": "system:detect", "action": "case."}).json()["items"]
    assert [each["action"] for each in found] == ["case.opened"]
    assert caller.get("/audit", params={"action": "x;y"}).status_code == 422
