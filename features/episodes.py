"""Join a tenant's flags to episodes."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

EPISODE_GAP_SECONDS: Final = 3600
"""Flags of a tenant within 60 minutes are one episode."""


def episode_starts(tenants: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each flag begins an episode.

    Parameters
    ----------
    tenants : int [flags]; code of the tenant, ascending.
    starts : int64 [flags]; UTC seconds, ascending within a tenant.
    """
    begins = np.ones(len(starts), dtype=bool)
    begins[1:] = (np.diff(tenants) != 0) | (np.diff(starts) > EPISODE_GAP_SECONDS)
    return begins


def count_episodes(tenants: NDArray[np.int64], starts: NDArray[np.int64]) -> int:
    """Number of episodes of flags in any order; arguments as :func:`episode_starts`."""
    order = np.lexsort((starts, tenants))
    return int(episode_starts(tenants[order], starts[order]).sum())


def episode_id(
    tenant_id: str,
    channel: str,
    direction: str,
    application_id: str | None,
    interval_seconds: int,
    start: int,
) -> str:
    """Identify an episode by its tenant and first flag; the same flag always gives the same id.

    Parameters
    ----------
    start : UTC seconds since the epoch of the first flag.

    Returns
    -------
    32 hexadecimal digits (BLAKE2b, 16 bytes).
    """
    parts = (tenant_id, channel, direction, application_id or "", str(interval_seconds), str(start))
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
