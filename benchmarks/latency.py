"""``python -m benchmarks.latency``: seconds from a file in the inbox to the page on call, and from approval to measure.

``cjp-fraud serve`` as it is out of the box (SQLite, or PostgreSQL with ``--postgresql``; the inbox and what is due are
looked after by itself), in a process of its own, on a simulated clock that ticks. A home with some hundred tenants and
two weeks of 5-minute traffic. Each repetition writes the next interval of all tenants into the inbox, as a source would
(written beside, then renamed), with a spike of one of them, and waits:

    stored     the file is in ``inbox/done``
    flagged    a flag of that tenant is in force
    case       its case is open
    queue      the API's queue shows it (asked twice a second)
    page       the reviewer on call is paged, by a webhook on loopback
    decided    claimed and determined by the API; what these two calls took
    letter     from the approval's call to the mail server's taking the letter (SMTP on loopback)
    measure    from the approval's call to the measure in force, read back from the embedded platform

The first five count from the moment at which the file is in the inbox. In each column the last line says the worst.
The limits are 300 s from arrival to page and 60 s from approval to measure. The first repetition also loads what the
first detection of a process loads.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import numpy as np
import pandas as pd
from sqlalchemy import Engine, select

from cjp_fraud.config import Settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations import baseline, detection, roster, traffic
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.people.model import TurnWanted
from cjp_fraud.people.oncall_rules import DAYS
from cjp_fraud.review.decision_tables import Proposal
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.storage.schema_version import migrate
from tests import postgres
from tests.api_calls import API, a_token
from tests.case_builders import START
from tests.contract_builders import a_row
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.queue_pages import QueueUnderTest, a_queue
from tests.signed_heads import keep_heads
from tests.simulated_clocks import show_clock, simulate_clock

HISTORY_DAYS: Final = 15
BUCKETS: Final = 16
INTERVAL: Final = timedelta(minutes=5)
LEGS: Final = ("stored", "flagged", "case", "queue", "page", "decided", "letter", "measure")
LONGEST_SECONDS: Final = 400.0
LIMITS: Final = {"page": 300.0, "measure": 60.0}


@dataclass
class Pager:
    """What takes the pages, and when each came."""

    url: str
    taken: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cloud:
    """The home that is measured, and what watches it from outside."""

    queue: QueueUnderTest
    root: str
    mail: MailServerUnderTest
    pager: Pager
    tokens: dict[str, str]

    def api(self, name: str) -> httpx.Client:
        """Return what calls the API as a person."""
        bearer = {"Authorization": f"Bearer {self.tokens[name]}"}
        return httpx.Client(base_url=self.root + API, headers=bearer, timeout=60)

    def value(self, query: Any) -> Any:
        """Return the first value of a query, in a transaction of its own."""
        with reading(self.queue.engine) as session:
            return session.scalar(query)


def tenant_name(number: int) -> str:
    """Return the id of a tenant."""
    return f"tenant-{number:05d}"


def rows_of(tenants: int, begin: datetime, intervals: int, seed: int) -> pd.DataFrame:
    """Return Poisson traffic of all tenants with a day curve, as a source delivers it."""
    random = np.random.default_rng(seed)
    starts = pd.date_range(begin, periods=intervals, freq="5min")
    hours = (starts.hour + starts.minute / 60).to_numpy()
    level = 12 + 9 * np.sin((hours - 8) / 24 * 2 * np.pi)
    names = np.array([tenant_name(number) for number in range(tenants)])
    return pd.DataFrame(
        {
            "tenant_id": np.repeat(names, intervals),
            "interval_start": np.tile(starts, tenants),
            "interval_seconds": 300,
            "channel": "voice",
            "direction": "outbound",
            "contacts_offered": random.poisson(np.tile(level, tenants)),
        }
    )


@contextmanager
def running_pager() -> Iterator[Pager]:
    """Take webhooks on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at = time.monotonic()
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            for number in body["data"].get("cases", ()):
                pager.taken.setdefault(number, at)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pager = Pager(f"http://127.0.0.1:{server.server_port}/rita")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield pager
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve(settings: dict[str, Any], port: int) -> None:
    """Serve the queue as ``cjp-fraud serve`` does."""
    from cjp_fraud.web.application import serve_queue

    serve_queue(Deployment(Settings(**settings)), "127.0.0.1", port, runs_due=True)


