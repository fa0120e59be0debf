"""The page Standing consents: entered by counsel, confirmed by a second person, ended; with the caps that followed."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.contracts.standing_consent import ChargedInterval
from cjp_fraud.operations import consents
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.cap_views import caps_of_tenant
from cjp_fraud.suspension.caps import run_caps
from tests.api_calls import calls_of
from tests.mail_servers import smtp_server
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in, send

PAGE = "/contracts/consents"
SIGNED = {
    "tenant": "acme",
    "reference": "Order form 7",
    "clause": "section 4.2",
    "countries": "lv, LT",
    "channel": ["voice"],
    "charge": "100,00",
    "cap_hours": "4",
    "valid_from": "2015-01-05T00:00",
    "valid_to": "2016-01-05T00:00",
    "proof_name": "order-form-7.pdf",
    "proof_sha256": "A" * 64,
}


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    return a_queue(sqlite_engine, tmp_path)


def entered(queue: QueueUnderTest) -> str:
    """Let carol, counsel, enter a consent; return its id."""
    shown = send(queue.signed_in("carol"), PAGE, PAGE, **SIGNED)
    assert shown.status_code == 200, shown.text
    [consent] = consents.list_standing(queue.deployment, queue.deployment.now)
    return consent.id


@pytest.mark.both_databases
def test_it_counts_once_a_second_person_confirmed_it_until_it_is_ended(
    engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(engine, tmp_path)
    consent = entered(queue)
    carol, adam = queue.signed_in("carol"), queue.signed_in("adam")
    waiting = carol.get(PAGE).text
    assert "waits for a second person" in waiting
    assert f"{PAGE}/{consent}/confirm" not in waiting, "who entered it does not confirm it"
    assert "100" in waiting
    assert "all day" in waiting
    assert "+370, +371" in waiting
    assert send(adam, PAGE, f"{PAGE}/{consent}/confirm", tenant="acme").status_code == 200
    assert "a breach caps now" in adam.get(PAGE).text
    [listed] = calls_of(queue, "ana").get("/consents").json()["items"]
    assert (listed["in_force"], listed["confirmed_by"], listed["caps"]) == (True, "adam", [])
    assert listed["says"]["countries"] == ["LV", "LT"]
    ended = send(carol, PAGE, f"{PAGE}/{consent}/end", tenant="acme", reasons="revoked by mail")
    assert "ended" in ended.text
    assert f"{consent}/end" not in ended.text
    assert "Order form 7" not in carol.get(PAGE).text, "only those that count or wait"
    assert "Order form 7" in carol.get(f"{PAGE}?tenant=acme").text


def test_caps_stand_by_their_consent_with_their_lapse(sqlite_engine: Engine, tmp_path: Path) -> None:
    with smtp_server() as mail:
        queue = a_queue(sqlite_engine, tmp_path, smtp_host=mail.host, smtp_port=mail.port)
        consent = entered(queue)
        deployment = queue.deployment
        consents.confirm(deployment, "adam", deployment.now, consent)
        deployment.wait_until(deployment.now + timedelta(minutes=1))
        now = deployment.now
        calls = ChargedInterval(
            now - timedelta(minutes=10), 300, "voice", "outbound", 60, 20_000, {"LV": 60.0}
        )
        assert run_caps(deployment.enforcement(now), lambda *_: [calls]).begun == (1,)
    shown = " ".join(queue.signed_in("ana").get(f"{PAGE}?tenant=acme").text.split())
    assert re.search(r'<a href="/cases/1">Case 1</a>: in force', shown)
    assert "lapses by itself" in shown
    tenants = queue.signed_in("ana").get("/tenants/acme").text
    of_tenant = " ".join(tenants[tenants.index("Caps that the customer has signed") :].split())
    assert re.search(r'<a href="/cases/1">Case 1</a> .{1,80}: in force, ', of_tenant)
    with reading(deployment.engine) as session:
        [cap] = caps_of_tenant(session, "acme")
        assert caps_of_tenant(session, "beta") == ()
    assert cap.case == 1


def test_what_cannot_be_used_is_said_and_nothing_typed_is_lost(queue: QueueUnderTest) -> None:
    carol = queue.signed_in("carol")
    for wrong, sentence in (
        ({"countries": "US"}, "no numbers of its own"),
        ({"charge": "12.345"}, "an amount is a number like 12.50"),
        ({"cap_hours": ""}, "how many hours a cap lasts"),
        ({"hours_from": "later"}, "is no time of day"),
        ({"valid_to": "soon"}, "is no moment"),
        ({"channel": []}, "channels: of voice, sms"),
        ({"tenant": "nobody"}, "is not on record"),
    ):
        shown = send(carol, PAGE, PAGE, **(SIGNED | wrong))
        assert shown.status_code in (400, 404), wrong
        assert sentence in html.unescape(shown.text), wrong
        assert 'value="order-form-7.pdf"' in shown.text
    assert consents.list_standing(queue.deployment, queue.deployment.now) == ()


def test_a_form_that_is_sent_twice_enters_once(queue: QueueUnderTest) -> None:
    carol = queue.signed_in("carol")
    form = hidden_in(carol.get(PAGE).text, PAGE) | SIGNED
    for _ in range(2):
        assert carol.post(PAGE, data=form).status_code == 200
    assert len(queue.entries("contract.consent_entered")) == 1


def test_the_same_words_count_no_second_time_once_they_were_ended_or_with_another_signed_file(
    queue: QueueUnderTest,
) -> None:
    consent, carol = entered(queue), queue.signed_in("carol")
    other = send(carol, PAGE, PAGE, **SIGNED | {"proof_sha256": "b" * 64})
    assert other.status_code == 409
    assert "on record with another signed file" in other.text
    send(carol, PAGE, f"{PAGE}/{consent}/end", tenant="acme", reasons="a wrong file")
    again = send(carol, PAGE, PAGE, **SIGNED)
    assert again.status_code == 409
    assert "was entered before and was ended" in again.text


def test_only_counsel_enters_and_nobody_but_counsel_and_approvers_confirms(queue: QueueUnderTest) -> None:
    consent = entered(queue)
    for name in ("ana", "rita"):
        shown = queue.signed_in(name).get(PAGE).text
        assert "Counsel enters what customers have signed" in shown
        assert "/confirm" not in shown
        assert "/end" not in shown
    ana = queue.signed_in("ana")
    proof = hidden_in(ana.get("/queue").text)
    for path in (PAGE, f"{PAGE}/{consent}/confirm", f"{PAGE}/{consent}/end"):
        assert ana.post(path, data=proof).status_code == 403


def test_the_page_is_in_french(queue: QueueUnderTest) -> None:
    entered(queue)
    ana = queue.signed_in("ana")
    shown = html.unescape(ana.get(PAGE, headers={"accept-language": "fr"}).text)
    assert "Consentements permanents" in shown
    assert "Lettonie" in shown
