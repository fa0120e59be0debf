"""Signing in: who is let in, who is not, and what goes on record."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.operations import people
from cjp_fraud.people.model import Role
from cjp_fraud.people.tables import LocalAccount, WebSession
from cjp_fraud.storage.database import reading
from tests.chains import chain_faults
from tests.queue_pages import PASSWORD, QueueUnderTest, a_queue, hidden_in, send


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue in which nobody has signed in yet."""
    return a_queue(sqlite_engine, tmp_path)


def try_password(queue: QueueUnderTest, name: str, password: str) -> int:
    return send(queue.a_browser(), "/sign-in", "/sign-in", name=name, password=password).status_code


def test_an_invited_person_chooses_a_password_sets_up_a_second_factor_and_is_in_the_queue(
    queue: QueueUnderTest,
) -> None:
    browser = queue.set_up("rita")
    shown = browser.get("/queue")
    assert shown.status_code == 200
    assert "rita" in shown.text
    again = queue.signed_in("rita")
    assert again.get("/queue").status_code == 200
    done = [action for action, _, _ in queue.entries("user.invited", "user.password_set", "sign_in.done")]
    assert done[-3:] == ["user.password_set", "sign_in.done", "sign_in.done"]
    assert set(done[:-3]) == {"user.invited"}


