"""What may be erased: texts and bytes whose digest stays on record, so that the log verifies without them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cjp_fraud.audit.row_digests import ERASABLE, salted_digest
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.base import new_id, new_salt


def keep_text(session: Session, body: str, at: datetime) -> PersonalText:
    """Store a text with a fresh salt and return its row; put ``id`` and ``sha256`` into the log.

    Raises
    ------
    BadInputError
        If the text is not Unicode.
    """
    row = new_text(body, at)
    session.add(row)
    session.flush()
    return row


def new_text(body: str, at: datetime) -> PersonalText:
    """Return the row of a text with a fresh salt; the caller stores it.

    Raises
    ------
    BadInputError
        If the text is not Unicode: bytes from a terminal that are not UTF-8 reach Python as lone surrogates.
    """
    try:
        body.encode()
    except UnicodeEncodeError as error:
        raise BadInputError(
            f"character {error.start + 1} of the text is not UTF-8; write it again, in UTF-8"
        ) from None
    salt = new_salt()
    return PersonalText(
        id=new_id(), body=body, salt=salt, sha256=salted_digest(salt, body), written_at=aware(at)
    )


def holds_erasable(row: Any) -> bool:
    """Whether there is still something to erase in a row of one of the tables of :data:`ERASABLE`."""
    return any(getattr(row, column) is not None for column in ERASABLE[row.__tablename__])


def erase_contents(row: Any, at: datetime) -> None:
    """Erase what may be erased of a row; its digests stay, so the log still verifies.

    The caller appends the entry :data:`ERASED`, which must name the row.
    """
    for column in ERASABLE[row.__tablename__]:
        setattr(row, column, None)
    row.erased_at = aware(at)
