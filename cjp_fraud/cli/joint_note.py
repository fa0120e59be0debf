"""The note below the queue: at which times many tenants were flagged together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from cjp_fraud.review.spike_runs import QueuedEvent

MOST_EVENTS: Final = 5
"""Joint events that are printed with the queue; ``--json`` has all."""
MOST_NAMED: Final = 10
"""Cases that are named of a joint event."""


def tell_joint_events(events: Sequence[QueuedEvent]) -> None:
    """One sentence for each time at which many tenants were flagged together, the newest first."""
    for event in events[:MOST_EVENTS]:
        cases = ", ".join(map(str, event.cases[:MOST_NAMED]))
        more = f" and {len(event.cases) - MOST_NAMED} more" if len(event.cases) > MOST_NAMED else ""
        typer.echo(f"  {event.words}; case {cases}{more}")
    if len(events) > MOST_EVENTS:
        typer.echo(f"  and {len(events) - MOST_EVENTS} earlier times like these (--json)")
