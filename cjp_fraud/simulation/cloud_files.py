"""Write a simulated cloud: traffic, late traffic, tenants, known events, and the truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cjp_fraud import __version__
from cjp_fraud.contracts.tenants_file import COLUMNS
from cjp_fraud.errors import BadInputError
from cjp_fraud.progress import Report
from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.generate import SimulatedTraffic, simulate_tenants
from cjp_fraud.simulation.tenant_profiles import draw_profile
from cjp_fraud.simulation.tenant_rows import tenant_row
from cjp_fraud.simulation.truth import TruthRow
from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.traffic.schema import CHANNEL, COUNTRIES, DIRECTION, SECONDS, START, TENANT

FILE_ROWS = 1_000_000
"""Rows of a file; a tenant with more (several series over more than a year) has a file of its own."""

KNOWN_EVENT_COLUMNS = ("tenant_id", "channel", "direction", "from", "to", "kind", "note")

_TRUTH_NAMES = {"begin": "from", "end": "to"}
TRUTH_COLUMNS = tuple(_TRUTH_NAMES.get(field.name, field.name) for field in fields(TruthRow))

_ROW_GROUP = 128 * 1024


@dataclass(frozen=True, slots=True)
class CloudWritten:
    """What was written.

    Attributes
    ----------
    tenants, series, rows : in all traffic files together; ``late_rows`` of them stand in the late ones.
    files : traffic files.
    frauds, benign_events : events by number, whatever their parts.
    """

    tenants: int
    series: int
    rows: int
    late_rows: int
    files: int
    frauds: int
    benign_events: int


def write_cloud(cloud: Cloud, tenants: int, out: Path, report: Report | None = None) -> CloudWritten:
    """Write the first tenants of a cloud into a folder; the same bytes for the same seed and versions of libraries.

    ``traffic/*.parquet`` come first, ``late/*.parquet`` later; ``tenants.csv``, ``known_events.csv``, ``truth.csv`` and
    ``simulation.json`` (what was asked for). One file's rows are in memory at a time.

    Raises
    ------
    BadInputError
        If the folder has something in it, or ``tenants`` is under 1.
    """
    if tenants < 1:
        raise BadInputError(f"--tenants is {tenants}; simulate at least one")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(f"{out} is there and not an empty folder; give --out another place")
    for folder in (out / "traffic", out / "late"):
        folder.mkdir(parents=True, exist_ok=True)
    series = rows = late_rows = files = done = 0
    events: dict[str, bool] = {}
    with (
        _Lines(out / "tenants.csv", COLUMNS) as tenant_lines,
        _Lines(out / "known_events.csv", KNOWN_EVENT_COLUMNS) as known_lines,
        _Lines(out / "truth.csv", TRUTH_COLUMNS) as truth_lines,
    ):
        for number, chosen in enumerate(chunks(cloud, tenants)):
            part = simulate_tenants(cloud, chosen)
            late = part.late_hours > 0
            _write(part.traffic.filter(pa.array(~late)), out / "traffic" / f"traffic-{number:05d}.parquet")
            if late.any():
                _write(_by_delivery(part, late), out / "late" / f"late-{number:05d}.parquet")
            files += 1 + int(late.any())
            rows, late_rows = rows + len(late), late_rows + int(late.sum())
            series += sum(len(profile.series) for profile in part.tenants)
            tenant_lines.write(tenant_row(cloud, profile) for profile in part.tenants)
            known_lines.write(map(_known_event, _announced(part.truth)))
            truth_lines.write(map(_truth_row, part.truth))
            events |= {row.event_id: row.benign for row in part.truth}
            done += len(chosen)
            if report is not None:
                report(done, tenants, "tenants")
    _write_what_was_asked_for(cloud, tenants, out / "simulation.json")
    benign = sum(events.values())
    return CloudWritten(tenants, series, rows, late_rows, files, len(events) - benign, benign)


def chunks(cloud: Cloud, tenants: int) -> Iterator[range]:
    """Cut the tenants into runs of at most ``FILE_ROWS`` rows, at least one tenant each."""
    first = rows = 0
    for index in range(tenants):
        theirs = cloud.intervals * len(draw_profile(cloud, index).series)
        if rows and rows + theirs > FILE_ROWS:
            yield range(first, index)
            first, rows = index, 0
        rows += theirs
    yield range(first, tenants)


def _by_delivery(part: SimulatedTraffic, late: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pa.Table:
    """Return the late rows in the order in which they come."""
    hours = part.late_hours[late]
    return part.traffic.filter(pa.array(late)).take(pa.array(np.argsort(hours, kind="stable")))


def _write(table: pa.Table, path: Path) -> None:
    repeated = [TENANT, CHANNEL, DIRECTION, SECONDS, f"{COUNTRIES}.key_value.key"]
    repeated += [field.name for field in table.schema if pa.types.is_floating(field.type)]
    whole = [field.name for field in table.schema if field.type in (pa.int64(), UTC_STAMP)]
    pq.write_table(
        table,
        path,
        row_group_size=_ROW_GROUP,
        compression="snappy",
        use_dictionary=repeated,
        write_statistics=[TENANT, START],
        column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
        store_schema=False,
    )


def _announced(truth: Sequence[TruthRow]) -> Iterator[TruthRow]:
    return (row for row in truth if row.announced)


def _known_event(row: TruthRow) -> dict[str, str]:
    return {
        "tenant_id": row.tenant_id,
        "channel": row.channel,
        "direction": row.direction,
        "from": _moment(row.begin),
        "to": _moment(row.end),
        "kind": row.scenario,
        "note": f"announced by the customer: {row.scenario.replace('_', ' ')}",
    }


def _truth_row(row: TruthRow) -> dict[str, str]:
    return {
        _TRUTH_NAMES.get(field.name, field.name): _text(getattr(row, field.name)) for field in fields(row)
    }


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return _moment(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _write_what_was_asked_for(cloud: Cloud, tenants: int, path: Path) -> None:
    asked = {
        "tenants": tenants,
        "weeks": cloud.weeks,
        "seed": cloud.seed,
        "start": cloud.start.isoformat(),
        "end": cloud.end.date().isoformat(),
        "cjp_fraud": __version__,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
    }
    path.write_text(json.dumps(asked, indent=1) + "\n")


class _Lines:
    """A CSV file that grows a chunk of tenants at a time."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, columns, lineterminator="\n")
        self._writer.writeheader()

    def write(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._writer.writerows(rows)

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
