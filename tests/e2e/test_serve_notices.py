"""``cjp-fraud serve-notices`` as its user starts it: the real command, a link, a code by mail, a restart in between."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, func, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.storage.database import reading
from tests.contract_builders import NOON
from tests.mail_servers import smtp_server
from tests.notice_pages import ADDRESS, NoticePageUnderTest, a_notice_page
from tests.simulated_clocks import show_clock

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-c", "from cjp_fraud.cli.main import main; main()")


@contextmanager
def serving(port: int, environment: Mapping[str, str]) -> Iterator[None]:
    """Run the server until the end of the block."""
    command = [*COMMAND, "serve-notices", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            until = time.monotonic() + 120
            while not answers(port):
                assert server.poll() is None, server.stdout.read() if server.stdout else ""
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.05)
            yield
        finally:
            server.terminate()
            server.wait(30)


def answers(port: int) -> bool:
    """Whether anybody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def a_free_port() -> int:
    """Return a port of loopback at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def hidden_fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the form on a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([\w-]+)"', page))


def environment_of(page: NoticePageUnderTest, public_url: str) -> dict[str, str]:
    """Return the settings of a page's deployment as environment variables."""
    settings = page.deployment.settings
    own = {name: value for name, value in os.environ.items() if not name.startswith("CJP_FRAUD_")}
    return own | {
        "CJP_FRAUD_HOME": str(settings.home),
        "CJP_FRAUD_DATABASE_URL": settings.database,
        "CJP_FRAUD_SMTP_HOST": settings.smtp_host,
        "CJP_FRAUD_SMTP_PORT": str(settings.smtp_port),
        "CJP_FRAUD_PUBLIC_URL": public_url,
    }


def entries_of(engine: Engine) -> int:
    """Return how many entries the log has."""
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_a_link_is_opened_by_a_mailed_code_and_acknowledged_though_the_server_starts_anew_in_between(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    port = a_free_port()
    root = f"http://127.0.0.1:{port}"
    with smtp_server() as mail, httpx.Client(base_url=root, follow_redirects=True) as browser:
        page = a_notice_page(sqlite_engine, tmp_path, mail, public_url=root)
        show_clock(page.engine, NOON + timedelta(hours=1))
        environment = environment_of(page, root)
        with serving(port, environment):
            before = entries_of(page.engine)
            for path in ("", "/code", "/open", "/acknowledge", "/else"):
                assert httpx.get(root + page.path + path, follow_redirects=True).status_code in (200, 404)
                assert httpx.head(root + page.path + path, follow_redirects=True).status_code in (200, 404)
            assert entries_of(page.engine) == before
            closed = browser.get(page.path)
            asked = browser.post(f"{page.path}/code", data=hidden_fields(closed.text) | {"address": ADDRESS})
            until = time.monotonic() + 30
            while len(mail.received) < 2:
                assert time.monotonic() < until, "no code was mailed"
                time.sleep(0.05)
        with serving(port, environment):
            typed = hidden_fields(asked.text) | {"code": page.mailed_code()}
            opened = browser.post(f"{page.path}/open", data=typed)
            assert "Customer: Acme Ltd." in opened.text
        with serving(port, environment):
            done = browser.post(f"{page.path}/acknowledge", data=hidden_fields(opened.text))
            assert "confirmed on" in done.text
        shown = subprocess.run(
            [*COMMAND, "notices", "show", page.notice.id], env=environment, capture_output=True, text=True
        )
    assert re.search(r"acknowledged\s+no\s+yes", shown.stdout), shown.stdout + shown.stderr
    assert "source: notice page, notice;" in shown.stdout
