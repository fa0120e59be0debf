"""Resume what was interrupted between approval and measure; collect delivery events; lapse and expire.

An approval dispatches at once by itself; this only finishes what did not get through, and ends what has ended.
"""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import dag, task


@dag(
    schedule=timedelta(minutes=1),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["cjp_fraud", "suspension"],
    doc_md=__doc__,
)
def notice_and_suspension() -> None:
    @task
    def run_due() -> dict[str, Any]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import due_run

        deployment = open_deployment()
        done: dict[str, Any] = to_jsonable_python(due_run.run_due(deployment, deployment.now))
        return done

    run_due()


notice_and_suspension()
