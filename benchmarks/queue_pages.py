"""``python -m benchmarks.queue_pages``: how long the queue's and a case's page take with 10,000 open cases, 50 people.

The server runs on loopback in processes of its own, as ``cjp-fraud serve`` runs it, on SQLite or PostgreSQL
(``--postgresql``). 50 people (``--people``), each with a session, read the queue (its first page, a filter, the oldest
first), open cases from it, and comment now and then. Each thinks for five seconds on average between two clicks
(``--think``, exponential).

Printed are, for each kind of page:

- once one person alone has clicked through them, the server's CPU for a request, in milliseconds, and the same as a
  multiple of that of the settings page, which reads no case: this is what one machine has in common with another;
- while all click, the median, the 95th and the 99th percentile of the time until a page's last byte;

and how busy the server's and the clicking processes were meanwhile, in cores: both run on the same machine, so where
they come near to all of its cores, times tell how long requests waited and not how long they take. CPU is read from
``/proc``: on Linux alone.

To fill the database takes minutes; ``--keep FOLDER`` leaves it there, and takes it from there next time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import random
import re
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
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
from cjp_fraud.web.application import freeze_what_stays, queue_application
from tests import postgres
from tests.case_builders import START, a_flag, flag
from tests.contract_builders import a_row
from tests.notice_pages import DeploymentAt
from tests.people_builders import a_user
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in
from tests.simulated_clocks import simulate_clock

ALONE = 40
"""Requests of each kind that one person sends alone, to count their CPU."""

CPU_TICKS = os.sysconf("SC_CLK_TCK")

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


@dataclass(frozen=True)
class Filled:
    """A database with its cases, as a server takes it.

    Parameters
    ----------
    sessions : cookies of each person.
    """

    settings: dict[str, Any]
    sessions: Sequence[dict[str, str]]


@dataclass(frozen=True)
class Server:
    """The server's processes, and where they answer."""

    root: str
    processes: tuple[int, ...]

    @property
    def cpu_seconds(self) -> float:
        """CPU that its processes have taken until now; NaN where the system does not say."""
        try:
            return sum(map(cpu_seconds_of, self.processes))
        except OSError:
            return float("nan")


def cpu_seconds_of(process: int) -> float:
    """Return the CPU that a process has taken until now."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CPU_TICKS


def serve(settings: dict[str, Any], listening: socket.socket) -> None:
    """Serve the queue until the process is told to end, on the clock that the cases stand on."""
    deployment = DeploymentAt(Settings(**settings))
    deployment.wait_until(START)
    config = uvicorn.Config(queue_application(deployment), log_level="warning", access_log=False)
    freeze_what_stays()
    uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def serving(settings: dict[str, Any], workers: int) -> Iterator[Server]:
    """Start the server in processes of its own and yield it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        root = f"http://127.0.0.1:{listening.getsockname()[1]}"
        spawned = multiprocessing.get_context("spawn")
        processes = [spawned.Process(target=serve, args=(settings, listening)) for _ in range(workers)]
        for process in processes:
            process.start()
        try:
            for _ in range(4 * workers):  # each of them answers some
                httpx.get(f"{root}/sign-in", timeout=300).raise_for_status()
            yield Server(root, tuple(process.pid or 0 for process in processes))
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join(30)


def click(root: str, cookies: dict[str, str], person: int, until: float, think: float, times: Times) -> None:
    """Be one person who works the queue."""
    chance = random.Random(person)
    numbers: list[str] = []
    with httpx.Client(base_url=root, cookies=cookies, timeout=60, follow_redirects=True) as browser:
        while time.monotonic() < until:
            time.sleep(chance.expovariate(1 / think))
            kind, path = next_click(chance, numbers)
            begun = time.perf_counter()
            page = browser.get(path)
            times[kind].append(time.perf_counter() - begun)
            page.raise_for_status()
            if kind.startswith("queue"):
                numbers = re.findall(r'href="/cases/(\d+)"', page.text) or numbers
            elif kind == "case" and chance.random() < 0.1:
                comment(browser, path, page.text, times)


PAGES: dict[str, Callable[[random.Random], str]] = {
    "queue": lambda chance: "/queue",
    "queue, filtered": lambda chance: "/queue?state=open&channel=voice",
    "queue, a tenant": lambda chance: f"/queue?text={tenant_name(chance.randrange(100))}",
    "queue, oldest first": lambda chance: "/queue?order=age",
    "settings": lambda chance: "/settings",
}
"""Kind of page → a path to it."""


def next_click(chance: random.Random, numbers: list[str]) -> tuple[str, str]:
    """Return which page is opened next, and its path: a case half of the time, the whole queue a sixth."""
    if numbers and chance.random() < 0.5:
        return "case", f"/cases/{chance.choice(numbers)}"
    kind = chance.choice(("queue", *PAGES))
    return kind, PAGES[kind](chance)


