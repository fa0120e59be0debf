"""Known events, consents, the narrowing of a dispute, a whole case, thresholds and shared causes, walked in a browser.

Each page is judged by axe at a desk and at a telephone's width, light and dark, in English and French, and once worked
by keyboard alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from cjp_fraud.operations import attachments, known_events, people, shadow_runs
from cjp_fraud.operations.attachments import Upload
from cjp_fraud.people.model import Role
from cjp_fraud.review.known_event import KnownEventKind, KnownEventWanted
from cjp_fraud.web.application import queue_application
from features.counting_clocks import Clock
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
from tests.integration.web.test_consent_pages import PAGE, SIGNED
from tests.integration.web.test_disputes_and_ledger import FINDING
from tests.integration.web.test_threshold_page import store_scores
from tests.mail_servers import smtp_server
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in, send

pytestmark = [pytest.mark.slow, IN_A_BROWSER]

MINUTE = timedelta(minutes=1)
PATIENCE = 60_000
"""Milliseconds until which an act of the platform or of the mail server must show."""
LOOKS = (
    (Look.DESKTOP, "en"),
    (Look.NARROW, "fr"),
    (Look.DARK, "fr"),
    (Look.NARROW_DARK, "en"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that all tests here share."""
    with chromium() as running:
        yield running


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> Iterator[QueueUnderTest]:
    """Acme restricted and in dispute, beta and gamma alike and in a known event, a consent, scores and a shadow run."""
    with smtp_server() as mail:
        tenants = (a_row(), a_row(tenant_id="beta"), a_row(tenant_id="gamma", country="FR"))
        queue = a_queue(
            sqlite_engine, tmp_path, *tenants, lake=True, smtp_host=mail.host, smtp_port=mail.port
        )
        deployment, now = queue.deployment, queue.deployment.now
        reasons = {"words": ["14 × the usual Thursday 12:00"], "country": "LV"}
        for name in ("acme", "beta", "gamma"):
            rows = [
                a_flag(now - timedelta(minutes=each), name, application_id="dialler", reasons=reasons)
                for each in (30, 25)
            ]
            queue.flagged(name, *rows)
        restricted(queue)
        deployment.wait_until(now := now + 5 * MINUTE)
        send(queue.signed_in("rita"), "/cases/1", "/cases/1/dispute", text="you stopped all of our calls")
        for tenant in ("beta", None):
            wanted = KnownEventWanted(
                KnownEventKind.CAMPAIGN,
                "the spring sale, announced by their account manager in March",
                now - 60 * MINUTE,
                now,
                tenant_id=tenant,
            )
            known_events.enter(deployment, "rolf", now, wanted)
        report = Upload(
            "report-of-the-carrier-for-the-night-of-2-april.csv", b"start;destination\n03:00;+371\n"
        )
        said = "@carol: their carrier sent this. See https://carrier.example/r/1"
        attachments.attach(deployment, "rita", now, "2", report, said)
        for role in (Role.ANALYST, Role.REVIEWER, Role.ADMIN):
            people.grant_role(deployment, "ida", now, "carol", role)
        send(queue.signed_in("carol"), PAGE, PAGE, **SIGNED)
        store_scores(queue, {"acme": [0.2, 0.3, 3.2], "beta": [0.1, 2.0, 2.6]})
        shadow_runs.start_shadow(deployment, "ida", now, thresholds={Clock.MINUTE: 3})
        yield queue


def restricted(queue: QueueUnderTest) -> None:
    """Let rita determine acme's case and adam approve it."""
    rita, adam = queue.signed_in("rita"), queue.signed_in("adam")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    adam.post("/cases/1/approve", data=hidden_in(adam.get("/cases/1").text, "/cases/1/approve"))


def look_at(window: Page, state: str, look: Look, language: str) -> None:
    """Judge a page as it is drawn."""
    keep_screenshot(window, f"walk-{state}-{look.name.lower()}-{language}")
    assert accessibility_faults(window) == [], state
    assert not is_wider_than_its_window(window), state


def let_in(window: Page, queue: QueueUnderTest, name: str, root: str) -> None:
    """Give the window the session of a person who has signed in elsewhere: the sign-in is walked in another test."""
    cookies = queue.signed_in(name).cookies
    window.context.add_cookies([{"name": key, "value": value, "url": root} for key, value in cookies.items()])


def open_all(window: Page) -> None:
    """Open every part of a page that can be opened."""
    window.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")


