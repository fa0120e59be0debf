"""The command line, dying at a commit: run by test_kills.py as a process of its own."""

from __future__ import annotations

import os
import sys

from sqlalchemy import Engine, event

from cjp_fraud.cli.main import main

KILLED = 9


def die_at_commit(number: int) -> None:
    """Die in the place of the ``number``-th commit, without a word to anybody."""
    left = number

    def count(_connection: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(KILLED)

    event.listen(Engine, "commit", count)


if __name__ == "__main__":
    die_at_commit(int(sys.argv[1]))
    sys.argv = ["cjp-fraud", *sys.argv[2:]]
    main()
