"""Disputes in a real browser: a customer writes one on the notice page; staff see it, decide it, read the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, select

from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.storage.database import reading
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
from tests.integration.web.test_queue_in_a_browser import sign_in_by_invitation
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.notice_pages import ADDRESS, NoticePageUnderTest
from tests.queue_pages import QueueUnderTest, a_queue, suspend

pytestmark = [pytest.mark.slow, IN_A_BROWSER]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that all tests here share."""
    with chromium() as running:
        yield running


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def suspended(sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest) -> QueueUnderTest:
    """A queue whose one case is suspended, by rita and adam."""
    settings = {"smtp_host": mail.host, "smtp_port": mail.port, "public_url": "http://127.0.0.1:8470"}
    queue = a_queue(sqlite_engine, tmp_path, lake=True, **settings)
    suspend(queue)
    queue.deployment.wait_until(queue.deployment.now + timedelta(minutes=5))
    return queue


def look_at(window: Page, state: str, look: Look) -> None:
    """Judge a page as it is drawn."""
    keep_screenshot(window, f"dispute-{state}-{look.name.lower()}")
    assert accessibility_faults(window) == [], state
    assert not is_wider_than_its_window(window), state


@pytest.mark.parametrize("look", [Look.DESKTOP, Look.NARROW_DARK], ids=lambda look: look.name.lower())
def test_a_customer_disputes_and_a_third_person_decides_for_them(
    browser: Browser, suspended: QueueUnderTest, mail: MailServerUnderTest, look: Look
) -> None:
    with reading(suspended.engine) as session:
        plan_id = session.scalars(select(NoticePlan.id)).one()
    page = NoticePageUnderTest(suspended.deployment, mail, plan_id)
    with served(queue_application(suspended.deployment)) as root, visiting(browser, root, look) as customer:
        customer.goto(page.path)
        customer.get_by_label("Mail address").fill(ADDRESS)
        mails = len(mail.received)
        customer.get_by_role("button", name="Send me a code").click()
        expect(customer.get_by_label("Code", exact=True)).to_be_focused()
        while len(mail.received) == mails:
            customer.wait_for_timeout(50)
        customer.get_by_label("Code", exact=True).fill(page.mailed_code())
        customer.keyboard.press("Enter")
        expect(customer.get_by_label("Why you do not agree")).to_be_visible()
        look_at(customer, "form", look)
        customer.get_by_label("Why you do not agree").fill("These calls are our own campaign.")
        customer.get_by_role("button", name="Dispute this notice").click()
        expect(customer.get_by_text("received, not decided yet")).to_be_visible()
        look_at(customer, "received", look)
        with visiting(browser, root, look) as carol:
            sign_in_by_invitation(carol, suspended, "carol")
            carol.goto("/queue")
            expect(carol.get_by_role("link", name="1 dispute waits")).to_be_visible()
            look_at(carol, "queue", look)
            carol.goto("/disputes")
            look_at(carol, "list", look)
            carol.get_by_role("link", name="1", exact=True).click()
            form = carol.locator("#next form")
            expect(form).to_be_visible()
            look_at(carol, "case", look)
            form.locator("[name=decision][value=upheld]").check()
            form.locator("[name=reasons]").fill("shown by their invoices")
            form.locator("[name=cause]").select_option("detector")
            form.get_by_role("button").click()
            expect(carol.locator(".standing .state")).to_have_text("Reinstated")
            carol.goto("/ledger")
            expect(carol.get_by_role("link", name="1", exact=True)).to_be_visible()
            look_at(carol, "ledger", look)
        customer.reload()
        expect(customer.get_by_text("decided in your favour").first).to_be_visible()
        look_at(customer, "answered", look)
