"""The shift, shared causes, administration and an approval with a code, in a real browser, wide and at 360 px."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from cjp_fraud.operations import bulk, cases, roster, shift
from cjp_fraud.people.model import Decision, TurnWanted
from cjp_fraud.people.oncall_rules import DAYS
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.joint_events import record_joint_spikes
from cjp_fraud.review.joint_spikes import Group, GroupKind, JointGroup, JointSpikeRow
from cjp_fraud.review.model import TenantsPart
from cjp_fraud.review.requests import FraudFinding
from cjp_fraud.storage.database import transaction
from cjp_fraud.web.application import queue_application
from tests.browsers import IN_A_BROWSER, Look, chromium, served, visiting
from tests.case_builders import DETECTOR, START, a_flag, flag
from tests.contract_builders import a_row
from tests.integration.web.test_queue_in_a_browser import look_at, sign_in_by_invitation
from tests.mail_servers import smtp_server
from tests.queue_pages import QueueUnderTest, a_queue

pytestmark = [pytest.mark.slow, IN_A_BROWSER]

TENANTS = ("acme", "northwind", "fabrikam", "contoso-hospitality-group", "tailspin", "wingtip")
MINUTE = timedelta(minutes=1)
BEGINS = START - 30 * MINUTE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that all tests here share."""
    with chromium() as running:
        yield running


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> Iterator[QueueUnderTest]:
    """Six tenants flagged together, the case of acme determined, adam on call, a shift handed over."""
    with smtp_server() as mail:
        rows = [a_row(tenant_id=name) for name in TENANTS]
        queue = a_queue(
            sqlite_engine,
            tmp_path,
            *rows,
            lake=True,
            smtp_host=mail.host,
            smtp_port=mail.port,
            approval_code_minutes=0,
        )
        deployment = queue.deployment
        flag(sqlite_engine, *(a_flag(BEGINS, name) for name in TENANTS), at=START, tenant_ids=set(TENANTS))
        joint = JointGroup(Group(GroupKind.ALL), TENANTS, 40, 0.04, 1e-9)
        with transaction(sqlite_engine) as session:
            window = (START - 120 * MINUTE, START + 60 * MINUTE)
            spike = JointSpikeRow(BEGINS, BEGINS, BEGINS + 5 * MINUTE, joint)
            record_joint_spikes(Decision(session, DETECTOR, START), [spike], window)
        cases.claim(deployment, "rita", START, "1")
        finding = FraudFinding(
            reasons="short calls to one foreign range, nobody logged in",
            tenants_part=TenantsPart.VICTIM,
            grounds=(Ground.UNATTENDED,),
        )
        cases.determine(deployment, "rita", START, "1", finding)
        cases.claim(deployment, "ana", START, "2")
        wanted = TurnWanted("adam", 1, DAYS, "08:00", "20:00", "Europe/Paris", mail="adam@provider.example")
        roster.add_turn(deployment, "ida", START, wanted)
        shift.hand_over(deployment, "rita", START)
        yield queue


@pytest.mark.parametrize(("look", "language"), [(Look.DESKTOP, "en"), (Look.NARROW, "fr"), (Look.DARK, "en")])
def test_the_pages_of_the_shift_and_of_the_administration_are_whole(
    browser: Browser, queue: QueueUnderTest, look: Look, language: str
) -> None:
    [cause] = bulk.list_causes(queue.deployment, "rolf", START)
    with served(queue_application(queue.deployment)) as root:
        with visiting(browser, root, look, language=language) as rolf:
            sign_in_by_invitation(rolf, queue, "rolf", look)
            for state, path in {
                "shift": "/shift",
                "bulk": "/bulk",
                "bulk-cause": f"/bulk/causes/{cause.id}",
            }.items():
                rolf.goto(path)
                look_at(rolf, f"{state}-{language}", look)
            rolf.locator("[name=kind][value=known_event]").check()
            rolf.locator("[name=reasons]").fill("the final of the cup")
            rolf.locator("form button.main-act").click()
            expect(rolf.locator("[data-key=u]")).to_be_visible()
            look_at(rolf, f"bulk-done-{language}", look)
            rolf.keyboard.press("u")
            expect(rolf.locator("[data-key=u]")).to_have_count(0)
            rolf.keyboard.press("g")
            rolf.keyboard.press("s")
            rolf.wait_for_url("**/shift")
            expect(rolf.locator("[data-key=a]")).to_be_visible()
            rolf.keyboard.press("a")
            expect(rolf.locator("[data-key=a]")).to_have_count(0)
        with visiting(browser, root, look, language=language) as ida:
            sign_in_by_invitation(ida, queue, "ida", look)
            ida.goto("/admin")
            for closed in ida.locator("main details > summary").all()[-3:]:
                closed.click()
            look_at(ida, f"admin-{language}", look)
    assert len(queue.entries("case.dismissed")) == len(queue.entries("case.reopened")) == 4
    assert queue.entries("shift.acknowledged")


def test_an_approver_approves_on_a_telephone_with_a_code(browser: Browser, queue: QueueUnderTest) -> None:
    with (
        served(queue_application(queue.deployment)) as root,
        visiting(browser, root, Look.NARROW) as adam,
    ):
        sign_in_by_invitation(adam, queue, "adam", Look.NARROW)
        queue.deployment.wait_until(START + MINUTE)
        adam.goto("/cases/1")
        form = adam.locator("form[action='/cases/1/approve']")
        form.locator("[name=code]").scroll_into_view_if_needed()
        look_at(adam, "approval-with-code", Look.NARROW)
        form.locator("[name=code]").fill(queue.code("adam"))
        form.locator("button").click()
        expect(adam.locator(".standing .state")).to_have_text("Restricted")
    assert queue.entries("sign_in.code_again", "case.approved")
