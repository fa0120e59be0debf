"""The demo shows the whole path, may run again in its folder, and never touches a folder that is not its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cjp_fraud.deployment import open_deployment
from cjp_fraud.web.application import queue_application
from tests import processes
from tests.commands import command_with_small_forests
from tests.queue_pages import ROOT, let_in

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


def test_the_demo_ends_suspended_and_proved(tmp_path: Path) -> None:
    words = ("demo", "--home", str(tmp_path / "here"))
    done = processes.run(command_with_small_forests, *words, environment=environment())
    assert done.exit_code == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "2015-03-30" in done.stdout
    assert "2015-03-23" not in done.stdout, "only the version that scores the burst is fitted"
    for line in commands_to_try(done.stdout):
        again = processes.run(processes.command, *line.split()[1:], environment=environment())
        assert again.exit_code == 0, line + again.stderr
    both_people_open_the_case(tmp_path / "here", done.stdout)


def both_people_open_the_case(home: Path, shown: str) -> None:
    """Follow what the demo says at its end, in a home whose mail server runs no more."""
    assert f"cjp-fraud --home {home} serve\n" in shown
    links = dict(re.findall(r"^  (rosa|amir): http://127\.0\.0\.1:8471(/set-up/\S+)$", shown, re.MULTILINE))
    case = re.search(r"^  http://127\.0\.0\.1:8471(/cases/\d+)$", shown, re.MULTILINE)
    assert case is not None, shown[-2000:]
    for name in ("rosa", "amir"):
        browser = TestClient(queue_application(open_deployment(home=home)), base_url=ROOT)
        let_in(browser, links[name])
        page = browser.get(case[1])
        assert page.status_code == 200
        assert "Restricted" in page.text
        assert "Simulated clock" in page.text
        assert browser.get("/queue").status_code == 200


@pytest.mark.slow
def test_the_installed_demo_may_run_twice(run: object, tmp_path: Path) -> None:
    for _ in range(2):
        done = run("demo", "--home", str(tmp_path / "here"))  # type: ignore[operator]
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        tried = commands_to_try(done.stdout)
    for line in tried:
        again = run(*line.split()[1:])  # type: ignore[operator]
        assert again.returncode == 0, line + again.stderr


def commands_to_try(shown: str) -> list[str]:
    """Check that a demo showed the whole path; return the three commands that it names at its end."""
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
        assert said in shown, said
    lines = [line.strip() for line in shown.split("Three commands to try next:")[1].splitlines()]
    tried = [line for line in lines[: lines.index("", 1)] if line]
    assert len(tried) == 3
    return tried


def test_a_folder_that_no_demo_wrote_is_left_alone(run: object, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    done = run("demo", "--home", str(mine))  # type: ignore[operator]
    assert done.returncode == 1
    assert "not a demo" in done.stderr
    assert (mine / "thesis.txt").read_text() == "years of work"
