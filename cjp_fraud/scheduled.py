"""What a scheduler calls: one function a task, each opening the deployment that the environment describes."""

from __future__ import annotations

from datetime import datetime

from cjp_fraud.clock import utc_text
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection import window as stages
from cjp_fraud.detection.registry import promoted_versions
from cjp_fraud.detection.rules import rules_of
from cjp_fraud.notices import inbound_reports


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


def collect_delivery_events() -> int:
    """Record the delivery reports that came in; returns how many events are new."""
    opened = _open()
    return inbound_reports.collect_delivery_events(opened.engine, opened.settings, opened.now)


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
