"""The customer's notice page: what it shows to whom, what opens it, and what goes on record."""

from __future__ import annotations

import email
import html
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.clock import utc_text
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.methods import EMAIL, PUBLICATION
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.errors import Refused
from cjp_fraud.notices.delivery_record import progress_at
from cjp_fraud.notices.page_key import page_links
from cjp_fraud.notices.tables import PageCode
from cjp_fraud.operations import notice_page
from cjp_fraud.operations.notice_page_views import Door
from cjp_fraud.people.model import Role, machine
from cjp_fraud.storage.database import reading, transaction
from tests.chains import chain_faults
from tests.contract_builders import NOON, a_row, load_rows
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.notice_builders import notices_of
from tests.notice_pages import ADDRESS, PUBLIC_URL, NoticePageUnderTest, a_notice_page, code_id_in, proof_in
from tests.people_builders import a_user

MINUTE = timedelta(minutes=1)


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def page(sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest) -> NoticePageUnderTest:
    """The page of a letter that was sent by email."""
    return a_notice_page(sqlite_engine, tmp_path, mail)


def test_the_letter_names_its_page_and_the_link_in_it_leads_there(page: NoticePageUnderTest) -> None:
    message = email.message_from_bytes(page.mail.received[0].content, policy=default)
    [link] = [line for line in message.get_content().splitlines() if line.startswith(PUBLIC_URL)]
    assert link == f"{PUBLIC_URL}{page.path}"
    assert page.browser.get(link).status_code == 200


