"""The catalogue of grounds for a finding of fraud: what a reviewer ticks, and the customer is told.

Each says what was observed, as ``[grounds]`` of the letters' phrases words it. None says how it was detected, or what
would have gone unseen: whoever commits the fraud may read the customer's mail.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Ground(StrEnum):
    """Why traffic is found fraudulent."""

    COSTLY_DESTINATIONS = "costly_destinations"
    """Premium numbers and revenue share (IRSF, access stimulation)."""

    UNUSUAL_DESTINATIONS = "unusual_destinations"
    """Countries or ranges that are new to this traffic (IRSF)."""

    UNATTENDED = "unattended"
    """Nobody at work while it ran (stolen credentials, hijacked systems)."""

    TAKEN_OVER_ACCESS = "taken_over_access"
    """Account takeover, shared credentials."""

    FORWARDED_CALLS = "forwarded_calls"
    """Hijacked call forwarding or transfer."""

    CALL_BACK_LURES = "call_back_lures"
    """Wangiri."""

    AUTOMATED_CALLS = "automated_calls"
    """Robocalling, unlawful diallers."""

    CARRIED_FOR_OTHERS = "carried_for_others"
    """Wholesale trunking, theft of service."""

    CALLS_WITHOUT_CONVERSATION = "calls_without_conversation"
    """Toll-free pumping."""

    BLOCKED_LINES = "blocked_lines"
    """Telephony denial of service (TDoS)."""

    PUMPED_MESSAGES = "pumped_messages"
    """SMS pumping, artificially inflated traffic (AIT)."""

    FEIGNED_CONTACTS = "feigned_contacts"
    """Floods of chats, emails, tickets or posts."""


def in_catalogue_order(grounds: Collection[Ground]) -> tuple[Ground, ...]:
    """Return the grounds, each once, in the order of the catalogue."""
    return tuple(ground for ground in Ground if ground in grounds)
