"""Deemed receipt: when a contract treats a notice as received, and when it lets the next thing happen; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.clock import aware, utc_text
from cjp_fraud.contracts.business_calendar import Calendars, Holiday, next_opening
from cjp_fraud.contracts.enforcement_window import next_in_window
from cjp_fraud.contracts.periods import CountedFrom, Period, Reading, Wait, WaitUnit, after, in_words
from cjp_fraud.contracts.receipt_rule import AT_ONCE, Basis, ReceiptRule, RollForward, UnlessFailure
from cjp_fraud.contracts.stated import NOT_STATED, Unstated, stated
from cjp_fraud.contracts.terms import MethodRule, NoticeStep, NoticeTerms

_BASIS_WORDS: Final = {
    Basis.SENT: "our server or carrier took it over",
    Basis.ACCEPTED: "the recipient's own server took it over",
    Basis.MAILED: "it was mailed",
    Basis.PUBLISHED: "it was published",
    Basis.RELAYED: "a delivery report said that it was relayed",
    Basis.DELIVERED: "a delivery report said that it was delivered",
    Basis.CONFIRMED_DELIVERY: "its delivery was confirmed",
    Basis.RECEIVED: "it was received",
    Basis.DISPLAYED: "it was displayed",
    Basis.ACKNOWLEDGED: "the recipient acknowledged it",
}

_NO_OFFSET: Final = Period(0, WaitUnit.HOURS)

_MARGIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CalendarUsed:
    """A calendar that a moment was computed with, and the holidays that lay near.

    Parameters
    ----------
    source, zone_data : the list of holidays and the time-zone data, with their versions.
    days : from the day before the first moment to the day after the last.
    """

    name: str
    place: str
    time_zone: str
    source: str
    zone_data: str
    days: tuple[Holiday, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A moment that a contract's rule yields, and how.

    Parameters
    ----------
    at : aware, UTC.
    steps : one sentence a step of the computation, in the order applied.
    rule : the rule in words; empty: none was applied.
    inputs : what it was computed from, name and value.
    calendars : those of the places that the rule may count in.
    """

    at: datetime
    steps: tuple[str, ...]
    rule: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    calendars: tuple[CalendarUsed, ...] = ()


def deemed_receipt(reached_at: datetime, rule: MethodRule, calendars: Calendars) -> Receipt:
    """Return when the contract treats a notice as received.

    Never before ``reached_at``, never earlier for a later one, and the same on every machine.

    Parameters
    ----------
    reached_at : aware moment at which the notice reached the rule's basis.
    rule : the contract's rule for the method.
    calendars : of the recipient and of the other places that the contract names.

    Raises
    ------
    NaiveTimeError
        If ``reached_at`` has no zone.
    BadInputError
        If a value of the rule has not been read, or the days of a place are not known that far.
    """
    event = aware(reached_at)
    receipt_rule = stated(rule.receipt) or AT_ONCE
    place = receipt_rule.place
    steps = [_basis_sentence(event, rule, calendars.recipient_zone)]
    roll = stated(receipt_rule.roll_forward) or RollForward.NONE
    at = event
    if roll in (RollForward.EVENT, RollForward.BOTH):
        at = _rolled(at, place, calendars, steps)
    offset = stated(receipt_rule.offset)
    readings = ((offset,) if offset is not None else ()) + receipt_rule.other_readings
    time_of_day = stated(receipt_rule.time_of_day)
    if readings or time_of_day is not None:
        reading = after(at, readings or (_NO_OFFSET,), place, calendars, time_of_day)
        at, steps = reading.at, [*steps, *reading.steps]
    if roll is RollForward.RECEIPT or (
        roll is RollForward.BOTH and not _rolled_for_good(receipt_rule, calendars)
    ):
        at = _rolled(at, place, calendars, steps)
    at = _beyond_failure(event, at, receipt_rule, calendars, steps)
    return Receipt(
        at,
        tuple(steps),
        rule=rule_words(rule),
        inputs=(("event", utc_text(event)), ("recipient's zone", calendars.recipient_zone)),
        calendars=_used(calendars, place, event, at),
    )


def _basis_sentence(event: datetime, rule: MethodRule, time_zone: str) -> str:
    basis = rule.basis
    if isinstance(basis, Unstated):
        counts = "the clause does not say from when it counts, so it counts when it was received, the later reading"
        return f"by {rule.method} {counts}: {in_words(event, time_zone)}"
    return (
        f"by {rule.method} a notice counts when {_BASIS_WORDS[basis]} ({basis}): {in_words(event, time_zone)}"
    )


