"""An auditor reads all and changes nothing, by whatever form or endpoint there is; own settings stay theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from cjp_fraud.errors import Refused
from cjp_fraud.operations import case_queue, tenants
from cjp_fraud.web.api.application import ROUTERS
from cjp_fraud.web.application import STAFF_PAGES
from tests.api_calls import calls_of
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in

OWN = {
    "/sign-out",
    "/settings",
    "/tokens",
    "/tokens/{token_id}/revoke",
    "/cases/{number}/stay",
    "/cases/{number}/draft",
    "/queue/views",
    "/queue/views/{view_id}/remove",
    "/audit/verification",
    "/models/what-if",
    "/cases/{case}/evidence",
}
"""What is about an auditor alone, or only says what they read."""


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    return queue


def changing(routers: tuple[object, ...]) -> list[tuple[str, str]]:
    """Return method and path of every route that is no reading, and no step of signing in."""
    return [
        (method, route.path)
        for router in routers
        for route in router.routes  # type: ignore[attr-defined]
        if isinstance(route, APIRoute)
        for method in sorted(route.methods - {"GET", "HEAD"})
        if route.path not in OWN and not re.match("/(sign-in|second-factor|set-up)", route.path)
    ]


def test_every_form_and_endpoint_that_changes_something_is_refused_to_an_auditor(
    queue: QueueUnderTest,
) -> None:
    otto, calls = queue.signed_in("otto"), calls_of(queue, "otto")
    proof = hidden_in(otto.get("/settings").text, "/settings")
    pages, endpoints = changing(STAFF_PAGES), changing(tuple(ROUTERS))
    assert len(pages) > 40
    assert len(endpoints) > 40
    before = queue.newest_entry()
    for method, path in pages:
        sent = otto.request(method, re.sub(r"{\w+}", "1", path), data=proof)
        assert sent.status_code in (403, 404), (method, path, sent.status_code)
    for method, path in endpoints:
        sent = calls.request(method, re.sub(r"{\w+}", "1", path), json={})
        assert sent.status_code in (403, 422), (method, path, sent.status_code)
    assert queue.newest_entry() - before == len(queue.entries("access.denied"))


def test_an_auditor_keeps_views_alone_and_loads_no_tenants(queue: QueueUnderTest, tmp_path: Path) -> None:
    deployment, now = queue.deployment, queue.deployment.now
    assert not case_queue.save_view(deployment, "otto", now, "mine", {"state": "open"}, shared=False).shared
    with pytest.raises(Refused, match="otto is an auditor, who reads all and changes nothing"):
        case_queue.save_view(deployment, "otto", now, "ours", {"state": "open"}, shared=True)
    with pytest.raises(Refused, match="changes nothing"):
        tenants.load_tenants(deployment, "otto", now, tmp_path / "none.csv")
    assert len(queue.entries("access.denied")) == 2


def test_a_shared_view_is_removed_by_its_owner_or_an_admin_and_that_is_on_record(
    queue: QueueUnderTest,
) -> None:
    deployment, now = queue.deployment, queue.deployment.now
    view = case_queue.save_view(deployment, "rita", now, "nights", {"state": "open"}, shared=True)
    with pytest.raises(Refused, match="rolf is neither its owner nor an admin"):
        case_queue.remove_view(deployment, "rolf", now, view.id)
    for _ in range(2):
        case_queue.remove_view(deployment, "ida", now, view.id)
    assert case_queue.list_views(deployment, "rolf") == ()
    assert [entry[0] for entry in queue.entries("queue_view.shared", "queue_view.removed")] == [
        "queue_view.shared",
        "queue_view.removed",
    ]


def test_an_admin_removes_a_shared_view_on_the_page_and_by_the_api(queue: QueueUnderTest) -> None:
    deployment, now = queue.deployment, queue.deployment.now
    nights, days = (
        case_queue.save_view(deployment, "rita", now, name, {"state": "open"}, shared=True)
        for name in ("nights", "days")
    )
    assert "/admin/views/" not in queue.signed_in("otto").get("/admin").text
    ida = queue.signed_in("ida")
    shown = ida.get("/admin").text
    action = f"/admin/views/{nights.id}/remove"
    assert 'href="/queue?state=open">nights' in shown
    assert ">nights" not in ida.post(action, data=hidden_in(shown, action)).text
    calls = calls_of(queue, "ida")
    assert [view["name"] for view in calls.get("/shared-views").json()["items"]] == ["days"]
    assert calls.delete(f"/shared-views/{days.id}").json()["result"]["owner"] == "rita"
    assert case_queue.list_views(deployment) == ()
    assert calls_of(queue, "otto").delete(f"/shared-views/{days.id}").status_code == 403
