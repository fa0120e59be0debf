"""``python -m benchmarks.queue_pages``: how long the queue's and a case's page take with 10,000 open cases, 50 people.

A server process on loopback, as ``cjp-fraud serve`` runs it, on SQLite or PostgreSQL (``--postgresql``); 50 people,
each with a session, who read the queue (its first page, a filter, the next page), open cases from it, and claim or
comment now and then. Each thinks for five seconds on average between two clicks (exponential). Printed are the median,
the 95th and the 99th percentile of the time until a page's last byte, in milliseconds, and each 95th percentile as a
multiple of that of the settings page, which reads no case: this is what one machine has in common with another.

The clients run on the same two cores as the server, in a process of their own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import uvicorn
from sqlalchemy import Engine

from cjp_fraud.config import Settings
from cjp_fraud.people.model import Role
from cjp_fraud.storage.database import make_engine, transaction
from cjp_fraud.storage.schema_version import migrate
from cjp_fraud.web.application import queue_application
from tests import postgres
from tests.case_builders import START, a_flag, flag
from tests.contract_builders import a_row
from tests.notice_pages import DeploymentAt
from tests.people_builders import a_user
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in
from tests.simulated_clocks import simulate_clock

COUNTRIES = ("LV", "GB", "CU", "SO", "MV", "TN")
THINKING_SECONDS = 5.0

Times = defaultdict[str, list[float]]
"""Kind of page → seconds that each request took."""


def fill(queue: QueueUnderTest, cases: int) -> None:
    """Open one case a tenant, worse and older ones among them."""
    chance = random.Random(1)
    now = queue.deployment.now
    rows = [
        a_flag(
            now - timedelta(minutes=5 * chance.randrange(1, 280)),
            tenant_name(number),
            score=2.5 + 6 * chance.random(),
            observed=20.0 + chance.randrange(400),
            cents_per_contact=chance.choice((None, 2.0, 42.0)),
        )
        for number in range(cases)
    ]
    flag(queue.engine, *rows, at=now, cap=cases)


def tenant_name(number: int) -> str:
    """Return the id of a tenant."""
    return f"tenant-{number:05d}"


def serve(settings: dict[str, Any], listening: socket.socket) -> None:
    """Serve the queue until the process is told to end, on the clock that the cases stand on."""
    deployment = DeploymentAt(Settings(**settings))
    deployment.wait_until(START)
    config = uvicorn.Config(queue_application(deployment), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def server_process(settings: dict[str, Any]) -> Iterator[str]:
    """Start the server in a process of its own and yield its root."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        root = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(settings, listening))
        process.start()
        try:
            httpx.get(f"{root}/sign-in", timeout=60).raise_for_status()
            yield root
        finally:
            process.terminate()
            process.join(30)


def click(root: str, cookies: dict[str, str], person: int, until: float, times: Times) -> None:
    """Be one person who works the queue."""
    chance = random.Random(person)
    numbers: list[str] = []
    with httpx.Client(base_url=root, cookies=cookies, timeout=60, follow_redirects=True) as browser:
        while time.monotonic() < until:
            time.sleep(chance.expovariate(1 / THINKING_SECONDS))
            kind, path = next_click(chance, numbers)
            begun = time.perf_counter()
            page = browser.get(path)
            times[kind].append(time.perf_counter() - begun)
            page.raise_for_status()
            if kind.startswith("queue"):
                numbers = re.findall(r'href="/cases/(\d+)"', page.text) or numbers
            elif kind == "case" and chance.random() < 0.1:
                comment(browser, path, page.text, times)


def next_click(chance: random.Random, numbers: list[str]) -> tuple[str, str]:
    """Return which page is opened next, and its path."""
    if numbers and chance.random() < 0.5:
        return "case", f"/cases/{chance.choice(numbers)}"
    return chance.choice(
        (
            ("queue", "/queue"),
            ("queue", "/queue"),
            ("queue, filtered", "/queue?state=open&channel=voice"),
            ("queue, filtered", f"/queue?text={tenant_name(chance.randrange(100))}"),
            ("queue, oldest first", "/queue?order=age"),
            ("settings", "/settings"),
        )
    )


def comment(browser: httpx.Client, path: str, page: str, times: Times) -> None:
    """Write a comment, as the page's form does; the page that it leads to is part of it."""
    action = f"{path}/comment"
    begun = time.perf_counter()
    browser.post(
        action, data=hidden_in(page, action) | {"text": "seen at their switch too"}
    ).raise_for_status()
    times["comment"].append(time.perf_counter() - begun)


def measure(root: str, sessions: list[dict[str, str]], seconds: float) -> Times:
    """Let everybody click for so long; the first tenth, while the server warms up, does not count."""
    for counted in (False, True):
        times: Times = defaultdict(list)
        until = time.monotonic() + seconds * (1 if counted else 0.1)
        people = [
            threading.Thread(target=click, args=(root, cookies, person, until, times))
            for person, cookies in enumerate(sessions)
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()
    return times


def print_times(times: Times) -> None:
    """Print a line a kind of page."""
    reference = float(np.percentile(times["settings"], 95))
    print(f"{'page':22s} {'requests':>8s} {'median':>8s} {'p95':>8s} {'p99':>8s}  p95 / settings' p95")
    for kind, seconds in sorted(times.items()):
        median, p95, p99 = (float(value) for value in np.percentile(seconds, (50, 95, 99)))
        line = f"{kind:22s} {len(seconds):8d} {median * 1e3:6.1f}ms {p95 * 1e3:6.1f}ms {p99 * 1e3:6.1f}ms"
        print(f"{line}  {p95 / reference:5.2f}")


def run(engine: Engine, folder: Path, cases: int, people: int, seconds: float) -> None:
    """Fill a database, let everybody in, and measure."""
    migrate(engine)
    simulate_clock(engine)
    begun = time.perf_counter()
    queue = a_queue(engine, folder, *(a_row(tenant_id=tenant_name(number)) for number in range(cases)))
    fill(queue, cases)
    print(f"{cases:,} open cases after {time.perf_counter() - begun:.0f} s", flush=True)
    names = [f"person-{number:02d}" for number in range(people)]
    with transaction(engine) as session:
        for name in names:
            a_user(session, name, (Role.ANALYST, Role.REVIEWER), START)
    sessions = [dict(queue.signed_in(name).cookies) for name in names]
    settings = queue.deployment.settings.model_dump(exclude_unset=True)
    engine.dispose()
    with server_process(settings) as root:
        print_times(measure(root, sessions, seconds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        asked = (chosen.cases, chosen.people, chosen.seconds)
        if not chosen.postgresql:
            run(make_engine(f"sqlite:///{folder}/cjp_fraud.db"), Path(folder), *asked)
            return
        with postgres.running_server() as server:
            if server is None:
                sys.exit(postgres.WHEEL_MISSING)
            run(make_engine(server), Path(folder), *asked)


if __name__ == "__main__":
    main()
