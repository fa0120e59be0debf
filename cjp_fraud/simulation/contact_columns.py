"""The columns beside the counts: connected, short, agents, destinations, charges of usual contacts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cjp_fraud.simulation.cloud import STEP_SECONDS
from cjp_fraud.simulation.counts import share_of
from cjp_fraud.simulation.series_kinds import SeriesKind

Floats = npt.NDArray[np.float32]
Columns = dict[str, npt.NDArray[Any]]
"""Column of the traffic schema → number[intervals], whole (float32 holds them up to 16 million).

``top_destination_share`` is the contacts of the most frequent destination, until they are divided by all."""

OCCUPANCY = 0.75
"""Share of an agent's time that is taken by contacts."""


def usual_columns(kind: SeriesKind, offered: Floats, rate: Floats, rng: np.random.Generator) -> Columns:
    """Return what a source says of usual contacts beside their number; a column that it does not have is absent.

    Parameters
    ----------
    offered : float32[intervals], usual contacts.
    rate : float32[intervals], expected contacts: agents are staffed by what is expected, not by what comes.
    """
    size = len(offered)
    z = [rng.standard_normal(size, dtype=np.float32) for _ in range(3)]
    connected = share_of(offered, kind.connected, z[0])
    lost = offered - connected
    failed = np.minimum(share_of(offered, kind.failed, z[1]), lost)
    columns: Columns = {
        "contacts_connected": connected,
        "contacts_abandoned": lost - failed,
        "contacts_failed": failed,
    }
    if kind.talk_seconds:
        columns |= _times(kind, connected, z)
    if kind.staffed:
        handling = kind.talk_seconds or 300.0
        columns["agents_active"] = np.ceil(rate * (kind.connected * handling / STEP_SECONDS / OCCUPANCY))
    if kind.outbound:
        columns |= _destinations(kind, offered, z)
    else:
        columns["distinct_origins"] = offered - share_of(offered, 0.04, z[1])
    columns["charge_cents"] = np.rint(
        columns.get("connected_seconds", 0.0) * (kind.cents_a_minute / 60) + connected * kind.cents_a_contact
    )
    return columns


def _times(kind: SeriesKind, connected: Floats, z: list[Floats]) -> Columns:
    """Lengths of connected contacts are exponential: the sum's spread is that of as many of them."""
    seconds = kind.talk_seconds * (connected + np.sqrt(connected) * z[2])
    seconds = np.rint(np.maximum(seconds, connected))
    return {
        "contacts_short": share_of(connected, kind.short, z[1]),
        "connected_seconds": seconds,
        "peak_concurrent": np.ceil(seconds * (1.25 / STEP_SECONDS)),
    }


def _destinations(kind: SeriesKind, offered: Floats, z: list[Floats]) -> Columns:
    distinct = offered - share_of(offered, 0.05, z[2])
    international = share_of(offered, kind.international or 0.0, z[2])
    several = np.maximum(offered - distinct, np.minimum(offered, 1))
    return {
        "contacts_international": international,
        "contacts_high_risk": np.minimum(share_of(offered, kind.high_risk or 0.0, z[1]), international),
        "distinct_destinations": distinct,
        "new_destinations": share_of(distinct, 0.3, z[0]),
        "invalid_destinations": share_of(distinct, 0.01, z[1]),
        "top_destination_share": several,
    }
