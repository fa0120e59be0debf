"""The API over a queue under test, and tokens by which it is called."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from fastapi.testclient import TestClient

from cjp_fraud.operations import api_tokens
from cjp_fraud.people.api_scopes import ApiScope, scopes_open_to
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.database import reading
from cjp_fraud.web.application import queue_application
from tests.queue_pages import ROOT, QueueUnderTest

API: Final = "/api/v1"


def a_token(queue: QueueUnderTest, name: str, scopes: Collection[ApiScope] | None = None) -> str:
    """Return a token of a person, good for ``scopes``; None: for all that their roles open."""
    deployment = queue.deployment
    if scopes is None:
        with reading(queue.engine) as session:
            scopes = scopes_open_to(actor_named(session, name).roles)
    return api_tokens.make_token(deployment, name, deployment.now, "tests", scopes).text


def calls_of(
    queue: QueueUnderTest, name: str, scopes: Collection[ApiScope] | None = None, **headers: str
) -> TestClient:
    """Return what calls the API as a person."""
    return calls_by(queue, a_token(queue, name, scopes), **headers)


def calls_by(queue: QueueUnderTest, token: str | None, **headers: str) -> TestClient:
    """Return what calls the API by a token; None: by none."""
    bearer = {"Authorization": f"Bearer {token}"} if token is not None else {}
    application = queue_application(queue.deployment)
    return TestClient(
        application, base_url=ROOT + API, headers=bearer | headers, raise_server_exceptions=False
    )
