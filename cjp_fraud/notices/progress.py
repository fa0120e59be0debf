"""How far a notice plan has come: a pure rule over what is on record of its letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.receipt import Receipt, after_wait, deemed_receipt
from cjp_fraud.contracts.terms import Combine, NoticeStep, NoticeTerms
from cjp_fraud.notices.model import NoticeState

_OPEN = (NoticeState.PLANNED, NoticeState.DEFERRED)


@dataclass(frozen=True, slots=True)
class EventFacts:
    """One delivery event; see the table of the same name."""

    event_id: str
    at: datetime
    status: DeliveryStatus
    negative: bool
    authenticated: bool
    resolved: bool


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """One letter of a plan and what is known of it.

    Parameters
    ----------
    gone_out : whether bytes may have left (an attempt that succeeded, was interrupted, or ended unknown).
    """

    notice_id: str
    step: int
    method_index: int
    basis: DeliveryStatus
    required: bool
    state: NoticeState
    gone_out: bool
    events: tuple[EventFacts, ...] = ()

    @property
    def reached_at(self) -> datetime | None:
        """When it first reached its basis by authenticated evidence; None: it has not."""
        return min(
            (
                event.at
                for event in self.events
                if event.authenticated and not event.negative and event.status.reaches(self.basis)
            ),
            default=None,
        )

    @property
    def refusals(self) -> tuple[EventFacts, ...]:
        """Authenticated reports that it did not arrive, which no person has resolved."""
        return tuple(
            event for event in self.events if event.authenticated and event.negative and not event.resolved
        )

    @property
    def failed(self) -> bool:
        """Whether it failed before it counted as received; a failure after that is a contradiction."""
        return self.reached_at is None and (self.state is NoticeState.FAILED or bool(self.refusals))


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan and its letters, as they are on record."""

    plan_id: str
    case_id: str
    mode: PlatformMode
    terms: NoticeTerms
    time_zone: str
    created_at: datetime
    cancelled: bool
    letters: tuple[LetterFacts, ...]


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
    complete_at : the earliest moment of the measure: every step received and its wait over; None: not all
        steps are received. It may lie ahead.
    next_due_at : when dispatching has something to do next; None: nothing.
    failed : a step can no longer be completed by any method that the contract permits.
    contradictions : what no person has resolved.
    gone_out : whether anything may have left.
    explanation : how the moments were computed, a sentence a step.
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
    )


def contradictions_of(facts: PlanFacts) -> tuple[Contradiction, ...]:
    """Return the reports against letters that count as received and that must be; a person resolves each."""
    return tuple(
        Contradiction(letter.notice_id, event.event_id)
        for letter in facts.letters
        if letter.required and letter.reached_at is not None
        for event in letter.refusals
    )


def letters_due(facts: PlanFacts, at: datetime) -> tuple[tuple[str, datetime], ...]:
    """Return the letters to be sent at ``at`` and since when each is due, in order.

    All-of: every method of the step. Any-of: the first method that has not failed, so that a failure
    falls to the contract's next one. Nothing of a cancelled plan is due.
    """
    if facts.cancelled:
        return ()
    due = []
    for step, due_at in _sequence(facts, aware(at)).due_steps:
        places = range(len(step.methods))
        if step.combine is Combine.ANY_OF:
            alive = [place for place in places if not _method_failed(_of(facts, step, place))]
            places = range(alive[0], alive[0] + 1) if alive else range(0)
        for place in places:
            due += [(letter.notice_id, due_at) for letter in _of(facts, step, place) if letter.state in _OPEN]
    return tuple(due)


def _sequence(facts: PlanFacts, at: datetime) -> _Sequence:
    sequence = _Sequence()
    due_at = facts.created_at
    for step in facts.terms.steps:
        if due_at > at:
            sequence.next_step_at = due_at
            return sequence
        sequence.due_steps.append((step, due_at))
        sequence.current_step = step.number
        received, sequence.failed = _step_received(facts, step)
        sequence.step_complete = received is not None
        if received is None:
            return sequence
        last = step.number == len(facts.terms.steps)
        following = after_wait(
            received, step.wait, facts.time_zone, what="the measure" if last else f"step {step.number + 1}"
        )
        sequence.explanation += [f"step {step.number}: {sentence}" for sentence in following.steps]
        due_at = following.at
    sequence.complete_at = due_at
    return sequence


def _step_received(facts: PlanFacts, step: NoticeStep) -> tuple[Receipt | None, bool]:
    """Return the receipt of a whole step, if it is received, and whether it can no longer be received."""
    methods = [_of(facts, step, place) for place in range(len(step.methods))]
    receipts = [
        _method_receipt(facts, step, place, letters) if not _method_failed(letters) else None
        for place, letters in enumerate(methods)
    ]
    done = [receipt for receipt in receipts if receipt is not None]
    failures = [_method_failed(letters) for letters in methods]
    if step.combine is Combine.ALL_OF:
        return (_latest(done) if len(done) == len(methods) else None), any(failures)
    return (min(done, key=lambda receipt: receipt.at) if done else None), all(failures)


def _method_receipt(
    facts: PlanFacts, step: NoticeStep, place: int, letters: Sequence[LetterFacts]
) -> Receipt | None:
    reached = [letter.reached_at for letter in letters if letter.required]
    moments = [moment for moment in reached if moment is not None]
    if not moments or len(moments) < len(reached):
        return None
    return deemed_receipt(max(moments), step.methods[place], facts.time_zone)


def _method_failed(letters: Sequence[LetterFacts]) -> bool:
    """Whether a method cannot be completed: each address that the contract names is needed."""
    required = [letter for letter in letters if letter.required]
    return not required or any(letter.failed for letter in required)


def _of(facts: PlanFacts, step: NoticeStep, place: int) -> list[LetterFacts]:
    return [letter for letter in facts.letters if letter.step == step.number and letter.method_index == place]


def _latest(receipts: Iterable[Receipt]) -> Receipt:
    rows = sorted(receipts, key=lambda receipt: receipt.at)
    return Receipt(rows[-1].at, tuple(sentence for row in rows for sentence in row.steps))
