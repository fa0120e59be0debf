"""A mail server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mail_servers import MailServerUnderTest, smtp_server


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    """An SMTP server on loopback that takes everything over until told otherwise."""
    with smtp_server() as running:
        yield running
