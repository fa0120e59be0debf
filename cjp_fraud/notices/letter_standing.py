"""What is on record of one letter, and what it proves under the contract's rule: a pure rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.receipt import failure_undoes_until
from cjp_fraud.contracts.receipt_rule import proof_needed
from cjp_fraud.contracts.stated import NOT_STATED, Unstated
from cjp_fraud.contracts.terms import MethodRule
from cjp_fraud.notices.model import NoticeState


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
    method_index : place of its method in the step; of a paper that must follow, behind the methods.
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

    def reached(self, status: DeliveryStatus) -> datetime | None:
        """Return when it first reached ``status`` by authenticated evidence; None: it has not."""
        return min(
            (
                event.at
                for event in self.events
                if event.authenticated and not event.negative and event.status.reaches(status)
            ),
            default=None,
        )

    @property
    def reached_at(self) -> datetime | None:
        """When it first reached its basis; None: it has not."""
        return self.reached(self.basis)

    @property
    def sent_at(self) -> datetime | None:
        """When it was sent; None: it was not."""
        return self.reached(DeliveryStatus.SENT)

    @property
    def furthest(self) -> DeliveryStatus | None:
        """The highest rung that authenticated evidence shows; None: none is shown."""
        return max(
            (event.status for event in self.events if event.authenticated and not event.negative),
            key=lambda status: status.place,
            default=None,
        )

    @property
    def refusals(self) -> tuple[EventFacts, ...]:
        """Authenticated reports that it did not arrive, which no person has resolved."""
        return tuple(
            event for event in self.events if event.authenticated and event.negative and not event.resolved
        )


def actually_received_at(letter: LetterFacts, rule: MethodRule) -> datetime | None:
    """Return when a letter was in fact received, whatever the clause deems; None: that is not proven."""
    return letter.reached(proof_needed(NOT_STATED, rule.method))


def awaited(letters: Iterable[LetterFacts]) -> str | None:
    """Return what letters that were sent still lack to count as received, a sentence; None: no such letter waits."""
    waiting = [
        letter
        for letter in letters
        if letter.required and letter.state is NoticeState.SENT and letter.reached_at is None
    ]
    if not waiting:
        return None
    furthest = [letter.furthest for letter in waiting]
    shown = min((status for status in furthest if status is not None), key=lambda it: it.place, default=None)
    counts = " and ".join(sorted({str(letter.basis) for letter in waiting}))
    return (
        f"the notice was sent and does not count as received yet: the contract counts it from {counts}, and nothing "
        f"that came back shows more than {shown or DeliveryStatus.SENT}; that nothing comes back proves nothing; "
        "cjp-fraud notices show ID lists what came back"
    )


def undone_by(letter: LetterFacts, rule: MethodRule, calendars: Calendars) -> tuple[EventFacts, ...]:
    """Return the reports by which, under the contract's condition, a letter that reached its basis does not count.

    "Unless a failure comes back within an hour": one that comes later contradicts the receipt, and a person decides.
    """
    reached_at = letter.reached_at
    if reached_at is None or isinstance(rule.receipt, Unstated):
        return ()
    unless = rule.receipt.unless_failure
    if isinstance(unless, Unstated):
        return ()
    until = failure_undoes_until(reached_at, unless, rule.receipt.place, calendars)
    return tuple(event for event in letter.refusals if until is None or event.at <= until)


def failed(letter: LetterFacts, rule: MethodRule, calendars: Calendars) -> bool:
    """Whether a letter does not count and never will; a failure after its receipt is a contradiction instead."""
    if letter.reached_at is None:
        return letter.state is NoticeState.FAILED or bool(letter.refusals)
    return bool(undone_by(letter, rule, calendars))
