"""Starting a command costs only what the command needs: seen in an interpreter that runs nothing else.

The commands run one after the other there: what one of them loads is loaded for all after it, so that nothing is
hidden where nothing heavy is loaded at the end, and the first that loads something heavy is the first that fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from cjp_fraud.cli.groups import ENTRIES, Entry
from cjp_fraud.config import Settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.housekeeping import initialize

HEAVY = {"pandas", "pyarrow", "deltalake", "sklearn", "sqlalchemy"}
QUEUES = [("cases", "list"), ("disputes", "list"), ("users", "list")]
LISTINGS = [*QUEUES, ("measures", "list"), ("notices", "list")]
HELPS = [("--version",), ("--help",), *((entry.name, "--help") for entry in ENTRIES)]
RUN = """
import json, sys
from cjp_fraud.cli.main import app

for words in json.loads(sys.argv[1]):
    sys.argv = ["cjp-fraud", *words]
    try:
        app()
    except SystemExit as end:
        assert not end.code, words
    print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
"""

Words = tuple[str, ...]


class Started(NamedTuple):
    """What a command printed, and the top-level packages that it loaded."""

    printed: str
    loaded: set[str]


def started(*commands: Words) -> list[Started]:
    """Run commands one after the other in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands)], capture_output=True, text=True, check=True
    )
    parts = re.split(r"^LOADED (.*)\n", done.stdout, flags=re.MULTILINE)
    printed, loaded = parts[0:-1:2], parts[1::2]
    return [Started(shown, set(names.split())) for shown, names in zip(printed, loaded, strict=True)]


@pytest.fixture(scope="module")
def helps() -> dict[Words, Started]:
    return dict(zip(HELPS, started(*HELPS), strict=True))


@pytest.fixture(scope="module")
def listings(tmp_path_factory: pytest.TempPathFactory) -> dict[Words, Started]:
    home = tmp_path_factory.mktemp("home")
    initialize(Deployment(Settings(home=home)))
    commands = [("--home", str(home), *words) for words in LISTINGS]
    return dict(zip(LISTINGS, started(*commands), strict=True))


@pytest.mark.parametrize("words", HELPS)
def test_help_and_version_load_no_database_lake_or_model(words: Words, helps: dict[Words, Started]) -> None:
    assert not helps[words].loaded & HEAVY


@pytest.mark.parametrize("words", LISTINGS)
def test_a_listing_of_the_database_loads_neither_the_lake_nor_models(
    words: Words, listings: dict[Words, Started]
) -> None:
    assert "sqlalchemy" in listings[words].loaded
    assert not listings[words].loaded & {"pandas", "pyarrow", "deltalake", "sklearn", "alembic"}


@pytest.mark.parametrize("words", QUEUES)
def test_a_queue_loads_no_letters_keys_lake_or_models(words: Words, listings: dict[Words, Started]) -> None:
    heavy = {"jinja2", "babel", "cryptography", "email_validator", "pandas", "numpy", "deltalake", "sklearn"}
    assert not listings[words].loaded & heavy


def test_the_help_lists_every_command_with_its_summary(helps: dict[Words, Started]) -> None:
    printed = helps[("--help",)].printed
    for entry in ENTRIES:
        assert entry.name in printed
        assert entry.summary[:30] in printed


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_listed_command_can_be_loaded_and_has_help(entry: Entry) -> None:
    assert entry.load().help