def comment(browser: httpx.Client, path: str, page: str, times: Times) -> None:
    """Write a comment, as the page's form does; the page that it leads to is part of it."""
    action = f"{path}/comment"
    begun = time.perf_counter()
    browser.post(
        action, data=hidden_in(page, action) | {"text": "seen at their switch too"}
    ).raise_for_status()
    times["comment"].append(time.perf_counter() - begun)


def print_cpu_of_a_request(server: Server, cookies: dict[str, str], cases: int) -> None:
    """Let one person open pages of each kind alone, and print the server's CPU for each."""
    chance = random.Random(0)
    pages = PAGES | {"case": lambda chance: f"/cases/{chance.randrange(1, cases + 1)}"}
    cpu: dict[str, float] = {}
    with httpx.Client(base_url=server.root, cookies=cookies, timeout=60) as browser:
        for kind, path_of in pages.items():
            for counted in (False, True):
                before = server.cpu_seconds
                for _ in range(ALONE if counted else ALONE // 8):
                    browser.get(path_of(chance)).raise_for_status()
                cpu[kind] = (server.cpu_seconds - before) / ALONE
    print(f"{'page':22s} {'CPU':>8s}   CPU / settings' CPU")
    for kind, seconds in sorted(cpu.items()):
        print(f"{kind:22s} {seconds * 1e3:6.1f}ms {seconds / cpu['settings']:8.2f}", flush=True)


def measure(server: Server, sessions: Sequence[dict[str, str]], seconds: float, think: float) -> None:
    """Let everybody click for so long and print; the first tenth, while the server warms up, does not count."""
    for counted in (False, True):
        times: Times = defaultdict(list)
        begun, used, clicking = time.monotonic(), server.cpu_seconds, time.process_time()
        until = begun + seconds * (1 if counted else 0.1)
        people = [
            threading.Thread(target=click, args=(server.root, cookies, person, until, think, times))
            for person, cookies in enumerate(sessions)
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()
    took = time.monotonic() - begun
    requests = sum(map(len, times.values()))
    print_times(times)
    print(
        f"{requests / took:.1f} requests a second; busy cores: server {(server.cpu_seconds - used) / took:.2f}, "
        f"clicking {(time.process_time() - clicking) / took:.2f}; "
        f"the server's CPU for a request {(server.cpu_seconds - used) / requests * 1e3:.1f}ms"
    )


def print_times(times: Times) -> None:
    """Print a line a kind of page."""
    print(f"{'page':22s} {'requests':>8s} {'median':>8s} {'p95':>8s} {'p99':>8s}")
    for kind, seconds in sorted(times.items()):
        median, p95, p99 = (float(value) for value in np.percentile(seconds, (50, 95, 99)))
        print(f"{kind:22s} {len(seconds):8d} {median * 1e3:6.1f}ms {p95 * 1e3:6.1f}ms {p99 * 1e3:6.1f}ms")


def filled(engine: Engine, folder: Path, cases: int, people: int) -> Filled:
    """Fill a database and let everybody in."""
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
    return Filled(queue.deployment.settings.model_dump(exclude_unset=True), sessions)


def filled_in(folder: Path, cases: int, people: int) -> Filled:
    """Return the database on SQLite that was left in a folder, or fill one there."""
    left = folder / f"{cases}-cases-{people}-people.pickle"
    if left.is_file():
        return Filled(*pickle.loads(left.read_bytes()))
    folder.mkdir(parents=True, exist_ok=True)
    engine = make_engine(f"sqlite:///{folder}/cjp_fraud.db")
    queue = filled(engine, folder, cases, people)
    engine.dispose()
    left.write_bytes(pickle.dumps((queue.settings, queue.sessions)))
    return queue


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--think", type=float, default=5, help="seconds between two clicks, on average")
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave the database there, and take it from there"
    )
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own")
    chosen = parser.parse_args()
    if chosen.postgresql and chosen.keep is not None:
        parser.error("--keep is for SQLite")
    with (
        TemporaryDirectory() as folder,
        postgres.running_server() if chosen.postgresql else nullcontext() as url,
    ):
        if not chosen.postgresql:
            queue = filled_in(chosen.keep or Path(folder), chosen.cases, chosen.people)
        elif url is None:
            sys.exit(postgres.WHEEL_MISSING)
        else:
            engine = make_engine(url)
            queue = filled(engine, Path(folder), chosen.cases, chosen.people)
            engine.dispose()
        with serving(queue.settings, chosen.workers) as server:
            print_cpu_of_a_request(server, queue.sessions[0], chosen.cases)
            measure(server, queue.sessions, chosen.seconds, chosen.think)


if __name__ == "__main__":
    main()
