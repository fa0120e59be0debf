"""Run DAGs of the repository with ``dag.test()``: each line of input names one, a line of output says how it ended.

A process of its own, because Airflow configures the process that imports it; one for all, because importing it
takes longer than most runs.
"""

import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

dags = DagBag(Path(__file__).resolve().parents[2] / "dags")
errors = {file: str(error) for file, error in dags.import_errors.items()}
sys.stdout.write("\nRESULT " + json.dumps({"dags": sorted(dags.dags), "errors": errors}) + "\n")
sys.stdout.flush()
for line in sys.stdin:
    run = dags.dags[line.strip()].test()
    states: dict[str, list[str]] = {}
    for task in run.get_task_instances():
        states.setdefault(task.task_id, []).append(str(task.state))
    sys.stdout.write("\nRESULT " + json.dumps({"state": str(run.state), "tasks": states}) + "\n")
    sys.stdout.flush()
