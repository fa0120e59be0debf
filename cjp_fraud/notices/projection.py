"""From when a measure may follow if every letter still to come is served the moment that it is due: a pure rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.notices.letter_standing import EventFacts, LetterFacts, failed
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.plans import follow_up_rules
from cjp_fraud.notices.progress import PlanFacts, PlanProgress, progress_of


def projected(facts: PlanFacts, at: datetime) -> PlanProgress | None:
    """Return how a plan stands once all of it is served, by the fastest method where one is enough; None: it cannot be.

    Every letter still to come is taken to reach all that a basis can ask at once. The progress is that of the gate's
    own rule, so that its ``complete_at`` is what the gate will say if it goes so.

    Parameters
    ----------
    at : aware; letters that are due are served then, later steps when they fall due.
    """
    moment = aware(at)
    for _ in facts.terms.steps:
        facts = _served(facts, progress_of(facts, moment).current_step, moment)
        progress = progress_of(facts, moment)
        if progress.complete_at is not None:
            return progress
        if progress.failed or progress.cancelled or progress.next_due_at is None:
            return None
        moment = progress.next_due_at
    return None


def hypothetical_plan(terms: NoticeTerms, calendars: Calendars, at: datetime) -> PlanFacts:
    """Return a plan of a suspension's notice made at ``at`` (aware): a letter a method, and what must follow."""
    letters = [
        LetterFacts(
            notice_id=f"{step.number}-{place}",
            step=step.number,
            method_index=place,
            basis=rule.proof,
            required=True,
            state=NoticeState.PLANNED,
            gone_out=False,
        )
        for step in terms.steps
        for place, rule in enumerate((*step.methods, *follow_up_rules(step)))
    ]
    return PlanFacts("", "", PlatformMode.ACT, terms, calendars, aware(at), False, tuple(letters))


def _served(facts: PlanFacts, step: int, at: datetime) -> PlanFacts:
    """Return the facts with every letter of a step served that has not failed."""
    methods = facts.terms.steps[step - 1].methods
    letters = []
    for letter in facts.letters:
        behind = letter.method_index >= len(methods)
        lost = not behind and failed(letter, methods[letter.method_index], facts.calendars)
        if letter.step != step or lost:
            letters.append(letter)
            continue
        event = EventFacts(
            f"projected-{letter.notice_id}", at, DeliveryStatus.ACKNOWLEDGED, False, True, False
        )
        letters.append(replace(letter, state=NoticeState.SENT, gone_out=True, events=(*letter.events, event)))
    return replace(facts, letters=tuple(letters))
