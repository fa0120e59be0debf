"""The review queue in a real browser: two people sign in and work a case by keyboard; every page judged by axe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from cjp_fraud.web.application import queue_application
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
from tests.case_builders import a_flag
from tests.contract_builders import a_row
from tests.mail_servers import smtp_server
from tests.queue_pages import PASSWORD, QueueUnderTest, a_queue

pytestmark = [pytest.mark.slow, IN_A_BROWSER]

TENANTS = ("acme", "northwind", "fabrikam", "contoso-hospitality-group", "tailspin")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that all tests here share; each visit has a window of its own."""
    with chromium() as running:
        yield running


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> Iterator[QueueUnderTest]:
    """A queue of five cases, the worst of them acme's."""
    with smtp_server() as mail:
        tenants = [a_row(tenant_id=name) for name in TENANTS]
        queue = a_queue(
            sqlite_engine, tmp_path, *tenants, lake=True, smtp_host=mail.host, smtp_port=mail.port
        )
        now = queue.deployment.now
        for place, name in enumerate(TENANTS):
            seen = [140.0 + 60 * step for step in range(6 - place)]
            rows = [
                a_flag(
                    now - timedelta(minutes=50 - 5 * step),
                    name,
                    observed=observed,
                    excess=observed - 10,
                    score=6.5 - place / 2 - step / 20,
                    cents_per_contact=42.0,
                )
                for step, observed in enumerate(seen)
            ]
            queue.flagged(name, *rows)
        yield queue


def look_at(window: Page, state: str, look: Look = Look.DESKTOP) -> None:
    """Judge a page as it is drawn."""
    keep_screenshot(window, f"queue-{state}-{look.name.lower()}")
    assert accessibility_faults(window) == [], state
    assert not is_wider_than_its_window(window), state


def sign_in_by_invitation(window: Page, queue: QueueUnderTest, name: str, look: Look = Look.DESKTOP) -> None:
    """Accept an invitation as a person does, and sign in."""
    window.goto(f"/set-up/{queue.invitation(name)}")
    look_at(window, "set-up", look)
    window.locator("[name=password]").fill(PASSWORD)
    window.locator("[name=again]").fill(PASSWORD)
    window.keyboard.press("Enter")
    queue.secrets[name] = window.locator("code.secret").inner_text()
    look_at(window, "second-factor", look)
    window.locator("[name=code]").fill(queue.code(name))
    window.keyboard.press("Enter")
    expect(window.locator("h1")).to_be_visible()


def test_a_case_is_worked_by_keyboard_and_approved_by_a_second_person(
    browser: Browser, queue: QueueUnderTest
) -> None:
    with served(queue_application(queue.deployment)) as root:
        with visiting(browser, root) as rita:
            rita.goto("/queue")
            look_at(rita, "sign-in")
            sign_in_by_invitation(rita, queue, "rita")
            look_at(rita, "list")
            rita.keyboard.press("?")
            expect(rita.locator("#keys")).to_be_visible()
            look_at(rita, "keys")
            rita.keyboard.press("Escape")
            rita.keyboard.press("j")
            rita.keyboard.press("Enter")
            expect(rita.locator("h1")).to_contain_text("Case 1")
            look_at(rita, "case-open")
            rita.keyboard.press("c")
            expect(rita.locator("#next-title")).to_have_text("Next: Determine fraud")
            look_at(rita, "case-in-review")
            form = rita.locator("form[action='/cases/1/determine']")
            form.locator("[name=ground][value=unattended]").check()
            form.locator("[name=part][value=victim]").check()
            form.locator("[name=reasons]").fill("short calls to one foreign range, nobody logged in")
            form.locator("button").click()
            expect(rita.locator("#next-title")).to_have_text("Next: Approve")
            expect(rita.locator(".missing")).to_contain_text("rita took part in the case")
            look_at(rita, "case-determined-own")
        with visiting(browser, root) as adam:
            sign_in_by_invitation(adam, queue, "adam")
            adam.goto("/cases/1")
            look_at(adam, "case-to-approve")
            adam.keyboard.press("x")
            why_not = adam.locator("form[action='/cases/1/refuse'] textarea")
            expect(why_not).to_be_focused()
            expect(why_not).to_have_value("")
            look_at(adam, "case-to-refuse")
            adam.keyboard.press("Escape")
            adam.keyboard.press("n")
            adam.locator("form[action='/cases/1/approve'] button").click()
            expect(adam.locator(".standing .state")).to_have_text("Restricted")
            look_at(adam, "case-restricted")
    assert queue.entries("case.approved", "case.suspended")


