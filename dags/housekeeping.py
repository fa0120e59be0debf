"""Once a day: compare measures with the platform, verify the audit log, sign its head, drop what is past retention."""

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import dag, task


@dag(
    schedule="20 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["cjp_fraud"],
    doc_md=__doc__,
)
def housekeeping() -> None:
    @task
    def reconcile() -> list[dict[str, Any]]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations.measures import reconcile_or_fail

        deployment = open_deployment()
        disagreements: list[dict[str, Any]] = to_jsonable_python(
            reconcile_or_fail(deployment, deployment.now)
        )
        return disagreements

    @task
    def verify_audit() -> dict[str, Any]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations.housekeeping import verify_log_or_fail

        verification: dict[str, Any] = to_jsonable_python(verify_log_or_fail(open_deployment()))
        return verification

    @task(retries=3, retry_delay=timedelta(minutes=20))
    def sign_head() -> dict[str, Any]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations.head_keeping import sign_and_keep

        deployment = open_deployment()
        head: dict[str, Any] = to_jsonable_python(sign_and_keep(deployment, deployment.now))
        return head

    @task
    def apply_retention() -> dict[str, Any]:
        from pydantic_core import to_jsonable_python

        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations.housekeeping import drop_expired

        deployment = open_deployment()
        dropped: dict[str, Any] = to_jsonable_python(drop_expired(deployment, deployment.now))
        return dropped

    # None waits for another: a fault that one finds must not keep the others from looking.
    reconcile()
    verify_audit()
    sign_head()
    apply_retention()


housekeeping()
