"""Where a page of the queue ended, as people and programs hand it back; a pure rule."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from cjp_fraud.clock import aware, utc_text
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.model import QueueOrder

MOVING: Final = frozenset({QueueOrder.WORST, QueueOrder.SCORE})
"""Orders in which a case's place changes with its flags."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended.

    Parameters
    ----------
    revision : of the queue when the first page was read (``cases.queue_revision``).
    moved : whether what changed since then is being listed.
    key : places of the last row in what the order goes by, and its number; None: before the first row.
    """

    order: QueueOrder
    revision: int
    moved: bool = False
    key: tuple[tuple[Any, ...], int] | None = None

    def text(self) -> str:
        """Return the cursor as people and programs hand it back."""
        key = None
        if self.key is not None:
            places, number = self.key
            key = [[utc_text(at) if isinstance(at, datetime) else at for at in places], number]
        document = json.dumps([self.order, self.revision, self.moved, key], separators=(",", ":"))
        return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def read_cursor(text: str, order: QueueOrder) -> Cursor:
    """Return the place that a page named as its next.

    Raises
    ------
    BadInputError
        If it is no such place, or one in another order.
    """
    try:
        padded = text.strip() + "=" * (-len(text.strip()) % 4)
        named, revision, moved, key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        cursor = Cursor(QueueOrder(named), _counted(revision), bool(moved))
        cursor = replace(cursor, key=_key_in(key, cursor))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadInputError(
            f"{text!r} is no place in the queue; give what the page before named as next, or nothing"
        ) from error
    if cursor.order is not order:
        raise BadInputError(
            f"the page before was ordered by {cursor.order}; go on in the same order, or begin anew"
        )
    return cursor


def _key_in(key: Any, cursor: Cursor) -> tuple[tuple[Any, ...], int] | None:
    """Return the key as the cursor's order has it, a value for each column that it goes by."""
    if key is None:
        return None
    places, number = key
    read = _READ_REVISION if cursor.moved else _READ_PLACES[cursor.order]
    return tuple(one(place) for one, place in zip(read, places, strict=True)), _counted(number)


def _score(place: Any) -> float:
    score = float(place)
    if not math.isfinite(score):
        raise ValueError("no case has such a score")
    return score


def _moment(place: Any) -> datetime:
    return aware(datetime.fromisoformat(place)).astimezone(UTC)


def _counted(number: Any) -> int:
    """Return a number as databases count in."""
    if not abs(int(number)) < 2**63:
        raise ValueError("no database counts so far")
    return int(number)


_READ_REVISION: Final = (_counted,)


_READ_PLACES: Final = {
    QueueOrder.WORST: (_counted, _score),
    QueueOrder.SCORE: (_score,),
    QueueOrder.AGE: (_moment,),
}
"""Order → what reads each value of a cursor's key."""
