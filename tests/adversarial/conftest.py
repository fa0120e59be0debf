"""Fixtures of the attacks: a mail server that answers as told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mail_servers import MailServerUnderTest, smtp_server


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running
