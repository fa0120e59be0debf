"""Every DAG loads in a real Airflow, has no import error, and runs on a temporary home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
NOW = START + timedelta(days=2, hours=12)


@pytest.fixture(scope="module")
def airflow_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a migrated Airflow and a deployment with two tenants and two days in its inbox."""
    folder = tmp_path_factory.mktemp("airflow")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "CJP_FRAUD_HOME": str(folder / "home"),
        "CJP_FRAUD_LAKE_BUCKETS": "2",  # a task each
        "CJP_FRAUD_NOW": NOW.isoformat(),
    }
    bin_folder = Path(sys.executable).parent
    subprocess.run(
        [bin_folder / "airflow", "db", "migrate"], env=environment, check=True, capture_output=True
    )
    tenants = folder / "tenants.csv"
    tenants.write_text(TENANTS)
    for command in (
        ["init", "--simulated", "--user", "ana=analyst"],
        ["tenants", "load", str(tenants), "--as", "ana"],
    ):
        subprocess.run([bin_folder / "cjp-fraud", *command], env=environment, check=True, capture_output=True)
    inbox = folder / "home" / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "traffic.csv").write_text(_two_days())
    return environment


def _two_days() -> str:
    rows = ["tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered"]
    for tenant in ("acme", "zenith"):
        for step in range(2 * 288):
            at = START + timedelta(minutes=5 * step)
            rows.append(f"{tenant},{at.isoformat()},300,voice,outbound,{20 + step % 7}")
    return "\n".join(rows) + "\n"


class Airflow:
    """A process that runs DAGs one after the other."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("run_dag.py")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )
        self.loaded = self._answer()

    def run(self, dag_id: str) -> dict[str, list[str]]:
        """Run a DAG, and return how the instances of each task ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{dag_id}\n")
        self._process.stdin.flush()
        result = self._answer()
        assert result["state"] == "success", result
        tasks: dict[str, list[str]] = result["tasks"]
        return tasks

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            if line.startswith("RESULT "):
                answer: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
                if answer.get("state") == "failed":
                    answer["said"] = "".join(said)[-4000:]
                return answer
            said.append(line)
        raise AssertionError("".join(said)[-3000:] + self._log.read_text()[-3000:])


@pytest.fixture(scope="module")
def airflow(
    airflow_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Airflow]:
    """Airflow with the DAGs of the repository."""
    running = Airflow(airflow_environment, tmp_path_factory.mktemp("log") / "stderr")
    yield running
    running.close()


def test_every_dag_loads_without_error(airflow: Airflow) -> None:
    assert airflow.loaded == {"dags": sorted(DAGS), "errors": {}}


def test_the_dags_run_in_the_order_of_a_day(airflow: Airflow) -> None:
    assert airflow.run("traffic_ingest")["announce"] == ["success"]
    assert airflow.run("baseline_and_training") == {"refresh_baseline": ["success"], "train": ["success"]}

    first = airflow.run("traffic_detection")
    assert set(first["detect_bucket"]) == {"success"}
    assert first["announce_backlog"] == ["success"], "two days wait; a run takes one"
    for _ in range(3):
        if airflow.run("traffic_detection")["announce_backlog"] == ["skipped"]:
            break
    else:
        pytest.fail("the backlog never ends")

    assert airflow.run("traffic_ingest")["announce"] == ["skipped"], "nothing new, nothing announced"
    assert airflow.run("notice_and_suspension") == {"run_due": ["success"]}
    assert airflow.run("housekeeping") == {
        "reconcile": ["success"],
        "verify_audit": ["success"],
        "sign_head": ["success"],
        "apply_retention": ["success"],
    }
