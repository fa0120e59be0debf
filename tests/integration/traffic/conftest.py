"""A lake and a database of a test's own, and files to deliver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.ingest import ingest_source
from cjp_fraud.traffic.model import IngestResult, TenantTraffic
from cjp_fraud.traffic.schema import TRAFFIC, TRAFFIC_TABLES
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.store import Delivery

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEADER = ("tenant_id", "interval_start", "interval_seconds", "channel", "direction", "contacts_offered")


def tenants(*names: str, excluded: Sequence[str] = ()) -> dict[str, TenantTraffic]:
    return {name: TenantTraffic(name, "Etc/UTC", name not in excluded) for name in (*names, *excluded)}


@dataclass
class Desk:
    """Where files are written and delivered."""

    folder: Path
    into: Delivery
    files: list[Path] = field(default_factory=list)

    @property
    def lake(self) -> Lake:
        return self.into.lake

    def file(self, *rows: dict[str, Any], name: str = "traffic.csv", **columns: Any) -> Path:
        """Write rows (defaults: acme, voice, outbound, a minute at 09:00) as CSV."""
        standard = {
            "tenant_id": "acme",
            "interval_start": "2026-03-02T09:00:00Z",
            "interval_seconds": 60,
            "channel": "voice",
            "direction": "outbound",
            "contacts_offered": 1,
        }
        path = self.folder / name
        pd.DataFrame([standard | columns | row for row in rows]).to_csv(path, index=False)
        return path

    def minutes(self, *counts: int | None, start: str = "2026-03-02T09:00:00Z", **columns: Any) -> Path:
        """Write one row a minute from ``start``; ``None`` leaves a minute out."""
        first = datetime.fromisoformat(start)
        rows = [
            {"interval_start": (first + timedelta(minutes=n)).isoformat(), "contacts_offered": count}
            for n, count in enumerate(counts)
            if count is not None
        ]
        return self.file(*rows, **columns)

    def ingest(
        self, path: Path, *, now: datetime | None = None, complete: bool = False, **options: Any
    ) -> IngestResult:
        """Take a file in; ``options`` are those of its source."""
        into = self.into if now is None else replace(self.into, now=now)
        return ingest_source(FileSource(path, **options), into, complete=complete)

    def know(self, *names: str, excluded: Sequence[str] = ()) -> None:
        self.into = replace(self.into, tenants=tenants(*names, excluded=excluded))

    def traffic(self, *columns: str) -> list[tuple[Any, ...]]:
        """The traffic table's (time, contacts offered, *columns) in order of tenant and time."""
        rows = self.lake.read(TRAFFIC).sort_by([("tenant_id", "ascending"), ("interval_start", "ascending")])
        names = ("contacts_offered", *columns)
        return [
            (row["interval_start"].astimezone(UTC).strftime("%H:%M"), *(row[name] for name in names))
            for row in rows.to_pylist()
        ]


@pytest.fixture
def desk(tmp_path: Path, sqlite_engine: Engine) -> Desk:
    lake = Lake(str(tmp_path / "lake"))
    lake.create(TRAFFIC_TABLES, buckets=4)
    folder = tmp_path / "files"
    folder.mkdir()
    return Desk(folder, Delivery(lake, sqlite_engine, tenants("acme", "beta"), NOW))


@pytest.fixture
def content_on_disk(tmp_path: Path) -> Callable[[bytes], list[Path]]:
    """Return the files of the lake that contain some bytes (Parquet pages are small enough to stay
    readable)."""

    def find(content: bytes) -> list[Path]:
        lake = tmp_path / "lake"
        return [path for path in lake.rglob("*") if path.is_file() and content in path.read_bytes()]

    return find
