"""The identity of a series: one id, the same in every lake table, flag and version."""

from __future__ import annotations

import hashlib
import json


def series_id(
    tenant_id: str, channel: str, direction: str, application_id: str | None, interval_seconds: int
) -> str:
    """Return the 32 hex digits that name a series.

    Parameters
    ----------
    interval_seconds : the length of the series' intervals in the traffic table (on the grid).
    """
    key = json.dumps([tenant_id, channel, direction, application_id, interval_seconds])
    return hashlib.sha256(key.encode()).hexdigest()[:32]
