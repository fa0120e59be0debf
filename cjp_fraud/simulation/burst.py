"""A burst of toll fraud written into traffic, and its label."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Burst:
    """What was written where: the label that a detector is judged by.

    Sizes follow a published case of IRSF through a stolen SIP credential: a step within a minute, calls
    every few seconds for minutes to hours, in the night, no agent active (TransNexus 2019; XINTEC).
    """

    tenant_id: str
    start: datetime  # aware UTC, on the grid
    minutes: int
    attempts_per_minute: float

    @property
    def end(self) -> datetime:
        """End of the burst (exclusive)."""
        return self.start + timedelta(minutes=self.minutes)


def write_burst(traffic: pd.DataFrame, burst: Burst, *, seed: int = 0) -> pd.DataFrame:
    """Add a burst's attempts to a tenant's offered contacts.

    Parameters
    ----------
    traffic : frame in the traffic schema; ``interval_start`` datetime64[us, UTC], ``contacts_offered`` int.
    burst : where and how much; attempts of an interval are Poisson.
    seed : of the random generator.

    Returns
    -------
    a new frame of the same shape.

    Raises
    ------
    ValueError
        If no interval of the tenant falls into the burst.
    """
    import numpy as np

    inside = (
        (traffic["tenant_id"] == burst.tenant_id)
        & (traffic["interval_start"] >= burst.start)
        & (traffic["interval_start"] < burst.end)
    ).to_numpy()
    if not inside.any():
        raise ValueError(f"{burst.tenant_id} has no traffic between {burst.start} and {burst.end}")
    minutes = traffic["interval_seconds"].to_numpy(float)[inside] / 60
    added = np.random.default_rng(seed).poisson(burst.attempts_per_minute * minutes)
    offered = traffic["contacts_offered"].to_numpy().copy()
    offered[inside] += added
    return traffic.assign(contacts_offered=offered)
