"""Fixtures of the attacks: a mail server that answers as told, a suspended case."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.review.model import CaseState
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.platforms import UnreliablePlatform
from tests.snapshots import brought_to


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def suspended(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> StaffedDeployment:
    """A staffed deployment whose one case is suspended."""
    staffed = open_staffed(
        engine, tmp_path, mail_to(server), platform=UnreliablePlatform(EmbeddedPlatform(engine))
    )

    def suspend() -> datetime:
        staffed.approved_case()
        assert staffed.enforce().state is CaseState.SUSPENDED
        return staffed.now

    staffed.now = brought_to(engine, ("suspended", staffed.opened_with), suspend)
    return staffed
