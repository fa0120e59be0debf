"""A form acts once, and on the version of a case that its sender saw: checked in the transaction in which it acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.entries_of_case import entries_about
from cjp_fraud.audit.log import first_own_entry
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.digests import digest
from cjp_fraud.errors import BadInputError, FormSentBefore, StaleForm
from cjp_fraud.people.form_drafts import empty_draft
from cjp_fraud.people.model import Decision
from cjp_fraud.people.tables import FormSubmission
from cjp_fraud.storage.database import is_reading
from cjp_fraud.storage.locks import named_lock

# Made once: to make a statement takes longer than to run it.
_CASE_VERSION: Final = select(func.max(AuditEntry.sequence)).where(AuditEntry.case_id == bindparam("case_id"))

READ: Final = "case.read"
"""Action of the entry that somebody looked at a case; it is about the case and changes nothing of it."""

TENANT_READ: Final = "tenant.read"
"""Action of the entry that somebody looked at a tenant with all its cases."""


@dataclass(slots=True)
class PostedForm:
    """A form as a page sent it.

    Parameters
    ----------
    id : made with the page, one a form: by it a form that is sent twice is known.
    fields : what was typed, by name.
    leads_to : page that shows the result.
    case_id : case that it acts on; None: none.
    version : the case's version on the page (:func:`case_version`); None: it does not matter.
    """

    id: str
    fields: dict[str, str]
    leads_to: str
    case_id: str | None = None
    version: int | None = None
    kept: bool = field(default=False, init=False)
    """Whether it is on record that the form acted."""

    @contextmanager
    def acting(self, decision: Decision) -> Iterator[None]:
        """Keep, in the transaction in which the block acts, that the form did; twice or on what is old it does not.

        Raises
        ------
        FormSentBefore
            If it acted before; names the page of the result.
        StaleForm
            If something happened on the case since the page was made.
        """
        session = decision.session
        if not self.kept:
            self._keep(decision)
            self._require_fresh(session)
        yield
        if self.version is not None:
            self._require_fresh(session)
            # Later transactions of the same act build on the first.
            self.version = None
        self.kept = True

    def _keep(self, decision: Decision) -> None:
        session, user_id = decision.session, decision.by.reference
        named_lock(session, f"form {self.id}")
        known = session.get(FormSubmission, self.id)
        said = digest(self.fields)
        if known is not None:
            if known.user_id != user_id or known.digest != said:
                raise BadInputError(
                    "a form of this page was sent before with other words; load the page again"
                )
            raise FormSentBefore(known.leads_to)
        empty_draft(session, user_id, self.fields.get("path", ""))
        session.add(
            FormSubmission(id=self.id, user_id=user_id, digest=said, leads_to=self.leads_to, at=decision.at)
        )
        session.flush()

    def _require_fresh(self, session: Session) -> None:
        """Refuse if entries of others stand after the version; the log's lock holds further ones off."""
        if self.case_id is None or self.version is None:
            return
        later = select(func.count()).where(
            AuditEntry.case_id == self.case_id, AuditEntry.sequence > self.version
        )
        own = first_own_entry(session)
        if own is not None:
            later = later.where(AuditEntry.sequence < own)
        if session.scalar(later):
            raise StaleForm(self.version)


def case_version(session: Session, case_id: str) -> int:
    """Return the number of the newest entry of the log about a case: what a form that acts on it bears."""
    if is_reading(session):  # the page has read them already
        return max((entry.sequence for entry in entries_about(session, case_id)), default=0)
    return session.scalar(_CASE_VERSION, {"case_id": case_id}) or 0
