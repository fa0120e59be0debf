"""Take in what the sources have put into the inbox, and tell the detection that there is new traffic."""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, dag, task

TRAFFIC = Asset("cjp_fraud_traffic")


@dag(
    schedule=timedelta(minutes=5),
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
        from cjp_fraud.scheduled import ingest_inbox

        return ingest_inbox()

    @task.short_circuit
    def anything_new(taken: dict[str, Any]) -> bool:
        return bool(taken["changed"])

    @task(outlets=[TRAFFIC])
    def announce() -> None:
        """Succeed, which emits the asset's event."""

    anything_new(take_in()) >> announce()


traffic_ingest()