def _rolled(at: datetime, place: str | Unstated, calendars: Calendars, steps: list[str]) -> datetime:
    """Return the next moment in business hours, by the latest of the places that may be meant."""
    readings = [Reading(*next_opening(at, calendar)) for calendar in calendars.candidates(place)]
    latest = max(readings, key=lambda reading: reading.at)
    steps += latest.steps
    if len({reading.at for reading in readings}) > 1:
        steps.append("the clause does not say whose business hours; these are the latest")
    return latest.at


def _rolled_for_good(rule: ReceiptRule, calendars: Calendars) -> bool:
    """Whether nothing moved a moment since it was rolled, in a place whose hours, not stated, would roll it again."""
    offset = stated(rule.offset)
    periods = ((offset,) if offset is not None else ()) + rule.other_readings
    moved = any(period.amount for period in periods) or stated(rule.time_of_day) is not None
    return not moved and any(calendar.opens is None for calendar in calendars.candidates(rule.place))


def _beyond_failure(
    event: datetime, at: datetime, rule: ReceiptRule, calendars: Calendars, steps: list[str]
) -> datetime:
    """Return the receipt, or the end of the time in which a failure still undoes it, if that is later."""
    unless = stated(rule.unless_failure)
    if unless is None:
        return at
    until = failure_undoes_until(event, unless, rule.place, calendars)
    if until is None:
        steps.append("unless a failure comes back, whenever that is")
        return at
    if until > at:
        steps.append(
            f"unless a failure comes back by {in_words(until, calendars.recipient_zone)}; it counts from then on"
        )
        return until
    return at


def failure_undoes_until(
    event: datetime, unless: UnlessFailure, place: str | Unstated, calendars: Calendars
) -> datetime | None:
    """Return until when a failure that comes back undoes the receipt; None: at any time."""
    within = stated(unless.within)
    return after(event, (within,), place, calendars).at if within is not None else None


def _used(
    calendars: Calendars, place: str | Unstated, first: datetime, last: datetime
) -> tuple[CalendarUsed, ...]:
    return tuple(
        CalendarUsed(
            calendar.name,
            calendar.place,
            calendar.time_zone,
            calendar.source,
            calendar.zone_data,
            tuple(
                holiday
                for holiday in calendar.holidays
                if calendar.local(first - _MARGIN).date()
                <= holiday.day
                <= calendar.local(last + _MARGIN).date()
            ),
        )
        for calendar in calendars.candidates(place)
    )


def rule_words(rule: MethodRule) -> str:
    """Return the deemed-receipt rule of a method in one line, for whoever reads the proof."""
    receipt = stated(rule.receipt) or AT_ONCE
    words = [f"{rule.method}, from {rule.basis}"]
    words += [f"plus {period}" for period in (stated(receipt.offset),) if period is not None]
    words += [f"or {period}" for period in receipt.other_readings]
    time_of_day = stated(receipt.time_of_day)
    words += [f"at {time_of_day:%H:%M}"] if time_of_day is not None else []
    words += [f"in {receipt.place}"] if not isinstance(receipt.place, Unstated) else []
    roll = stated(receipt.roll_forward)
    words += (
        [f"{roll} outside business hours moves to the next"] if roll not in (None, RollForward.NONE) else []
    )
    unless = stated(receipt.unless_failure)
    if unless is not None:
        within = stated(unless.within)
        words.append("unless a failure comes back" + (f" within {within}" if within is not None else ""))
    if receipt.follow_up is not NOT_STATED and rule.follow_up is not None:
        words.append(f"and by {rule.follow_up.method} within {rule.follow_up.within}")
    rebuttable = stated(receipt.rebuttable)
    if rebuttable is not None:
        words.append("the customer may prove otherwise" if rebuttable else "whether or not it is received")
    return ", ".join(words)


def after_wait(received: Receipt, wait: Wait | Unstated, calendars: Calendars, *, what: str) -> Receipt:
    """Return the earliest moment after a step that was received at which ``what`` holds.

    Hours are elapsed hours. Calendar days are counted on the wall clock and are never shorter than the same number of
    24 hours: if a clause can be read in two ways, the later moment is taken.

    Parameters
    ----------
    received : receipt of the whole step, or whatever the wait counts from.
    wait : the contract's wait after it; not stated: there is none.
    what : what holds from then on, for the sentence ("step 2 may follow", "the cure period is over").
    """
    start = aware(received.at)
    period = stated(wait)
    if period is None or period.amount == 0:
        return replace(received, at=start, steps=(*received.steps, f"without a wait {what}"))
    reading = after(start, (period,), period.place, calendars)
    *before, last = reading.steps
    return replace(received, at=reading.at, steps=(*received.steps, *before, f"{last}; then {what}"))


