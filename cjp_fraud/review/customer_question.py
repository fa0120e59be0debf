"""Ask the customer "was this you?": whom, for how long, and what an answer is; a pure rule.

An answer is a statement and clears nobody: the account may be in other hands, and so may a mailbox. That is why only a
contact counts that is no part of the account and was verified before the flagged traffic began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cjp_fraud.review.claim_rules import LONGEST_STOP

WAITS: Final = LONGEST_STOP
"""How long an answer is waited for; then the case is back in the queue, answered or not."""


@dataclass(frozen=True, slots=True)
class OutOfBandContact:
    """An out-of-band contact of the contract.

    Parameters
    ----------
    address : as a person dials or writes it; None: it was erased.
    recorded_at : when it was put on record.
    verified_at : when it was verified that it reaches the customer; None: it was not.
    """

    address_id: str
    method: str
    address: str | None
    recorded_at: datetime
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Askable:
    """Whom the customer's side may be asked through, and why nobody else."""

    contacts: tuple[OutOfBandContact, ...]
    faults: tuple[str, ...]


def askable(contacts: Iterable[OutOfBandContact], first_flag_at: datetime) -> Askable:
    """Return the contacts that were on record and verified before the first flag, and what is wrong where none was."""
    on_record = [contact for contact in contacts if contact.address is not None]
    usable = tuple(
        contact
        for contact in on_record
        if contact.recorded_at < first_flag_at
        and contact.verified_at is not None
        and contact.verified_at < first_flag_at
    )
    if usable:
        return Askable(usable, ())
    if not on_record:
        return Askable((), ("the contract has no out-of-band contact",))
    return Askable(
        (),
        (
            "no out-of-band contact was on record and verified before the first flag, and whoever took the account may "
            "have entered it since",
        ),
    )


def chosen_contact(
    askable_contacts: Sequence[OutOfBandContact], named: str | None
) -> OutOfBandContact | None:
    """Return the contact that is named by its id, or the only one where none is named; None: there is no such one."""
    if named is None:
        return askable_contacts[0] if len(askable_contacts) == 1 else None
    return next((contact for contact in askable_contacts if contact.address_id == named), None)