def test_nothing_is_shown_before_the_second_factor(queue: QueueUnderTest) -> None:
    queue.set_up("rita")
    browser = queue.a_browser()
    second = send(browser, "/sign-in", "/sign-in", name="rita", password=PASSWORD)
    assert "Second factor" in second.text
    led = browser.get("/queue", follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=%2Fqueue")


def test_a_code_is_taken_once(queue: QueueUnderTest) -> None:
    queue.set_up("rita")
    code = queue.code("rita")
    for expected in (200, 403):
        browser = queue.a_browser()
        second = send(browser, "/sign-in", "/sign-in", name="rita", password=PASSWORD)
        answer = browser.post("/second-factor", data=hidden_in(second.text) | {"code": code})
        assert answer.status_code == expected


def test_after_five_wrong_passwords_the_right_one_waits_and_a_stranger_is_told_nothing_else(
    queue: QueueUnderTest,
) -> None:
    queue.set_up("rita")
    assert [try_password(queue, "rita", "wrong") for _ in range(5)] == [403] * 5
    assert try_password(queue, "rita", PASSWORD) == 403
    queue.deployment.wait_until(queue.deployment.now + timedelta(minutes=1, seconds=1))
    assert try_password(queue, "rita", PASSWORD) == 200
    refusals = [content for _, _, content in queue.entries("sign_in.refused")]
    assert [each["why"] for each in refusals] == ["password: wrong"] * 5 + ["password: too many tries"]
    assert "locked_until" in refusals[4]


def test_a_name_that_nobody_has_is_answered_as_a_wrong_password_is(queue: QueueUnderTest) -> None:
    queue.set_up("rita")
    pages = []
    for name in ("rita", "nobody-of-this-name"):
        answer = send(queue.a_browser(), "/sign-in", "/sign-in", name=name, password="wrong password")
        hidden = hidden_in(answer.text)["form_proof"]
        pages.append((answer.status_code, answer.text.replace(name, "").replace(hidden, "")))
    assert pages[0] == pages[1]


def test_no_password_no_code_and_no_name_that_nobody_has_is_in_the_log(queue: QueueUnderTest) -> None:
    queue.set_up("rita")
    try_password(queue, "rita", "a wrong secret")
    try_password(queue, "my password by mistake", "x")
    with reading(queue.engine) as session:
        log = json.dumps([entry.content for entry in session.scalars(select(AuditEntry))])
        assert chain_faults(session) == []
        [account] = session.scalars(select(LocalAccount).where(LocalAccount.password_hash.is_not(None)))
    for word in (PASSWORD, "a wrong secret", "my password by mistake", queue.secrets["rita"]):
        assert word not in log
    assert queue.secrets["rita"] not in str(account.totp_secret)
    assert PASSWORD not in str(account.password_hash)


@pytest.mark.parametrize(
    "password", ["short", "rita rita rita", "aaaaaaaaaaaaaaaa", "Password1234!", "abcdefghijkl"]
)
def test_a_password_that_is_guessed_first_is_refused(queue: QueueUnderTest, password: str) -> None:
    from cjp_fraud.operations.sign_in import invite_user

    token = invite_user(queue.deployment, None, queue.deployment.now, "rita").token
    answer = send(
        queue.a_browser(), f"/set-up/{token}", f"/set-up/{token}", password=password, again=password
    )
    assert answer.status_code == 400
    assert "This password cannot be used" in answer.text


def test_an_invitation_opens_once_and_within_a_day(queue: QueueUnderTest) -> None:
    from cjp_fraud.operations.sign_in import invite_user

    late = invite_user(queue.deployment, None, queue.deployment.now, "rolf").token
    queue.set_up("rita")
    queue.deployment.wait_until(queue.deployment.now + timedelta(hours=24))
    assert queue.a_browser().get(f"/set-up/{late}").status_code == 404


def test_once_somebody_has_a_password_only_an_admin_invites(queue: QueueUnderTest) -> None:
    from cjp_fraud.errors import Refused
    from cjp_fraud.operations.sign_in import invite_user

    queue.set_up("rita")
    for by in (None, "rita"):
        with pytest.raises(Refused, match="not an admin"):
            invite_user(queue.deployment, by, queue.deployment.now, "adam")


def test_a_disabled_person_and_a_lost_role_count_at_the_next_request(queue: QueueUnderTest) -> None:
    browser = queue.set_up("rita")
    now = queue.deployment.now
    people.revoke_role(queue.deployment, "ida", now, "rita", Role.REVIEWER)
    people.revoke_role(queue.deployment, "ida", now, "rita", Role.ANALYST)
    assert browser.get("/queue").status_code == 403
    people.disable_user(queue.deployment, "ida", now, "rita")
    led = browser.get("/settings", follow_redirects=False)
    assert led.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("wait", [timedelta(minutes=61), timedelta(hours=13)])
def test_a_session_ends_when_it_is_not_used_and_after_a_shift(queue: QueueUnderTest, wait: timedelta) -> None:
    browser = queue.set_up("rita")
    ends = queue.deployment.now + wait
    while queue.deployment.now < ends - timedelta(minutes=61):
        queue.deployment.wait_until(queue.deployment.now + timedelta(minutes=50))
        browser.get("/queue")
    queue.deployment.wait_until(ends)
    assert browser.get("/queue", follow_redirects=False).status_code == 303


def test_signing_out_ends_the_session_itself(queue: QueueUnderTest) -> None:
    browser = queue.set_up("rita")
    kept = dict(browser.cookies)
    send(browser, "/queue", "/sign-out")
    thief = queue.a_browser()
    thief.cookies.update(kept)
    assert thief.get("/queue", follow_redirects=False).status_code == 303
    with reading(queue.engine) as session:
        assert all(row.ended_at is not None for row in session.scalars(select(WebSession)))


def test_the_token_before_the_second_factor_is_not_the_one_after_it(queue: QueueUnderTest) -> None:
    queue.set_up("rita")
    browser = queue.a_browser()
    second = send(browser, "/sign-in", "/sign-in", name="rita", password=PASSWORD)
    before = browser.cookies["cjp_session"]
    browser.post("/second-factor", data=hidden_in(second.text) | {"code": queue.code("rita")})
    after = browser.cookies["cjp_session"]
    assert before != after
    fixed = queue.a_browser()
    fixed.cookies.set("cjp_session", before)
    assert fixed.get("/queue", follow_redirects=False).status_code == 303


def test_a_client_that_tries_too_often_is_told_to_wait(queue: QueueUnderTest) -> None:
    browser = queue.a_browser()
    asked = hidden_in(browser.get("/sign-in").text)
    answers = [
        browser.post("/sign-in", data=asked | {"name": "nobody", "password": "x"}).status_code
        for _ in range(32)
    ]
    assert answers == [403] * 30 + [429] * 2
    denied = [content["why"] for _, _, content in queue.entries("access.denied")]
    assert denied == ["too many steps of signing in"]


def test_cookies_are_out_of_reach_of_scripts_and_over_https_of_other_hosts(queue: QueueUnderTest) -> None:
    plain = queue.a_browser().get("/sign-in").headers["set-cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    safe = queue.a_browser()
    safe.base_url = "https://testserver"
    over_https = safe.get("/sign-in").headers["set-cookie"]
    assert over_https.startswith("__Host-cjp_visitor=")
    assert "Secure" in over_https


@pytest.mark.parametrize(
    "leads_to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_signing_in_leads_to_our_own_pages_alone(queue: QueueUnderTest, leads_to: str) -> None:
    page = queue.a_browser().get("/sign-in", params={"next": leads_to})
    assert hidden_in(page.text)["next"] == "/"
