"""Detection in stages, as a scheduler runs it: the same as one detection, and no change of traffic is overlooked."""

from __future__ import annotations

from datetime import datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, select

from cjp_fraud.detection import run
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.lake_tables import CALIBRATION
from cjp_fraud.detection.window import DetectionWindow, next_window
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.tables import TrafficChange
from features.columns import INTERVAL_START
from tests.integration.detection.deployments import DATABASE, START, SmallDeployment, traffic
from tests.processes import FORKS

DAYS = 16
END = START + timedelta(days=DAYS)
NOW = END + timedelta(days=1)
BEFORE_MIDNIGHT = START + timedelta(days=15) - timedelta(minutes=10)


def attacked(tenant: str) -> list[tuple[int, int, int]]:
    """One burst in the middle of a day, one across a UTC midnight."""
    return {"acme": [(15 * 288 + 90, 5, 300)], "zenith": [(14 * 288 - 2, 4, 250)]}.get(tenant, [])


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Sixteen days of four tenants, trained, not detected."""
    home = tmp_path_factory.mktemp("delivered")
    (home / DATABASE).write_bytes(sqlite_template)
    made = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"))
    made.ingest(traffic(DAYS, burst=attacked))
    made.train(START + timedelta(days=15, hours=7))  # before any window that a test detects
    return made


@pytest.fixture(scope="module")
def detected(delivered: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """Detected over all of it at once; for reading only."""
    made = delivered.copy(tmp_path_factory.mktemp("detected") / "home")
    made.detect(START, END, NOW)
    return made


@pytest.fixture(scope="module")
def staged(delivered: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """The same in stages, window by window; for reading only."""
    made = delivered.copy(tmp_path_factory.mktemp("staged") / "home")
    run_all(made, NOW)
    return made


@pytest.fixture
def done(staged: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: all detected in stages."""
    return staged.copy(tmp_path / "done")


def score(small: SmallDeployment, window: DetectionWindow, now: datetime) -> None:
    """Prepare and score every bucket."""
    detection = small.detection(window.begin, window.end)
    for bucket in reversed(run.prepare(detection, window, now)):
        run.score_bucket(detection, window, bucket)


def run_all(small: SmallDeployment, now: datetime) -> list[DetectionWindow]:
    """Run window after window until none waits."""
    windows = []
    while (window := next_window(small.engine, now)) is not None:
        score(small, window, now)
        run.close_hours(small.detection(window.begin, window.end), window, now)
        windows.append(window)
        assert len(windows) < 2 * DAYS, "the backlog never ends"
    return windows


def flags(engine: Engine) -> list[tuple[object, ...]]:
    with reading(engine) as session:
        rows = session.scalars(
            select(Flag).where(Flag.superseded_at.is_(None)).order_by(Flag.tenant_id, Flag.interval_start)
        )
        return [(row.tenant_id, row.interval_start, row.score, row.episode_id) for row in rows]


def late(minutes: int, offered: int, at: datetime = BEFORE_MIDNIGHT) -> pd.DataFrame:
    """Rows of one tenant that say something else, from ``at`` on."""
    rows = traffic(DAYS, tenants={"loo": "Etc/UTC"})
    first, last = pd.Timestamp(at), pd.Timestamp(at + timedelta(minutes=minutes))
    rows = rows[(rows[INTERVAL_START] >= first) & (rows[INTERVAL_START] < last)]
    return rows.assign(contacts_offered=offered)


def test_stages_give_the_scores_flags_and_calibration_of_one_detection(
    detected: SmallDeployment, staged: SmallDeployment
) -> None:
    pd.testing.assert_frame_equal(detected.scores(), staged.scores(), check_exact=True)
    assert flags(detected.engine) == flags(staged.engine)
    assert {"acme", "zenith"} <= {tenant for tenant, *_ in flags(staged.engine)}
    one, other = (small.lake.read(CALIBRATION).to_pandas() for small in (detected, staged))
    one, other = (frame.sort_values(["day", "tenant_bucket"], ignore_index=True) for frame in (one, other))
    last = pd.Timestamp(END).date()
    pd.testing.assert_frame_equal(one[one["day"] < last], other[other["day"] < last], check_exact=True)


def test_an_hour_is_scored_once_it_is_closed(delivered: SmallDeployment, tmp_path: Path) -> None:
    small = delivered.copy(tmp_path / "hourly")
    hour = START + timedelta(days=15, hours=7)
    windows = run_all(small, hour + timedelta(minutes=9))
    assert windows[-1].end == hour - timedelta(hours=1)
    assert [(one.begin, one.end) for one in run_all(small, hour + timedelta(minutes=10))] == [
        (hour - timedelta(hours=1), hour)
    ]


def test_rows_that_come_while_a_window_is_scored_stay_for_the_next(done: SmallDeployment) -> None:
    at = START + timedelta(days=15, hours=3)
    done.ingest(late(5, 30, at), "first.parquet", now=NOW)
    window = next_window(done.engine, NOW)
    assert window is not None
    score(done, window, NOW)
    done.ingest(late(10, 500, at), "second.parquet", now=NOW)
    run.close_hours(done.detection(window.begin, window.end), window, NOW)
    assert next_window(done.engine, NOW) is not None
    run_all(done, NOW)
    scores = done.scores()
    mine = scores[(scores["tenant_id"] == "loo") & (scores[INTERVAL_START] == pd.Timestamp(at))]
    assert mine["observed"].tolist() == [500]


def test_a_late_row_before_midnight_is_felt_in_the_hour_after_it(done: SmallDeployment) -> None:
    before = done.scores()
    done.ingest(late(10, 90), "late.parquet", now=NOW)
    run_all(done, NOW)
    midnight = pd.Timestamp(START + timedelta(days=15))
    echo = (before["tenant_id"] == "loo") & (before[INTERVAL_START] >= midnight)
    echo &= before[INTERVAL_START] < midnight + timedelta(hours=1)
    assert (before.loc[echo, "strength"] != done.scores().loc[echo, "strength"]).any()


def _look(url: str, what: str, looking: Event, looked: Event) -> None:
    engine = make_engine(url)
    looking.set()
    if what == "window":
        next_window(engine, NOW)
    else:
        small = SmallDeployment(Path(engine.url.database or "").parent, engine)
        refresh(small.lake, engine, small.zones, NOW)
    looked.set()


@pytest.mark.parametrize("what", ["window", "refresh"])
def test_changes_are_not_looked_at_while_an_ingest_is_storing(done: SmallDeployment, what: str) -> None:
    looking, looked = FORKS.Event(), FORKS.Event()
    url = done.engine.url.render_as_string(hide_password=False)
    other = FORKS.Process(target=_look, args=(url, what, looking, looked))
    with process_lock(done.engine, TRAFFIC_LOCK):
        other.start()
        assert looking.wait(60)
        assert not looked.wait(1)
    other.join(60)
    assert looked.is_set()


def test_every_change_is_marked_in_the_end(staged: SmallDeployment) -> None:
    with reading(staged.engine) as session:
        assert not session.scalars(select(TrafficChange).where(TrafficChange.scored_at.is_(None))).all()
