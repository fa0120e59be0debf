"""Claiming on the pages: the next case, leases that end, texts that stay, who else looks, and views of the queue."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in, send

MINUTE = timedelta(minutes=1)


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Two cases; the second one costs more."""
    queue = a_queue(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="beta"))
    queue.flagged("acme")
    queue.flagged("beta", cents_per_contact=40.0)
    return queue


def wait(queue: QueueUnderTest, span: timedelta) -> None:
    queue.deployment.wait_until(queue.deployment.now + span)


def said(browser: TestClient, path: str, **fields: str) -> httpx.Response:
    """Send what an open page says by itself."""
    proof = hidden_in(browser.get("/settings").text, "/settings")["form_proof"]
    return browser.post(path, data={"form_proof": proof} | fields)


def test_the_next_case_is_claimed_and_opened_and_none_is_given_twice(queue: QueueUnderTest) -> None:
    ana, rita, rolf = (queue.signed_in(name) for name in ("ana", "rita", "rolf"))
    assert send(ana, "/queue", "/queue/next").url.path == "/cases/2"
    assert send(rita, "/queue", "/queue/next").url.path == "/cases/1"
    none = send(rolf, "/queue", "/queue/next")
    assert none.url.path == "/queue"
    assert "No case waits" in none.text


def test_the_next_form_sent_twice_claims_one_case(queue: QueueUnderTest) -> None:
    ana = queue.signed_in("ana")
    form = hidden_in(ana.get("/queue").text, "/queue/next")
    for _ in range(2):
        assert ana.post("/queue/next", data=form).status_code == 200
    assert len(queue.entries("case.claimed")) == 1


def test_an_auditor_is_offered_no_claim(queue: QueueUnderTest) -> None:
    assert "/queue/next" not in queue.signed_in("otto").get("/queue").text


def test_a_lease_is_counted_down_extended_by_use_and_lost_without(queue: QueueUnderTest) -> None:
    ana = queue.signed_in("ana")
    send(ana, "/cases/1", "/cases/1/claim")
    assert 'data-seconds="1200"' in ana.get("/cases/1").text
    wait(queue, 10 * MINUTE)
    assert said(ana, "/cases/1/stay", used="0").json()["seconds_left"] == 600
    assert said(ana, "/cases/1/stay", used="1").json() == {
        "others": [],
        "holder": "ana",
        "mine": True,
        "seconds_left": 1200,
    }
    wait(queue, 20 * MINUTE)
    assert said(ana, "/cases/1/stay", used="1").json()["mine"] is False


