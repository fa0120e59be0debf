"""Rules know no database: they can be imported, and so read and tested, without one."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import cjp_fraud

SETUP = Path(cjp_fraud.__file__).parents[1] / "setup.cfg"
PURE = ("features.score_day", "models.calibration")


def contract(name: str) -> tuple[str, ...]:
    """What ``setup.cfg`` lists under a name of the contract of rules."""
    parser = ConfigParser()
    parser.read(SETUP)
    return tuple(parser["importlinter:contract:rules"][name].split())


RULES = contract("source_modules")


def test_the_contract_of_rules_names_the_gate_and_forbids_databases_and_frames() -> None:
    assert {"cjp_fraud.suspension.gate", "cjp_fraud.contracts.receipt"} <= set(RULES)
    assert {"sqlalchemy", "pandas", "deltalake"} <= set(contract("forbidden_modules"))


def test_a_fresh_interpreter_imports_all_rules_without_a_database_and_without_frames() -> None:
    assert not loaded_with(*RULES) & set(contract("forbidden_modules"))


@pytest.mark.parametrize("module", PURE)
def test_a_fresh_interpreter_imports_a_step_of_the_recipe_without_a_database(module: str) -> None:
    assert not loaded_with(module) & {"sqlalchemy", "deltalake"}


def loaded_with(*modules: str) -> set[str]:
    """Return the packages that importing ``modules`` loads."""
    script = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())
