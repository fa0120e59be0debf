"""Once a day: compare measures with the platform, verify the audit log, drop what is past its retention."""

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
    def reconcile() -> list[str]:
        from cjp_fraud.deployment import open_deployment
        from cjp_fraud.operations import measures

        opened = open_deployment()
        disagreements = measures.reconcile(opened, opened.now)
        measures.require_agreement(disagreements)
        return [disagreement.sentence for disagreement in disagreements]

    @task
    def verify_audit() -> int:
        from cjp_fraud.scheduled import verify_audit

        return verify_audit()

    @task
    def apply_retention() -> dict[str, int]:
        from cjp_fraud.scheduled import apply_retention

        return apply_retention()

    # None waits for another: a fault that one finds must not keep the others from looking.
    reconcile()
    verify_audit()
    apply_retention()


housekeeping()
