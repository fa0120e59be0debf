"""Starting a command costs only what the command needs: each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cjp_fraud.cli.groups import ENTRIES, Entry
from cjp_fraud.config import Settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.housekeeping import initialize

HEAVY = {"pandas", "pyarrow", "deltalake", "sklearn", "sqlalchemy"}
RUN = """
import sys
from cjp_fraud.cli.main import app
sys.argv = ["cjp-fraud", *sys.argv[1:]]
try:
    app()
except SystemExit as end:
    code = end.code
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


def started(*words: str) -> tuple[str, set[str]]:
    """Run a command; return what it printed and the top-level packages that it loaded."""
    done = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=True)
    printed, _, loaded = done.stdout.rpartition("LOADED")
    return printed, set(loaded.split())


@pytest.mark.parametrize(
    "words", [("--version",), ("--help",), *((entry.name, "--help") for entry in ENTRIES)]
)
def test_help_and_version_load_no_database_lake_or_model(words: tuple[str, ...]) -> None:
    _, loaded = started(*words)
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "words", [("users", "list"), ("cases", "list"), ("notices", "list"), ("measures", "list")]
)
def test_a_listing_of_the_database_loads_neither_the_lake_nor_models(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    initialize(Deployment(Settings(home=tmp_path)))
    _, loaded = started("--home", str(tmp_path), *words)
    assert "sqlalchemy" in loaded
    assert not loaded & {"pandas", "pyarrow", "deltalake", "sklearn", "alembic"}


@pytest.mark.parametrize("words", [("cases", "list"), ("disputes", "list"), ("users", "list")])
def test_a_queue_loads_no_letters_keys_lake_or_models(words: tuple[str, ...], tmp_path: Path) -> None:
    initialize(Deployment(Settings(home=tmp_path)))
    _, loaded = started("--home", str(tmp_path), *words)
    heavy = {"jinja2", "babel", "cryptography", "email_validator", "pandas", "numpy", "deltalake", "sklearn"}
    assert not loaded & heavy


def test_the_help_lists_every_command_with_its_summary() -> None:
    printed, _ = started("--help")
    for entry in ENTRIES:
        assert entry.name in printed
        assert entry.summary[:30] in printed


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_listed_command_can_be_loaded_and_has_help(entry: Entry) -> None:
    assert entry.load().help
