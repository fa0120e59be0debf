"""``python -m benchmarks.concurrent_approvals``: many different cases approved and enforced at the same moment.

One process, PostgreSQL, the pool of connections that :func:`cjp_fraud.storage.database.make_engine` makes. Prints
how many of them ended in force, the time, and the time a case beside that of one case alone.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text
from sqlalchemy.engine import make_url

from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.schema_version import migrate
from tests import postgres
from tests.case_builders import mail_to
from tests.concurrent_approvals import approve_at_once, determined_cases
from tests.mail_servers import smtp_server

COUNTS = (1, 4, 16, 64)


def seconds_for(server: str, count: int) -> tuple[Counter[str], float]:
    """Return how the approvals of ``count`` cases ended, and how long they took together."""
    name = f"approvals_{count}"
    admin = make_engine(server)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    engine = make_engine(make_url(server).set(database=name).render_as_string(hide_password=False))
    migrate(engine)
    with TemporaryDirectory() as folder, smtp_server() as mail:
        deployment, cases = determined_cases(engine, Path(folder), mail_to(mail), count)
        begun = time.perf_counter()
        ended = approve_at_once(deployment, cases)
        seconds = time.perf_counter() - begun
    engine.dispose()
    return Counter(type(end).__name__ if isinstance(end, Exception) else str(end) for end in ended), seconds


def main() -> None:
    """Print one line for each number of cases."""
    with postgres.running_server() as server:
        if server is None:
            sys.exit(postgres.WHEEL_MISSING)
        alone: float | None = None
        for count in COUNTS:
            ended, seconds = seconds_for(server, count)
            alone = seconds if alone is None else alone
            print(
                f"{count:3d} cases: {dict(ended)}, {seconds:6.2f} s, {seconds / count:5.3f} s a case, "
                f"{seconds / count / alone:4.2f} x one alone",
                flush=True,
            )


if __name__ == "__main__":
    main()
