"""Resume what was interrupted between approval and measure; collect delivery events; lapse and expire.

An approval dispatches at once by itself; this only finishes what did not get through, and ends what has ended.
"""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import dag, task


@dag(
    schedule=timedelta(minutes=5),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["cjp_fraud", "suspension"],
    doc_md=__doc__,
)
def notice_and_suspension() -> None:
    @task
    def collect_delivery_events() -> int:
        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import notices

        opened = open_deployment()
        return notices.collect_delivery_events(opened, opened.now).new_events

    @task
    def resume_all() -> dict[str, Any]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations.measures import resume_all

        deployment = open_deployment()
        report: dict[str, Any] = to_jsonable_python(resume_all(deployment, deployment.now))
        return report

    collect_delivery_events() >> resume_all()


notice_and_suspension()
