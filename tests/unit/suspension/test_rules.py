"""The gate and what it rests on are rules: they are imported without a database library."""

from __future__ import annotations

import subprocess
import sys

import pytest

RULES = (
    "cjp_fraud.suspension.gate",
    "cjp_fraud.suspension.model",
    "cjp_fraud.contracts.restriction",
    "cjp_fraud.review.measure_fit",
    "cjp_fraud.review.episodes",
)


@pytest.mark.parametrize("module", RULES)
def test_a_fresh_interpreter_imports_a_rule_without_sqlalchemy_or_pandas(module: str) -> None:
    code = f"import sys, {module}; print({{'sqlalchemy', 'pandas'}} & set(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "set()"
