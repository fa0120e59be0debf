"""Take in what the sources have put into the inbox, and tell the detection that there is new traffic."""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, dag, task

TRAFFIC = Asset("cjp_fraud_traffic")


@dag(
    schedule=timedelta(minutes=2),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["cjp_fraud", "traffic"],
    doc_md=__doc__,
)
def traffic_ingest() -> None:
    @task
    def take_in() -> dict[str, Any]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations.traffic import ingest_inbox

        deployment = open_deployment()
        taken: dict[str, Any] = to_jsonable_python(ingest_inbox(deployment, deployment.now))
        return taken

    @task.short_circuit
    def anything_new(taken: dict[str, Any]) -> bool:
        return bool(taken["changed"])

    @task(outlets=[TRAFFIC])
    def announce() -> None:
        """Succeed, which emits the asset's event."""

    @task(retries=0)
    def fail_if_stopped(taken: dict[str, Any]) -> None:
        """Show a run that stopped before the last file as failed; what it stored is announced all the same."""
        if taken["failure"]:
            raise RuntimeError(taken["failure"])

    taken = take_in()
    anything_new(taken) >> announce()
    fail_if_stopped(taken)


traffic_ingest()
