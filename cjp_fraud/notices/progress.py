"""How far a notice plan has come: a pure rule over what is on record of its letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.receipt import (
    Receipt,
    after_wait,
    deemed_receipt,
    in_window,
    latest,
    unknown_starts,
    waiting_periods,
    what_follows,
)
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.notices.follow_ups import Duty, duties_of, follow_ups_due, lapsed_duty
from cjp_fraud.notices.letter_standing import LetterFacts, actually_received_at, failed, undone_by
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.plans import place_of_others

_OPEN = (NoticeState.PLANNED, NoticeState.DEFERRED)


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan and its letters, as they are on record; ``everywhere``: every method of a step is served at once."""

    plan_id: str
    case_id: str
    mode: PlatformMode
    terms: NoticeTerms
    calendars: Calendars
    created_at: datetime
    cancelled: bool
    letters: tuple[LetterFacts, ...]
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A notice that counts as received, and an authenticated report that it did not arrive."""

    notice_id: str
    event_id: str


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """How far a plan has come at a moment.

    Parameters
    ----------
    current_step : the last step that has fallen due.
    step_complete : whether that step is received as the contract wants it.
    complete_at : the earliest moment of the measure: every step received, its wait, the notice period and the cure
        period over, in an enforcement window; None: not all steps are received. It may lie ahead.
    next_due_at : when dispatching has something to do next; None: nothing.
    failed : a step can no longer be completed by any method that the contract permits.
    contradictions : what no person has resolved.
    gone_out : whether anything may have left.
    explanation : how the moments were computed, a sentence a step.
    receipts : of the steps that are received, with rule, inputs and calendars.
    duties : papers that must follow a notice, those that have gone out too.
    """

    plan_id: str
    case_id: str
    mode: PlatformMode
    current_step: int
    step_complete: bool
    complete_at: datetime | None
    next_due_at: datetime | None
    failed: bool
    contradictions: tuple[Contradiction, ...]
    gone_out: bool
    cancelled: bool
    explanation: tuple[str, ...]
    receipts: tuple[Receipt, ...] = ()
    duties: tuple[Duty, ...] = ()


@dataclass(slots=True)
class _Sequence:
    """How far the contract's sequence of steps has come."""

    due_steps: list[tuple[NoticeStep, datetime]] = field(default_factory=list)
    current_step: int = 1
    step_complete: bool = False
    failed: bool = False
    complete_at: datetime | None = None
    next_step_at: datetime | None = None
    explanation: list[str] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Received:
    """When a method, or a whole step, was received, and what the periods of the contract may count from."""

    receipt: Receipt
    sent_at: datetime
    actually_at: datetime | None


def progress_of(facts: PlanFacts, at: datetime) -> PlanProgress:
    """Return how far a plan has come at ``at`` (aware)."""
    moment = aware(at)
    sequence = _sequence(facts, moment)
    due = letters_due(facts, moment)
    return PlanProgress(
        plan_id=facts.plan_id,
        case_id=facts.case_id,
        mode=facts.mode,
        current_step=sequence.current_step,
        step_complete=sequence.step_complete,
        complete_at=sequence.complete_at,
        next_due_at=moment if due else (None if facts.cancelled else sequence.next_step_at),
        failed=sequence.failed,
        contradictions=contradictions_of(facts),
        gone_out=any(letter.gone_out for letter in facts.letters),
        cancelled=facts.cancelled,
        explanation=tuple(sequence.explanation),
        receipts=tuple(sequence.receipts),
        duties=duties_of(facts.terms, facts.letters, facts.calendars, moment),
    )


def contradictions_of(facts: PlanFacts) -> tuple[Contradiction, ...]:
    """Return the reports against letters that count as received and that must be; a person resolves each."""
    return tuple(
        Contradiction(letter.notice_id, event.event_id)
        for letter in facts.letters
        if letter.required and letter.reached_at is not None
        for rule in (_rule_of(facts, letter),)
        if rule is None or not undone_by(letter, rule, facts.calendars)
        for event in letter.refusals
    )


def letters_due(facts: PlanFacts, at: datetime) -> tuple[tuple[str, datetime], ...]:
    """Return the letters to be sent at ``at`` and since when each is due, in order.

    All-of: every method of the step. Any-of: the first method that completes the step and has not failed, so that a
    failure falls to the contract's next one; of a plan that goes everywhere, all methods, and other addresses too. What
    must follow a letter is due once it has left, or come back. Nothing of a cancelled plan is due.
    """
    if facts.cancelled:
        return ()
    due = []
    moment = aware(at)
    for step, due_at in _sequence(facts, moment).due_steps:
        places: Sequence[int] = range(len(step.methods))
        if step.combine is Combine.ANY_OF and not facts.everywhere:
            alive = [
                place
                for place in step.sufficient
                if not _method_failed(facts, step, place)
                and not lapsed_duty(_duties(facts, moment), step, place)
            ]
            places = alive[:1]
        for place in places:
            due += [(letter.notice_id, due_at) for letter in _of(facts, step, place) if letter.state in _OPEN]
        due += follow_ups_due(step, facts.letters)
        due += [(letter.notice_id, due_at) for letter in _to_others(facts, step) if letter.state in _OPEN]
    return tuple(due)


