"""How long commands take to start, beside what the command line's own libraries take.

``python -m benchmarks.startup`` prints seconds (the best of several runs) and the ratio to importing typer and rich.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 7
COMMAND = str(Path(sys.executable).parent / "cjp-fraud")
BASE = (sys.executable, "-c", "import typer, rich")


def seconds(*words: str) -> float:
    """Return the shortest wall time of several runs of a command."""
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    """Print a table of commands."""
    base = seconds(*BASE)
    print(f"{'import typer, rich':28} {base:6.3f} s")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([COMMAND, "--home", folder, "init"], check=True, capture_output=True)
        for words in (
            ("--version",),
            ("--help",),
            ("cases", "--help"),
            ("users", "--help"),
            ("cases", "list"),
            ("users", "list"),
            ("traffic", "quarantine"),
        ):
            taken = seconds(COMMAND, "--home", folder, *words)
            print(f"{' '.join(words):28} {taken:6.3f} s   {taken / base:5.1f} ×")


if __name__ == "__main__":
    main()
