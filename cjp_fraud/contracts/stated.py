"""Values of a contract that may not be stated in it, or that nobody has read yet.

``not_stated``: counsel has read the clause and it says nothing of this. ``not_read``: nobody knows what it says, and
that shuts the gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag

from cjp_fraud.errors import BadInputError

T = TypeVar("T")


class Unstated(StrEnum):
    """What stands in the place of a value that a contract does not give."""

    NOT_STATED = "not_stated"
    NOT_READ = "not_read"


NOT_STATED = Unstated.NOT_STATED
NOT_READ = Unstated.NOT_READ


def _branch(value: object) -> str:
    return "unstated" if isinstance(value, str) and value in set(Unstated) else "stated"


Stated = Annotated[
    Annotated[T, Tag("stated")] | Annotated[Unstated, Tag("unstated")],
    Discriminator(_branch),
]
"""A value of a contract, or one of the two words of :class:`Unstated` in its place."""


def _wall_time(value: time) -> time:
    if value.tzinfo is not None:
        raise BadInputError(
            f"{value.isoformat()} has an offset; write the time on the clock of the place, for example 09:00:00"
        )
    return value


WallTime = Annotated[time, AfterValidator(_wall_time)]
"""A time of day on the clock of a place, without offset: the place's zone gives it."""


def _end_of_day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return time(0) if value in ("24:00", "24:00:00") else time.fromisoformat(value)
    except ValueError:
        raise BadInputError(
            f"{value!r} is no time of day; write it like 17:00:00, the end of the day as 24:00"
        ) from None


ClosingTime = Annotated[WallTime, BeforeValidator(_end_of_day)]
"""A time of day at which something ends; midnight (``24:00`` or ``00:00``) is the end of the day."""


def stated(value: T | Unstated) -> T | None:
    """Return a value that the contract states; None: it states none.

    Raises
    ------
    BadInputError
        If nobody has read it: then nothing may be computed from it.
    """
    if not isinstance(value, Unstated):
        return value
    if value is Unstated.NOT_READ:
        raise BadInputError("a value of the contract has not been read; counsel enters it first")
    return None


def unread_values(value: object, place: str = "") -> Iterator[str]:
    """Yield the place of each value that has not been read, in the words of the field names.

    Parameters
    ----------
    value : a dataclass, or a tuple of them, as notice terms are made of.
    place : where it stands.
    """
    if value is Unstated.NOT_READ:
        yield place or "the whole"
    elif isinstance(value, tuple):
        for number, entry in enumerate(value, 1):
            yield from unread_values(entry, f"{place} {_name(entry) or number}".strip())
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            words = field.name.replace("_", " ")
            yield from unread_values(getattr(value, field.name), f"{place}, {words}" if place else words)


def _name(entry: Any) -> str | None:
    """Return how an entry of a list calls itself, so that a person finds it; None: by its number."""
    for field in ("name", "method", "ground"):
        name = getattr(entry, field, None)
        if isinstance(name, str) and not isinstance(name, Unstated):
            return name
    return None
