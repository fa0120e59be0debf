"""A full disk ends every step that writes much in one sentence, and the same command completes the work."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from sqlalchemy.exc import OperationalError

from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations import housekeeping
from cjp_fraud.operations.baseline import refresh_baseline
from cjp_fraud.operations.detection import detect
from cjp_fraud.operations.housekeeping import initialize
from cjp_fraud.operations.model_versions import train_versions
from cjp_fraud.storage.full_disk import FullDiskError
from cjp_fraud.storage.lake import Lake
from tests.integration.detection.deployments import START, SmallDeployment, traffic

DAYS = 9
NOW = START + timedelta(days=DAYS)
FULL = (
    OSError(errno.ENOSPC, "No space left on device"),
    OSError("Generic LocalFileSystem error\n \u21b3 No space left on device (os error 28)\n"),
    DeltaError("Failed to parse parquet: Unable to copy data to file: No space left on device (os error 28)"),
    OperationalError("INSERT", {}, Exception("database or disk is full")),
)
"""As the libraries say it."""

SENTENCE = r"^the disk is full: nothing was stored of what {step} was writing.*run the same command again.*"


def full(error: Exception) -> Callable[..., Any]:
    def write(*args: object, **options: object) -> Any:
        raise error

    return write


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Nine days of a tenant, ingested."""
    small = SmallDeployment.new(
        tmp_path_factory.mktemp("delivered"), sqlite_template, {"loo": "Etc/UTC"}, buckets=1
    )
    small.ingest(traffic(DAYS, tenants=small.zones, seconds=3600))
    return small


@pytest.fixture
def opened(delivered: SmallDeployment, tmp_path: Path) -> Deployment:
    """A copy that a test may change."""
    delivered.copy(tmp_path / "copy").engine.dispose()
    return Deployment(load_settings(home=tmp_path / "copy"))


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("where", "name"), [(housekeeping, "migrate"), (DeltaTable, "create")], ids=["database", "lake"]
)
def test_a_full_disk_ends_init_in_one_sentence_and_init_again_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, where: Any, name: str
) -> None:
    settings = load_settings(home=tmp_path / "home")
    monkeypatch.setattr(where, name, full(error))
    with pytest.raises(FullDiskError, match=SENTENCE.format(step="init")):
        initialize(Deployment(settings))
    monkeypatch.undo()
    assert initialize(Deployment(settings)).buckets == settings.lake_buckets


@pytest.mark.parametrize("error", FULL[:3], ids=lambda error: type(error).__name__)
def test_a_full_disk_ends_a_refresh_in_one_sentence_and_a_refresh_again_completes_it(
    opened: Deployment, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Lake, "replace", full(error))
    with pytest.raises(FullDiskError, match=SENTENCE.format(step="baseline refresh")):
        refresh_baseline(opened, NOW)
    monkeypatch.undo()
    assert refresh_baseline(opened, NOW).series_days_folded > 0


def test_a_full_disk_ends_training_and_detection_in_one_sentence_and_again_completes_them(
    opened: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh_baseline(opened, NOW)
    monkeypatch.setattr("cjp_fraud.detection.registry.write_whole", full(FULL[0]))
    with pytest.raises(FullDiskError, match=SENTENCE.format(step="training")):
        train_versions(opened, NOW + timedelta(days=5))
    monkeypatch.undo()
    assert train_versions(opened, NOW + timedelta(days=5))
    begin, end = NOW - timedelta(hours=4), NOW - timedelta(hours=2)
    monkeypatch.setattr(Lake, "replace", full(FULL[2]))
    with pytest.raises(FullDiskError, match=SENTENCE.format(step="detection")):
        detect(opened, NOW, begin, end)
    monkeypatch.undo()
    assert detect(opened, NOW, begin, end).intervals_scored > 0


def test_another_failure_is_not_called_a_full_disk(
    opened: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lake, "replace", full(OSError(errno.EACCES, "Permission denied")))
    with pytest.raises(PermissionError):
        refresh_baseline(opened, NOW)
