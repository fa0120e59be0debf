"""Make the shipped calibration (``models/shipped.py``): survival of s′ over restless series.

Pooled over the first nine days (for the longer clocks: three weeks) of the ten social series of the real traffic, of
ten dense synthetic series, and of the wild synthetic ones with and without peaks; every series weighs the same. Prints
the tables to paste. Run from the repository's root:

    python -m benchmarks.shipped_calibration FOLDER_OF_REAL_TRAFFIC
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import synthetic
from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.run import DetectionRun
from cjp_fraud.detection.series import arrange
from features.counting_clocks import HOURLY_CLOCKS, Clock
from features.local_grid import DAY as DAY_SECONDS
from models.shipped import KNOTS

DAYS = {Clock.MINUTE: 9} | dict.fromkeys(HOURLY_CLOCKS, 21)
SEED = 100


def survival(traffic: pd.DataFrame, clock: Clock) -> np.ndarray:
    """Mean over series of the share of a clock's scored rows above each knot."""
    zones = dict.fromkeys(traffic["tenant_id"].unique(), "Etc/UTC")
    arranged = arrange(pa.Table.from_pandas(traffic), zones)
    run = DetectionRun(MemoryStore(arranged, DetectionRules(), trains=False), DetectionRules())
    ends = int(arranged.first.min()) // DAY_SECONDS * DAY_SECONDS, int(arranged.last.max()) + DAY_SECONDS
    parts = [rows for _, parts in run.days(*ends) for rows in parts if rows.clock is clock]
    series, statistic = (
        np.concatenate([getattr(rows, name) for rows in parts]) for name in ("series", "statistic")
    )
    shares = []
    for code in range(len(arranged.table)):
        known = np.sort(statistic[(series == code) & ~np.isnan(statistic)])
        if not len(known):
            continue
        above = np.searchsorted(known, np.concatenate([[0.0], KNOTS]), side="right")
        shares.append(1.0 - above / len(known))
    return np.mean(shares, axis=0)


def main(folder: Path) -> None:
    """Print the tables."""
    real = pd.read_csv(folder / "traffic.csv.gz", parse_dates=["interval_start"])
    for clock in DAYS:
        shares = survival(_traffic(real, DAYS[clock]), clock)
        print(f"{clock}:", [float(f"{share:.3g}") for share in shares])


def _traffic(real: pd.DataFrame, days: int) -> pd.DataFrame:
    social = real[real["tenant_id"].str.startswith("social")].copy()
    social["interval_start"] = social["interval_start"].dt.floor("5min")
    social = social[social["interval_start"] < social["interval_start"].min() + pd.Timedelta(days=days)]
    wild = synthetic.wild(days, seed=SEED)
    traffic = [
        social.assign(application_id=None, contacts_peak=np.nan),
        synthetic.gridded({**synthetic.dense(10, days, seed=SEED), **wild}),
        synthetic.gridded({f"{name}-sums": minutes for name, minutes in wild.items()}, with_peak=False),
    ]
    return pd.concat(traffic, ignore_index=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
