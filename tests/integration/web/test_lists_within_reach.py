"""Every list of the API and every page without a subject, read by somebody whose roles reach one country only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from cjp_fraud.contracts.standing_consent import SignedProof, StandingConsent
from cjp_fraud.errors import OutOfReach
from cjp_fraud.operations import (
    bulk,
    case_queue,
    cases,
    consents,
    contract_entries,
    evidence,
    known_events,
    people,
    privacy,
    quality_draws,
)
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.review.bulk import BulkWanted
from cjp_fraud.review.joint_events import record_joint_spikes
from cjp_fraud.review.joint_spikes import Group, GroupKind, JointGroup, JointSpikeRow
from cjp_fraud.review.known_event import KnownEventKind, KnownEventWanted
from cjp_fraud.review.model import CauseKind, QueueFilter
from cjp_fraud.storage.database import make_engine, transaction
from cjp_fraud.web.api.application import api_application
from cjp_fraud.web.application import STAFF_PAGES
from tests.api_calls import calls_of
from tests.case_builders import DETECTOR, START, a_flag, flag
from tests.contract_builders import a_row
from tests.mail_servers import smtp_server
from tests.people_builders import a_user
from tests.queue_pages import DAYS, QueueUnderTest, a_queue, hidden_in, send

pytestmark = pytest.mark.slow

ABROAD: Final = "outlandish"
"""In the name of every tenant that is not reached, and in nothing else."""

TENANTS: Final = tuple(f"{ABROAD}-{number}" for number in range(7))
MINUTE: Final = timedelta(minutes=1)
BEGINS: Final = START + timedelta(hours=3)
NEXT_WEEK: Final = datetime(2015, 4, 7, 9, tzinfo=UTC)
NARROWED: Final = (Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL)
CONTRACT: Final = f"""
tenant = "{TENANTS[0]}"