def test_what_was_typed_is_still_there_after_the_session_ended(
    browser: Browser, queue: QueueUnderTest
) -> None:
    with served(queue_application(queue.deployment)) as root, visiting(browser, root) as ana:
        sign_in_by_invitation(ana, queue, "ana")
        ana.goto("/cases/1")
        ana.locator("summary", has_text="Comment").click()
        ana.locator("form[action='/cases/1/comment'] textarea").fill("half a thought")
        queue.deployment.wait_until(queue.deployment.now + timedelta(hours=2))
        ana.goto("/cases/1")
        ana.locator("[name=name]").fill("ana")
        ana.locator("[name=password]").fill(PASSWORD)
        ana.keyboard.press("Enter")
        ana.locator("[name=code]").fill(queue.code("ana"))
        ana.keyboard.press("Enter")
        kept = ana.locator("form[action='/cases/1/comment'] textarea")
        expect(kept).to_have_value("half a thought")
        expect(kept).to_be_visible()
        ana.locator("form[action='/cases/1/comment'] button").click()
        expect(ana.locator(".timeline blockquote")).to_have_text("half a thought")
        expect(ana.locator("form[action='/cases/1/comment'] textarea")).to_have_value("")


@pytest.mark.parametrize(
    ("look", "language"),
    [(Look.NARROW, "en"), (Look.DARK, "en"), (Look.NARROW_DARK, "fr"), (Look.DESKTOP, "fr")],
)
def test_the_pages_are_drawn_narrow_dark_and_in_french(
    browser: Browser, queue: QueueUnderTest, look: Look, language: str
) -> None:
    with (
        served(queue_application(queue.deployment)) as root,
        visiting(browser, root, look, language=language) as rita,
    ):
        sign_in_by_invitation(rita, queue, "rita", look)
        for state, path in {
            "list": "/queue",
            "case": "/cases/1",
            "settings": "/settings",
            "missing": "/x",
        }.items():
            rita.goto(path)
            assert rita.locator("html").get_attribute("lang") == language
            look_at(rita, f"{state}-{language}", look)


def test_a_claim_is_counted_down_others_are_named_and_typed_text_is_there_in_another_browser(
    browser: Browser, queue: QueueUnderTest
) -> None:
    with served(queue_application(queue.deployment)) as root:
        with visiting(browser, root) as rolf, visiting(browser, root) as ana:
            sign_in_by_invitation(rolf, queue, "rolf")
            rolf.goto("/cases/1")
            sign_in_by_invitation(ana, queue, "ana")
            ana.goto("/queue")
            ana.keyboard.press("w")
            expect(ana.locator("h1")).to_contain_text("Case 1")
            expect(ana.locator("[data-lease]")).to_contain_text("your claim ends in 19:")
            expect(ana.locator("[data-others-looking]")).to_have_text("also looking: rolf")
            look_at(ana, "case-claimed")
            ana.locator("summary", has_text="Put aside").click()
            ana.locator("summary", has_text="Comment").click()
            with ana.expect_response("**/cases/1/draft"):
                ana.locator("form[action='/cases/1/comment'] textarea").fill("half a thought")
            look_at(ana, "case-put-aside")
        with visiting(browser, root) as elsewhere:
            elsewhere.goto("/sign-in")
            elsewhere.locator("[name=name]").fill("ana")
            elsewhere.locator("[name=password]").fill(PASSWORD)
            elsewhere.keyboard.press("Enter")
            elsewhere.locator("[name=code]").fill(queue.code("ana"))
            elsewhere.keyboard.press("Enter")
            expect(elsewhere.locator("h1")).to_have_text("Queue")
            elsewhere.goto("/cases/1")
            expect(elsewhere.locator("form[action='/cases/1/comment'] textarea")).to_have_value(
                "half a thought"
            )
            elsewhere.goto("/queue")
            elsewhere.locator("summary", has_text="Views").click()
            look_at(elsewhere, "views")


def test_a_plain_refusal_clears_nothing_that_was_typed(browser: Browser, queue: QueueUnderTest) -> None:
    with served(queue_application(queue.deployment)) as root, visiting(browser, root) as ana:
        sign_in_by_invitation(ana, queue, "ana")
        ana.goto("/cases/1")
        ana.locator("summary", has_text="Comment").click()
        form = ana.locator("form[action='/cases/1/comment']")
        form.locator("textarea").fill("half a thought")
        queue.deployment.wait_until(queue.deployment.now + timedelta(hours=2))
        form.locator("button").click()
        expect(ana.locator("h1")).to_have_text("Refused")
        look_at(ana, "refused-plainly")
        ana.get_by_role("link", name="To the first page").click()
        ana.locator("[name=name]").fill("ana")
        ana.locator("[name=password]").fill(PASSWORD)
        ana.keyboard.press("Enter")
        ana.locator("[name=code]").fill(queue.code("ana"))
        ana.keyboard.press("Enter")
        expect(ana.locator("h1")).to_have_text("Queue")
        ana.goto("/cases/1")
        expect(form.locator("textarea")).to_have_value("half a thought")
        form.locator("button").click()
        expect(ana.locator(".timeline blockquote")).to_have_text("half a thought")
        expect(form.locator("textarea")).to_have_value("")
