"""Rules can be imported, and so tested and read, without a database."""

from __future__ import annotations

import subprocess
import sys

import pytest

RULES = (
    "cjp_fraud.suspension.gate",
    "cjp_fraud.contracts.receipt",
    "cjp_fraud.contracts.restriction",
    "cjp_fraud.notices.letters",
    "cjp_fraud.review.measure_fit",
    "cjp_fraud.review.model",
    "features.score_day",
    "models.calibration",
)


@pytest.mark.parametrize("module", RULES)
def test_a_rule_is_imported_without_a_database(module: str) -> None:
    script = f"import sys, {module}; print(*{{'sqlalchemy', 'deltalake'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert not done.stdout.split()
