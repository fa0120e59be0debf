"""The identity of a series: one id, the same in every lake table, flag and version."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


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


def series_ids(rows: pa.Table) -> pa.Array:
    """Return :func:`series_id` of each row, computed once for each distinct series.

    Parameters
    ----------
    rows : columns ``tenant_id``, ``channel``, ``direction``, ``application_id`` (text; null or missing: none)
        and ``interval_seconds`` (the grid interval's length).

    Returns
    -------
    string array of shape (rows,), no nulls.
    """
    # Imported here, so that code which needs only the id of one series does not load Arrow.
    import numpy as np
    import pyarrow as pa

    from cjp_fraud.traffic.columns import key_codes, packed, values_of
    from cjp_fraud.traffic.schema import SECONDS, SERIES

    keys = [*SERIES, SECONDS]
    code = packed(key_codes(rows, SERIES), values_of(rows, SECONDS).astype(np.int64))
    _, firsts, numbers = np.unique(code, return_index=True, return_inverse=True)
    distinct = rows.select([name for name in keys if name in rows.column_names]).take(pa.array(firsts))
    ids = [series_id(*(series.get(name) for name in keys)) for series in distinct.to_pylist()]
    return pa.array(ids, pa.string()).take(pa.array(numbers))