@pytest.mark.parametrize(("look", "language"), LOOKS)
def test_every_page_is_whole_and_accessible_in_each_look(
    browser: Browser, queue: QueueUnderTest, look: Look, language: str
) -> None:
    with (
        served(queue_application(queue.deployment)) as root,
        visiting(browser, root, look, language=language) as carol,
    ):
        let_in(carol, queue, "carol", root)
        for state, path in {
            "known-events": "/known-events",
            "tenant": "/tenants/beta",
            "admin": "/admin",
            "consents": PAGE,
            "consents-tenant": f"{PAGE}?tenant=acme",
            "case-dispute": "/cases/1",
            "case-open": "/cases/2",
            "thresholds": "/admin/thresholds?clock=minute&threshold=3",
            "bulk": "/bulk",
        }.items():
            carol.goto(path)
            expect(carol.locator("h1")).to_be_visible()
            open_all(carol)
            for figure in carol.locator("figure img").all():
                figure.scroll_into_view_if_needed()
                expect(figure).to_have_js_property("complete", True, timeout=60_000)
            carol.evaluate("window.scrollTo(0, 0)")
            look_at(carol, state, look, language)
        carol.locator("main a[href^='/bulk/causes/']").first.click()
        look_at(carol, "bulk-cause", look, language)


def tab_to(window: Page, selector: str) -> None:
    """Press the tabulator until the element has the focus."""
    for _ in range(200):
        window.keyboard.press("Tab")
        if focused(window, selector):
            return
    raise AssertionError(f"the tabulator does not reach {selector}")


def type_moment(window: Page, day: str, clock: str) -> None:
    """Type a moment into the field that has the focus, as an American browser asks for it."""
    window.keyboard.type(day)
    window.keyboard.press("ArrowRight")
    window.keyboard.type(clock)


def test_each_page_is_worked_by_keyboard_alone(browser: Browser, queue: QueueUnderTest) -> None:
    with (
        served(queue_application(queue.deployment)) as root,
        visiting(browser, root, language="en-US") as carol,
        visiting(browser, root) as bella,
    ):
        let_in(carol, queue, "carol", root)
        let_in(bella, queue, "bella", root)

        carol.goto("/known-events")
        tab_to(carol, "main summary")
        carol.keyboard.press("Enter")
        tab_to(carol, "[name=kind]")
        carol.keyboard.type("hol")
        tab_to(carol, "[name=words]")
        carol.keyboard.type("Good Friday")
        tab_to(carol, "[name=begins_at]")
        type_moment(carol, "04032015", "1200AM")
        tab_to(carol, "[name=ends_at]")
        type_moment(carol, "04042015", "1200AM")
        tab_to(carol, "button.main-act")
        carol.keyboard.press("Enter")
        expect(carol.locator("main table")).to_contain_text("Good Friday", timeout=PATIENCE)
        tab_to(carol, "form[action$='/withdraw'] button")
        carol.keyboard.press("Enter")
        expect(carol.locator("main table")).to_contain_text("withdrawn", timeout=PATIENCE)

        bella.goto("/cases/1")
        bella.keyboard.press("n")
        if not focused(bella, "[name=decision]"):
            tab_to(bella, "[name=decision]")
        bella.keyboard.press("ArrowDown")
        expect(bella.locator("[name=decision][value=narrowed]")).to_be_checked(timeout=PATIENCE)
        tab_to(bella, "#next select[name=measure]")
        bella.keyboard.type("block")
        tab_to(bella, "#next [name=destination]")
        bella.keyboard.type("+371")
        tab_to(bella, "#next textarea[name=reasons]")
        bella.keyboard.type("one range is enough")
        tab_to(bella, "#next button")
        bella.keyboard.press("Enter")
        expect(bella.locator("main")).to_contain_text("decided in part for the customer", timeout=PATIENCE)

        carol.goto("/admin/thresholds")
        tab_to(carol, "form[method=get] [name=threshold]")
        carol.keyboard.type("3")
        carol.keyboard.press("Enter")
        expect(carol.locator("[role=status]")).to_contain_text("1 instead of 2", timeout=PATIENCE)
        tab_to(carol, "form[action$='/stop'] button")
        carol.keyboard.press("Enter")
        expect(carol.locator("section[aria-labelledby=shadow]")).to_contain_text("ended", timeout=PATIENCE)

        carol.goto(PAGE)
        tab_to(carol, "form[action$='/end'] textarea")
        carol.keyboard.type("revoked by mail")
        tab_to(carol, "form[action$='/end'] button")
        carol.keyboard.press("Enter")
        expect(carol.locator("main")).not_to_contain_text("Order form 7", timeout=PATIENCE)

        carol.keyboard.press("g")
        carol.keyboard.press("b")
        carol.wait_for_url("**/bulk")
        tab_to(carol, "main a[href^='/bulk/causes/']")
        carol.keyboard.press("Enter")
        carol.wait_for_url("**/bulk/causes/*")
        tab_to(carol, "textarea[name=reasons]")
        carol.keyboard.type("announced in March")
        tab_to(carol, "button.main-act")
        carol.keyboard.press("Enter")
        expect(carol.locator("[data-key=u]")).to_be_visible(timeout=PATIENCE)
        carol.keyboard.press("u")
        expect(carol.locator("[data-key=u]")).to_have_count(0, timeout=PATIENCE)
    assert queue.entries("bulk.undoing")
    assert queue.entries("measure.narrowed")


def focused(window: Page, selector: str) -> bool:
    """Whether the element has the focus."""
    return bool(window.evaluate("(wanted) => document.activeElement.matches(wanted)", selector))
