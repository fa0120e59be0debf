"""What a scheduler calls: one function a task, each opening the deployment that the environment describes."""

from __future__ import annotations

from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices import inbound_reports


def collect_delivery_events() -> int:
    """Record the delivery reports that came in; returns how many events are new."""
    opened = _open()
    return inbound_reports.collect_delivery_events(opened.engine, opened.settings, opened.now)


def _open() -> Deployment:
    return Deployment(load_settings())
