"""The notice page in a real browser: a real server, Debian's Chromium, and every state of the page walked through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.letter_catalogues import PAGE, words
from cjp_fraud.notices.letter_languages import LANGUAGES
from cjp_fraud.web.application import notice_application
from tests.browsers import (
    IN_A_BROWSER,
    Look,
    accessibility_faults,
    chromium,
    is_wider_than_its_window,
    keep_screenshot,
    served,
    visiting,
)
from tests.contract_builders import NOON
from tests.mail_servers import smtp_server
from tests.notice_pages import ADDRESS, NoticePageUnderTest, a_notice_page

pytestmark = [pytest.mark.slow, IN_A_BROWSER]

Say = Callable[[str], str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that all tests here share; each visit has a window of its own."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(sqlite_engine: Engine, tmp_path: Path) -> Iterator[NoticePageUnderTest]:
    """The page of a letter, reached over http on loopback."""
    with smtp_server() as mail:
        yield a_notice_page(sqlite_engine, tmp_path, mail, public_url="http://127.0.0.1:8470")


def look_at(window: Page, state: str, look: Look) -> None:
    """Judge a state of the page as it is drawn."""
    keep_screenshot(window, f"{state}-{look.name.lower()}")
    assert accessibility_faults(window) == [], state
    assert not is_wider_than_its_window(window), state


def ask_for_code(window: Page, page: NoticePageUnderTest, say: Say) -> str:
    """Ask for a code as a contact does, and return what the mail brought."""
    mails = len(page.mail.received)
    window.get_by_label(say("Mail address"), exact=True).fill(ADDRESS)
    window.get_by_role("button", name=say("Send me a code")).click()
    expect(window.get_by_label(say("Code"), exact=True)).to_be_focused()
    until = time.monotonic() + 20
    while len(page.mail.received) == mails:
        assert time.monotonic() < until, "no code was mailed"
        time.sleep(0.02)
    return page.mailed_code()


def another_code(code: str) -> str:
    """Return a code that is not the one mailed."""
    return "000000" if code != "000000" else "111111"


def type_code(window: Page, code: str, say: Say) -> None:
    """Type a code and send it."""
    window.get_by_label(say("Code"), exact=True).fill(code)
    window.get_by_role("button", name=say("Open the notice")).click()


@pytest.mark.parametrize("look", list(Look), ids=lambda look: look.name.lower())
def test_a_contact_asks_for_a_code_types_it_reads_and_acknowledges(
    page: NoticePageUnderTest, browser: Browser, look: Look
) -> None:
    say = words("en", PAGE).gettext
    with (
        served(notice_application(page.deployment)) as root,
        visiting(browser, root, look) as window,
    ):
        window.goto(page.path)
        look_at(window, "closed", look)
        code = ask_for_code(window, page, say)
        look_at(window, "asked", look)
        type_code(window, another_code(code), say)
        expect(window.get_by_role("alert")).to_contain_text("That code is not right")
        look_at(window, "wrong-code", look)
        type_code(window, code, say)
        expect(window.get_by_role("article")).to_contain_text("Acme Ltd.")
        look_at(window, "opened", look)
        window.get_by_role("button", name=say("I have read this letter")).click()
        expect(window.get_by_text("confirmed on 2 April 2015 at 08:00")).to_be_visible()
        expect(window.get_by_role("button")).to_have_count(0)
        look_at(window, "acknowledged", look)
        window.reload()
        expect(window.get_by_role("article")).to_be_visible()
    assert [event.status for event in page.events()] == [
        DeliveryStatus.DISPLAYED,
        DeliveryStatus.ACKNOWLEDGED,
    ]


@pytest.mark.parametrize("look", list(Look), ids=lambda look: look.name.lower())
def test_what_opens_nothing_says_why(page: NoticePageUnderTest, browser: Browser, look: Look) -> None:
    say = words("en", PAGE).gettext
    with (
        served(notice_application(page.deployment)) as root,
        visiting(browser, root, look) as window,
    ):
        window.goto("/n/forged")
        expect(window.get_by_role("heading", level=1)).to_have_text("This link opens nothing")
        look_at(window, "unknown-link", look)
        window.goto(page.path)
        wrong = another_code(ask_for_code(window, page, say))
        for _ in range(5):
            type_code(window, wrong, say)
        expect(window.get_by_role("alert")).to_contain_text("not valid any more")
        look_at(window, "spent-code", look)
        for _ in range(6):  # the first of the six codes of an hour is spent already
            window.goto(page.path)
            window.get_by_label(say("Mail address")).fill(ADDRESS)
            window.get_by_role("button", name=say("Send me a code")).click()
        expect(window.get_by_role("alert")).to_contain_text("Too many codes")
        look_at(window, "too-many", look)
        window.context.clear_cookies()
        window.get_by_label(say("Mail address")).fill(ADDRESS)
        window.get_by_role("button", name=say("Send me a code")).click()
        expect(window.get_by_role("alert")).to_contain_text("keeps no cookies")
        look_at(window, "no-cookie", look)
        page.deployment.wait_until(NOON + timedelta(days=90))
        window.goto(page.path)
        expect(window.get_by_role("heading", level=1)).to_have_text("This link has expired")
        look_at(window, "expired-link", look)


def test_the_whole_way_needs_no_script_and_no_mouse(page: NoticePageUnderTest, browser: Browser) -> None:
    say = words("en", PAGE).gettext
    with (
        served(notice_application(page.deployment)) as root,
        visiting(browser, root, Look.NARROW, scripts=False) as window,
    ):
        window.goto(page.path)
        window.keyboard.press("Tab")
        expect(window.get_by_label(say("Mail address"))).to_be_focused()
        window.keyboard.type(ADDRESS)
        window.keyboard.press("Enter")
        expect(window.get_by_label(say("Code"), exact=True)).to_be_focused()
        until = time.monotonic() + 20
        while len(page.mail.received) == 1:
            assert time.monotonic() < until, "no code was mailed"
            time.sleep(0.02)
        window.keyboard.type(page.mailed_code())
        window.keyboard.press("Enter")
        expect(window.get_by_role("article")).to_contain_text("Acme Ltd.")
        window.keyboard.press("Tab")
        expect(window.get_by_role("button", name=say("I have read this letter"))).to_be_focused()
        window.keyboard.press("Enter")
        expect(window.get_by_text("confirmed on 2 April 2015 at 08:00")).to_be_visible()
    assert DeliveryStatus.ACKNOWLEDGED in [event.status for event in page.events()]


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_page_is_drawn_in_every_language(
    sqlite_engine: Engine, tmp_path: Path, browser: Browser, language: str
) -> None:
    say = words(language, PAGE).gettext
    with smtp_server() as mail:
        page = a_notice_page(
            sqlite_engine, tmp_path, mail, changes={"language": language}, public_url="http://127.0.0.1:8470"
        )
        with (
            served(notice_application(page.deployment)) as root,
            visiting(browser, root, Look.NARROW) as window,
        ):
            window.goto(page.path)
            look_at(window, f"closed-{language}", Look.NARROW)
            type_code(window, ask_for_code(window, page, say), say)
            expect(window.get_by_role("article")).to_have_attribute("lang", language)
            look_at(window, f"opened-{language}", Look.NARROW)
            window.get_by_role("button", name=say("I have read this letter")).click()
            expect(window.get_by_role("button")).to_have_count(0)
            look_at(window, f"acknowledged-{language}", Look.NARROW)
