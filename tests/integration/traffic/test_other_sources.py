"""A source that is no file: one small class, and everything after it is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from cjp_fraud.traffic.ingest import ingest_source
from cjp_fraud.traffic.model import Reason
from cjp_fraud.traffic.quarantine import list_quarantine
from cjp_fraud.traffic.schema import INTAKE
from cjp_fraud.traffic.sources.model import SourceBatch
from tests.integration.traffic.conftest import Desk


class CallRecords:
    """Counts the calls of a list by minute and tenant, as a feed of call records would."""

    name = "call records of 2026-03-02"
    columns = ("tenant_id", "channel", "direction", "interval_start", "interval_seconds", "contacts_offered")
    ignored = ()
    corrects = False

    def __init__(self, calls: list[tuple[str, datetime]]) -> None:
        self._calls = calls
        self.sha256 = hashlib.sha256(repr(calls).encode()).hexdigest()

    def batches(self) -> Iterator[SourceBatch]:
        minutes = [(tenant, at.replace(second=0)) for tenant, at in self._calls]
        keys = sorted(set(minutes))
        rows = pa.table(
            {
                "tenant_id": [tenant for tenant, _ in keys],
                "channel": ["voice"] * len(keys),
                "direction": ["outbound"] * len(keys),
                "interval_start": pa.array([at for _, at in keys], pa.timestamp("s", "UTC")),
                "interval_seconds": [60] * len(keys),
                "contacts_offered": [minutes.count(key) for key in keys],
            }
        )
        yield SourceBatch(rows, np.arange(1, len(keys) + 1))


def at(minute: int, second: int) -> datetime:
    return datetime(2026, 3, 2, 9, minute, second, tzinfo=UTC)


def test_rows_that_come_from_no_file_are_stored_rejected_and_recognised_again(desk: Desk) -> None:
    calls = [("acme", at(0, 1)), ("acme", at(0, 30)), ("acme", at(1, 0)), ("who", at(2, 0))]
    result = ingest_source(CallRecords(calls), desk.into)
    assert (result.files, result.read, result.stored) == ((CallRecords.name,), 3, 2)
    assert desk.traffic("contacts_peak", "seconds_covered") == [("09:00", 3, 2, 120)]
    (rejected,) = list_quarantine(desk.lake)
    source = CallRecords(calls)
    assert (rejected.reason, rejected.source, rejected.line) == (Reason.UNKNOWN_TENANT, source.name, 3)
    assert rejected.quarantine_id == f"{source.sha256[:16]}-3"
    assert set(desk.lake.read(INTAKE)["source"].to_pylist()) == {source.name}
    again = ingest_source(source, desk.into)
    assert (again.stored, again.unchanged, len(list_quarantine(desk.lake))) == (0, 2, 1)
