"""Rows of the queue that were drawn before are shown again only where they would be drawn the same."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from cjp_fraud.operations import cases, claims
from cjp_fraud.review.model import Awaited
from cjp_fraud.web.queue_rows import RowCache
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue


def table(browser: TestClient, address: str = "/queue") -> str:
    found = re.search(r'<table class="queue".*</table>', browser.get(address).text, re.DOTALL)
    assert found is not None
    return found[0]


def require_as_drawn_anew(browser: TestClient) -> str:
    """Return the table as it is shown, after a comparison with one of which no row was kept."""
    shown = table(browser)
    browser.app.state.row_cache = RowCache()  # type: ignore[attr-defined]
    assert shown == table(browser)
    return shown


def a_queue_of_two(engine: Engine, folder: Path) -> QueueUnderTest:
    queue = a_queue(engine, folder, a_row(), a_row(tenant_id="beta"))
    queue.flagged("acme")
    queue.flagged("beta", channel="sms")
    return queue


def test_whatever_happens_and_however_late_it_is_the_rows_are_as_drawn_anew(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue_of_two(sqlite_engine, tmp_path)
    deployment, rita = queue.deployment, queue.signed_in("rita")
    seen = {require_as_drawn_anew(rita)}
    for minutes in (1, 20, 30):
        deployment.wait_until(deployment.now + timedelta(minutes=minutes))
        seen.add(require_as_drawn_anew(rita))
    cases.claim(deployment, "ana", deployment.now, "1")
    seen.add(require_as_drawn_anew(rita))
    claims.put_aside(
        deployment, "ana", deployment.now, "1", deployment.now + timedelta(minutes=10), Awaited.CUSTOMER
    )
    seen.add(require_as_drawn_anew(rita))
    cases.comment(deployment, "ana", deployment.now, "2", "@rita look")
    seen.add(require_as_drawn_anew(rita))
    deployment.wait_until(deployment.now + timedelta(minutes=15))
    seen.add(require_as_drawn_anew(rita))
    assert len(seen) == 8


def test_rows_drawn_for_one_reader_show_nothing_of_them_to_another(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue_of_two(sqlite_engine, tmp_path)
    cases.comment(queue.deployment, "ana", queue.deployment.now, "2", "@rita look")
    rita, rolf = queue.signed_in("rita"), queue.signed_in("rolf")
    rolf.app.state.row_cache = rita.app.state.row_cache  # type: ignore[attr-defined]
    assert "mentions you" in table(rita)
    assert "mentions you" not in table(rolf)
    assert "mentions you" in table(rita)
    assert "channel=sms" in table(rita, "/queue?channel=sms")
    assert "channel=sms" not in table(rolf)
