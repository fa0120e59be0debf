"""A staffed deployment with a real mail server and a platform that can be told to misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.platforms import UnreliablePlatform


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def platform(engine: Engine) -> UnreliablePlatform:
    """The embedded platform, made to fail where a test asks for it."""
    return UnreliablePlatform(EmbeddedPlatform(engine))


@pytest.fixture
def staffed(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest, platform: UnreliablePlatform
) -> StaffedDeployment:
    """A staffed deployment on SQLite and on PostgreSQL, in act mode, with acme under the plain terms."""
    return open_staffed(engine, tmp_path, mail_to(server), platform=platform)
