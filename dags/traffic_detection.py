"""Score the newest traffic bucket by bucket, then close the hours: decide flags, open cases.

A run takes at most one UTC day, because a day's p-values need the days before it complete; while more
is waiting it announces a backlog and so starts the next run.
"""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, dag, task

TRAFFIC = Asset("cjp_fraud_traffic")
BACKLOG = Asset("cjp_fraud_traffic_backlog")
AFTER_AN_HOUR_HAS_CLOSED = "11 * * * *"
"""Its traffic may have come while it was open, and the next only an hour later."""


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(AFTER_AN_HOUR_HAS_CLOSED, timezone="UTC"), assets=(TRAFFIC | BACKLOG)
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["cjp_fraud", "detection"],
    doc_md=__doc__,
)
def traffic_detection() -> None:
    @task
    def window() -> dict[str, Any]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import detection

        opened = open_deployment()
        hours: dict[str, Any] | None = to_jsonable_python(detection.next_window(opened, opened.now))
        return hours or {}

    @task
    def buckets(window: dict[str, Any]) -> list[int]:
        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import detection

        opened = open_deployment()
        hours = detection.window_of(window)
        return [] if hours is None else detection.prepare_window(opened, opened.now, hours)

    @task
    def detect_bucket(bucket: int, window: dict[str, Any]) -> int:
        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import detection

        hours = detection.window_of(window)
        return 0 if hours is None else detection.score_bucket(open_deployment(), hours, bucket)

    @task(trigger_rule="none_failed")
    def open_cases(window: dict[str, Any]) -> bool:
        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import detection

        opened = open_deployment()
        hours = detection.window_of(window)
        return hours is not None and detection.close_hours(opened, opened.now, hours).more_is_waiting

    @task.short_circuit
    def more_is_waiting(backlog: bool) -> bool:
        return backlog

    @task(outlets=[BACKLOG])
    def announce_backlog() -> None:
        """Succeed, which emits the asset's event."""

    chosen = window()
    detected = detect_bucket.partial(window=chosen).expand(bucket=buckets(chosen))
    cases = open_cases(chosen)
    detected >> cases
    more_is_waiting(cases) >> announce_backlog()


traffic_detection()
