"""The demo shows the whole path, twice in the same folder, and never touches a folder that is not its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.commands import command_with_small_forests

COMMAND = Path(sys.executable).parent / "cjp-fraud"


def environment() -> dict[str, str]:
    """The environment without settings of the machine's user."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CJP_FRAUD_")}


@pytest.fixture
def run(tmp_path: Path) -> object:
    """Run the command line in an empty folder without settings of the machine's user."""

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *words], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )

    return command


def test_the_demo_ends_suspended_and_proved_and_may_run_twice(run: object, tmp_path: Path) -> None:
    words = ("demo", "--home", str(tmp_path / "here"))
    first = processes.run(command_with_small_forests, *words, environment=environment())
    second = run(*words)  # type: ignore[operator]
    for done, exit_code in ((first, first.exit_code), (second, second.returncode)):
        assert exit_code == 0, done.stdout[-2000:] + done.stderr[-2000:]
        for said in (
            "RELABELLED",
            "Refused: approve case ",
            "rosa took part in the case",
            ": suspended",
            "250 2.0.0 Ok: queued as DEMO0001",
            "The audit log holds",
            "The bundle holds",
            "is suspended, and every step can be proved",
            "Three commands to try next",
        ):
            assert said in done.stdout, said
        tried = [
            line.strip()
            for line in done.stdout.split("Three commands to try next:")[1].splitlines()
            if line.strip()
        ]
        assert len(tried) == 3
    for line in tried:
        again = run(*line.split()[1:])  # type: ignore[operator]
        assert again.returncode == 0, line + again.stderr


def test_a_folder_that_no_demo_wrote_is_left_alone(run: object, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    done = run("demo", "--home", str(mine))  # type: ignore[operator]
    assert done.returncode == 1
    assert "not a demo" in done.stderr
    assert (mine / "thesis.txt").read_text() == "years of work"