def what_follows(step: NoticeStep, *, last: bool) -> str:
    """Return what may follow a step, for the sentences of :func:`after_wait`."""
    return f"{'the measure' if last else f'step {step.number + 1}'} may follow"


def in_window(permitted: Receipt, terms: NoticeTerms, calendars: Calendars) -> Receipt:
    """Return the first moment from ``permitted`` on that lies in the contract's enforcement windows."""
    windows = stated(terms.windows)
    if windows is None:
        return permitted
    at, sentence = next_in_window(permitted.at, windows, calendars)
    return replace(permitted, at=at, steps=(*permitted.steps, *([sentence] if sentence else ())))


def latest(receipts: Iterable[Receipt]) -> Receipt:
    """Return the latest of several receipts, with the sentences of all."""
    rows = sorted(receipts, key=lambda receipt: receipt.at)
    return replace(rows[-1], steps=tuple(sentence for row in rows for sentence in row.steps))


def earliest_measure(
    dispatched_at: datetime, terms: NoticeTerms, calendars: Calendars, *, from_step: int = 1
) -> Receipt:
    """Return the earliest moment of a measure if every step from now on succeeds the moment it falls due.

    This is what a letter may promise as "not before"; later events can only move it back.

    Parameters
    ----------
    dispatched_at : aware; when the letter of ``from_step`` leaves.
    """
    at = aware(dispatched_at)
    receipt = Receipt(at, (f"dispatched {in_words(at, calendars.recipient_zone)}",))
    periods: list[Receipt] = []
    for step in terms.steps[from_step - 1 :]:
        receipt = fastest_step(receipt, terms, step.number, calendars)
        if step.number == 1:
            periods = waiting_periods(at, receipt, at, terms, calendars)
        last = step.number == len(terms.steps)
        receipt = after_wait(receipt, step.wait, calendars, what=what_follows(step, last=last))
    return in_window(latest([receipt, *periods]), terms, calendars)


def fastest_step(start: Receipt, terms: NoticeTerms, number: int, calendars: Calendars) -> Receipt:
    """Return the receipt of a step whose bases are all reached at once, by its fastest method where one is enough."""
    step = terms.steps[number - 1]
    receipts = [
        deemed_receipt(start.at, step.methods[place], calendars)
        for place in (step.sufficient if step.any_of else range(len(step.methods)))
    ]
    received = min(receipts, key=lambda row: row.at) if step.any_of else latest(receipts)
    moved = received.at > start.at
    return replace(received, steps=(*start.steps, *(received.steps if moved else ())))


def waiting_periods(
    sent_at: datetime,
    received: Receipt,
    actually_received_at: datetime | None,
    terms: NoticeTerms,
    calendars: Calendars,
) -> list[Receipt]:
    """Return when notice period and cure period are over; of one whose start is not known yet, nothing.

    The caller lets no measure follow before all that the terms state are known.

    Parameters
    ----------
    sent_at, received, actually_received_at : of the first step; None: it is not proven.
    """
    ends = []
    for name, wait in (("notice period", stated(terms.minimum)), ("cure period", stated(terms.cure))):
        if wait is None:
            continue
        start: datetime | None = received.at
        if wait.counted_from is CountedFrom.SENT:
            start = sent_at
        elif wait.counted_from is CountedFrom.ACTUALLY_RECEIVED:
            start = actually_received_at
        if start is not None:
            ends.append(after_wait(Receipt(start, ()), wait, calendars, what=f"the {name} is over"))
    return ends


def unknown_starts(terms: NoticeTerms, actually_received_at: datetime | None) -> list[str]:
    """Return why notice period or cure period cannot be counted yet, a sentence each; none: they can.

    Parameters
    ----------
    actually_received_at : of the first step; None: it is not proven.
    """
    if actually_received_at is not None:
        return []
    return [
        f"the {name} counts from when the notice was actually received, and that is not proven yet"
        for name, wait in (("notice period", stated(terms.minimum)), ("cure period", stated(terms.cure)))
        if wait is not None and wait.counted_from is CountedFrom.ACTUALLY_RECEIVED
    ]
