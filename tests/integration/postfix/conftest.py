"""Two real Postfix servers for all tests of a session; each test begins with empty queues and mailboxes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mail_routes import MailRoute, ServedByMail, mail_route, notice_on_its_way
from tests.postfix_servers import why_not


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM file of the provider's mail server: its key, and a certificate of its own making."""
    folder = tmp_path_factory.mktemp("certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    both = folder / "server.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return both


@pytest.fixture(scope="session")
def running_route(certificate: Path) -> Iterator[MailRoute]:
    """Both servers, for as long as the session lasts."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with mail_route(certificate) as route:
        yield route


@pytest.fixture
def route(running_route: MailRoute) -> MailRoute:
    """Both servers, with nothing in their queues and mailboxes."""
    running_route.forget()
    return running_route


@pytest.fixture
def notice_to(route: MailRoute, tmp_path: Path, sqlite_template: bytes) -> Callable[..., ServedByMail]:
    """Make a deployment with an approved case whose notice goes to an address."""

    def made(to: str, **changes: object) -> ServedByMail:
        return notice_on_its_way(route, tmp_path, sqlite_template, to, **changes)  # type: ignore[arg-type]

    return made