[[documents]]
name = "MSA"
kind = "existing_agreement"
title = "Master agreement"
version = "2014"
from_day = 2014-01-01
says = {{ right = "none" }}
page = "page 7"
"""
SIGNED: Final = StandingConsent(
    "Order form 7",
    "section 4.2",
    ("LV",),
    cents_per_hour=10_000,
    cap_hours=4,
    valid_from=START - DAYS,
    valid_to=START + DAYS,
)
FINDING: Final = {
    "ground": ["unusual_destinations", "unattended"],
    "part": "victim",
    "measure": "suspend_channel",
    "hours": "72",
    "reasons": "short calls to one foreign range, at night, no agent logged in",
}
ASKED: Final = {"/disputes": {"decided_too": "true", "decided": "1"}}
"""Parameters with which a list is asked for all there is."""

NAMES_NO_TENANT: Final = {
    *("/users", "/roster", "/roster/pages", "/tokens", "/webhooks", "/models", "/model-quality"),
    *("/shift/handovers", "/openapi.json"),
    *("/sign-in", "/sign-in/provider", "/sign-in/provider/done", "/second-factor"),
    *("/settings", "/sign-out"),
    "/shared-views",  # filters that somebody chose to show to all
    # A trial names tenants, and only those that are reached: test_threshold_page.py.
    *("/thresholds", "/shadow-runs", "/admin/thresholds"),
    *("/admin/thresholds/scores.svg", "/admin/thresholds/scores-dark.svg"),
}
"""Addresses whose answer names no tenant to anybody. Any other list must name one to who is not narrowed."""


@pytest.fixture(scope="module")
def queue(sqlite_template: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueUnderTest]:
    """Lists full of tenants in France; omni reads everything, nora has the same roles in the United States."""
    folder = tmp_path_factory.mktemp("lists")
    file = folder / "cjp_fraud.db"
    file.write_bytes(sqlite_template)
    with smtp_server() as mail:
        queue = a_full_queue(
            make_engine(f"sqlite:///{file}"), folder, smtp_host=mail.host, smtp_port=mail.port
        )
        yield queue


@pytest.fixture(scope="module")
def nora(queue: QueueUnderTest) -> TestClient:
    """A browser in which nora is signed in."""
    return queue.signed_in("nora")


def a_full_queue(engine: Engine, folder: Path, **mail: object) -> QueueUnderTest:
    rows = (a_row(), *(a_row(tenant_id=name, country="FR") for name in TENANTS))
    queue = a_queue(
        engine, folder, *rows, lake=True, second_reading_share=1.0, control_tenants_per_week=1, **mail
    )
    deployment = queue.deployment
    with transaction(engine) as session:
        a_user(session, "omni", tuple(Role), START - DAYS)
        a_user(session, "nora", NARROWED, START - DAYS)
    for role in NARROWED:
        people.grant_role(deployment, "ida", deployment.now, "nora", role, countries=["US"])
    queue.flagged(TENANTS[0])
    _suspend_and_reinstate(queue)
    deployment.wait_until(BEGINS + 30 * MINUTE)
    _dismiss_together(queue)
    flag(engine, a_flag(BEGINS, TENANTS[6]), at=deployment.now, tenant_ids={TENANTS[6]}, cap=0)
    deployment.wait_until(NEXT_WEEK)
    quality_draws.draw_samples(deployment, deployment.now)
    [left] = case_queue.list_cases(deployment, QueueFilter(tenant_id=TENANTS[5])).cases
    cases.claim(deployment, "rita", deployment.now, str(left.number))
    contract_entries.enter_text(deployment, "carol", deployment.now, "abroad.toml", CONTRACT)
    campaign = KnownEventWanted(
        KnownEventKind.CAMPAIGN, f"{ABROAD}: they call all their customers", BEGINS, NEXT_WEEK, TENANTS[5]
    )
    known_events.enter(deployment, "carol", deployment.now, campaign)
    consents.enter(deployment, "carol", deployment.now, TENANTS[0], SIGNED, SignedProof("a.pdf", "a" * 64))
    return queue


def _suspend_and_reinstate(queue: QueueUnderTest) -> None:
    """Case 1 has letters, a measure, a dispute that was upheld, and so a line in the ledger."""
    deployment = queue.deployment
    rita, adam = queue.signed_in("rita"), queue.signed_in("adam")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    adam.post("/cases/1/approve", data=hidden_in(adam.get("/cases/1").text, "/cases/1/approve"))
    deployment.wait_until(deployment.now + 20 * MINUTE)  # a slow machine records later than the clock shows
    words = "this was our own campaign"
    opened = cases.open_dispute(deployment, "rita", deployment.now, "1", words)
    deployment.wait_until(deployment.now + 20 * MINUTE)
    cases.decide_dispute(
        deployment, "carol", deployment.now, opened.dispute_id, upheld=True, reasons="shown by their invoices"
    )


def _dismiss_together(queue: QueueUnderTest) -> None:
    """Dismiss the cases of one event but the last, which has a flag before it and stays."""
    together = TENANTS[1:6]
    rows = [a_flag(BEGINS, name) for name in together] + [a_flag(BEGINS - 40 * MINUTE, together[-1])]
    flag(queue.engine, *rows, at=queue.deployment.now, tenant_ids=set(together))
    joint = JointGroup(Group(GroupKind.ALL), together, 40, 0.04, 1e-9)
    with transaction(queue.engine) as session:
        window = (BEGINS - timedelta(hours=2), BEGINS + timedelta(hours=1))
        spike = JointSpikeRow(BEGINS, BEGINS, BEGINS + 5 * MINUTE, joint)
        record_joint_spikes(Decision(session, DETECTOR, queue.deployment.now), [spike], window)
    deployment = queue.deployment
    [cause] = bulk.list_causes(deployment, "rita", deployment.now)
    wanted = BulkWanted(CauseKind.SOURCE_OUTAGE, 4, f"{ABROAD}: one hour was delivered twice")
    bulk.dismiss_together(deployment, "rita", deployment.now, cause.id, wanted)


def _endpoints() -> list[str]:
    described = api_application(None).openapi()["paths"]  # type: ignore[arg-type]
    return sorted(path for path, methods in described.items() if "get" in methods and "{" not in path)


def _pages() -> list[str]:
    routes = [route for pages in STAFF_PAGES for route in pages.routes if isinstance(route, APIRoute)]
    return sorted({each.path for each in routes if "GET" in each.methods and "{" not in each.path})


def test_no_list_of_the_api_names_a_tenant_outside_of_reach(queue: QueueUnderTest) -> None:
    omni, nora = calls_of(queue, "omni"), calls_of(queue, "nora")
    silent, leaking = set(), set()
    for path in _endpoints():
        whole = omni.get(path, params=ASKED.get(path))
        assert whole.status_code == 200, (path, whole.text)
        silent |= {path} if ABROAD not in whole.text else set()
        narrowed = nora.get(path, params=ASKED.get(path))
        assert narrowed.status_code in (200, 403), (path, narrowed.text)
        leaking |= {path} if ABROAD in narrowed.text else set()
    assert leaking == set()
    assert silent <= NAMES_NO_TENANT, (
        "fill this list in the queue of the test, or say that it names no tenant"
    )


def test_no_page_names_a_tenant_outside_of_reach(queue: QueueUnderTest, nora: TestClient) -> None:
    omni = queue.signed_in("omni")
    for browser in (omni, nora):
        assert 'action="/sign-out"' in browser.get("/queue").text
    silent, leaking = set(), set()
    for path in _pages():
        whole = omni.get(path, params=ASKED.get(path))
        silent |= {path} if ABROAD not in whole.text else set()
        leaking |= {path} if ABROAD in nora.get(path, params=ASKED.get(path)).text else set()
    assert leaking == set()
    assert silent <= NAMES_NO_TENANT, (
        "fill this page in the queue of the test, or say that it names no tenant"
    )


def test_entries_outside_of_reach_are_hidden_and_counted(queue: QueueUnderTest, nora: TestClient) -> None:
    omni, narrowed = calls_of(queue, "omni"), calls_of(queue, "nora")
    for asked in ({}, {"action": "case."}, {"action": "access.denied"}, {"limit": 7}):
        whole, part = (each.get("/audit", params={"limit": 1000} | asked).json() for each in (omni, narrowed))
        assert whole["outside_of_reach"] == 0
        if "limit" not in asked:
            assert len(whole["items"]) == len(part["items"]) + part["outside_of_reach"]
    dismissed = narrowed.get("/audit", params={"action": "case.dismissed"}).json()
    assert (dismissed["items"], dismissed["outside_of_reach"]) == ([], 4)
    shown = nora.get("/audit?action=case.dismissed").text
    assert "4 entries lie outside of your reach" in shown


def test_a_cause_and_a_bulk_dismissal_outside_of_reach_are_refused(
    queue: QueueUnderTest, nora: TestClient
) -> None:
    deployment = queue.deployment
    [cause, *_] = bulk.list_causes(deployment, "omni", deployment.now)
    [made] = bulk.list_bulks(deployment, deployment.now, by="omni")
    for address in (f"/bulk/causes/{cause.id}", f"/bulk/dismissals/{made.id}"):
        assert calls_of(queue, "omni").get(address).status_code == 200
        assert calls_of(queue, "nora").get(address).status_code == 403
        assert nora.get(address).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        f"/flags?tenant={TENANTS[0]}",
        "/flags?case=1",
        "/audit?case=1",
        f"/traffic/status?tenant={TENANTS[0]}",
        "/measures?case=1",
    ],
)
def test_what_an_address_names_outside_of_reach_is_refused(queue: QueueUnderTest, address: str) -> None:
    assert calls_of(queue, "omni").get(address).status_code == 200
    assert calls_of(queue, "nora").get(address).status_code == 403


def test_the_contract_page_of_a_tenant_outside_of_reach_is_refused(nora: TestClient) -> None:
    assert nora.get(f"/contracts?tenant={TENANTS[0]}").status_code == 403


@pytest.mark.parametrize("action", ["/contracts", "/contracts/preview"])
def test_a_contracts_form_that_is_refused_shows_no_tenant_outside_of_reach(
    nora: TestClient, action: str
) -> None:
    fields = {"kind": "toml", "name": "abroad", "text": "[[[", "tenant": TENANTS[0]}
    answered = nora.post(action, data=hidden_in(nora.get("/contracts").text, "/contracts") | fields)
    assert answered.status_code == 403
    assert ABROAD not in answered.text.replace(f"tenant {TENANTS[0]} ", "")


def test_acts_on_tenants_outside_of_reach_are_refused_by_the_operation_itself(
    queue: QueueUnderTest, tmp_path: Path
) -> None:
    deployment = queue.deployment
    now = deployment.now
    [entry] = contract_entries.list_entries(deployment)
    with pytest.raises(OutOfReach, match="tenant outlandish-0 lies outside"):
        contract_entries.enter_text(deployment, "nora", now, "abroad.toml", CONTRACT + "\n")
    with pytest.raises(OutOfReach):
        contract_entries.confirm_entry(deployment, "nora", now, entry.id)
    with pytest.raises(OutOfReach):
        contract_entries.withdraw_entry(deployment, "nora", now, entry.id)
    [consent] = consents.list_standing(deployment, now)
    with pytest.raises(OutOfReach):
        consents.confirm(deployment, "nora", now, consent.id)
    with pytest.raises(OutOfReach):
        consents.end(deployment, "nora", now, consent.id, reasons="revoked")
    with pytest.raises(OutOfReach):
        privacy.hold(deployment, "nora", now, TENANTS[0], reason="a court asks")
    with pytest.raises(OutOfReach, match="case 1"):
        evidence.export_case(deployment, "nora", now, "1", tmp_path / "case.zip")
    assert not (tmp_path / "case.zip").exists()