def _duties(facts: PlanFacts, at: datetime) -> tuple[Duty, ...]:
    return duties_of(facts.terms, facts.letters, facts.calendars, at)


def _sequence(facts: PlanFacts, at: datetime) -> _Sequence:
    sequence = _Sequence()
    due_at = facts.created_at
    ends: list[Receipt] = []
    for step in facts.terms.steps:
        if due_at > at:
            sequence.next_step_at = due_at
            return sequence
        sequence.due_steps.append((step, due_at))
        sequence.current_step = step.number
        received, sequence.failed = _step_received(facts, step, at)
        sequence.step_complete = received is not None
        if received is None:
            return sequence
        sequence.receipts.append(received.receipt)
        last = step.number == len(facts.terms.steps)
        following = after_wait(
            received.receipt, step.wait, facts.calendars, what=what_follows(step, last=last)
        )
        sequence.explanation += [f"step {step.number}: {sentence}" for sentence in following.steps]
        due_at = following.at
        if step.number == 1:
            ends += waiting_periods(
                received.sent_at, received.receipt, received.actually_at, facts.terms, facts.calendars
            )
            missing = unknown_starts(facts.terms, received.actually_at)
    _complete(facts, sequence, [replace(following, steps=()), *ends], missing)
    return sequence


def _complete(facts: PlanFacts, sequence: _Sequence, ends: Sequence[Receipt], missing: Sequence[str]) -> None:
    """Set the earliest moment of the measure, after the latest of what must be over, in an enforcement window."""
    sequence.explanation += missing
    if missing:
        return
    permitted = in_window(latest(ends), facts.terms, facts.calendars)
    sequence.explanation += permitted.steps
    sequence.complete_at = permitted.at


def _step_received(facts: PlanFacts, step: NoticeStep, at: datetime) -> tuple[_Received | None, bool]:
    """Return the receipt of a whole step, if it is received, and whether it can no longer be received."""
    any_of = step.combine is Combine.ANY_OF
    places = step.sufficient if any_of else range(len(step.methods))
    duties = _duties(facts, at)
    lost = {
        place for place in places if _method_failed(facts, step, place) or lapsed_duty(duties, step, place)
    }
    done = [
        received
        for place in places
        if place not in lost and (received := _method_received(facts, step, place)) is not None
    ]
    if any_of:
        first = min(done, key=lambda received: received.receipt.at) if done else None
        return first, len(lost) == len(places)
    return (_all(done) if len(done) == len(places) else None), bool(lost)


def _all(done: Sequence[_Received]) -> _Received:
    actual = [received.actually_at for received in done]
    known = [moment for moment in actual if moment is not None]
    return _Received(
        latest([received.receipt for received in done]),
        max(received.sent_at for received in done),
        max(known) if len(known) == len(actual) else None,
    )


def _method_received(facts: PlanFacts, step: NoticeStep, place: int) -> _Received | None:
    rule = step.methods[place]
    letters = [letter for letter in _of(facts, step, place) if letter.required]
    reached = [letter.reached_at for letter in letters]
    moments = [moment for moment in reached if moment is not None]
    if not moments or len(moments) < len(reached):
        return None
    sent = [letter.sent_at for letter in letters]
    actual = [actually_received_at(letter, rule) for letter in letters]
    known = [moment for moment in actual if moment is not None]
    return _Received(
        deemed_receipt(max(moments), rule, facts.calendars),
        max(moment for moment in sent if moment is not None),
        max(known) if len(known) == len(actual) else None,
    )


def _method_failed(facts: PlanFacts, step: NoticeStep, place: int) -> bool:
    """Whether a method cannot be completed: each address that the contract names is needed."""
    required = [letter for letter in _of(facts, step, place) if letter.required]
    rule = step.methods[place]
    return not required or any(failed(letter, rule, facts.calendars) for letter in required)


def _of(facts: PlanFacts, step: NoticeStep, place: int) -> list[LetterFacts]:
    return [letter for letter in facts.letters if letter.step == step.number and letter.method_index == place]


def _to_others(facts: PlanFacts, step: NoticeStep) -> list[LetterFacts]:
    """Return the letters of a step to addresses that the terms do not name for it; they decide nothing."""
    first = place_of_others(step)
    return [letter for letter in facts.letters if letter.step == step.number and letter.method_index >= first]


def _rule_of(facts: PlanFacts, letter: LetterFacts) -> MethodRule | None:
    """Return the rule of a letter's method; None: it is a paper that had to follow."""
    methods = facts.terms.steps[letter.step - 1].methods
    return methods[letter.method_index] if letter.method_index < len(methods) else None
