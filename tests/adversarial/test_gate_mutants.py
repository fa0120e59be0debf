"""Each rule of the gate that is knocked out is noticed: every mutant of it is killed by a test, or explained here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.thoroughness import examples

ROOT = Path(__file__).parents[2]

TARGETS = {
    "cjp_fraud.suspension.gate": (
        "alone",
        examples(200, 8),
        "tests/unit/suspension/test_gate.py",
        "tests/unit/suspension/test_emergency_gate.py",
    ),
    "cjp_fraud.suspension.notice_gate": (
        "alone",
        examples(20, 2),
        "tests/unit/suspension/test_notice_gate.py",
    ),
    "cjp_fraud.suspension.contract_gate": ("alone", examples(20, 2), "tests/unit/suspension/test_gate.py"),
    "cjp_fraud.review.measure_fit": ("alone", examples(80, 6), "tests/unit/review/test_measure_fit.py"),
    "cjp_fraud.suspension.gate_facts": (
        "with_conftest",
        40,
        "tests/integration/suspension/test_gate_facts.py",
    ),
    "cjp_fraud.suspension.contract_facts": (
        "with_conftest",
        8,
        "tests/integration/suspension/test_gate_facts.py",
    ),
    "cjp_fraud.suspension.notice_facts": (
        "with_conftest",
        8,
        "tests/integration/suspension/test_gate_facts.py",
    ),
}
"""Module → whether its tests need no ``conftest.py``, each how-many-th mutant is tried, and the tests."""

_TYPES = "what is imported for types alone changes nothing"
EXPLAINED = {
    "module: hold TYPE_CHECKING to be True": _TYPES,
    "module: hold TYPE_CHECKING to be False": _TYPES,
    "measure_misfits: hold kind is MeasureKind.LIMIT_RATE to be True": "no other kind has a rate, so none has a fault",
    "_frozen_evidence: hold evidence_id is not None to be True": "no evidence is on record under no id",
    "_frozen_evidence: hold all((flag['id'] for flag in document['flags'])) to be True": (
        "evidence of flags without ids was edited, and does not match its digest"
    ),
}
"""Mutants that no test notices, and why that is no gap."""


@pytest.mark.thorough
@pytest.mark.parametrize(
    "module",
    [
        "cjp_fraud.suspension.gate",
        "cjp_fraud.suspension.notice_gate",
        "cjp_fraud.suspension.contract_gate",
        "cjp_fraud.review.measure_fit",
        pytest.param("cjp_fraud.suspension.gate_facts", marks=pytest.mark.slow),
        pytest.param("cjp_fraud.suspension.contract_facts", marks=pytest.mark.slow),
        pytest.param("cjp_fraud.suspension.notice_facts", marks=pytest.mark.slow),
    ],
)
def test_every_mutant_is_noticed_or_explained(module: str) -> None:
    alone, every, *tests = TARGETS[module]

    run = subprocess.run(
        [sys.executable, "-m", "tests.mutants", module, alone, str(every), *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert [name for name in json.loads(run.stdout) if name not in EXPLAINED] == []