def test_a_letter_names_no_page_where_customers_cannot_reach_one(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    a_notice_page(sqlite_engine, tmp_path, mail, public_url=None)
    message = email.message_from_bytes(mail.received[0].content, policy=default)
    assert "/n/" not in message.get_content()
    assert "code" not in message.get_content()


def test_without_a_code_the_page_says_that_a_notice_exists_and_nothing_of_the_customer(
    page: NoticePageUnderTest,
) -> None:
    answer = page.browser.get(page.path)
    assert answer.status_code == 200
    assert "There is a notice for you" in answer.text
    for word in ("Acme", "acme", ADDRESS, "voice", "suspen", "2015", page.notice.id):
        assert word not in answer.text


def test_a_code_opens_the_letter_with_its_state_its_dispute_address_and_its_deadline(
    page: NoticePageUnderTest,
) -> None:
    shown = page.opened()
    assert shown.status_code == 200
    assert "Customer: Acme Ltd." in shown.text
    words = shown.text.replace("\u00a0", " ")
    assert "You can dispute this notice until 2 May 2015 at 08:00 (12:00 UTC)" in words
    assert "Eastern Time, America/New_York" in words
    section = shown.text.partition('id="dispute"')[2]
    assert "disputes@provider.example" in section, "the address that the letter names"
    assert "+1 555 0100" in shown.text
    assert "not confirmed yet" in shown.text
    [event] = page.events()
    assert (event.status, event.authenticated, event.negative) == (DeliveryStatus.DISPLAYED, True, False)


def test_an_acknowledgement_is_on_record_with_role_moment_and_the_codes_proof_and_counts_once(
    page: NoticePageUnderTest,
) -> None:
    form = proof_in(page.opened().text)
    for _ in range(2):
        answer = page.browser.post(f"{page.path}/acknowledge", data=form)
        assert "confirmed on 2 April 2015 at 08:00" in answer.text.replace("\u00a0", " ")
    [event] = [each for each in page.events() if each.status is DeliveryStatus.ACKNOWLEDGED]
    assert event.raw is not None
    proof = json.loads(event.raw)
    with reading(page.engine) as session:
        [code] = session.scalars(select(PageCode))
        assert chain_faults(session) == []
    assert proof["role"] == "notice"
    assert proof["at"] == "2015-04-02T12:00:00.000000Z"
    assert (proof["code_id"], proof["code_sha256"]) == (code.id, code.code_sha256)
    assert proof["message_sha256"] == page.notice.message_sha256
    assert event.authenticated


def test_looking_changes_nothing_whoever_looks_and_however(page: NoticePageUnderTest) -> None:
    page.opened()
    with reading(page.engine) as session:
        before = (
            session.connection().exec_driver_sql("SELECT COUNT(*), MAX(sequence) FROM audit_entries").one()
        )
    for path in ("", "/code", "/open", "/acknowledge", "?code=x", "x"):
        page.browser.get(f"{page.path}{path}")
        page.browser.head(f"{page.path}{path}")
        page.a_browser().get(f"{page.path}{path}")
    with reading(page.engine) as session:
        after = (
            session.connection().exec_driver_sql("SELECT COUNT(*), MAX(sequence) FROM audit_entries").one()
        )
    assert before == after


def test_the_code_is_mailed_to_the_contact_alone_and_is_nowhere_on_record(page: NoticePageUnderTest) -> None:
    _, code = page.asked_code(" Notices@ACME.example ")
    sent = page.mail.received[-1]
    assert sent.recipient == ADDRESS
    with reading(page.engine) as session:
        [row] = session.scalars(select(PageCode))
    assert code not in json.dumps([row.salt, row.code_sha256, page.entries("code_asked")])
    [mailed] = page.entries("code_mailed")
    assert mailed["outcome"] == "sent"
    file = Path(page.engine.url.database or "")
    assert f"\n{code}\n".encode() not in file.read_bytes()


@pytest.mark.parametrize("address", ["someone@else.example", "", "' OR 1=1 --", "notices@acme.example\nx"])
def test_an_address_that_is_no_contacts_is_answered_alike_and_no_code_is_mailed(
    page: NoticePageUnderTest, address: str
) -> None:
    sent = len(page.mail.received)
    right, wrong = page.post("code", address=ADDRESS), page.post("code", address=address)
    assert len(page.mail.received) == sent + 1
    assert right.status_code == wrong.status_code == 200
    ids = code_id_in(right.text), code_id_in(wrong.text)
    assert right.text.replace(ids[0], ids[1]) == wrong.text
    [denied] = page.entries("denied")
    assert denied["why"] == "code asked for: no contact's address"


def test_a_replaced_address_gets_no_code(page: NoticePageUnderTest) -> None:
    with transaction(page.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), machine("test"), NOON, method=EMAIL)
    page.deployment.wait_until(NOON + MINUTE)
    sent = len(page.mail.received)
    page.post("code", address=ADDRESS)
    assert len(page.mail.received) == sent
    page.post("code", address="new@acme.example")
    assert page.mail.received[-1].recipient == "new@acme.example"


def test_an_address_that_is_replaced_during_a_visit_ends_the_visit(page: NoticePageUnderTest) -> None:
    page.opened()
    with transaction(page.engine) as session:
        enter_address(session, "acme", "notice", ("new@acme.example",), machine("test"), NOON, method=EMAIL)
    page.deployment.wait_until(NOON + MINUTE)
    assert "There is a notice for you" in page.browser.get(page.path).text
    assert page.post("acknowledge").status_code == 403


