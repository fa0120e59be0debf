"""A kill at any step, two ingests at once, a file larger than memory should hold."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.ingest import ingest_source
from cjp_fraud.traffic.model import Reason, TenantTraffic
from cjp_fraud.traffic.quarantine import list_quarantine
from cjp_fraud.traffic.schema import INTAKE, TRAFFIC
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.store import Delivery
from cjp_fraud.traffic.tables import TrafficChange
from tests import processes
from tests.integration.traffic.conftest import NOW, Desk
from tests.processes import die

STEPS = ("read", "marked", "intake", "traffic", "quarantine")


def deliver(
    lake: str, database: str, file: Path, tenants: list[str], die_at: str | None, corrects: bool
) -> None:
    """Deliver one file, killed at a step if one is named; print what was stored and the memory's peak in bytes."""
    into = Delivery(
        lake=Lake(lake),
        engine=make_engine(database),
        tenants={name: TenantTraffic(name, "Etc/UTC", True) for name in tenants},
        now=NOW,
        reached=lambda step: die() if step == die_at else None,
    )
    result = ingest_source(FileSource(file, corrects=corrects), into)
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    print(json.dumps({"stored": result.stored, "peak": peak}))  # noqa: T201


def start(desk: Desk, file: Path, *, die_at: str | None = None, corrects: bool = False) -> processes.Running:
    database = desk.into.engine.url.render_as_string(hide_password=False)
    return processes.Running(
        deliver, desk.lake.url, database, file, sorted(desk.into.tenants), die_at, corrects
    )


def finished(process: processes.Running) -> dict[str, Any]:
    """Return what a delivery that went through printed."""
    ended = process.ended()
    assert ended.exit_code == 0, ended
    printed: dict[str, Any] = json.loads(ended.stdout)
    return printed


def mixed_file(desk: Desk) -> Path:
    """Rows of three days and two tenants, two of them for the quarantine."""
    rows = [
        {"tenant_id": name, "interval_start": (NOW - timedelta(hours=hours)).isoformat()}
        for name in ("acme", "beta")
        for hours in range(0, 60, 7)
    ]
    return desk.file(*rows, {"channel": "fax"}, {"tenant_id": "who"}, name="mixed.csv")


@pytest.mark.parametrize("step", STEPS)
def test_after_a_kill_the_same_command_completes_and_nothing_is_doubled_or_lost(
    desk: Desk, step: str
) -> None:
    desk.ingest(desk.minutes(1, 2, start="2026-03-02T04:30:00Z"))
    path = mixed_file(desk)
    assert start(desk, path, die_at=step).ended() == (processes.KILLED, "", "")
    marked = _marked(desk)
    assert _changed_intervals(desk) <= marked
    result = desk.ingest(path)
    assert result.stored + result.unchanged == 18
    assert result.replaced == 0
    traffic = desk.lake.read(TRAFFIC)
    assert sum(traffic["contacts_offered"].to_pylist()) == 18 + 3
    assert traffic.num_rows == traffic.group_by(["tenant_id", "interval_start"]).aggregate([]).num_rows
    assert desk.lake.read(INTAKE).num_rows == 18 + 2
    assert Counter(row.reason for row in list_quarantine(desk.lake)) == {
        Reason.UNKNOWN_CHANNEL: 1,
        Reason.UNKNOWN_TENANT: 1,
    }
    assert _changed_intervals(desk) <= _marked(desk)
    assert desk.ingest(path).unchanged == 18


@pytest.mark.parametrize("step", ["marked", "intake", "traffic"])
def test_a_correction_at_another_length_that_was_killed_is_completed_by_the_next_run(
    desk: Desk, step: str
) -> None:
    desk.ingest(desk.minutes(*range(16)))
    quarter = desk.file({"interval_seconds": 900, "contacts_offered": 7}, name="late.csv")
    assert start(desk, quarter, die_at=step, corrects=True).ended().exit_code == processes.KILLED

    desk.ingest(quarter, corrects=True)

    assert desk.traffic("interval_seconds") == [("09:00", 7, 900), ("09:15", 15, 300)]
    assert desk.ingest(quarter, corrects=True).changes is False


def test_two_ingests_of_the_same_file_at_once_leave_what_one_leaves(desk: Desk) -> None:
    path = mixed_file(desk)
    results = [finished(process) for process in [start(desk, path), start(desk, path)]]
    assert sorted(result["stored"] for result in results) == [0, 18]
    assert sum(desk.lake.read(TRAFFIC)["contacts_offered"].to_pylist()) == 18
    assert len(list_quarantine(desk.lake)) == 2


def test_two_halves_of_the_same_intervals_at_once_are_both_in_the_sums(desk: Desk) -> None:
    halves = [desk.minutes(1, 2, 3, name="a.csv"), desk.minutes(None, None, None, 4, 5, name="b.csv")]
    for process in [start(desk, half) for half in halves]:
        finished(process)
    assert desk.traffic("seconds_covered") == [("09:00", 15, 300)]


@pytest.mark.slow
def test_a_large_file_takes_little_more_memory_than_one_of_three_rows(desk: Desk) -> None:
    tenants = [f"tenant-{number:03d}" for number in range(60)]
    desk.know("acme", *tenants)
    small = desk.file({"principal_id": "k"}, {}, {"principal_id": "l"}, name="small.csv")
    big = desk.folder / "big.csv"
    minutes = 20 * 1440
    first = NOW.replace(hour=0) - timedelta(days=20)
    stamps = [f"{first + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(minutes)]
    with big.open("w") as file:
        file.write(small.read_text().splitlines()[0] + "\n")
        for tenant in tenants:
            key = hashlib.sha256(tenant.encode()).hexdigest()
            file.writelines(f"{tenant},{at},60,voice,outbound,{n % 7},{key}\n" for n, at in enumerate(stamps))
    size = big.stat().st_size
    assert size > 200_000_000
    little, much = finished(start(desk, small)), finished(start(desk, big))
    assert much["stored"] == minutes * len(tenants)
    assert much["peak"] - little["peak"] < size / 2, f"{much['peak']:,} and {little['peak']:,} bytes"


def _marked(desk: Desk) -> set[tuple[str, object]]:
    intervals = set()
    with reading(desk.into.engine) as session:
        for change in session.scalars(select(TrafficChange)):
            at = change.first_interval
            while at <= change.last_interval:
                intervals.add((change.tenant_id, at))
                at += timedelta(minutes=5)
    return intervals


def _changed_intervals(desk: Desk) -> set[tuple[str, object]]:
    rows = desk.lake.read(TRAFFIC, columns=["tenant_id", "interval_start"]).to_pylist()
    return {(row["tenant_id"], row["interval_start"]) for row in rows}
