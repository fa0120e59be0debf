"""Processes of their own that start in milliseconds: forked from one that has imported the product already.

A fresh interpreter imports for a second or two before it does what a test is about. Tests of starting itself
(``tests/integration/cli/test_startup.py``, ``tests/e2e``) still start fresh ones.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from cjp_fraud.cli.groups import ENTRIES

FORKS = multiprocessing.get_context("forkserver")
"""Where the processes come from: one server a test session, which imported this and never runs anything itself."""

FORKS.set_forkserver_preload(
    [
        "cjp_fraud.cli.main",
        *(f"cjp_fraud.cli.{entry.module}" for entry in ENTRIES),
        "alembic.command",
        "psycopg",
        "skops.io",
        "sqlite3",
        "tests.commands",
    ]
)

KILLED = -signal.SIGKILL
"""The exit code of a process that was killed."""

PATIENCE_SECONDS = 300
"""How long a test waits for a process before it calls it stuck."""


class Ended(NamedTuple):
    """How a process ended, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


class Running:
    """A process that runs ``function(*arguments)``, both of which must be importable by name."""

    def __init__(
        self, function: Callable[..., None], *arguments: Any, environment: Mapping[str, str] | None = None
    ) -> None:
        self._written = TemporaryDirectory()
        self._process = FORKS.Process(
            target=_run, args=(self._written.name, dict(environment or {}), function, arguments)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def ended(self) -> Ended:
        """Wait for its end."""
        self._process.join(PATIENCE_SECONDS)
        stuck = self._process.exitcode is None
        if stuck:
            self._process.kill()
            self._process.join()
        with self._written as folder:
            stdout, stderr = (Path(folder, name).read_text() for name in _STREAMS)
        assert not stuck, f"it did not end in {PATIENCE_SECONDS} s\n{stdout}\n{stderr}"
        assert self._process.exitcode is not None
        return Ended(self._process.exitcode, stdout, stderr)


def run(
    function: Callable[..., None], *arguments: Any, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a function in a process of its own to its end, in the environment given instead of this one's."""
    return Running(function, *arguments, environment=environment).ended()


def killed(
    function: Callable[..., None], *arguments: Any, environment: Mapping[str, str] | None = None
) -> None:
    """Run a function in a process of its own that must be killed before it returns."""
    ended = run(function, *arguments, environment=environment)
    assert ended.exit_code == KILLED, ended


def command(*words: str) -> None:
    """Be the command line with these words, as ``cjp-fraud`` is when it is started."""
    from cjp_fraud.cli.main import main

    sys.argv = ["cjp-fraud", *words]
    main()


def die(*_ignored: Any, **_too: Any) -> None:
    """Kill this process in the middle of whatever it does: nothing is flushed, closed or rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)


_STREAMS = ("stdout", "stderr")


def _run(
    folder: str, environment: dict[str, str], function: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    for number, name in enumerate(_STREAMS, start=1):
        os.dup2(os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    if environment:
        os.environ.clear()
        os.environ.update(environment)
    function(*arguments)
