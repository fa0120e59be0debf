"""Keep what somebody typed into a form until the form acts, per person and form, so that no other page can lose it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cjp_fraud.errors import BadInputError
from cjp_fraud.people.tables import FormDraft
from cjp_fraud.storage.locks import named_lock

KEPT_FOR: Final = timedelta(days=7)
"""How long what was typed is kept after the last letter."""

MOST_CHARACTERS: Final = 40_000
"""Longest draft, all fields together."""


def keep_draft(session: Session, user_id: str, form: str, fields: Mapping[str, str], at: datetime) -> None:
    """Keep what is in a form now, in the place of what was; nothing in it: no draft.

    Parameters
    ----------
    form : path that the form is sent to.
    fields : field → text.

    Raises
    ------
    BadInputError
        If it is longer than what is kept.
    """
    typed = {name: text for name, text in fields.items() if text.strip()}
    if sum(map(len, typed.values())) > MOST_CHARACTERS or len(form) > 300:
        raise BadInputError(f"a draft of more than {MOST_CHARACTERS} characters is not kept; shorten it")
    named_lock(session, f"draft {user_id}")
    draft = session.get(FormDraft, (user_id, form), populate_existing=True)
    if draft is None:
        if not typed:
            return
        draft = FormDraft(user_id=user_id, form=form)
        session.add(draft)
    draft.fields, draft.at = typed, at
    session.flush()


def drafts_of(session: Session, user_id: str, forms_under: str) -> dict[str, dict[str, str]]:
    """Return what somebody typed and did not send, by form, of all forms whose path begins with ``forms_under``."""
    rows = session.scalars(
        select(FormDraft).where(
            FormDraft.user_id == user_id, FormDraft.form.startswith(forms_under, autoescape=True)
        )
    )
    return {row.form: dict(row.fields) for row in rows if row.fields}


def empty_draft(session: Session, user_id: str, form: str) -> None:
    """Forget what was typed into a form, because it acted."""
    session.execute(
        update(FormDraft).where(FormDraft.user_id == user_id, FormDraft.form == form).values(fields={})
    )


def empty_old_drafts(session: Session, now: datetime) -> int:
    """Forget what was typed more than seven days before ``now``; how many drafts that were."""
    old = [
        row for row in session.scalars(select(FormDraft).where(FormDraft.at < now - KEPT_FOR)) if row.fields
    ]
    for row in old:
        row.fields = {}
    session.flush()
    return len(old)
