"""Step 13: join a tenant's flags to episodes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from features.constants import EPISODE_GAP_SECONDS


def episode_starts(
    tenants: NDArray[np.int64], starts: NDArray[np.int64], boundaries: Collection[int] = ()
) -> NDArray[np.bool_]:
    """Whether each flag begins an episode.

    Parameters
    ----------
    tenants : int [flags]; code of the tenant, ascending.
    starts : int64 [flags]; UTC seconds, ascending within a tenant.
    boundaries : UTC seconds that no episode crosses (a measure's end: what follows is a new matter).
    """
    begins = np.ones(len(starts), dtype=bool)
    matter = np.searchsorted(np.sort(np.array([*boundaries], dtype=np.int64)), starts, side="right")
    begins[1:] = (np.diff(tenants) != 0) | (np.diff(starts) > EPISODE_GAP_SECONDS) | (np.diff(matter) != 0)
    return begins


def episode_id(tenant_id: str, first_flag: int) -> str:
    """Identify an episode by its tenant and first flag; the same flag always gives the same id.

    Parameters
    ----------
    first_flag : start of the first flagged interval, UTC seconds since the epoch.

    Returns
    -------
    32 hexadecimal digits (the first half of a SHA-256).
    """
    return hashlib.sha256(f"{tenant_id}\n{first_flag}".encode()).hexdigest()[:32]
