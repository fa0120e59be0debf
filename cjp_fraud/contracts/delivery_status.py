"""Delivery status: how far a notice is known to have come (RFC 3461, 3464, 5321)."""

from __future__ import annotations

from enum import StrEnum


class DeliveryStatus(StrEnum):
    """What is proven of a notice, from the least to the most."""

    QUEUED = "queued"
    ATTEMPTED = "attempted"
    SENT = "sent"
    ACCEPTED = "accepted"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    DISPLAYED = "displayed"
    ACKNOWLEDGED = "acknowledged"

    @property
    def place(self) -> int:
        """Place in the order, 0 the least."""
        return list(DeliveryStatus).index(self)

    def reaches(self, basis: DeliveryStatus) -> bool:
        """Whether this status proves at least as much as ``basis``."""
        return self.place >= basis.place


BASES = tuple(status for status in DeliveryStatus if status.reaches(DeliveryStatus.SENT))
"""Statuses that a contract may name as the moment from which a notice counts.

``sent``: our mail server answered 250 after DATA; ``accepted``: the recipient's own server did.
"""
