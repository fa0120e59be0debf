"""Run one DAG of the repository with ``dag.test()`` and print how its tasks ended, as JSON (a process of its own)."""

import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

dags = DagBag(Path(__file__).resolve().parents[2] / "dags")
assert not dags.import_errors, dags.import_errors
run = dags.dags[sys.argv[1]].test()
states: dict[str, list[str]] = {}
for task in run.get_task_instances():
    states.setdefault(task.task_id, []).append(str(task.state))
sys.stdout.write("\nRESULT " + json.dumps({"state": str(run.state), "tasks": states}) + "\n")
