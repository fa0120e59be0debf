"""Fixtures of the attacks: a mail server that answers as told, a suspended case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.review.model import CaseState
from cjp_fraud.suspension.platform import EmbeddedPlatform
from tests.case_builders import Office, mail_to, open_office
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.platforms import UnreliablePlatform


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def suspended(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> Office:
    """An office whose one case is suspended."""
    office = open_office(
        engine, tmp_path, mail_to(server), platform=UnreliablePlatform(EmbeddedPlatform(engine))
    )
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDED
    return office
