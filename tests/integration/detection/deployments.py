"""A small deployment with traffic, for tests of the lake-backed detection."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Engine, select

from cjp_fraud.clock import day_of
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.detection import run
from cjp_fraud.detection.lake_tables import CALIBRATION, CLOCK_SCORES, SCORES
from cjp_fraud.detection.operating_point import WINDOW_DAYS
from cjp_fraud.detection.registry import Comparison, FittedVersion, promoted_versions, register
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.run import Detected, Detection, detect
from cjp_fraud.detection.training import TRAINER, train
from cjp_fraud.detection.window import DetectionWindow, next_window
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.people.model import machine
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.storage.lake import Lake, LakeTable
from cjp_fraud.traffic.ingest import ingest_source
from cjp_fraud.traffic.model import IngestResult, TenantTraffic
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.store import Delivery
from features.columns import APPLICATION, INTERVAL_START, SERIES_KEY
from features.score_day import Model
from tests.small_forests import small_forests

START = datetime(2026, 3, 2, tzinfo=UTC)
ZONES = {
    "acme": "America/New_York",
    "zenith": "Asia/Tokyo",
    "kiwi": "Pacific/Auckland",
    "loo": "Etc/UTC",
}
RULES = DetectionRules()
DATABASE = "cjp_fraud.db"


@dataclass
class SmallDeployment:
    """A lake, a database and a model folder under one temporary home."""

    home: Path
    engine: Engine
    zones: Mapping[str, str] = field(default_factory=lambda: ZONES)
    buckets: int = 3

    def __post_init__(self) -> None:
        self.lake = Lake(str(self.home / "lake"))
        self.lake.create(LAKE_TABLES, buckets=self.buckets)

    @classmethod
    def new(
        cls, home: Path, database: bytes, zones: Mapping[str, str] = ZONES, buckets: int = 3
    ) -> SmallDeployment:
        """An empty one in a folder that is there, with the bytes of a migrated SQLite database."""
        (home / DATABASE).write_bytes(database)
        return cls(home, make_engine(f"sqlite:///{home / DATABASE}"), zones, buckets)

    def copy(self, home: Path) -> SmallDeployment:
        """The same deployment in another folder, as it stands."""
        self.engine.dispose()
        shutil.copytree(self.home, home)
        return SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), self.zones, self.buckets)

    def ingest(
        self, rows: pd.DataFrame, name: str = "traffic.parquet", now: datetime | None = None
    ) -> IngestResult:
        """Ingest rows as a file."""
        self.put_tenants_on_record(now or START)
        file = self.home / name
        rows.to_parquet(file)
        tenants = {tenant: TenantTraffic(tenant, zone, True) for tenant, zone in self.zones.items()}
        into = Delivery(self.lake, self.engine, tenants, now or START + timedelta(days=99))
        return ingest_source(FileSource(file), into)

    def put_tenants_on_record(self, now: datetime) -> None:
        """Load the tenants and their zones."""
        file = self.home / "tenants.csv"
        rows = [{"tenant_id": tenant, "time_zone": zone} for tenant, zone in self.zones.items()]
        pd.DataFrame(rows).to_csv(file, index=False)
        with transaction(self.engine) as session:
            load_tenants(session, file, machine("test"), now)

    def train(self, now: datetime) -> list[str]:
        """Fit what is missing, with a small forest."""
        with small_forests():
            return train(self.lake, self.engine, self.home / "models", self.zones, RULES, now)

    def register_bare_versions(self, weeks: int) -> None:
        """Put a version without forests on record for each of the first Mondays, as if training had made it."""
        for week in range(1, weeks + 1):
            end = START + timedelta(weeks=week)
            fitted = FittedVersion(
                day_of(end.date()), Model(), RULES.initial_threshold, {}, budgets=RULES.budgets
            )
            with transaction(self.engine) as session:
                register(
                    session,
                    self.home / "models",
                    fitted,
                    window=(end - timedelta(days=WINDOW_DAYS), end),
                    lake_versions={},
                    comparison=Comparison(),
                    by=TRAINER,
                    at=end,
                )

    def detect(self, begin: datetime, end: datetime, now: datetime | None = None) -> Detected:
        """Detect over a window."""
        return detect(self.detection(begin, end), begin, end, now or end + timedelta(days=1))

    def detection(self, begin: datetime, end: datetime) -> Detection:
        """What a detection over a window works on."""
        versions = promoted_versions(self.engine, self.home / "models", begin, max(begin, end))
        return Detection(self.lake, self.engine, self.zones, versions, RULES, cases_per_hour=20)

    def scores(self) -> pd.DataFrame:
        """All stored scores, sorted; the model's id left out, because two deployments differ in it."""
        frame = self.lake.read(SCORES).to_pandas().drop(columns="model_version")
        return frame.sort_values([*SERIES_KEY, INTERVAL_START], ignore_index=True)

    def clock_scores(self) -> pd.DataFrame:
        """All stored scores of the longer clocks, sorted; without the model's id."""
        frame = self.lake.read(CLOCK_SCORES).to_pandas().drop(columns="model_version")
        return frame.sort_values([*SERIES_KEY, "clock", INTERVAL_START], ignore_index=True)

    def calibrations(self) -> pd.DataFrame:
        """All stored calibrations, sorted."""
        keys = ["day", "tenant_bucket", "clock"]
        return self.lake.read(CALIBRATION).to_pandas().sort_values(keys, ignore_index=True)

    def profile_rows(self, table: LakeTable) -> pd.DataFrame:
        """All rows of the profile or of the snapshots made from it, sorted."""
        frame = self.lake.read(table).to_pandas()
        frame[APPLICATION] = frame[APPLICATION].astype(object)
        return frame.sort_values([*SERIES_KEY, "day"], ignore_index=True)

    def flags(self) -> list[Flag]:
        """The flags in force, by tenant, start and clock."""
        with reading(self.engine) as session:
            query = select(Flag).where(Flag.superseded_at.is_(None))
            return list(session.scalars(query.order_by(Flag.tenant_id, Flag.interval_start, Flag.clock)))

    def flag_keys(self) -> list[tuple[str, datetime, str, float, str]]:
        """Of each flag in force: tenant, start, clock, score, episode."""
        return [
            (flag.tenant_id, flag.interval_start, str(flag.clock), flag.score, flag.episode_id)
            for flag in self.flags()
        ]

    def run_stages(self, now: datetime) -> list[DetectionWindow]:
        """Detect in stages, as a scheduler does, window after window until none waits."""
        windows = []
        while (window := next_window(self.engine, now)) is not None:
            self.score(window, now)
            run.close_hours(self.detection(window.begin, window.end), window, now)
            windows.append(window)
            assert len(windows) < 100, "the backlog never ends"
        return windows

    def score(self, window: DetectionWindow, now: datetime) -> None:
        """Prepare a window and score every bucket of it; its hours stay open."""
        detection = self.detection(window.begin, window.end)
        for bucket in reversed(run.prepare(detection, window, now)):
            run.score_buckets(detection, window, [bucket])


