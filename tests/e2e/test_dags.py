"""Every DAG loads in a real Airflow, has no import error, and runs on a temporary home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DAGS = {
    "traffic_ingest",
    "traffic_detection",
    "baseline_and_training",
    "notice_and_suspension",
    "housekeeping",
}
TENANTS = "tenant_id,time_zone\nacme,America/New_York\nzenith,Asia/Tokyo\n"
START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=4, hours=12)


@pytest.fixture(scope="module")
def airflow_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a migrated Airflow and a deployment with two tenants and four days in its inbox."""
    folder = tmp_path_factory.mktemp("airflow")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "CJP_FRAUD_HOME": str(folder / "home"),
        "CJP_FRAUD_NOW": NOW.isoformat(),
    }
    bin_folder = Path(sys.executable).parent
    subprocess.run(
        [bin_folder / "airflow", "db", "migrate"], env=environment, check=True, capture_output=True
    )
    tenants = folder / "tenants.csv"
    tenants.write_text(TENANTS)
    for command in (["init", "--simulated"], ["tenants", "load", str(tenants)]):
        subprocess.run([bin_folder / "cjp-fraud", *command], env=environment, check=True, capture_output=True)
    inbox = folder / "home" / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "traffic.csv").write_text(_four_days())
    return environment


def _four_days() -> str:
    rows = ["tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered"]
    for tenant in ("acme", "zenith"):
        for step in range(4 * 288):
            at = START + timedelta(minutes=5 * step)
            rows.append(f"{tenant},{at.isoformat()},300,voice,outbound,{20 + step % 7}")
    return "\n".join(rows) + "\n"


def _run(dag_id: str, environment: dict[str, str]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("run_dag.py"), dag_id],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RESULT " in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    result: dict[str, object] = json.loads(done.stdout.rsplit("RESULT ", 1)[1])
    assert result["state"] == "success", done.stdout[-4000:]
    return result


def test_every_dag_loads_without_error(airflow_environment: dict[str, str]) -> None:
    script = (
        "from airflow.dag_processing.dagbag import DagBag; import json;"
        f"b = DagBag({str(REPOSITORY / 'dags')!r});"
        "print('RESULT', json.dumps([sorted(b.dags), {k: str(v) for k, v in b.import_errors.items()}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=airflow_environment, capture_output=True, text=True, check=True
    )
    found, errors = json.loads(done.stdout.rsplit("RESULT", 1)[1])
    assert errors == {}
    assert set(found) == DAGS


def test_the_dags_run_in_the_order_of_a_day(airflow_environment: dict[str, str]) -> None:
    taken = _run("traffic_ingest", airflow_environment)
    assert taken["tasks"]["announce"] == ["success"], taken  # type: ignore[index]

    assert _run("baseline_and_training", airflow_environment)["tasks"] == {
        "refresh_baseline": ["success"],
        "train": ["success"],
    }

    first = _run("traffic_detection", airflow_environment)["tasks"]
    assert first["detect_bucket"]  # type: ignore[index]
    assert set(first["detect_bucket"]) == {"success"}  # type: ignore[index]
    assert first["announce_backlog"] == ["success"], "four days wait; a run takes one"  # type: ignore[index]
    for _ in range(6):
        states = _run("traffic_detection", airflow_environment)["tasks"]
        if states["announce_backlog"] == ["skipped"]:  # type: ignore[index]
            break
    else:
        pytest.fail("the backlog never ends")

    again = _run("traffic_ingest", airflow_environment)
    assert again["tasks"]["announce"] == ["skipped"], "nothing new, nothing announced"  # type: ignore[index]

    assert _run("notice_and_suspension", airflow_environment)["tasks"] == {
        "collect_delivery_events": ["success"],
        "resume_all": ["success"],
    }
    kept = _run("housekeeping", airflow_environment)["tasks"]
    assert kept == {
        "reconcile": ["success"],
        "verify_audit": ["success"],
        "apply_retention": ["success"],
    }
