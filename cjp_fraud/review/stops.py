"""Stops: what shuts the gate while it stands, and who may order and clear one; a pure rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cjp_fraud.people.model import Actor, Role
from cjp_fraud.review.model import StopKind

_WORDS: Final = {
    StopKind.DISPUTE_UPHELD: "a dispute was decided for the tenant",
    StopKind.COUNSEL_ORDER: "counsel ordered a stop",
}


@dataclass(frozen=True, slots=True)
class StandingStop:
    """A stop that nobody has cleared."""

    id: str
    kind: StopKind


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """A dispute that nobody has decided.

    Parameters
    ----------
    filing_stops : whether the contract, as it was when the dispute was filed, says that filing alone stops a measure.
    """

    id: str
    filing_stops: bool


def stop_sentences(stops: Iterable[StandingStop], disputes: Iterable[OpenDispute]) -> list[str]:
    """Return what shuts the gate of a case, one sentence each, in the order given; none: nothing does."""
    return [
        *(f"{_WORDS[stop.kind]} (stop {stop.id})" for stop in stops),
        *(
            f"a dispute is filed, and the contract says that filing stops (dispute {dispute.id})"
            for dispute in disputes
            if dispute.filing_stops
        ),
    ]


def order_faults(by: Actor, reasons: str) -> list[str]:
    """Return why somebody may not order a stop, a sentence each; none: they may."""
    checks = (
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        (bool(reasons.strip()), "give the reasons of the order"),
    )
    return [sentence for holds, sentence in checks if not holds]


def clearing_faults(kind: StopKind, by: Actor, reasons: str) -> list[str]:
    """Return why somebody may not clear a stop, a sentence each; none: they may.

    A dispute that was decided for the tenant is never cleared.
    """
    checks = (
        (
            kind is StopKind.COUNSEL_ORDER,
            "a dispute decided for the tenant is never cleared; what is flagged later gets its own case",
        ),
        (by.may(Role.COUNSEL), f"{by} is not counsel"),
        (bool(reasons.strip()), "give the reasons"),
    )
    return [sentence for holds, sentence in checks if not holds]
