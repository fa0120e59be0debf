"""The command line as tests run it in processes of their own: killed at a step, or with small forests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from cjp_fraud.storage.lake import Lake
from tests.processes import command, die
from tests.small_forests import small_forests

Step = Callable[..., None]


def command_dying_at(when: str, number: int, *words: str) -> None:
    """Be ``cjp-fraud words``, killed at the ``number``-th step of a kind.

    ``when`` is ``before`` or ``after`` a session's commit, ``commit`` for the commit of any connection (just
    before it), ``table`` after the making of a table of the lake, or ``lake`` after a commit of the lake.
    """
    numbers = count(1)

    def step(*_args: object) -> None:
        if next(numbers) == number:
            die()

    _WHEN[when](step)
    command(*words)


def command_with_small_forests(*words: str) -> None:
    """Be ``cjp-fraud words``, where model versions are fitted with few trees."""
    with small_forests():
        command(*words)


def _then(name: str, step: Step) -> None:
    real = getattr(Lake, name)

    def followed(*args: Any, **kwargs: Any) -> Any:
        done = real(*args, **kwargs)
        step()
        return done

    setattr(Lake, name, followed)


_WHEN: dict[str, Callable[[Step], None]] = {
    "before": lambda step: event.listen(Session, "before_commit", step),
    "after": lambda step: event.listen(Session, "after_commit", step),
    "commit": lambda step: event.listen(Engine, "commit", step),
    "table": lambda step: _then("_make", step),
    "lake": lambda step: _then("_commit", step),
}
