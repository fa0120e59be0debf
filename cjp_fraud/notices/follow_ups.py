"""What must follow a notice: a hard copy within 10 business days; what is due, what is overdue: a pure rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import after
from cjp_fraud.contracts.receipt_rule import FollowUp, FollowUpWhen
from cjp_fraud.contracts.terms import NoticeStep, NoticeTerms
from cjp_fraud.notices.letter_standing import LetterFacts
from cjp_fraud.notices.model import NoticeState

_OPEN = (NoticeState.PLANNED, NoticeState.DEFERRED)


@dataclass(frozen=True, slots=True)
class Duty:
    """A paper that must follow the notice of one method.

    Parameters
    ----------
    method_index : place of the method in its step, from 0.
    method : by which the paper goes.
    due_at : by when it must have left; UTC.
    done_at : when all of it had left; None: it has not.
    overdue : whether it did not leave in time; a paper that left late stays overdue.
    conditional : whether the notice stops counting then.
    """

    step: int
    method_index: int
    method: str
    due_at: datetime
    done_at: datetime | None
    overdue: bool
    conditional: bool

    @property
    def sentence(self) -> str:
        """What must be done, and by when."""
        state = (
            f"left {self.done_at:%Y-%m-%d %H:%MZ}"
            if self.done_at is not None
            else "overdue: it has not left"
            if self.overdue
            else "due: it has not left"
        )
        return f"step {self.step}: by {self.due_at:%Y-%m-%d %H:%MZ} a {self.method} must follow; {state}"


def duties_of(
    terms: NoticeTerms, letters: Sequence[LetterFacts], calendars: Calendars, at: datetime
) -> tuple[Duty, ...]:
    """Return the papers that must follow the letters that have left, in order; aware ``at``."""
    duties = []
    for step in terms.steps:
        for place, follow_up, papers in _follow_ups(step, letters):
            events = _events(step, place, follow_up, letters)
            if not events:
                continue
            due_at = after(min(events), (follow_up.within,), follow_up.place, calendars).at
            left = [paper.sent_at for paper in papers if paper.required]
            gone = [moment for moment in left if moment is not None]
            done_at = max(gone) if gone and len(gone) == len(left) else None
            duties.append(
                Duty(
                    step=step.number,
                    method_index=place,
                    method=follow_up.method,
                    due_at=due_at,
                    done_at=done_at,
                    overdue=(done_at or at) > due_at,
                    conditional=follow_up.conditional is not False,
                )
            )
    return tuple(duties)


def follow_ups_due(step: NoticeStep, letters: Sequence[LetterFacts]) -> list[tuple[str, datetime]]:
    """Return the papers to be sent now, and since when each is due: from the letter that it follows."""
    return [
        (paper.notice_id, min(events))
        for place, follow_up, papers in _follow_ups(step, letters)
        if (events := _events(step, place, follow_up, letters))
        for paper in papers
        if paper.state in _OPEN
    ]


def lapsed_duty(duties: Iterable[Duty], step: NoticeStep, place: int) -> bool:
    """Whether a notice by a method counts no more, because what had to follow it did not in time."""
    return any(
        duty.overdue and duty.conditional
        for duty in duties
        if (duty.step, duty.method_index) == (step.number, place)
    )


def _follow_ups(
    step: NoticeStep, letters: Sequence[LetterFacts]
) -> list[tuple[int, FollowUp, list[LetterFacts]]]:
    """Return place, duty and papers of each method that has a duty; the papers stand behind the methods."""
    with_duty = [(place, rule.follow_up) for place, rule in enumerate(step.methods) if rule.follow_up]
    return [
        (
            place,
            follow_up,
            [
                letter
                for letter in letters
                if letter.step == step.number and letter.method_index == len(step.methods) + number
            ],
        )
        for number, (place, follow_up) in enumerate(with_duty)
    ]


def _events(
    step: NoticeStep, place: int, follow_up: FollowUp, letters: Sequence[LetterFacts]
) -> list[datetime]:
    """Return the events from which a duty counts: the sending of its letters, or their coming back."""
    served = [letter for letter in letters if (letter.step, letter.method_index) == (step.number, place)]
    if follow_up.when is FollowUpWhen.ALWAYS:
        return [moment for letter in served if (moment := letter.reached(DeliveryStatus.SENT)) is not None]
    return [event.at for letter in served if letter.required for event in letter.refusals]
