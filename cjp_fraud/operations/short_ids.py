"""Rows that people name by the beginning of their id, as tables print it."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cjp_fraud.digests import digits_needed
from cjp_fraud.errors import NotFoundError
from cjp_fraud.review.tables import Case, Episode

MOST_NAMED: Final = 5
LEAST_DIGITS: Final = 6
"""Fewer are not taken for the beginning of an id."""

_EPISODE: Final = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},32}}")


def id_of(session: Session, column: InstrumentedAttribute[str], named: str, what: str, listing: str) -> str:
    """Return the one id that begins as a person wrote it.

    Parameters
    ----------
    column : the table's id.
    what : what its rows are called ("notice").
    listing : the command that lists them.

    Raises
    ------
    NotFoundError
        If no id begins so, or several do; names them.
    """
    begins = named.strip().lower()
    query: Any = select(column).where(column.startswith(begins, autoescape=True)).order_by(column)
    ids = session.scalars(query.limit(MOST_NAMED + 1)).all() if len(begins) >= LEAST_DIGITS else []
    if len(ids) == 1 or begins in ids:
        return begins if begins in ids else ids[0]
    if ids:
        digits = digits_needed(ids, max(LEAST_DIGITS, len(begins)))
        shown = ", ".join(row_id[:digits] for row_id in ids[:MOST_NAMED])
        more = " and others" if len(ids) > MOST_NAMED else ""
        raise NotFoundError(f"more than one {what} begins with {named!r}: {shown}{more}; give more digits")
    raise NotFoundError(
        f"no {what} {named!r} is on record; {listing} shows them (its first {LEAST_DIGITS} digits or more are enough)"
    )


def episode_id_of(session: Session, named: str) -> str | None:
    """Return the id of the episode whose id begins as a person wrote it; None where a case is meant.

    Digits that are the number of a case mean the case.
    """
    if not _EPISODE.fullmatch(named):
        return None
    if (
        len(named) < 10
        and named.isdecimal()
        and session.scalar(select(Case.id).where(Case.number == int(named)))
    ):
        return None
    return id_of(session, Episode.id, named, "episode", "cjp-fraud cases list --overflow")
