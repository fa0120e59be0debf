"""Detection killed at any point, or run twice at once: the next run ends where one whole run does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cjp_fraud.detection import run, training
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.lake_tables import BASELINE, CALIBRATION, CLOCK_SCORES, PROFILE, SCORES
from cjp_fraud.detection.registry import promoted_versions
from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.lake import Lake, LakeTable
from models.forest import PooledForest
from tests import processes
from tests.integration.detection.cloud import END, EVE, NOW, TENANTS
from tests.integration.detection.conftest import CLOSED
from tests.integration.detection.deployments import DATABASE, SmallDeployment
from tests.integration.detection.test_detect import assert_same
from tests.processes import die

FLAGS = "flags"
VERSION = "version"


@pytest.fixture
def waiting(eve: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy that a test may change: two days wait."""
    made = eve.copy(tmp_path / "waiting")
    made.engine.dispose()
    return made


def work(home: Path, command: str) -> None:
    """Refresh, train or detect what waits."""
    small = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), TENANTS, buckets=2)
    if command == "refresh":
        refresh(small.lake, small.engine, TENANTS, NOW)
    elif command == "train":
        small.train(CLOSED)
    else:
        small.detect(EVE, END, NOW)


def work_killed_at(home: Path, command: str, step: str) -> None:
    """The same, killed before it replaces rows of a table of the lake, or before it commits flags or a version."""
    replace, register, record_flags = Lake.replace, training.register, run.record_flags

    def replace_or_die(lake: Lake, table: LakeTable, *args: Any, **kwargs: Any) -> Any:
        return die() if table.name == step else replace(lake, table, *args, **kwargs)

    def register_or_die(*args: Any, **kwargs: Any) -> Any:
        row = register(*args, **kwargs)
        return die() if step == VERSION else row  # the file is written, the row is not committed

    def record_flags_or_die(*args: Any, **kwargs: Any) -> Any:
        result = record_flags(*args, **kwargs)
        return die() if step == FLAGS else result  # inside the transaction, before its commit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "replace", replace_or_die)
        patch.setattr(training, "register", register_or_die)
        patch.setattr(run, "record_flags", record_flags_or_die)
        work(home, command)


def assert_same_profiles(one: SmallDeployment, other: SmallDeployment) -> None:
    for table in (PROFILE, BASELINE):
        pd.testing.assert_frame_equal(
            one.profile_rows(table), other.profile_rows(table), check_exact=True, obj=table.name
        )


@pytest.mark.parametrize("step", [pytest.param(PROFILE.name, marks=pytest.mark.slow), BASELINE.name])
def test_a_refresh_that_was_killed_is_mended_by_the_next(
    detected: SmallDeployment, waiting: SmallDeployment, step: str
) -> None:
    processes.killed(work_killed_at, waiting.home, "refresh", step)
    refresh(waiting.lake, waiting.engine, TENANTS, NOW)
    assert_same_profiles(detected, waiting)


@pytest.mark.parametrize(
    "step",
    [
        *(pytest.param(table.name, marks=pytest.mark.slow) for table in (SCORES, CLOCK_SCORES, CALIBRATION)),
        FLAGS,
    ],
)
def test_a_detection_that_was_killed_is_mended_by_the_next(
    detected: SmallDeployment, waiting: SmallDeployment, step: str
) -> None:
    processes.killed(work_killed_at, waiting.home, "detect", step)
    waiting.detect(EVE, END, NOW)
    assert_same(detected, waiting)
    assert_same_profiles(detected, waiting)


def test_a_training_that_was_killed_makes_the_same_version_when_it_is_run_again(
    folded: SmallDeployment, trained: SmallDeployment, tmp_path: Path
) -> None:
    small = folded.copy(tmp_path / "killed")
    small.engine.dispose()
    processes.killed(work_killed_at, small.home, "train", VERSION)
    assert len(small.train(CLOSED)) == 1
    made, expected = (
        promoted_versions(one.engine, one.home / "models", EVE, END)[-1] for one in (small, trained)
    )
    assert (made.thresholds, made.metrics) == (expected.thresholds, expected.metrics)
    forest, expected_forest = (version.model.without_peak for version in (made, expected))
    assert isinstance(forest, PooledForest)
    assert isinstance(expected_forest, PooledForest)
    for mine, theirs in zip(forest.leaf_depths_, expected_forest.leaf_depths_, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_two_detections_at_once_end_as_one(detected: SmallDeployment, waiting: SmallDeployment) -> None:
    running = [processes.Running(work, waiting.home, "detect") for _ in range(2)]
    for process in running:
        ended = process.ended()
        assert ended.exit_code == 0, ended
    assert_same(detected, waiting)
