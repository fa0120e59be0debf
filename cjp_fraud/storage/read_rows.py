"""Rows that a session has read whole, so that the parts of a page do not ask for them again, one kind after the other.

The comparison of a case with the log reads every row of the case and of its tenant's contract. Most cases have none of
most kinds. What a session that writes reads is never kept: it may change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy.orm import Session

from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import is_reading

_RowT = TypeVar("_RowT", bound=Base)

RowsByOwner: TypeAlias = Mapping[tuple[type[Base], str], Sequence[Base]]
"""Kind of row, and id of what they belong to (a case, a tenant, a subscription) → all its rows of this kind."""

_KEPT: Final = "rows read whole"


def keep_rows(session: Session, rows: RowsByOwner) -> None:
    """Keep rows in a session for reading only, in the place of those that it kept before."""
    if is_reading(session):
        session.info[_KEPT] = rows


def rows_kept(session: Session, kind: type[_RowT], owner: str) -> Sequence[_RowT] | None:
    """Return all rows of a kind that belong to ``owner``, in no order; None: the session has not read them whole."""
    kept: Mapping[tuple[type[Base], str], Sequence[Any]] = session.info.get(_KEPT, {})
    return kept.get((kind, owner))


def has_none(session: Session, kind: type[Base], owner: str) -> bool:
    """Whether the session knows already that ``owner`` has no row of a kind; else it must ask."""
    rows = rows_kept(session, kind, owner)
    return rows is not None and not rows
