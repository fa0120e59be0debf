"""Notice plans: which letter goes where, by which method, in which step; value types, which know no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.contracts.model import Recipient
from cjp_fraud.contracts.terms import MethodRule, NoticeTerms
from cjp_fraud.documents import UtcMoment
from cjp_fraud.notices.letter_dates import LetterDates, letter_dates
from cjp_fraud.notices.model import NoticeKind


@dataclass(frozen=True, slots=True)
class PlannedLetter:
    """One letter of a plan: one step, one method, one address.

    Parameters
    ----------
    required : False for an address that was replaced lately: it is served too, but decides nothing.
    """

    number: int
    step: int
    method_index: int
    rule: MethodRule
    recipient: Recipient
    required: bool


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A notice plan as it is proposed and approved; holds ids and digests in the place of names and addresses.

    Parameters
    ----------
    lasts_hours : longest duration of the measure that its letters announce; None: they announce none.
    term_to : end of the term, which no measure outlives; None: not known.
    dispute_days : how long after its date a letter may be disputed.
    locale : the language with the contract's region, by which dates are written; None: the language alone.
    """

    kind: NoticeKind
    tenant_id: str
    time_zone: str
    language: str
    template: str
    template_version: str
    subject: str
    body: str
    clause: str
    terms: NoticeTerms
    recipients: tuple[Recipient, ...]
    lasts_hours: int | None
    term_to: UtcMoment | None
    dispute_days: int
    locale: str | None = None

    def dates(self, dispatched_at: datetime, step: int) -> LetterDates:
        """Return the moments that a letter of ``step`` states if it leaves at ``dispatched_at`` (aware)."""
        return letter_dates(
            dispatched_at,
            terms=self.terms,
            time_zone=self.time_zone,
            step=step,
            lasts_hours=self.lasts_hours,
            term_to=self.term_to,
            dispute_days=self.dispute_days,
        )

    @property
    def letters(self) -> tuple[PlannedLetter, ...]:
        """All letters, in the order of step, method, role and address."""
        letters = [
            (step.number, place, rule, recipient)
            for step in self.terms.steps
            for place, rule in enumerate(step.methods)
            for role in dict.fromkeys(rule.address_roles)
            for recipient in self.recipients
            if recipient.role == role and recipient.method == rule.method
        ]
        return tuple(
            PlannedLetter(number, step, place, rule, recipient, recipient.replaced_at is None)
            for number, (step, place, rule, recipient) in enumerate(letters, 1)
        )
