"""Rules know no database: they can be imported, and so read and tested, without one."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import pytest

RULES = (
    "cjp_fraud.audit.named_rows",
    "cjp_fraud.audit.row_digests",
    "cjp_fraud.suspension.gate",
    "cjp_fraud.suspension.model",
    "cjp_fraud.contracts.receipt",
    "cjp_fraud.contracts.provisioning",
    "cjp_fraud.contracts.restriction",
    "cjp_fraud.contracts.terms",
    "cjp_fraud.notices.letter_dates",
    "cjp_fraud.notices.letter_facts",
    "cjp_fraud.notices.letter_words",
    "cjp_fraud.notices.letters",
    "cjp_fraud.notices.model",
    "cjp_fraud.notices.plan_drafting",
    "cjp_fraud.notices.plans",
    "cjp_fraud.notices.progress",
    "cjp_fraud.notices.reports.dsn",
    "cjp_fraud.review.frozen_traffic",
    "cjp_fraud.review.grounds",
    "cjp_fraud.review.joint_spikes",
    "cjp_fraud.review.measure_fit",
    "cjp_fraud.review.model",
    "cjp_fraud.review.episodes",
)
PURE = ("features.score_day", "models.calibration")


@pytest.mark.parametrize("module", [*RULES, *PURE])
def test_a_fresh_interpreter_imports_a_rule_without_a_database(module: str) -> None:
    assert not loaded_with(module) & {"sqlalchemy", "deltalake"}


@pytest.mark.parametrize("module", RULES)
def test_a_fresh_interpreter_imports_a_rule_of_the_product_without_pandas(module: str) -> None:
    assert "pandas" not in loaded_with(module)


@cache
def loaded_with(module: str) -> frozenset[str]:
    """Return the packages that importing ``module`` loads."""
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return frozenset(done.stdout.split())
