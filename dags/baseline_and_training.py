"""Fold the local days that have ended, make their baselines, and fit each missing Monday's model version."""

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
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import baseline

        deployment = open_deployment()
        done: dict[str, Any] = to_jsonable_python(baseline.refresh_baseline(deployment, deployment.now))
        return done

    @task
    def train() -> list[str]:
        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import model_versions

        deployment = open_deployment()
        return [version.id for version in model_versions.train_versions(deployment, deployment.now)]

    refresh_baseline() >> train()


baseline_and_training()
