"""Detection on a real lake: equal to a back-test, the same however it is cut, rerun, killed or delivered late."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, func, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.detection import run, training
from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.lake_tables import BASELINE, CALIBRATION, PROFILE, SCORES
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.grid import grid_rows
from features.columns import APPLICATION, INTERVAL_START, SERIES_KEY
from tests import processes
from tests.integration.detection.deployments import (
    DATABASE,
    RULES,
    START,
    ZONES,
    SmallDeployment,
    traffic,
)
from tests.processes import die
from tests.small_forests import small_forests

DAYS = 17
END = START + timedelta(days=DAYS)
NEVER = -1
ALL_TABLES = (PROFILE, BASELINE, SCORES, CALIBRATION)


def attacked(tenant: str) -> list[tuple[int, int, int]]:
    """Bursts of two tenants: one in the middle of its day, one across its local midnight."""
    return {"acme": [(15 * 288 + 90, 5, 300)], "zenith": [(13 * 288 + 178, 4, 250)]}.get(tenant, [])


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Two and a half weeks of four tenants in four zones, two of them attacked; ingested, nothing more."""
    home = tmp_path_factory.mktemp("delivered")
    (home / DATABASE).write_bytes(sqlite_template)
    made = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"))
    made.ingest(traffic(DAYS, burst=attacked))
    return made


