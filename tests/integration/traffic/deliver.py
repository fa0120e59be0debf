"""Deliver one file in a process of its own, which a test may have killed at a step, and say what it took.

Arguments, as one JSON object: home, database, file, tenants, now, die_at (a step, or null).
Prints the counts and the memory's peak in bytes.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.ingest import ingest_files
from cjp_fraud.traffic.model import TenantTraffic
from cjp_fraud.traffic.store import Delivery


def main() -> None:
    order = json.loads(sys.argv[1])

    def die_at(step: str) -> None:
        if step == order["die_at"]:
            os._exit(9)

    into = Delivery(
        lake=Lake(order["lake"]),
        engine=make_engine(order["database"]),
        tenants={name: TenantTraffic(name, "Etc/UTC", True) for name in order["tenants"]},
        now=datetime.fromisoformat(order["now"]),
        reached=die_at,
    )
    result = ingest_files([Path(order["file"])], into)
    print(json.dumps({"stored": result.stored, "unchanged": result.unchanged, "peak": peak_memory()}))  # noqa: T201


def peak_memory() -> int:
    """Return this program's own peak in bytes (ru_maxrss would still hold the parent's, from before exec)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
