"""The demo's traffic: real volumes of the sample, relabelled as outbound voice, with one burst of fraud in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from cjp_fraud.simulation.burst import Burst, write_burst
from cjp_fraud.traffic.sample import sample_traffic_path

DAYS = 35
"""Days of the sample that the demo uses, from its first interval on."""

BURST = Burst(
    tenant_id="social-pfe",
    start=datetime(2015, 4, 2, 2, 0, tzinfo=UTC),
    minutes=45,
    attempts_per_minute=22.5,
)
"""Day 34, in the night; 22.5 attempts a minute is the rate of a published weekend attack."""


def demo_traffic(burst: Burst = BURST) -> pd.DataFrame:
    """Return the first 35 days of the ten social series as outbound voice, the burst written in.

    Returns
    -------
    frame in the traffic schema, one row a tenant and interval; ``interval_start`` datetime64[us, UTC].
    """
    rows = pd.read_csv(sample_traffic_path(), parse_dates=["interval_start"])
    end = rows["interval_start"].min() + timedelta(days=DAYS)
    rows = rows[rows["interval_start"] < end].assign(channel="voice", direction="outbound")
    return write_burst(rows.reset_index(drop=True), burst)


def write_demo_files(folder: Path, burst: Burst = BURST) -> tuple[Path, Path, datetime]:
    """Write the demo's traffic and the burst's label as CSV into ``folder``.

    Returns
    -------
    path of the traffic, path of the label, and the end of the traffic's last interval (aware UTC).
    """
    folder.mkdir(parents=True, exist_ok=True)
    traffic, label = folder / "traffic.csv.gz", folder / "burst.csv"
    rows = demo_traffic(burst)
    rows.to_csv(traffic, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    pd.DataFrame(
        [{"tenant_id": burst.tenant_id, "from": burst.start, "to": burst.end, "label": "fraud (written in)"}]
    ).to_csv(label, index=False)
    last = rows["interval_start"].max() + timedelta(seconds=int(rows["interval_seconds"].max()))
    return traffic, label, last.to_pydatetime()
