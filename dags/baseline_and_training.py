"""Fold yesterday into the profile, make today's baselines, and fit each missing Monday's model version."""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import dag, task


@dag(
    schedule="40 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["cjp_fraud", "detection"],
    doc_md=__doc__,
)
def baseline_and_training() -> None:
    @task
    def refresh_baseline() -> dict[str, Any]:
        from cjp_fraud.scheduled import refresh_baseline

        return refresh_baseline()

    @task
    def train() -> list[str]:
        from cjp_fraud.scheduled import train

        return train()

    refresh_baseline() >> train()


baseline_and_training()
