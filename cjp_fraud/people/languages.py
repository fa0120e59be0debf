"""In which language somebody of the staff reads: as they chose it for their pages."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cjp_fraud.people.tables import UserSettings


def language_chosen(session: Session, user_id: str) -> str | None:
    """Return the language that a user chose for the pages; None: they follow their browser."""
    settings = session.get(UserSettings, user_id)
    return settings.language if settings is not None else None
