"""The page Tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.operations import api_tokens
from tests.api_calls import a_token, calls_by
from tests.queue_pages import QueueUnderTest, a_queue, send


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with one case of acme."""
    made = a_queue(sqlite_engine, tmp_path)
    made.flagged()
    return made


def test_a_token_made_on_the_page_is_shown_once_and_calls_the_api(queue: QueueUnderTest) -> None:
    browser = queue.signed_in("rita")
    made = send(browser, "/tokens", "/tokens", label="report", scope="cases:read", days="30")
    found = re.search(r"cjp_[\w-]+", made.text.split("</h1>")[1])
    assert found is not None, made.text
    assert calls_by(queue, found[0]).get("/cases").status_code == 200
    listed = browser.get("/tokens").text
    assert found[0] not in listed
    assert "report" in listed


def test_only_scopes_of_ones_roles_are_offered_and_made(queue: QueueUnderTest) -> None:
    browser = queue.signed_in("rita")
    assert 'value="users:write"' not in browser.get("/tokens").text
    refused = send(browser, "/tokens", "/tokens", label="more", scope="users:write", days="30")
    assert refused.status_code == 409
    assert "users:write needs one of these roles: admin" in refused.text
    assert 'value="more"' in refused.text
    assert not queue.entries("api_token.made")


def test_others_tokens_are_seen_and_revoked_by_admins_alone(queue: QueueUnderTest) -> None:
    text = a_token(queue, "rita")
    [token] = api_tokens.list_tokens(queue.deployment, queue.deployment.now)
    admin = queue.signed_in("ida")
    other = queue.signed_in("ana")
    assert token.id not in other.get("/tokens").text
    assert send(other, "/tokens", "/tokens", label="x", scope="", days="1").status_code == 400
    page = admin.get("/tokens").text
    assert f"/tokens/{token.id}/revoke" in page
    send(admin, "/tokens", f"/tokens/{token.id}/revoke")
    assert calls_by(queue, text).get("/cases").status_code == 401