@pytest.fixture(scope="module")
def fitted(delivered: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """The same, its versions fitted; for copies only."""
    made = delivered.copy(tmp_path_factory.mktemp("fitted") / "home")
    made.train(END)
    return made


@pytest.fixture(scope="module")
def detected(fitted: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """The same, detected over all of it; for reading only."""
    made = fitted.copy(tmp_path_factory.mktemp("detected") / "home")
    made.detect(START, END)
    return made


@pytest.fixture
def fresh(delivered: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: ingested only."""
    return delivered.copy(tmp_path / "fresh")


@pytest.fixture
def trained(fitted: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: ingested and trained."""
    return fitted.copy(tmp_path / "trained")


@pytest.fixture
def done(detected: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: trained and detected."""
    return detected.copy(tmp_path / "done")


def flags(engine: Engine) -> list[tuple[object, ...]]:
    with reading(engine) as session:
        rows = session.scalars(
            select(Flag).where(Flag.superseded_at.is_(None)).order_by(Flag.tenant_id, Flag.interval_start)
        )
        return [(row.tenant_id, row.interval_start, row.score, row.episode_id) for row in rows]


def test_detection_equals_the_back_test_to_the_bit(detected: SmallDeployment) -> None:
    rows = traffic(DAYS, burst=attacked).assign(application_id=None)
    with small_forests():
        tested = backtest_rows(grid_rows(rows), ZONES, RULES).to_pandas()
    both = detected.scores().merge(tested, on=[*SERIES_KEY, INTERVAL_START], suffixes=("", "_tested"))
    assert len(both) == len(tested) == DAYS * 288 * 4
    for name in ("observed", "baseline", "excess", "score", "p_value", "flagged"):
        pd.testing.assert_series_equal(
            both[name], both[f"{name}_tested"], check_exact=True, check_names=False
        )
    episodes = tested[tested["flagged"]].groupby("episode_id")[INTERVAL_START].agg(set)
    recorded = pd.DataFrame(flags(detected.engine), columns=["tenant", "start", "score", "episode"])
    assert sorted(map(sorted, recorded.groupby("episode")["start"].agg(set))) == sorted(map(sorted, episodes))
    found = {tenant for tenant, *_ in flags(detected.engine)}
    assert {"acme", "zenith"} <= found


@pytest.mark.parametrize("hours", [[7, 31, 32, 200], [1, 5 * 24, 12 * 24 + 13, 16 * 24]])
def test_a_window_cut_anywhere_gives_the_same_bytes(
    detected: SmallDeployment, trained: SmallDeployment, hours: list[int]
) -> None:
    cuts = [START, *(START + timedelta(hours=hour) for hour in hours), END]
    for begin, end in itertools.pairwise(cuts):
        trained.detect(begin, end, now=END + timedelta(days=1))
    pd.testing.assert_frame_equal(detected.scores(), trained.scores(), check_exact=True)
    assert flags(detected.engine) == flags(trained.engine)


def test_a_window_that_begins_late_makes_the_days_before_it_first(
    detected: SmallDeployment, trained: SmallDeployment
) -> None:
    begin = START + timedelta(days=14, hours=5)
    trained.detect(begin, END)
    whole = detected.scores()
    whole = whole[whole[INTERVAL_START] >= begin].reset_index(drop=True)
    pd.testing.assert_frame_equal(trained.scores(), whole, check_exact=True)


def test_running_again_changes_nothing(done: SmallDeployment) -> None:
    before = (flags(done.engine), _entries(done.engine), done.lake.read(CALIBRATION).num_rows)
    scores = done.scores()
    again = done.detect(START, END)
    assert (again.flags.new, again.flags.superseded, again.flags.opened) == (0, 0, ())
    assert again.flags.unchanged == len(before[0]) > 0
    pd.testing.assert_frame_equal(scores, done.scores(), check_exact=True)
    assert before == (flags(done.engine), _entries(done.engine), done.lake.read(CALIBRATION).num_rows)
    assert done.train(END) == []
    assert refresh(done.lake, done.engine, ZONES, END + timedelta(days=1)).folded == 0


def test_one_commit_a_table_whatever_the_window(done: SmallDeployment) -> None:
    before = {table.name: done.lake.version(table) for table in (SCORES, CALIBRATION)}
    done.detect(START, END)
    assert {name: version + 1 for name, version in before.items()} == {
        table.name: done.lake.version(table) for table in (SCORES, CALIBRATION)
    }


def test_the_flags_of_an_open_hour_are_null(fresh: SmallDeployment) -> None:
    now = START + timedelta(days=14, hours=7, minutes=35)
    found = fresh.detect(START + timedelta(days=14), START + timedelta(days=14, hours=9), now=now)
    assert found.open_from == START + timedelta(days=14, hours=7)
    scores = fresh.scores()
    is_open = scores[INTERVAL_START] >= pd.Timestamp(found.open_from)
    assert scores.loc[is_open, "flagged"].isna().all()
    assert scores.loc[~is_open, "flagged"].notna().all()
    assert is_open.any()


def test_a_late_row_folds_its_day_again_and_a_new_score_supersedes_the_flag(done: SmallDeployment) -> None:
    attacked_at = START + timedelta(days=15, minutes=5 * 90)
    assert any(tenant == "acme" and start == attacked_at for tenant, start, *_ in flags(done.engine))
    corrected = traffic(DAYS)
    corrected = corrected[
        (corrected["tenant_id"] == "acme") & (corrected[INTERVAL_START] == pd.Timestamp(attacked_at))
    ]
    done.ingest(corrected, "correction.parquet", now=END + timedelta(days=1))
    assert refresh(done.lake, done.engine, ZONES, END + timedelta(days=2)).folded == 1
    day = START + timedelta(days=15)
    found = done.detect(day, day + timedelta(days=1), now=END + timedelta(days=2))
    assert found.flags.superseded >= 1
    assert not any(tenant == "acme" and start == attacked_at for tenant, start, *_ in flags(done.engine))


def test_a_late_row_changes_no_snapshot_that_was_made(fresh: SmallDeployment) -> None:
    refresh(fresh.lake, fresh.engine, ZONES, END + timedelta(days=1))
    before = _sorted(fresh.lake, BASELINE)
    late = traffic(DAYS)
    late = late[
        (late["tenant_id"] == "acme") & (late[INTERVAL_START] >= pd.Timestamp(END - timedelta(days=3)))
    ]
    fresh.ingest(late.assign(contacts_offered=late["contacts_offered"] + 50).head(100), "late.parquet")
    assert refresh(fresh.lake, fresh.engine, ZONES, END + timedelta(days=1)).folded >= 1
    pd.testing.assert_frame_equal(before, _sorted(fresh.lake, BASELINE), check_exact=True)


def test_fourteen_snapshots_a_series_are_kept(fresh: SmallDeployment) -> None:
    refresh(fresh.lake, fresh.engine, ZONES, END + timedelta(days=1))
    kept = fresh.lake.read(BASELINE).to_pandas().groupby("tenant_id")["day"].nunique()
    assert set(kept) == {14}


def test_folding_day_by_day_gives_the_same_profile_as_all_at_once(
    detected: SmallDeployment, fresh: SmallDeployment
) -> None:
    for day in range(1, DAYS + 2, 3):
        refresh(fresh.lake, fresh.engine, ZONES, START + timedelta(days=day, hours=17))
    refresh(fresh.lake, fresh.engine, ZONES, END + timedelta(days=1))
    for table in (PROFILE, BASELINE):
        pd.testing.assert_frame_equal(
            _sorted(detected.lake, table), _sorted(fresh.lake, table), check_exact=True, obj=table.name
        )


def test_a_tenant_delivered_later_does_not_change_the_profile_of_others(fresh: SmallDeployment) -> None:
    refresh(fresh.lake, fresh.engine, ZONES, END + timedelta(days=1))
    before = _sorted(fresh.lake, PROFILE)
    fresh.zones = {**ZONES, "late": "Etc/UTC"}
    fresh.ingest(traffic(10, tenants={"late": "Etc/UTC"}), "late.parquet")
    refresh(fresh.lake, fresh.engine, fresh.zones, END + timedelta(days=1))
    after = _sorted(fresh.lake, PROFILE)
    assert (after["tenant_id"] == "late").sum() == 10
    rest = after[after["tenant_id"] != "late"].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, rest, check_exact=True)


def test_an_empty_window_is_refused(fresh: SmallDeployment) -> None:
    with pytest.raises(BadInputError, match="empty"):
        fresh.detect(END, START)


def test_a_flag_says_why_in_words_and_numbers(detected: SmallDeployment) -> None:
    attacked_at = START + timedelta(days=15, minutes=5 * 90)
    with reading(detected.engine) as session:
        flag = session.scalars(
            select(Flag).where(Flag.tenant_id == "acme", Flag.interval_start == attacked_at)
        ).one()
        words = " ".join(flag.reasons["words"])
        assert "× the usual Tuesday 03:30" in words, "in the tenant's own weekday and hour"
        assert "once in" in words or "less than once" in words
        assert flag.excess == pytest.approx(flag.observed - flag.baseline)
        assert session.scalar(select(func.count()).select_from(Case)) >= 2


def killed_at(step: int, home: Path, command: str) -> None:
    """Refresh, train or detect, killed before the ``step``-th replacement in the lake; 0: before the flags' commit."""
    numbers = count(1)
    replace, register, record_flags = Lake.replace, training.register, run.record_flags

    def replace_or_die(*args: Any, **kwargs: Any) -> Any:
        return die() if next(numbers) == step else replace(*args, **kwargs)

    def register_and_die(*args: Any, **kwargs: Any) -> None:
        register(*args, **kwargs)
        die()  # the file is written, the row is not committed

    def record_flags_and_die(*args: Any, **kwargs: Any) -> Any:
        result = record_flags(*args, **kwargs)
        return die() if step == 0 else result  # inside the transaction, before its commit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "replace", replace_or_die)
        patch.setattr(training, "register", register_and_die)
        patch.setattr(run, "record_flags", record_flags_and_die)
        small = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"))
        if command == "refresh":
            refresh(small.lake, small.engine, ZONES, END + timedelta(days=1))
        elif command == "train":
            small.train(END)
        else:
            small.detect(START, END)


@pytest.mark.parametrize(
    ("command", "step"),
    [("refresh", 1), ("refresh", 2), ("train", 99), ("detect", 3), ("detect", 4), ("detect", 0)],
)
def test_a_kill_in_the_middle_is_mended_by_the_next_run(
    request: pytest.FixtureRequest, detected: SmallDeployment, command: str, step: int
) -> None:
    killed: SmallDeployment = request.getfixturevalue("trained" if command == "detect" else "fresh")
    killed.engine.dispose()
    processes.killed(killed_at, step, killed.home, command)
    killed.train(END)
    killed.detect(START, END)
    pd.testing.assert_frame_equal(detected.scores(), killed.scores(), check_exact=True)
    for table in (PROFILE, BASELINE):
        pd.testing.assert_frame_equal(
            _sorted(detected.lake, table), _sorted(killed.lake, table), check_exact=True, obj=table.name
        )
    assert flags(detected.engine) == flags(killed.engine)


def test_two_detections_at_once_end_as_one(detected: SmallDeployment, trained: SmallDeployment) -> None:
    trained.engine.dispose()
    running = [processes.Running(killed_at, NEVER, trained.home, "detect") for _ in range(2)]
    for process in running:
        ended = process.ended()
        assert ended.exit_code == 0, ended
    assert flags(detected.engine) == flags(trained.engine)
    pd.testing.assert_frame_equal(detected.scores(), trained.scores(), check_exact=True)


def _entries(engine: Engine) -> int:
    with reading(engine) as session:
        return int(session.scalar(select(func.count()).select_from(AuditEntry)) or 0)


def _sorted(lake: Lake, table: object) -> pd.DataFrame:
    frame = lake.read(table).to_pandas()  # type: ignore[arg-type]
    frame[APPLICATION] = frame[APPLICATION].astype(object)
    return frame.sort_values([*SERIES_KEY, "day"], ignore_index=True)


def test_a_window_of_the_future_has_nothing_to_score(fresh: SmallDeployment) -> None:
    later = datetime.fromisoformat("2027-01-01T00:00:00Z")
    assert fresh.detect(later, later + timedelta(days=1)).scored == 0
