"""A reinstatement in stages in a real browser: an approver orders it, holds it, and lets it go on."""

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
from tests.integration.web.test_queue_in_a_browser import sign_in_by_invitation
from tests.mail_servers import smtp_server
from tests.queue_pages import QueueUnderTest, a_queue, suspend

pytestmark = [pytest.mark.slow, IN_A_BROWSER]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that all tests here share."""
    with chromium() as running:
        yield running


@pytest.fixture
def suspended(sqlite_engine: Engine, tmp_path: Path) -> Iterator[QueueUnderTest]:
    """A queue whose one case is suspended, by rita and adam."""
    with smtp_server() as mail:
        queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
        suspend(queue)
        queue.deployment.wait_until(queue.deployment.now + timedelta(minutes=5))
        yield queue


def look_at(window: Page, state: str, look: Look) -> None:
    """Judge a page as it is drawn."""
    keep_screenshot(window, f"stages-{state}-{look.name.lower()}")
    assert accessibility_faults(window) == [], state
    assert not is_wider_than_its_window(window), state


@pytest.mark.parametrize("look", [Look.DESKTOP, Look.NARROW_DARK], ids=lambda look: look.name.lower())
def test_an_approver_orders_holds_and_resumes_stages(
    browser: Browser, suspended: QueueUnderTest, look: Look
) -> None:
    with served(queue_application(suspended.deployment)) as root, visiting(browser, root, look) as window:
        sign_in_by_invitation(window, suspended, "bella")
        window.goto("/cases/1")
        form = window.locator('form[action="/cases/1/reinstate-in-stages"]')
        window.locator("summary", has_text="Reinstate in stages").click()
        look_at(window, "form", look)
        form.locator("[name=measure_1]").select_option("block_destinations")
        form.locator("[name=destination_1]").fill("+371")
        form.locator("[name=lift]").fill("tomorrow 23:00")
        form.locator("[name=reasons]").fill("their keys are changed")
        form.get_by_role("button", name="Reinstate in stages").click()
        expect(window.get_by_text("Lifted in stages, ordered by bella")).to_be_visible()
        expect(window.get_by_text("Next: stage 2, at the earliest")).to_be_visible()
        look_at(window, "ordered", look)
        for act, action, shown in (
            ("Hold the stages", "hold", "Held by an approver since"),
            ("Let the stages go on", "resume", "Next: stage 2"),
        ):
            act_form = window.locator(f'form[action="/cases/1/{action}-stages"]')
            act_form.locator("[name=reasons]").fill("they ask us to wait")
            act_form.get_by_role("button", name=act).click()
            expect(window.get_by_text(shown)).to_be_visible()
            look_at(window, action, look)