def test_a_code_is_compared_five_times_and_then_never_more(page: NoticePageUnderTest) -> None:
    code_id, code = page.asked_code()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    answers = [page.post("open", code_id=code_id, code=wrong) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {403}
    right_at_last = page.post("open", code_id=code_id, code=code)
    assert (right_at_last.status_code, page.events()) == (403, [])
    assert "not valid any more" in right_at_last.text
    whys = [entry["why"] for entry in page.entries("denied")]
    assert whys == ["code tried: wrong"] * 5 + ["code tried: tried too often"]


@pytest.mark.parametrize(("waited", "status"), [(timedelta(minutes=9, seconds=59), 200), (10 * MINUTE, 403)])
def test_a_code_is_valid_for_ten_minutes(page: NoticePageUnderTest, waited: timedelta, status: int) -> None:
    code_id, code = page.asked_code()
    page.deployment.wait_until(NOON + waited)
    assert page.post("open", code_id=code_id, code=code).status_code == status


def test_staff_make_a_fresh_link_and_the_record_says_until_when_it_is_valid(
    page: NoticePageUnderTest,
) -> None:
    with transaction(page.engine) as session:
        a_user(session, "ana", [Role.ANALYST], NOON)
    page.deployment.wait_until(NOON + timedelta(days=90))
    assert "expired" in page.browser.get(page.path).text
    made = notice_page.new_link(page.deployment, page.deployment.now, page.notice.id, "ana")
    assert "There is a notice for you" in page.browser.get(made.link).text
    assert made.expires_at == NOON + timedelta(days=180)
    assert page.entries("link_made") == [{"expires_at": utc_text(made.expires_at)}]
    page.deployment.wait_until(made.expires_at)
    assert "expired" in page.browser.get(made.link).text


def test_no_link_is_made_to_a_notice_that_has_no_page(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    page = a_notice_page(sqlite_engine, tmp_path, mail, mode=PlatformMode.OBSERVE)
    with transaction(page.engine) as session:
        a_user(session, "ana", [Role.ANALYST], NOON)
    with pytest.raises(Refused, match="it has no page: nothing of it has left"):
        notice_page.new_link(page.deployment, NOON, page.notice.id, "ana")
    assert page.entries("link_made") == []


def test_a_code_opens_once_and_one_notice_alone(page: NoticePageUnderTest) -> None:
    code_id, code = page.asked_code()
    assert "Customer: Acme" in page.post("open", code_id=code_id, code=f"{code[:3]} {code[3:]}").text
    other = page.a_browser()
    assert page.post("open", other, code_id=code_id, code=code).status_code == 403
    assert page.post("open", other, code_id="0" * 36, code=code).status_code == 403
    assert "Acme" not in other.get(page.path).text


def test_a_code_of_one_link_opens_no_other_notice_of_the_same_customer(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    page = a_notice_page(sqlite_engine, tmp_path, mail, published=True)
    code_id, code = page.asked_code()
    links = page_links(page.deployment.settings)
    assert links is not None
    other = links.link(notices_of(sqlite_engine, page.plan_id)[1].id, NOON)
    fields = proof_in(page.browser.get(other).text) | {"code_id": code_id, "code": code}
    assert page.browser.post(f"{other}/open", data=fields).status_code == 403
    assert page.entries("denied")[-1]["why"] == "code tried: it was never asked for"
    assert page.post("open", code_id=code_id, code=code).status_code == 200
    assert page.browser.get(other).text.count("Acme") == 0


def test_a_contact_of_another_customer_gets_no_code(page: NoticePageUnderTest, tmp_path: Path) -> None:
    other = a_row(tenant_id="other", name="Other Ltd.", notice_address="notices@other.example")
    load_rows(page.engine, tmp_path, a_row(), other)
    sent = len(page.mail.received)
    assert page.post("code", address="notices@other.example").status_code == 200
    assert len(page.mail.received) == sent


def test_a_visit_ends_after_half_an_hour(page: NoticePageUnderTest) -> None:
    page.opened()
    page.deployment.wait_until(NOON + 29 * MINUTE)
    assert "Acme" in page.browser.get(page.path).text
    page.deployment.wait_until(NOON + 30 * MINUTE)
    assert "Acme" not in page.browser.get(page.path).text
    assert page.post("acknowledge").status_code == 403


def test_codes_are_rationed_by_link_and_every_refusal_is_on_record(page: NoticePageUnderTest) -> None:
    statuses = [page.post("code", address=ADDRESS).status_code for _ in range(8)]
    assert statuses == [200] * 6 + [429] * 2
    assert [entry["why"] for entry in page.entries("denied")] == ["code asked for too often"] * 2
    page.deployment.wait_until(NOON + 60 * MINUTE)
    assert page.post("code", address=ADDRESS).status_code == 200


def test_codes_are_rationed_by_client_whatever_the_link(page: NoticePageUnderTest) -> None:
    token = page.path.rpartition("/")[2]
    for number in range(6):
        notice_page.ask_code(page.deployment, NOON, token, ADDRESS, f"10.0.0.{number}")
    limits = {notice_page.ask_code(page.deployment, NOON, token, ADDRESS, "10.0.0.9").door}
    assert limits == {Door.TOO_MANY}
    page.deployment.wait_until(NOON + 61 * MINUTE)
    later = page.deployment.now
    with transaction(page.engine) as session:
        codes = list(session.scalars(select(PageCode)))
    assert len({code.client for code in codes}) == 6
    assert all("10.0.0" not in code.client for code in codes)
    assert notice_page.ask_code(page.deployment, later, token, ADDRESS, "10.0.0.9").door is Door.CLOSED


def test_who_sends_too_many_forms_is_refused_and_the_log_is_not_flooded(page: NoticePageUnderTest) -> None:
    answers = [
        page.browser.post(f"{page.path}/open", data={"code_id": "x", "code": "1"}).status_code
        for _ in range(65)
    ]
    assert answers[:60] == [403] * 60
    assert set(answers[60:]) == {429}
    assert len(page.entries("denied")) == 61


@pytest.mark.parametrize("step", ["code", "open", "acknowledge"])
def test_a_form_of_another_site_or_of_another_browser_is_refused(
    page: NoticePageUnderTest, step: str
) -> None:
    page.opened()
    events, sent = len(page.events()), len(page.mail.received)
    foreign = proof_in(page.a_browser().get(page.path).text)
    for proof in ({}, {"form_proof": "0" * 64}, {"form_proof": "\u00e9"}, foreign):
        answer = page.browser.post(f"{page.path}/{step}", data=proof | {"address": ADDRESS})
        assert answer.status_code in (200, 403)
    assert (len(page.events()), len(page.mail.received)) == (events, sent)
    assert len(page.entries("denied")) == 4


def test_a_changed_link_opens_nothing_and_an_expired_one_says_how_to_get_a_new_one(
    page: NoticePageUnderTest,
) -> None:
    changed = f"{page.path[:-1]}{'A' if page.path[-1] != 'A' else 'B'}"
    assert page.browser.get(changed).status_code == 404
    assert page.browser.get("/n/x").status_code == 404
    page.deployment.wait_until(NOON + timedelta(days=90))
    answer = page.browser.get(page.path)
    assert answer.status_code == 410
    assert "Ask us for a new one" in answer.text
    assert "+1 555 0100" in answer.text
    assert "Acme" not in answer.text
    assert (
        notice_page.ask_code(
            page.deployment, page.deployment.now, page.path.rpartition("/")[2], ADDRESS, "c"
        ).door
        is Door.EXPIRED
    )


def test_every_answer_bears_the_headers(page: NoticePageUnderTest) -> None:
    for path in (page.path, "/n/x", "/nowhere", f"{page.path}/open"):
        headers = page.browser.get(path, follow_redirects=False).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
    cookie = page.a_browser().get(page.path).headers["Set-Cookie"]
    assert {"HttpOnly", "Secure", "SameSite=lax", f"Path={page.path}"} <= set(cookie.split("; "))


def test_pages_hold_no_script_no_inline_style_and_nothing_from_elsewhere(page: NoticePageUnderTest) -> None:
    for answer in (page.browser.get(page.path), page.opened()):
        for word in ("<script", "style=", "<style", "onclick", 'src="http', 'href="http'):
            assert word not in answer.text
    assert page.browser.get("/static/style.css").headers["content-type"].startswith("text/css")


def test_what_people_wrote_is_text_on_the_page_and_never_markup(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    page = a_notice_page(sqlite_engine, tmp_path, mail, changes={"name": "<b>Acme</b> & Co"})
    assert "&lt;b&gt;Acme&lt;/b&gt; &amp; Co" in page.opened().text
    assert "<b>" not in page.browser.get(page.path).text


@pytest.mark.parametrize(
    ("language", "waits", "greeting", "button"),
    [
        ("fr", "Un avis vous attend", "Au client", "J’ai lu cette lettre"),
        ("fr-CA", "Adresse courriel", "Au client", "J’ai lu cette lettre"),
        ("de", "Es liegt eine Mitteilung für Sie vor", "An den Kunden", "Ich habe dieses Schreiben gelesen"),
        ("es", "Hay un aviso para usted", "Al cliente", "He leído esta carta"),
        ("it", "C’è un avviso per Lei", "Al cliente", "Ho letto questa lettera"),
        ("nl", "Er is een kennisgeving voor u", "Aan de klant", "Ik heb deze brief gelezen"),
        ("sv", "Det finns ett meddelande till er", "Till kunden", "Jag har läst detta brev"),
        ("ja", "お客様宛ての通知がございます", "お客様へ", "この書面を読みました"),
    ],
)
def test_the_page_the_letter_on_it_and_the_mails_speak_the_customers_language(
    sqlite_engine: Engine,
    tmp_path: Path,
    mail: MailServerUnderTest,
    language: str,
    waits: str,
    greeting: str,
    button: str,
) -> None:
    page = a_notice_page(sqlite_engine, tmp_path, mail, changes={"language": language})
    closed = html.unescape(page.browser.get(page.path).text)
    assert f'<html lang="{language}">' in closed
    assert waits in closed
    opened = html.unescape(page.opened().text)
    assert f'<article lang="{language}"' in opened
    assert greeting in opened
    assert button in opened
    message = email.message_from_bytes(mail.received[-1].content, policy=default)
    assert message["Content-Language"] == language
    assert "Your code" not in message.get_content()


def test_a_notice_is_published_from_a_moment_on_and_acknowledging_its_copy_by_mail_acknowledges_it(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    page = a_notice_page(sqlite_engine, tmp_path, mail, published=True)
    by_mail, published = notices_of(sqlite_engine, page.plan_id)
    assert (by_mail.method, published.method, published.state) == (EMAIL, PUBLICATION, "sent")
    with reading(sqlite_engine) as session:
        assert progress_at(session, page.plan_id, NOON).complete_at is None
    page.opened()
    page.deployment.wait_until(NOON + MINUTE)
    page.post("acknowledge")
    acknowledged = [each for each in page.events() if each.status is DeliveryStatus.ACKNOWLEDGED]
    assert {each.notice_id for each in acknowledged} == {by_mail.id, published.id}
    with reading(sqlite_engine) as session:
        assert progress_at(session, page.plan_id, NOON + MINUTE).complete_at == NOON + MINUTE
        assert chain_faults(session) == []


def test_what_is_only_observed_has_no_page(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    page = a_notice_page(sqlite_engine, tmp_path, mail, mode=PlatformMode.OBSERVE)
    assert page.notice.message is not None
    assert page.browser.get(page.path).status_code == 404


def test_a_mail_server_that_is_down_leaves_the_page_standing_and_the_failure_on_record(
    page: NoticePageUnderTest,
) -> None:
    page.mail.data_replies.append("451 later")
    assert page.post("code", address=ADDRESS).status_code == 200
    assert [entry["outcome"] for entry in page.entries("code_mailed")] == ["deferred"]


@pytest.mark.both_databases
def test_two_tries_and_two_acknowledgements_at_once_count_as_one(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    page = a_notice_page(engine, tmp_path, mail)
    code_id, code = page.asked_code()
    token = page.path.rpartition("/")[2]
    opened: list[notice_page.Opened] = []

    def at_once(step: object, *arguments: object) -> None:
        threads = [
            threading.Thread(target=lambda: opened.append(step(page.deployment, NOON, token, *arguments)))  # type: ignore[operator]
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    at_once(notice_page.open_page, code_id, code, "client")
    [visit] = [each.session for each in opened if each.session is not None]
    at_once(notice_page.acknowledge, visit, "client")
    statuses = [event.status for event in page.events()]
    assert statuses == [DeliveryStatus.DISPLAYED, DeliveryStatus.ACKNOWLEDGED]
    with reading(engine) as session:
        assert chain_faults(session) == []