def test_a_lost_lease_loses_no_typed_text(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    old = hidden_in(rita.get("/cases/1").text, "/cases/1/dismiss")
    typed = "their campaign <b>of spring</b>"
    kept = said(rita, "/cases/1/draft", form="/cases/1/dismiss", **{"field reasons": typed})
    assert kept.status_code == 204
    wait(queue, 25 * MINUTE)
    rolf = queue.signed_in("rolf")
    send(rolf, "/cases/1", "/cases/1/claim")
    refused = rita.post("/cases/1/dismiss", data=old | {"reasons": typed})
    assert refused.status_code == 409
    assert "claim ended by itself" in refused.text
    shown = queue.signed_in("rita").get("/cases/1").text
    assert "their campaign &lt;b&gt;of spring&lt;/b&gt;" in shown, "in another browser too"
    assert "of spring" not in rolf.get("/cases/1").text
    done = send(rolf, "/cases/1", "/cases/1/dismiss", reasons="a campaign")
    assert done.status_code == 200


def test_a_form_that_acted_leaves_no_draft(queue: QueueUnderTest) -> None:
    ana = queue.signed_in("ana")
    said(ana, "/cases/1/draft", form="/cases/1/comment", **{"field text": "seen before"})
    form = hidden_in(ana.get("/cases/1").text, "/cases/1/comment")
    ana.post("/cases/1/comment", data=form | {"text": "seen before"})
    assert re.search(r"<textarea[^>]*>seen before", ana.get("/cases/1").text) is None


def test_a_draft_of_another_cases_form_is_refused(queue: QueueUnderTest) -> None:
    answer = said(queue.signed_in("ana"), "/cases/1/draft", form="/cases/2/comment", **{"field text": "x"})
    assert answer.status_code == 400


def test_the_page_says_who_else_looks(queue: QueueUnderTest) -> None:
    ana, rita = queue.signed_in("ana"), queue.signed_in("rita")
    said(rita, "/cases/1/stay", used="0")
    assert "also looking: rita" in ana.get("/cases/1").text
    assert said(ana, "/cases/1/stay", used="0").json()["others"] == ["rita"]


def test_a_case_is_handed_over_and_put_aside(queue: QueueUnderTest) -> None:
    ana, rita = queue.signed_in("ana"), queue.signed_in("rita")
    send(ana, "/cases/1", "/cases/1/claim")
    shown = send(ana, "/cases/1", "/cases/1/hand-over", to="rita")
    assert "handed over by ana" in shown.text
    nonsense = send(rita, "/cases/1", "/cases/1/put-aside", awaited="rain", minutes="30")
    assert nonsense.status_code == 400
    unknown = send(rita, "/cases/1", "/cases/1/hand-over", to="rite")
    assert (unknown.status_code, "no user &#39;rite&#39; is on record" in unknown.text) == (404, True)
    assert 'action="/cases/1/hand-over"' in unknown.text, "the case stays on the screen"
    elsewhere = rita.post("/cases/99/hand-over", data=hidden_in(unknown.text) | {"to": "rolf"})
    assert (elsewhere.status_code, "/cases/99" in elsewhere.text) == (404, False)
    aside = send(rita, "/cases/1", "/cases/1/put-aside", awaited="customer", minutes="30")
    assert "waits for the customer until" in aside.text
    assert "clock stands still until" in aside.text
    listed = rita.get("/queue").text
    assert "waits for the customer until" in listed
    wait(queue, 31 * MINUTE)
    assert "waits for the customer until" not in rita.get("/queue").text


def test_a_moment_is_read_in_the_zone_of_who_types_it(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    send(rita, "/settings", "/settings", language="en", time_zone="Asia/Tokyo")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/put-aside", awaited="moment", until="2015-04-02T22:30", minutes="15")
    [(_, _, content)] = queue.entries("case.put_aside")
    assert content["until"].startswith("2015-04-02T13:30:00")


def test_a_view_is_kept_shared_and_removed_by_its_owner_alone(queue: QueueUnderTest) -> None:
    ana, rita = queue.signed_in("ana"), queue.signed_in("rita")
    send(ana, "/queue?channel=voice&held=nobody", "/queue/views", name="free voice", shared="1")
    send(ana, "/queue?state=open", "/queue/views", name="of mine")
    shared = rita.get("/queue").text
    assert 'href="/queue?held=nobody&amp;channel=voice">free voice' in shared
    assert "of mine" not in shared
    remove = re.search(r'action="(/queue/views/[^"]+/remove)"', ana.get("/queue").text)
    assert remove is not None
    assert said(rita, remove[1]).status_code == 409
    assert said(ana, remove[1]).status_code == 200
    assert send(ana, "/queue", "/queue/views", name=" ").status_code == 400


def test_the_queue_is_counted_and_narrowed_by_reason(queue: QueueUnderTest) -> None:
    ana = queue.signed_in("ana")
    text = " ".join(re.sub("<[^>]+>", " ", ana.get("/queue").text).split())
    assert "a burst 2" in text
    assert "under 1 hour 2" in text
    assert "No case fits" in ana.get("/queue?reason=growth").text
    assert "No case fits" in ana.get("/queue?country=LV").text
    assert "No case fits" in ana.get("/queue?plan=none").text
