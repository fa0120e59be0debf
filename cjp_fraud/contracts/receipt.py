"""Deemed receipt: when a contract treats a notice as received, and when it lets the next thing happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cjp_fraud.clock import aware
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.terms import MethodRule, NoticeTerms, Wait, WaitUnit

_BASIS_WORDS = {
    DeliveryStatus.SENT: "our mail server took it over",
    DeliveryStatus.ACCEPTED: "the recipient's own server took it over",
    DeliveryStatus.RELAYED: "a delivery report said that it was relayed",
    DeliveryStatus.DELIVERED: "a delivery report said that it was delivered",
    DeliveryStatus.DISPLAYED: "it was displayed",
    DeliveryStatus.ACKNOWLEDGED: "the recipient acknowledged it",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A moment that a contract's rule yields, and how.

    Parameters
    ----------
    at : aware, UTC.
    steps : one sentence a step of the computation, in the order applied.
    """

    at: datetime
    steps: tuple[str, ...]


def deemed_receipt(reached_at: datetime, rule: MethodRule, time_zone: str) -> Receipt:
    """Return when the contract treats a notice as received.

    Parameters
    ----------
    reached_at : aware moment at which the notice reached the rule's basis.
    rule : the contract's rule for the method.
    time_zone : IANA zone of the recipient, in which the sentence names the time too.

    Raises
    ------
    NaiveTimeError
        If ``reached_at`` has no zone.
    """
    at = aware(reached_at)
    return Receipt(
        at,
        (
            f"by {rule.method} a notice counts when {_BASIS_WORDS[rule.basis]} ({rule.basis}): "
            f"{in_words(at, time_zone)}",
        ),
    )


def after_wait(received: Receipt, wait: Wait, time_zone: str, *, what: str) -> Receipt:
    """Return the earliest moment at which ``what`` may follow a step that was received.

    Hours are elapsed hours. Calendar days are counted on the recipient's wall clock and are never
    shorter than the same number of 24 hours: if a clause can be read in two ways, the later moment is taken.

    Parameters
    ----------
    received : receipt of the whole step.
    wait : the contract's wait after it.
    time_zone : IANA zone of the recipient.
    what : what follows, for the sentence ("step 2", "the measure").
    """
    start = aware(received.at)
    if wait.amount == 0:
        return Receipt(start, (*received.steps, f"no wait before {what}"))
    if wait.unit is WaitUnit.HOURS:
        at = start + timedelta(hours=wait.amount)
        return Receipt(at, (*received.steps, f"{wait.amount} hours on, {what}: {in_words(at, time_zone)}"))
    wall = start.astimezone(ZoneInfo(time_zone)) + timedelta(days=wait.amount)
    readings = [wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    at = max(*readings, start + timedelta(days=wait.amount))
    sentence = (
        f"{wait.amount} calendar days on the clock of {time_zone}, the later reading where there are two, "
        f"{what}: {in_words(at, time_zone)}"
    )
    return Receipt(at, (*received.steps, sentence))


def earliest_measure(
    dispatched_at: datetime, terms: NoticeTerms, time_zone: str, *, from_step: int = 1
) -> Receipt:
    """Return the earliest moment of a measure if every step from now on succeeds the moment it falls due.

    This is what a letter may promise as "not before"; later events can only move it back.

    Parameters
    ----------
    dispatched_at : aware; when the letter of ``from_step`` leaves.
    """
    receipt = Receipt(aware(dispatched_at), (f"dispatched {in_words(aware(dispatched_at), time_zone)}",))
    for step in terms.steps[from_step - 1 :]:
        last = step.number == len(terms.steps)
        receipt = after_wait(
            receipt, step.wait, time_zone, what="the measure" if last else f"step {step.number + 1}"
        )
    return receipt


def in_words(at: datetime, time_zone: str) -> str:
    """Return a moment to the second in UTC and on the clock of ``time_zone``."""
    utc = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    local = at.astimezone(ZoneInfo(time_zone))
    if local.utcoffset() == timedelta(0):
        return utc
    return f"{utc} ({local:%Y-%m-%d %H:%M:%S} {time_zone})"
