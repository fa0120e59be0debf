"""The catalogue of grounds for a finding of fraud: what a reviewer ticks, and the customer is told.

Each says what was observed, as ``[grounds]`` of the letters' phrases words it. None says how it was detected, or what
would have gone unseen: whoever commits the fraud may read the customer's mail.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from cjp_fraud.contracts.restriction import CHANNELS, DIRECTIONS


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


MAY_BE_TAKEN_OVER: Final = frozenset({Ground.UNATTENDED, Ground.TAKEN_OVER_ACCESS, Ground.FORWARDED_CALLS})
"""Grounds under which whoever commits the fraud may also read the customer's mail."""

_MESSAGES: Final = ("chat", "email", "sms", "social")

_SEEN_IN: Final[Mapping[Ground, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Ground.COSTLY_DESTINATIONS: (("voice", "sms"), ("outbound",)),
    Ground.UNUSUAL_DESTINATIONS: (("voice", "sms"), ("outbound",)),
    Ground.UNATTENDED: (CHANNELS, DIRECTIONS),
    Ground.TAKEN_OVER_ACCESS: (CHANNELS, DIRECTIONS),
    Ground.FORWARDED_CALLS: (("voice",), DIRECTIONS),
    Ground.CALL_BACK_LURES: (("voice",), DIRECTIONS),
    Ground.AUTOMATED_CALLS: (("voice",), ("outbound",)),
    Ground.CARRIED_FOR_OTHERS: (("voice",), DIRECTIONS),
    Ground.CALLS_WITHOUT_CONVERSATION: (("voice",), ("inbound",)),
    Ground.BLOCKED_LINES: (("voice",), ("inbound",)),
    Ground.PUMPED_MESSAGES: (_MESSAGES, ("outbound",)),
    Ground.FEIGNED_CONTACTS: (_MESSAGES, ("inbound",)),
}
"""Ground → channels and directions of the traffic that it speaks of, as its words say."""


def fits(ground: Ground, streams: Collection[tuple[str, str]]) -> bool:
    """Whether what a ground says can have been seen in any of these channels with their directions."""
    channels, directions = _SEEN_IN[ground]
    return any(channel in channels and direction in directions for channel, direction in streams)


def misfitting(grounds: Collection[Ground], streams: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """Return a sentence for each ground that speaks of other traffic than these channels with their directions.

    None is returned where nothing is known of the traffic: that has a sentence of its own.
    """
    if not streams:
        return ()
    traffic = ", ".join(sorted(f"{channel} {direction}" for channel, direction in streams))
    fitting = ", ".join(ground for ground in Ground if fits(ground, streams))
    return tuple(
        f"the ground {ground} speaks of other traffic than what was flagged ({traffic}); those that fit: {fitting}"
        for ground in in_catalogue_order(grounds)
        if not fits(ground, streams)
    )


def in_catalogue_order(grounds: Collection[Ground]) -> tuple[Ground, ...]:
    """Return the grounds, each once, in the order of the catalogue."""
    return tuple(ground for ground in Ground if ground in grounds)