@contextmanager
def server_process(settings: dict[str, Any]) -> Iterator[str]:
    """Start the server in a process of its own and yield its root."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(settings, port))
    process.start()
    root = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(f"{root}/sign-in"), 120)
        yield root
    finally:
        process.terminate()
        process.join(60)


def answers(url: str) -> bool:
    """Whether a server answers."""
    try:
        return httpx.get(url, timeout=10).is_success
    except httpx.HTTPError:
        return False


def wait_for(holds: Callable[[], Any], most: float = LONGEST_SECONDS, every: float = 0.1) -> float:
    """Wait until something holds; return the moment (monotonic seconds)."""
    until = time.monotonic() + most
    while not holds():
        if time.monotonic() > until:
            sys.exit(f"waited for {most:.0f} s in vain")
        time.sleep(every)
    return time.monotonic()


def deliver(home: Path, rows: pd.DataFrame, name: str) -> float:
    """Put a file into the inbox as a source does; return the moment."""
    inbox = home / "inbox"
    inbox.mkdir(exist_ok=True)
    rows.to_csv(inbox / f".{name}", index=False)
    (inbox / f".{name}").rename(inbox / name)
    return time.monotonic()


def repetition(cloud: Cloud, rows: pd.DataFrame, tenant: str, name: str) -> dict[str, float]:
    """Deliver an interval with a spike of a tenant and follow it to the measure; return seconds by leg."""
    home = cloud.queue.deployment.settings.home
    rows.loc[rows["tenant_id"] == tenant, "contacts_offered"] += 400
    begun = deliver(home, rows, name)
    seconds: dict[str, float] = {}
    flagged = select(Flag.id).where(Flag.tenant_id == tenant, Flag.superseded_at.is_(None)).limit(1)
    number_of = select(Case.number).where(Case.tenant_id == tenant)
    seconds["stored"] = wait_for((home / "inbox" / "done" / name).exists) - begun
    seconds["flagged"] = wait_for(lambda: cloud.value(flagged)) - begun
    seconds["case"] = wait_for(lambda: cloud.value(number_of)) - begun
    case = cloud.value(number_of)
    with cloud.api("rita") as rita:
        seconds["queue"] = wait_for(lambda: tenant in rita.get("/cases").text, every=0.5) - begun
        wait_for(lambda: case in cloud.pager.taken)
        seconds["page"] = cloud.pager.taken[case] - begun
        begun = time.monotonic()
        act(rita, f"/cases/{case}/claim")
        act(rita, f"/cases/{case}/determination", FINDING)
        seconds["decided"] = time.monotonic() - begun
    digest = cloud.value(
        select(Proposal.sha256)
        .join(Case, Case.id == Proposal.case_id)
        .where(Case.number == case)
        .order_by(Proposal.number.desc())
    )
    letters = len(cloud.mail.received)
    begun = time.monotonic()
    approval = threading.Thread(target=approve, args=(cloud, case, digest))
    approval.start()
    seconds["letter"] = wait_for(lambda: len(cloud.mail.received) > letters, every=0.02) - begun
    suspended = select(Case.id).where(Case.number == case, Case.state == CaseState.SUSPENDED)
    seconds["measure"] = wait_for(lambda: cloud.value(suspended), every=0.05) - begun
    approval.join()
    return seconds


FINDING: Final = {
    "reasons": "Calls to one range, twenty times what is usual, from one minute to the next.",
    "tenants_part": "victim",
    "grounds": ["costly_destinations"],
    "measure": "suspend_channel",
    "scope": {"channels": ["voice"], "directions": ["outbound"]},
    "duration_hours": 24,
}


def approve(cloud: Cloud, case: int, digest: str) -> None:
    """Approve a proposal as somebody who took no part."""
    with cloud.api("adam") as adam:
        act(adam, f"/cases/{case}/approval", {"proposal_sha256": digest})


def act(caller: httpx.Client, path: str, body: dict[str, Any] | None = None) -> None:
    """Call the API to act; what it refuses ends the benchmark."""
    answer = caller.post(path, json=body)
    if not answer.is_success:
        sys.exit(f"{path}: {answer.status_code} {answer.text}")


def filled(engine: Engine, folder: Path, tenants: int, mail: MailServerUnderTest) -> QueueUnderTest:
    """Return a home with its people, its contracts and two weeks of traffic that have been scored."""
    migrate(engine)
    simulate_clock(engine)
    queue = a_queue(
        engine,
        folder,
        *(a_row(tenant_id=tenant_name(number)) for number in range(tenants)),
        smtp_host=mail.host,
        smtp_port=mail.port,
        queue_url="https://queue.provider.example",
        cases_per_hour=100,
    )
    deployment = queue.deployment
    keep_heads(deployment)
    deployment.lake.create(LAKE_TABLES, buckets=BUCKETS)
    history = folder / "history.parquet"
    begin = START - timedelta(days=HISTORY_DAYS)
    rows_of(tenants, begin, HISTORY_DAYS * 288, seed=0).to_parquet(history)
    traffic.ingest_files(deployment, START, [history])
    baseline.refresh_baseline(deployment, START)
    detection.detect(deployment, START, START - timedelta(days=1), START)
    return queue


def measure(engine: Engine, folder: Path, tenants: int, repetitions: int) -> None:
    """Fill a home, serve it, and print a line a repetition."""
    begun = time.perf_counter()
    with smtp_server() as mail, running_pager() as pager:
        queue = filled(engine, folder, tenants, mail)
        wanted = TurnWanted("rita", 1, DAYS, "00:00", "00:00", "UTC", pager.url)
        roster.add_turn(queue.deployment, "ida", queue.deployment.now, wanted)
        tokens = {name: a_token(queue, name) for name in ("rita", "adam")}
        show_clock(engine, START + (repetitions + 1) * INTERVAL)
        print(f"{tenants:,} tenants after {time.perf_counter() - begun:.0f} s", flush=True)
        settings = queue.deployment.settings.model_dump(exclude_unset=True)
        with server_process(settings) as root:
            cloud = Cloud(queue, root, mail, pager, tokens)
            print(" " * 4 + "".join(f"{leg:>9s}" for leg in LEGS), flush=True)
            worst = dict.fromkeys(LEGS, 0.0)
            for number in range(repetitions):
                rows = rows_of(tenants, START + number * INTERVAL, 1, seed=number + 1)
                seconds = repetition(cloud, rows, tenant_name(number), f"interval-{number:03d}.csv")
                worst = {leg: max(worst[leg], seconds[leg]) for leg in LEGS}
                print_line(f"{number + 1:3d}", seconds)
            print_line("max", worst)
    for leg, limit in LIMITS.items():
        print(
            f"{leg}: {worst[leg]:.1f} s at most, limit {limit:.0f} s: {'ok' if worst[leg] < limit else 'MISSED'}"
        )


def print_line(name: str, seconds: dict[str, float]) -> None:
    """Print the seconds of each leg."""
    print(f"{name} " + "".join(f"{seconds[leg]:9.2f}" for leg in LEGS), flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=300)
    parser.add_argument("--repetitions", type=int, default=5, help="at most 10: the intervals of one hour")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        asked = (Path(folder), chosen.tenants, chosen.repetitions)
        if not chosen.postgresql:
            measure(make_engine(f"sqlite:///{folder}/cjp_fraud.db"), *asked)
            return
        with postgres.running_server() as server:
            if server is None:
                sys.exit(postgres.WHEEL_MISSING)
            measure(make_engine(server), *asked)


if __name__ == "__main__":
    main()
