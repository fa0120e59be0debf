"""The rule by which a contract treats a notice as received, for one method: data, entered by counsel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cjp_fraud.contracts.methods import PHYSICAL, require_method
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import Period
from cjp_fraud.contracts.stated import NOT_STATED, Stated, Unstated, WallTime
from cjp_fraud.errors import BadInputError


class Basis(StrEnum):
    """Events from which a notice counts.

    ``relayed`` and ``displayed`` are bases of terms that were entered before there were the others.
    """

    SENT = "sent"
    ACCEPTED = "accepted"
    MAILED = "mailed"
    PUBLISHED = "published"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    CONFIRMED_DELIVERY = "confirmed_delivery"
    RECEIVED = "received"
    DISPLAYED = "displayed"
    ACKNOWLEDGED = "acknowledged"


_PROOF: Final = {
    Basis.SENT: DeliveryStatus.SENT,
    Basis.ACCEPTED: DeliveryStatus.ACCEPTED,
    Basis.MAILED: DeliveryStatus.ACCEPTED,
    Basis.PUBLISHED: DeliveryStatus.SENT,
    Basis.RELAYED: DeliveryStatus.RELAYED,
    Basis.DELIVERED: DeliveryStatus.DELIVERED,
    Basis.CONFIRMED_DELIVERY: DeliveryStatus.DELIVERED,
    Basis.DISPLAYED: DeliveryStatus.DISPLAYED,
    Basis.ACKNOWLEDGED: DeliveryStatus.ACKNOWLEDGED,
}


def proof_needed(basis: Basis | Unstated, method: str) -> DeliveryStatus:
    """Return the delivery status, by authenticated evidence, from which the basis is proven.

    A paper is mailed when the carrier's books show it, not when it went to whoever prints it. It is received when the
    carrier delivered it; what is read on a screen, when it was displayed: a mailbox may be reached without its owner.
    A clause that states no basis is read as one that says *received*, the latest.
    """
    if basis in _PROOF:
        return _PROOF[Basis(basis)]
    return DeliveryStatus.DELIVERED if method in PHYSICAL else DeliveryStatus.DISPLAYED


class RollForward(StrEnum):
    """What moves to the next business hours where it falls outside them.

    ``event``: the event of the basis; ``receipt``: the moment computed from it; ``both``.
    """

    NONE = "none"
    EVENT = "event"
    RECEIPT = "receipt"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class UnlessFailure:
    """The notice counts unless a failure comes back.

    Parameters
    ----------
    within : counted from the event of the basis; not stated: whenever it comes.
    """

    within: Stated[Period] = NOT_STATED


class FollowUpWhen(StrEnum):
    """When a second paper must follow a notice."""

    ALWAYS = "always"
    ON_FAILURE = "on_failure"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What must follow a notice: a hard copy within 10 business days.

    Parameters
    ----------
    method : by which it goes.
    address_roles : whose addresses it goes to, all of them.
    within : counted from the event of the basis, in ``place``.
    when : always, or where a failure came back.
    conditional : whether the notice stops counting if it does not follow in time; not stated: it does.
    """

    method: str
    address_roles: tuple[str, ...]
    within: Period
    when: FollowUpWhen = FollowUpWhen.ALWAYS
    place: Stated[str] = NOT_STATED
    conditional: Stated[bool] = NOT_STATED

    def __post_init__(self) -> None:
        require_method(self.method)
        if not self.address_roles or not all(self.address_roles):
            raise BadInputError("a follow-up names no address role; name at least one, for example 'notice'")


@dataclass(frozen=True, slots=True)
class ReceiptRule:
    """What stands between the event of the basis and the receipt.

    Parameters
    ----------
    offset : added to the event; not stated: nothing is.
    other_readings : what the offset may also mean; the latest counts ("first or second business day").
    time_of_day : on the last day of the offset.
    place : whose days and hours count.
    roll_forward : outside business hours; not stated: the clause knows none.
    unless_failure : the notice counts only where no failure came back.
    follow_up : what must follow.
    rebuttable : whether the customer may prove that it was not received; a failure is looked into either way.
    """

    offset: Stated[Period] = NOT_STATED
    other_readings: tuple[Period, ...] = ()
    time_of_day: Stated[WallTime] = NOT_STATED
    place: Stated[str] = NOT_STATED
    roll_forward: Stated[RollForward] = NOT_STATED
    unless_failure: Stated[UnlessFailure] = NOT_STATED
    follow_up: Stated[FollowUp] = NOT_STATED
    rebuttable: Stated[bool] = NOT_STATED


AT_ONCE: Final = ReceiptRule()
"""Nothing stands between the event of the basis and the receipt."""
