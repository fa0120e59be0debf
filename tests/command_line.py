"""The command line as a person uses it on a simulated clock: words in, what was printed and the exit code out.

Each call is ``cjp-fraud`` from its first line to its exit code, with nothing kept from the call before; only the
imports are, for a process of its own would spend a second on them.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from io import BytesIO, TextIOWrapper
from typing import Any, NamedTuple
from unittest.mock import patch

from cjp_fraud.cli.main import main


class Printed(NamedTuple):
    """How a command ended, and what it printed."""

    exit_code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """What it printed, as text."""
        return self.stdout.decode()


class CommandLine:
    """Runs commands; the home and all settings come from the environment, the moment from :attr:`at`."""

    def __init__(self) -> None:
        self._moved_to: datetime | None = None
        self.typed: list[tuple[str, ...]] = []
        """What was run so far, word by word."""

    def at(self, moment: datetime) -> None:
        """Move the simulated clock with the next command; from then on it ticks by itself."""
        self._moved_to = moment

    def run(self, *words: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.tried(*words)
        assert done.exit_code == 0, f"{words} ended with {done.exit_code}\n{done.text}\n{done.stderr}"
        return done.text

    def refused(self, *words: str) -> str:
        """Run a command that must fail with exit code 1; return what it printed and said."""
        done = self.tried(*words)
        assert done.exit_code == 1, f"{words} ended with {done.exit_code}\n{done.text}\n{done.stderr}"
        return done.text + done.stderr

    def ask(self, *words: str) -> Any:
        """Run a command that must succeed with ``--json``; return what it says."""
        return json.loads(self.run(*words, "--json"))

    def tried(self, *words: str) -> Printed:
        """Run a command, however it ends."""
        moved = ["--now", self._moved_to.isoformat()] if self._moved_to is not None else []
        self._moved_to = None
        self.typed.append(words)
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        code = 0
        with (
            patch.object(sys, "argv", ["cjp-fraud", *moved, *words]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        stdout, stderr = (stream.buffer.getvalue() for stream in (out, err))  # type: ignore[attr-defined]
        return Printed(code, stdout, stderr.decode())
