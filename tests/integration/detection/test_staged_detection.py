"""Detection in a scheduler's stages gives what one run gives: the same scores, flags and episodes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, select

from cjp_fraud.detection import stages
from cjp_fraud.detection.registry import promoted_versions
from cjp_fraud.detection.schema import CALIBRATION
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import reading
from cjp_fraud.traffic.tables import Watermark
from tests.integration.detection.deployments import RULES, START, SmallDeployment, traffic

DAYS = 15
END = START + timedelta(days=DAYS)
NOW = END + timedelta(hours=1)


def attacked(tenant: str) -> list[tuple[int, int, int]]:
    return {"acme": [(12 * 288 + 90, 5, 300)], "kiwi": [(13 * 288 + 284, 8, 280)]}.get(tenant, [])


@pytest.fixture
def small(tmp_path: Path, sqlite_engine: Engine) -> SmallDeployment:
    made = SmallDeployment(tmp_path, sqlite_engine)
    made.ingest(traffic(DAYS, burst=attacked), now=NOW)
    made.train(NOW)
    return made


def stage_of(small: SmallDeployment) -> stages.Stage:
    versions = promoted_versions(small.engine, small.home / "models", START, NOW)
    return stages.Stage(small.lake, small.engine, small.zones, versions, RULES)


def run_window(small: SmallDeployment, window: stages.DetectionWindow, *, twice: bool = False) -> bool:
    stage = stage_of(small)
    for _ in range(2 if twice else 1):
        for bucket in stages.prepare(stage, window, NOW):
            stages.detect_bucket(stage, window, bucket)
    return stages.close_families(stage, window, NOW, new_cases_per_hour=20)


def flags(engine: Engine) -> list[tuple[object, ...]]:
    with reading(engine) as session:
        rows = session.scalars(
            select(Flag).where(Flag.superseded_at.is_(None)).order_by(Flag.tenant_id, Flag.interval_start)
        )
        return [(row.tenant_id, row.interval_start, row.score, row.episode_id) for row in rows]


def test_windows_of_a_day_give_what_one_run_gives(small: SmallDeployment, tmp_path: Path) -> None:
    whole = small.copy(tmp_path.parent / f"{tmp_path.name}-whole")
    whole.detect(START, END, now=NOW)
    more, windows = True, []
    while more:
        window = stages.next_window(small.engine, NOW)
        assert window is not None
        assert window.end - window.begin <= timedelta(days=1)
        windows.append(window)
        more = run_window(small, window, twice=len(windows) == 13)
    assert len(windows) == DAYS
    pd.testing.assert_frame_equal(small.scores(), whole.scores(), check_exact=True)
    assert flags(small.engine) == flags(whole.engine)
    assert flags(small.engine)
    with reading(small.engine) as session:
        assert session.get_one(Watermark, stages.WATERMARK).at == END
    one, other = (made.lake.read(CALIBRATION).to_pandas() for made in (small, whole))
    key = ["day", "bucket", "regime"]
    both = one[one["regime"] > 0].merge(other[other["regime"] > 0], on=key, suffixes=("", "_whole"))
    assert len(both) > 0
    assert (both["histogram"].map(list) == both["histogram_whole"].map(list)).all()


def test_nothing_new_means_no_window(small: SmallDeployment) -> None:
    while (window := stages.next_window(small.engine, NOW)) is not None:
        run_window(small, window)
    assert stages.next_window(small.engine, NOW) is None
    late = traffic(DAYS).query("tenant_id == 'acme'").iloc[[5 * 288 + 30]]
    small.ingest(late.assign(contacts_offered=999), "late.parquet", now=NOW)
    again = stages.next_window(small.engine, NOW)
    assert again is not None
    assert again.begin == START + timedelta(days=5, hours=2)
    assert again.end == START + timedelta(days=5, hours=4), "the changed interval reaches 75 minutes on"
    assert not run_window(small, again)


def test_hours_that_are_open_wait(small: SmallDeployment) -> None:
    early = START + timedelta(days=3, hours=5, minutes=5)
    window = stages.next_window(small.engine, early)
    while window is not None and window.begin < START + timedelta(days=3):
        run_window(small, window)
        window = stages.next_window(small.engine, early)
    assert window is not None
    assert window.end == START + timedelta(days=3, hours=4), (
        "05:05 closes the hour that ended at 04:00, not 05:00"
    )
