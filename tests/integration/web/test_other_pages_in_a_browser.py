"""Tenant, Contracts, Model, Quality and Audit in a real browser: axe, both themes, a telephone's width, French."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from cjp_fraud.operations import contract_entries, people, quality_draws, shadow_runs
from cjp_fraud.people.model import Role
from cjp_fraud.web.application import queue_application
from features.counting_clocks import Clock
from tests.browsers import IN_A_BROWSER, Look, chromium, served, visiting
from tests.contract_builders import a_row
from tests.integration.web.test_contract_pages import TEXT
from tests.integration.web.test_queue_in_a_browser import look_at, sign_in_by_invitation
from tests.integration.web.test_tenant_pages import used
from tests.integration.web.test_threshold_page import store_scores
from tests.queue_pages import QueueUnderTest, a_queue, send

pytestmark = [pytest.mark.slow, IN_A_BROWSER]

NEXT_WEEK = datetime(2015, 4, 7, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A dismissed case, an open one, use of two weeks, a contract that waits, and readings that wait."""
    queue = a_queue(
        sqlite_engine, tmp_path, a_row(), a_row(tenant_id="beta"), lake=True, second_reading_share=1.0
    )
    queue.flagged("acme")
    queue.flagged("beta")
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/dismiss", reasons="their launch")
    deployment = queue.deployment
    for role in (Role.REVIEWER, Role.AUDITOR, Role.ANALYST):
        people.grant_role(deployment, "ida", deployment.now, "carol", role)
    contract_entries.enter_text(deployment, "carol", deployment.now, "acme.toml", TEXT)
    deployment.wait_until(NEXT_WEEK)
    used(queue, "acme", [100] * 7 + [300] * 7)
    quality_draws.draw_samples(deployment, deployment.now)
    store_scores(queue, {"acme": [0.2, 0.3, 3.2], "beta": [0.1, 2.0, 2.6]})
    shadow_runs.start_shadow(deployment, "ida", deployment.now, thresholds={Clock.MINUTE: 3})
    return queue


@pytest.mark.parametrize("look", [Look.DESKTOP, Look.NARROW_DARK])
def test_the_other_pages_are_accessible_and_fit(browser: Browser, queue: QueueUnderTest, look: Look) -> None:
    with served(queue_application(queue.deployment)) as root, visiting(browser, root, look=look) as carol:
        queue.invitations["carol"] = queue.invited("ida", "carol")
        sign_in_by_invitation(carol, queue, "carol", look)
        # Before the tenant's page, which names how its cases were decided: whoever read that is no second reader.
        carol.goto("/quality")
        carol.locator("a[href^='/quality/readings/']").first.click()
        look_at(carol, "quality-reading", look)
        for path in ("/tenants", "/tenants/acme", "/contracts?tenant=acme", "/models", "/quality", "/audit"):
            carol.goto(path)
            expect(carol.locator("h1")).to_be_visible()
            look_at(carol, path.strip("/").partition("?")[0].replace("/", "-"), look)
        carol.goto("/admin/thresholds?clock=minute&threshold=3")
        expect(carol.locator("[role=status]")).to_contain_text("1 instead of 2")
        expect(carol.locator("figure img")).to_have_js_property("complete", True, timeout=60_000)
        look_at(carol, "thresholds", look)
        carol.goto("/contracts?tenant=acme")
        carol.locator("[name=kind]").select_option("toml")
        carol.locator("textarea[name=text]").fill(TEXT)
        carol.locator("button[formaction]").click()
        expect(carol.locator("#preview")).to_be_visible()
        expect(carol.locator("textarea[name=text]")).to_have_value(TEXT.lstrip("\n"))
        look_at(carol, "contracts-preview", look)
        carol.goto("/audit")
        carol.locator("form[action='/audit/verification'] button").click()
        expect(carol.locator("[role=status]")).to_be_visible()
        look_at(carol, "audit-verified", look)
        carol.goto("/settings")
        carol.locator("[name=language]").select_option("fr")
        carol.locator("main form button").click()
        carol.goto("/models")
        expect(carol.locator("h1")).to_have_text("Modèle")
        look_at(carol, "models-french", look)
