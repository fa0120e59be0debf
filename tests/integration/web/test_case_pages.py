"""The queue and a case: what is shown, what the forms do, and that each does it once, on what its sender saw."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import Engine, select

from cjp_fraud.people.tables import FormSubmission
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.web.application import queue_application
from features.counting_clocks import Clock
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.queue_pages import FINDING, QueueUnderTest, a_queue, hidden_in, send


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with one flagged case."""
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    return queue


def state_of(queue: QueueUnderTest) -> str:
    with reading(queue.engine) as session:
        return str(session.scalars(select(Case.state)).one())


def digest_shown(page: str) -> str:
    """Return the digest of the proposal on a page."""
    digest = re.search(r'class="breaks">([0-9a-f]{64})<', page)
    assert digest is not None
    return digest[1]


@pytest.mark.parametrize(
    ("address", "status"),
    [("/cases/abc", 404), ("/cases/1.5/charts", 404), (f"/admin/thresholds?clock={'x' * 30}", 400)],
)
def test_an_address_that_is_none_is_answered_by_a_page(
    queue: QueueUnderTest, address: str, status: int
) -> None:
    rita = queue.signed_in("rita")
    send(rita, "/settings", "/settings", language="fr", time_zone="UTC")
    shown = rita.get(address)
    assert (shown.status_code, shown.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert '<html lang="fr">' in shown.text, "as the person has chosen, not as the browser asks"


def test_the_queue_says_in_words_what_happened_what_it_costs_and_since_when(queue: QueueUnderTest) -> None:
    shown = queue.signed_in("ana").get("/queue")
    assert shown.status_code == 200
    words = " ".join(re.sub("<[^>]+>", " ", shown.text).split())
    assert "outbound voice 14 × usual since 11:30" in words
    assert "<svg" in shown.text
    assert "Open 1" in words


def test_a_flag_of_24_hours_begins_where_these_hours_do(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    begun = queue.deployment.now - timedelta(minutes=30)
    queue.flagged(interval_start=begun, span_seconds=86_400, clock=Clock.DAY)
    shown = queue.signed_in("ana").get("/cases/1").text
    table = shown[shown.index("flag in force") : shown.index("</table>")]
    assert re.findall(r'<time datetime="([^"]+)"', table) == [
        (begun + timedelta(minutes=5, hours=-24)).isoformat()
    ]


def test_what_was_found_of_the_tenant_before_stands_above_the_charts(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/comment", text="they announced a launch")
    send(rita, "/cases/1", "/cases/1/dismiss", reasons="their launch")
    queue.deployment.wait_until(queue.deployment.now + timedelta(days=3))
    queue.flagged()

    shown = queue.signed_in("rita").get("/cases/2").text

    words = " ".join(re.sub("<[^>]+>", " ", shown[: shown.index('id="charts"')]).split())
    assert "1 other case of the tenant" in words
    assert re.search(
        r"Case 1 Dismissed outbound voice 14 × usual since .*: not fraudulent rita, .* 1 note", words
    )


def test_a_filter_is_in_the_address_and_narrows_rows_and_counts(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="zeta", name="Beispiel GmbH"))
    queue.flagged("acme")
    queue.flagged("zeta", channel="sms")
    browser = queue.signed_in("rita")
    held_by = re.search(r'<select name="held">(.*?)</select>', browser.get("/queue").text, re.DOTALL)
    assert held_by is not None
    assert {"rolf", "ana"} < set(re.findall(r'value="(\w+)"', held_by[1]))
    send(browser, "/cases/2", "/cases/2/claim")
    for address, numbers in {
        "/queue": ["1", "2"],
        "/queue?text=zet": ["2"],
        "/queue?text=beispiel": ["2"],
        "/queue?held=rita": ["2"],
        "/queue?held=rolf": [],
        "/queue?text=1": ["1"],
        "/queue?held=me": ["2"],
        "/queue?held=nobody": ["1"],
        "/queue?channel=sms": ["2"],
        "/queue?state=open": ["1"],
        "/queue?state=closed": [],
        "/queue?text=%25": [],
    }.items():
        rows = re.findall(r'<th scope="row" class="n"><a href="/cases/(\d+)">', browser.get(address).text)
        assert sorted(rows) == numbers, address


def test_a_case_is_worked_from_claim_to_approval_by_a_second_person(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
    queue.flagged()
    rita, adam = queue.signed_in("rita"), queue.signed_in("adam")
    send(rita, "/cases/1", "/cases/1/claim")
    assert state_of(queue) == "in_review"
    determined = send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    assert determined.status_code == 200, determined.text
    assert state_of(queue) == "determined"
    assert "rita took part in the case" in determined.text
    assert "/cases/1/approve" not in determined.text
    to_approve = html.unescape(adam.get("/cases/1").text)
    assert "short calls to one foreign range, at night, no agent logged in" in to_approve
    assert "Advance notice" in to_approve or "restricted" in to_approve
    assert "⟦" not in to_approve
    approved = send(adam, "/cases/1", "/cases/1/approve")
    assert approved.status_code == 200, approved.text
    assert state_of(queue) == "suspended"
    assert len(mail.received) == 1
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_nobody_approves_their_own_determination_whatever_form_they_send(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path, lake=True)
    queue.flagged()
    both = queue.signed_in("both")
    send(both, "/cases/1", "/cases/1/claim")
    send(both, "/cases/1", "/cases/1/determine", **FINDING)
    shown = both.get("/cases/1")
    assert "both took part in the case" in shown.text
    forged = hidden_in(shown.text, "/cases/1/comment") | {"proposal": digest_shown(shown.text)}
    answer = both.post("/cases/1/approve", data=forged)
    assert answer.status_code == 409
    assert state_of(queue) == "determined"


def test_a_form_sent_twice_acts_once_and_leads_to_the_same_page(queue: QueueUnderTest) -> None:
    browser = queue.signed_in("ana")
    form = hidden_in(browser.get("/cases/1").text, "/cases/1/comment") | {"text": "seen before"}
    for _ in range(2):
        answer = browser.post("/cases/1/comment", data=form, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/cases/1")
    assert len(queue.entries("case.commented")) == 1
    other_words = browser.post("/cases/1/comment", data=form | {"text": "other words"})
    assert other_words.status_code == 400
    with reading(queue.engine) as session:
        assert len(session.scalars(select(FormSubmission)).all()) == 1


def test_a_form_that_was_refused_may_be_sent_again(queue: QueueUnderTest) -> None:
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    empty = hidden_in(rita.get("/cases/1").text, "/cases/1/dismiss")
    refused = rita.post("/cases/1/dismiss", data=empty | {"reasons": " "})
    assert refused.status_code == 409
    assert "give the reasons" in refused.text
    done = rita.post("/cases/1/dismiss", data=empty | {"reasons": "a campaign of theirs"})
    assert done.status_code == 200
    assert state_of(queue) == "dismissed"


def test_who_acts_on_an_old_page_is_told_what_changed_and_keeps_what_they_typed(
    queue: QueueUnderTest,
) -> None:
    rita, rolf = queue.signed_in("rita"), queue.signed_in("rolf")
    send(rolf, "/cases/1", "/cases/1/claim")
    old = hidden_in(rolf.get("/cases/1").text, "/cases/1/dismiss")
    send(rita, "/cases/1", "/cases/1/comment", text="the numbers are of one pool")
    answer = rolf.post("/cases/1/dismiss", data=old | {"reasons": "a long <b>explanation</b>"})
    assert answer.status_code == 409
    assert "What changed meanwhile" in answer.text
    assert "the numbers are of one pool" in answer.text
    assert "a long &lt;b&gt;explanation&lt;/b&gt;" in answer.text
    assert state_of(queue) == "in_review"
    again = hidden_in(answer.text, "/cases/1/dismiss") | {"reasons": "all the same"}
    assert rolf.post("/cases/1/dismiss", data=again).status_code == 200
    assert state_of(queue) == "dismissed"


def test_two_people_never_claim_the_same_case(queue: QueueUnderTest) -> None:
    ana, rita = queue.signed_in("ana"), queue.signed_in("rita")
    forms = [hidden_in(browser.get("/cases/1").text, "/cases/1/claim") for browser in (ana, rita)]
    answers = [
        browser.post("/cases/1/claim", data=form).status_code
        for browser, form in zip((ana, rita), forms, strict=True)
    ]
    assert answers == [200, 409]


def test_a_dispute_is_entered_and_decided_by_somebody_who_took_no_part(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path, lake=True)
    queue.flagged()
    rita, rolf = queue.signed_in("rita"), queue.signed_in("rolf")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    send(rita, "/cases/1", "/cases/1/dispute", text="this was our own campaign")
    own = rita.get("/cases/1").text
    assert "this was our own campaign" in own
    assert "somebody who took no part must decide" in own
    page = rolf.get("/cases/1")
    action = re.search(r'action="(/cases/1/disputes/[^"]+)"', page.text)
    assert action is not None
    undecided = rolf.post(action[1], data=hidden_in(page.text, action[1]) | {"reasons": "x"})
    assert undecided.status_code == 400
    decided = send(rolf, "/cases/1", action[1], decision="upheld", reasons="shown by their invoices")
    assert decided.status_code == 200
    assert [action for action, _, _ in queue.entries("dispute.decided")] == ["dispute.decided"]


def test_a_reading_is_on_record_once_an_hour_and_looking_changes_nothing_else(queue: QueueUnderTest) -> None:
    browser = queue.signed_in("otto")
    browser.get("/cases/1")
    before = queue.newest_entry()
    for address in (
        "/cases/1",
        "/queue",
        "/queue?state=open&text=ac",
        "/settings",
        "/sign-in",
        "/second-factor",
    ):
        browser.get(address)
        browser.head(address)
    assert queue.newest_entry() == before
    assert len(queue.entries("case.read")) == 1
    for address in ("/cases/1/claim", "/cases/1/dismiss", "/sign-out"):
        assert browser.get(address).status_code == 405


def test_every_page_but_those_of_signing_in_asks_who_is_there_and_every_form_for_its_proof(
    queue: QueueUnderTest,
) -> None:
    stranger, rita = queue.a_browser(), queue.signed_in("rita")
    routes = [route for route in queue_application(queue.deployment).routes if isinstance(route, APIRoute)]
    before_sign_in = {
        "/sign-in",
        "/second-factor",
        "/set-up/{token}",
        "/sign-in/provider",
        "/sign-in/provider/done",
    }
    checked = 0
    for route in routes:
        path = re.sub(r"\{\w+\}", "1", route.path)
        if route.path.startswith("/n/"):
            continue
        for method in route.methods:
            if method == "GET" and route.path not in before_sign_in:
                answer = stranger.get(path, follow_redirects=False)
                assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), path
            if method == "POST":
                assert stranger.post(path, data={"x": "1"}).status_code == 403, path
                assert rita.post(path, data={"x": "1"}).status_code == 403, path
            checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_form_sent_from_another_site_is_refused_and_on_record(
    queue: QueueUnderTest, headers: dict[str, str]
) -> None:
    browser = queue.signed_in("ana")
    form = hidden_in(browser.get("/cases/1").text, "/cases/1/claim")
    assert browser.post("/cases/1/claim", data=form, headers=headers).status_code == 403
    assert state_of(queue) == "open"
    [(_, _, content)] = queue.entries("access.denied")
    assert content["why"] == "POST /cases/{number}/claim: not a form of ours"
    own = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    assert browser.post("/cases/1/claim", data=form, headers=own).status_code == 200


@pytest.mark.parametrize(
    ("name", "path"), [("otto", "/cases/1/comment"), ("ana", "/cases/1/dismiss"), ("ida", "/")]
)
def test_a_role_that_is_missing_is_refused_and_on_record(queue: QueueUnderTest, name: str, path: str) -> None:
    browser = queue.signed_in(name)
    if path == "/":
        assert browser.get("/cases/1").status_code == 403
    else:
        form = hidden_in(browser.get("/settings").text, "/settings")
        assert browser.post(path, data=form).status_code == 403
    [(_, actor, content)] = queue.entries("access.denied")
    assert not actor.startswith("system:")
    assert "needs" in content["why"]


def test_pages_have_scripts_of_our_own_files_alone_and_the_customers_page_has_none(
    queue: QueueUnderTest,
) -> None:
    browser = queue.signed_in("ana")
    for path in ("/queue", "/cases/1", "/settings", "/nothing"):
        answer = browser.get(path)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert not re.search(r" (style|on\w+)=\"", answer.text), path
        assert answer.headers["Cache-Control"] == "no-store"
    assert "script-src" not in browser.get("/n/x").headers["Content-Security-Policy"]


def test_what_is_not_there_is_said_in_the_layout(queue: QueueUnderTest) -> None:
    browser = queue.signed_in("ana")
    for path in ("/cases/99", "/nothing", "/cases/x"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "Not on record" in answer.text


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "address", ["/queue?text=%00", "/queue?held=a%00b", "/tenants/a%00b", "/tenants?text=%00"]
)
def test_an_address_that_no_database_can_look_for_is_refused_in_words(
    engine: Engine, tmp_path: Path, address: str
) -> None:
    shown = a_queue(engine, tmp_path).signed_in("rita").get(address)
    assert (shown.status_code, "NUL" in shown.text) == (400, True)


def test_pages_are_in_the_language_and_the_zone_of_their_reader(queue: QueueUnderTest) -> None:
    browser = queue.signed_in("ana")
    asked = browser.get("/queue", headers={"accept-language": "fr-CA,fr;q=0.9,en;q=0.5"})
    assert '<html lang="fr">' in asked.text
    assert "File d’attente" in asked.text
    send(browser, "/settings", "/settings", language="fr", time_zone="Asia/Tokyo")
    chosen = browser.get("/queue", headers={"accept-language": "en"}).text
    assert '<html lang="fr">' in chosen
    assert 'title="2015-04-02 11:30:00 UTC">20:30</time>' in chosen
    wrong = send(browser, "/settings", "/settings", language="xx", time_zone="Mars/Olympus")
    assert wrong.status_code == 400


def test_whoever_an_admin_invited_anew_approves_nothing_for_a_day(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    """An admin who used the invitation themself would be the second person."""
    queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
    queue.flagged()
    rita = queue.signed_in("rita")
    queue.signed_in("adam")
    adam = queue.set_up("adam")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    shown = html.unescape(adam.get("/cases/1").text)
    assert "adam's password was made less than 24 hours before" in shown
    assert "/cases/1/approve" not in shown
    form = hidden_in(shown, "/cases/1/comment") | {"proposal": digest_shown(shown)}
    refused = adam.post("/cases/1/approve", data=form)
    assert refused.status_code == 409
    assert "adam's password was made less than 24 hours before" in html.unescape(refused.text)
    assert state_of(queue) == "determined"
    assert mail.received == []


def test_an_approver_refuses_on_the_page_and_by_its_key_and_who_determined_is_not_offered_it(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path, lake=True)
    queue.flagged()
    rita, adam = queue.signed_in("rita"), queue.signed_in("adam")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    assert "/cases/1/refuse" not in rita.get("/cases/1").text
    assert '<summary data-key="x">Refuse <kbd>x</kbd></summary>' in adam.get("/cases/1").text

    refused = send(adam, "/cases/1", "/cases/1/refuse", reasons="their own campaign, as announced")

    assert refused.status_code == 200, refused.text
    assert state_of(queue) == "in_review"
    assert "refused: the finding does not hold" in refused.text
    assert "their own campaign, as announced" in rita.get("/cases/1").text
    again = send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    assert again.status_code == 409
    assert "adam refused this finding" in again.text


def test_a_colleague_of_the_holder_is_offered_no_decision_and_told_what_to_do(queue: QueueUnderTest) -> None:
    rita, rolf = queue.signed_in("rita"), queue.signed_in("rolf")
    send(rita, "/cases/1", "/cases/1/claim")
    shown = rolf.get("/cases/1").text
    assert "ask rita to hand it over, or wait until then" in shown
    assert "/cases/1/dismiss" not in shown
    assert "/cases/1/dismiss" in rita.get("/cases/1").text