def traffic(
    days: int,
    *,
    begin: datetime = START,
    tenants: Mapping[str, str] = ZONES,
    seconds: int = 300,
    seed: int = 0,
    burst: Callable[[str], list[tuple[int, int, int]]] = lambda tenant: [],
) -> pd.DataFrame:
    """Poisson traffic with a day curve; ``burst`` gives (first interval, intervals, contacts added) of a tenant."""
    random = np.random.default_rng(seed)
    frames = []
    for tenant in tenants:
        n = days * 86400 // seconds
        starts = pd.date_range(begin, periods=n, freq=f"{seconds}s")
        curve = 20 + 15 * np.sin(np.arange(n) * seconds / 86400 * 2 * np.pi)
        offered = random.poisson(np.maximum(curve, 1) * seconds / 300)
        peak = np.ceil(offered * seconds / 300 / 3).astype(int)
        for first, intervals, added in burst(tenant):
            offered[first : first + intervals] += added
            peak[first : first + intervals] += added // 3
        frames.append(
            pd.DataFrame(
                {
                    "tenant_id": tenant,
                    "interval_start": starts,
                    "interval_seconds": seconds,
                    "channel": "voice",
                    "direction": "outbound",
                    "contacts_offered": offered,
                    "contacts_peak": peak if tenant in ("acme", "zenith") else None,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
