"""The ladder of delivery evidence: how far a notice is known to have come (RFC 3461, 3464, 5321)."""

from __future__ import annotations

from enum import StrEnum


class Rung(StrEnum):
    """Rungs from the lowest to the highest."""

    QUEUED = "queued"
    ATTEMPTED = "attempted"
    SENT = "sent"
    ACCEPTED = "accepted"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    DISPLAYED = "displayed"
    ACKNOWLEDGED = "acknowledged"

    @property
    def height(self) -> int:
        """Place on the ladder, 0 the lowest."""
        return list(Rung).index(self)

    def reaches(self, basis: Rung) -> bool:
        """Whether this rung is as high as ``basis``."""
        return self.height >= basis.height


BASES = (Rung.SENT, Rung.ACCEPTED, Rung.RELAYED, Rung.DELIVERED, Rung.DISPLAYED, Rung.ACKNOWLEDGED)
"""Rungs that a contract may name as the moment from which a notice counts.

``sent``: our mail server answered 250 after DATA; ``accepted``: the recipient's own server did.
"""
