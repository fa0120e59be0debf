"""Whether one letter counts as received, and why, step by step: what the gate reckons with, told for one letter.

The moments are those of :mod:`cjp_fraud.contracts.receipt`, which plan and gate ask too; nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cjp_fraud.clock import utc_text
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.receipt import CalendarUsed, deemed_receipt, rule_words
from cjp_fraud.contracts.terms import MethodRule
from cjp_fraud.notices.letter_standing import LetterFacts, failed, undone_by
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.plans import place_of_others
from cjp_fraud.notices.progress import PlanFacts


class Standing(StrEnum):
    """What a letter counts for."""

    RECEIVED = "received"
    """It counts as received from ``received_at`` on, which may lie ahead."""
    CONTRADICTED = "contradicted"
    """It counts as received, and an authenticated report says that it did not arrive: a person decides."""
    WAITING = "waiting"
    """What the contract counts from has not happened."""
    FAILED = "failed"
    """It did not arrive; the contract's next method follows."""
    UNDONE = "undone"
    """A failure came back within the time in which the clause lets it undo the receipt."""
    OBSERVED = "observed"
    """It was written in ``observe``, where nothing leaves."""
    CANCELLED = "cancelled"
    """Its plan was cancelled before it reached what the contract counts from."""


@dataclass(frozen=True, slots=True)
class LetterReceipt:
    """Whether a letter counts as received.

    Parameters
    ----------
    decides : whether the plan needs it; false for an address replaced lately or beside the terms, and for papers that
        follow.
    received_at : aware; from when it counts as received. None: it does not.
    rule : the contract's rule in words; empty: no rule counts it, for the notice does not wait for it.
    inputs : what the moment was computed from, name and value.
    steps : the reasoning, a sentence a step.
    calendars : business days that it was computed with.
    """

    standing: Standing
    decides: bool
    received_at: datetime | None
    rule: str
    inputs: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    calendars: tuple[CalendarUsed, ...] = ()


def letter_receipt(facts: PlanFacts, notice_id: str) -> LetterReceipt:
    """Return whether a letter of a plan counts as received, by what is on record of it.

    Raises
    ------
    StopIteration
        If the plan has no such letter.
    """
    letter = next(letter for letter in facts.letters if letter.notice_id == notice_id)
    methods = facts.terms.steps[letter.step - 1].methods
    rule = methods[letter.method_index] if letter.method_index < len(methods) else None
    decides = letter.required and rule is not None
    if rule is None:
        return _beside(facts, letter)
    if letter.reached_at is None:
        standing, why = _not_reached(facts, letter, rule)
        return LetterReceipt(standing, decides, None, rule_words(rule), (), why)
    receipt = deemed_receipt(letter.reached_at, rule, facts.calendars)
    undone = undone_by(letter, rule, facts.calendars)
    standing, steps = Standing.RECEIVED, [_reached(letter, letter.reached_at), *receipt.steps]
    if undone:
        standing = Standing.UNDONE
        steps += [
            f"an authenticated failure came back at {utc_text(event.at)}, in time to undo it: it does not count"
            for event in undone
        ]
    elif letter.refusals:
        standing = Standing.CONTRADICTED
        steps += [
            f"an authenticated failure came back at {utc_text(event.at)}: the gate is shut until a person decides"
            for event in letter.refusals
        ]
    if not letter.required:
        steps.append("its address was replaced lately: it is served too, and decides nothing")
    return LetterReceipt(
        standing=standing,
        decides=decides,
        received_at=None if undone else receipt.at,
        rule=receipt.rule,
        inputs=receipt.inputs,
        steps=tuple(steps),
        calendars=receipt.calendars,
    )


def _reached(letter: LetterFacts, at: datetime) -> str:
    return f"it counts from {letter.basis}, which authenticated evidence shows at {utc_text(at)}"


def _not_reached(facts: PlanFacts, letter: LetterFacts, rule: MethodRule) -> tuple[Standing, tuple[str, ...]]:
    """Return why a letter does not count that has not reached what the contract counts from."""
    best = max(
        (event.status for event in letter.events if event.authenticated and not event.negative),
        key=lambda status: status.place,
        default=None,
    )
    shown = (
        f"authenticated evidence shows no more than {best}"
        if best is not None
        else "no evidence shows any step"
    )
    steps = [f"it counts from {letter.basis}; {shown}"]
    ignored = sum(not event.authenticated for event in letter.events)
    if ignored:
        steps.append(f"{ignored} of its events are not authenticated, and prove nothing either way")
    if letter.state is NoticeState.OBSERVED or facts.mode is PlatformMode.OBSERVE:
        return Standing.OBSERVED, (*steps, "it was approved in observe: nothing leaves")
    if failed(letter, rule, facts.calendars):
        steps += [f"an authenticated failure came at {utc_text(event.at)}" for event in letter.refusals]
        return Standing.FAILED, (
            *steps,
            "it did not arrive, and the contract's next method follows if there is one",
        )
    if facts.cancelled:
        return Standing.CANCELLED, (*steps, "its plan was cancelled: nothing of it is sent any more")
    if letter.state is NoticeState.PLANNED:
        steps.append("it has not left yet")
    elif letter.state is NoticeState.DEFERRED:
        steps.append("it could not be handed over yet, or nobody knows whether it was; it is tried again")
    return Standing.WAITING, tuple(steps)


def _beside(facts: PlanFacts, letter: LetterFacts) -> LetterReceipt:
    """Return what a letter counts for that the notice does not wait for: for nothing by itself."""
    if letter.method_index >= place_of_others(facts.terms.steps[letter.step - 1]):
        step = "it goes to an address that the terms do not name for this notice, and decides nothing"
    else:
        step = "it is a paper that must follow a notice; whether it left in time: cjp-fraud notices duties"
    left_at = letter.sent_at
    if facts.mode is PlatformMode.OBSERVE:
        standing = Standing.OBSERVED
    elif left_at is not None:
        standing = Standing.RECEIVED if letter.reached_at is not None else Standing.WAITING
    else:
        standing = Standing.FAILED if letter.state is NoticeState.FAILED else Standing.WAITING
    return LetterReceipt(standing, False, None, "", (), (step,))
