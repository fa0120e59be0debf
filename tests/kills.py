"""Dying at a commit, in the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

from tests.platforms import Killed


@contextmanager
def killed_at_commit(engine: Engine, number: int) -> Iterator[list[int]]:
    """Die in the place of the ``number``-th commit, and at every one after it."""
    commits = [0]

    def count(_connection: object) -> None:
        commits[0] += 1
        if commits[0] >= number:
            raise Killed

    event.listen(engine, "commit", count)
    try:
        yield commits
    except Killed:
        pass
    finally:
        event.remove(engine, "commit", count)
