"""Notice plans: which letter goes where, by which method, in which step; value types, which know no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cjp_fraud.contracts.business_calendar import BusinessCalendar, Calendars
from cjp_fraud.contracts.methods import METHODS
from cjp_fraud.contracts.model import Recipient
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.servable import why_not_served
from cjp_fraud.contracts.terms import MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.documents import UtcMoment
from cjp_fraud.notices.letter_dates import LetterDates, letter_dates
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.statement_of_reasons import StatementOfReasons

if TYPE_CHECKING:
    from cjp_fraud.notices.letter_chart import LetterFigures


@dataclass(frozen=True, slots=True)
class PlannedLetter:
    """One letter of a plan: one step, one method, one address.

    Parameters
    ----------
    method_index : place of the method in its step, from 0; of a paper that must follow, behind the methods.
    required : False for an address that was replaced lately, and for a copy: it is served too, but decides nothing.
    follows : place of the method whose notice it must follow; None: it is a notice itself.
    """

    number: int
    step: int
    method_index: int
    rule: MethodRule
    recipient: Recipient
    required: bool
    follows: int | None = None


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A notice plan as it is proposed and approved; holds ids and digests in the place of names and addresses.

    Parameters
    ----------
    lasts_hours : longest duration of the measure that its letters announce; None: they announce none.
    term_to : end of the term, which no measure outlives; None: not known.
    dispute_days : how long after its date a letter may be disputed.
    locale : the language with the contract's region, by which dates are written; None: the language alone.
    business_calendars : of the places that the contract counts in, with the list of holidays; empty: it counts in
        hours and calendar days alone.
    not_served : methods by which the deployment does not serve; where one method is enough, these are passed over.
    statement : the reasons of the restriction, as data; None: its letters restrict nothing.
    everywhere : whether every method of a step is served at once, and every other address among the recipients beside
        them, because the customer's account may have been taken over.
    waits : whether the measure waits for the periods of the terms; not where no notice is needed beforehand.
    not_before : before when the measure does not begin in any case, as earlier letters state; None: none does.
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
    business_calendars: tuple[BusinessCalendar, ...] = ()
    not_served: tuple[str, ...] = ()
    statement: StatementOfReasons | None = None
    everywhere: bool = False
    waits: bool = True
    not_before: UtcMoment | None = None

    def dates(self, dispatched_at: datetime, step: int) -> LetterDates:
        """Return the moments that a letter of ``step`` states if it leaves at ``dispatched_at`` (aware)."""
        return letter_dates(
            dispatched_at,
            terms=self.terms,
            calendars=self.calendars,
            step=step,
            lasts_hours=self.lasts_hours,
            term_to=self.term_to,
            dispute_days=self.dispute_days,
            waits=self.waits,
            not_before=self.not_before,
        )

    @property
    def figures(self) -> LetterFigures | None:
        """What the chart of its letters on paper is made of; None: they announce no restriction."""
        if self.statement is None:
            return None
        from cjp_fraud.notices.letter_chart import (
            LetterFigures,  # inside: listings load plans, but no letters
        )

        return LetterFigures(self.statement.facts, self.time_zone, self.locale or self.language)

    @property
    def calendars(self) -> Calendars:
        """The calendars that the contract's days are counted by, as they were when the plan was drafted."""
        return Calendars(self.time_zone, self.business_calendars)

    @property
    def letters(self) -> tuple[PlannedLetter, ...]:
        """All letters, in the order of step, method, role and address; what must follow comes after the methods."""
        letters = [
            (step, place, rule, recipient, is_copy)
            for step in self.terms.steps
            for place, rule in enumerate((*step.methods, *follow_up_rules(step)))
            if why_not_served(rule, set(METHODS) - set(self.not_served)) is None
            for role, is_copy in served_roles(rule, self.recipients)
            for recipient in self.recipients
            if recipient.role == role and recipient.method == rule.method
        ]
        if self.everywhere:
            letters += [
                (step, place, rule, recipient, True)
                for step in self.terms.steps
                for place, rule in enumerate(self._other_rules(step), place_of_others(step))
                for recipient in self.recipients
                if recipient.role in rule.address_roles and recipient.method == rule.method
            ]
            letters.sort(key=lambda letter: (letter[0].number, letter[1]))
        return tuple(
            PlannedLetter(
                number,
                step.number,
                place,
                rule,
                recipient,
                recipient.replaced_at is None and not is_copy,
                followed_place(step, place),
            )
            for number, (step, place, rule, recipient, is_copy) in enumerate(letters, 1)
        )

    def _other_rules(self, step: NoticeStep) -> tuple[MethodRule, ...]:
        """Return how addresses are served that no method of a step serves, a rule for each method of serving."""
        served = {
            (rule.method, role)
            for rule in step.methods
            if rule.method not in self.not_served
            for role, _ in served_roles(rule, self.recipients)
        }
        others: dict[str, list[str]] = {}
        for recipient in self.recipients:
            if recipient.method not in self.not_served and (recipient.method, recipient.role) not in served:
                others.setdefault(recipient.method, []).append(recipient.role)
        return tuple(
            MethodRule(method, Basis.SENT, tuple(dict.fromkeys(roles))) for method, roles in others.items()
        )


def place_of_others(step: NoticeStep) -> int:
    """Return the place of the first letter of a step to an address that the terms do not name for it."""
    return len(step.methods) + len(follow_up_rules(step))


def follow_up_rules(step: NoticeStep) -> tuple[MethodRule, ...]:
    """Return how what must follow is served, in the order of the methods that have such a duty.

    Its letters stand in a plan behind the methods: the first has the place ``len(step.methods)``.
    """
    return tuple(
        MethodRule(rule.follow_up.method, Basis.SENT, rule.follow_up.address_roles)
        for rule in step.methods
        if rule.follow_up is not None
    )


def followed_place(step: NoticeStep, place: int) -> int | None:
    """Return the place of the method whose notice a letter at ``place`` must follow; None: it is a notice itself."""
    with_duty = [number for number, rule in enumerate(step.methods) if rule.follow_up is not None]
    behind = place - len(step.methods)
    return with_duty[behind] if 0 <= behind < len(with_duty) else None


def served_roles(rule: MethodRule, recipients: Iterable[Recipient]) -> list[tuple[str, bool]]:
    """Return the roles that a method serves, each once, and whether what they get is a copy, which decides nothing.

    In the place of a role that has no address in force for the method stands the first fall-back that has one.
    """
    in_force = {
        recipient.role
        for recipient in recipients
        if recipient.method == rule.method and recipient.replaced_at is None
    }
    fallback = next((role for role in rule.fallback_roles if role in in_force), None)
    noticed = dict.fromkeys(
        role if role in in_force or fallback is None else fallback for role in rule.address_roles
    )
    copies = [role for role in dict.fromkeys(rule.copy_roles) if role in in_force and role not in noticed]
    return [*((role, False) for role in noticed), *((role, True) for role in copies)]
