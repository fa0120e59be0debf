"""What a scheduler calls: one function a task, each opening the deployment that the environment describes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from cjp_fraud.clock import utc_text
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.retention import apply_retention as drop_what_is_past
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection import window as stages
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.registry import promoted_versions
from cjp_fraud.detection.rules import rules_of
from cjp_fraud.detection.training import train as train_versions
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.notices import inbound_reports
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.traffic.errors import FileChangedError
from cjp_fraud.traffic.ingest import Delivery, IngestResult, ingest_file

INBOX = "inbox"
"""Folder under the home whose files are taken in; ``done`` and ``refused`` beside them take what is finished."""


def ingest_inbox() -> dict[str, Any]:
    """Ingest the inbox's files by name; returns the counts, and whether traffic has changed.

    A refused file is moved aside with the reason beside it, so that it holds up no other; one that is still being
    written to is left for the next run. A kill before the move makes the next run read the file again: no harm.
    """
    opened = _open()
    inbox = opened.settings.home / INBOX
    for folder in (inbox, inbox / "done", inbox / "refused"):
        folder.mkdir(parents=True, exist_ok=True)
    into = Delivery(
        opened.lake, opened.engine, opened.traffic_tenants, opened.now, opened.settings.grid_seconds
    )
    total = IngestResult()
    refused: dict[str, str] = {}
    for file in sorted(path for path in inbox.iterdir() if path.is_file() and not path.name.startswith(".")):
        try:
            total += ingest_file(file, into)
        except FileChangedError:
            continue
        except BadInputError as error:
            refused[file.name] = str(error)
            (inbox / "refused" / f"{file.name}.reason.txt").write_text(f"{error}\n")
            _move(file, inbox / "refused")
        else:
            _move(file, inbox / "done")
    changed = total.stored + total.replaced > 0
    return {**asdict(total), "files": list(total.files), "refused_files": refused, "changed": changed}


def detection_window() -> dict[str, str]:
    """The next hours to score, as ISO moments, and the newest change in them; empty where nothing waits."""
    opened = _open()
    window = stages.next_window(opened.engine, opened.now)
    if window is None:
        return {}
    return {"begin": utc_text(window.begin), "end": utc_text(window.end), "newest": window.newest}


def prepare_detection(window: dict[str, str]) -> list[int]:
    """Make what the window rests on; returns the buckets to score."""
    opened = _open()
    if not window:
        return []
    chosen = _window(window)
    return stages.prepare(_stage(opened, chosen), chosen, opened.now)


def detect_bucket(window: dict[str, str], bucket: int) -> int:
    """Score one bucket's part of the window; returns the number of intervals."""
    chosen = _window(window)
    return stages.detect_bucket(_stage(_open(), chosen), chosen, bucket)


def close_families(window: dict[str, str]) -> bool:
    """Judge the window's hours, record flags, open cases; returns whether more is waiting."""
    if not window:
        return False
    opened = _open()
    cap = opened.settings.new_cases_per_hour
    chosen = _window(window)
    return stages.close_families(_stage(opened, chosen), chosen, opened.now, new_cases_per_hour=cap)


def refresh_baseline() -> dict[str, Any]:
    """Fold what has ended and make missing snapshots."""
    opened = _open()
    done = refresh(opened.lake, opened.engine, opened.zones, opened.now)
    return {"folded": done.folded, "snapshots": done.snapshots, "waiting": done.waiting}


def train() -> list[str]:
    """Fit and register each missing Monday's version; returns their ids."""
    opened = _open()
    chosen = opened.settings
    return train_versions(
        opened.lake, opened.engine, chosen.model_folder, opened.zones, rules_of(chosen), opened.now
    )


def collect_delivery_events() -> int:
    """Record the delivery reports that came in; returns how many events are new."""
    opened = _open()
    return inbound_reports.collect_delivery_events(opened.engine, opened.settings, opened.now)


def verify_audit() -> int:
    """Verify the audit log against itself and the rows; returns the number of entries.

    Raises
    ------
    CjpFraudError
        Names every fault.
    """
    found = verify_log(_open().engine)
    if not found.holds:
        raise CjpFraudError("the audit log does not hold: " + "; ".join(found.faults))
    return found.entries


def apply_retention() -> dict[str, int]:
    """Drop what is past its retention."""
    opened = _open()
    return drop_what_is_past(opened.engine, opened.lake, opened.now, tables=LAKE_TABLES)


def _open() -> Deployment:
    return Deployment(load_settings())


def _stage(opened: Deployment, window: stages.DetectionWindow) -> stages.Stage:
    return stages.Stage(
        lake=opened.lake,
        engine=opened.engine,
        zones=opened.zones,
        versions=promoted_versions(opened.engine, opened.settings.model_folder, window.begin, window.end),
        rules=rules_of(opened.settings),
    )


def _window(window: dict[str, str]) -> stages.DetectionWindow:
    return stages.DetectionWindow(
        datetime.fromisoformat(window["begin"]), datetime.fromisoformat(window["end"]), window["newest"]
    )


def _move(file: Path, folder: Path) -> None:
    """Move a file; one of the same name that is there already is another delivery and keeps its name."""
    target, number = folder / file.name, 1
    while target.exists():
        target, number = folder / f"{file.name}.{number}", number + 1
    file.rename(target)
