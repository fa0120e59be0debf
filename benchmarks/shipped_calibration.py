"""Make the shipped calibration (``models/shipped.py``): survival of s′ over restless series.

Pooled over the first nine days of the ten social series of the real traffic, of ten dense synthetic series, and of the
wild synthetic ones with and without peaks; every series weighs the same. Prints the table to paste. Run from the
repository's root:

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
from features.local_grid import DAY as DAY_SECONDS
from models.shipped import KNOTS

DAYS = 9
SEED = 100


def survival(traffic: pd.DataFrame) -> np.ndarray:
    """Mean over series of the share of scored rows above each knot."""
    zones = dict.fromkeys(traffic["tenant_id"].unique(), "Etc/UTC")
    arranged = arrange(pa.Table.from_pandas(traffic), zones)
    run = DetectionRun(MemoryStore(arranged, DetectionRules(), trains=False), DetectionRules())
    ends = int(arranged.first.min()) // DAY_SECONDS * DAY_SECONDS, int(arranged.last.max()) + DAY_SECONDS
    parts = [rows for _, parts in run.days(*ends) for rows in parts]
    series, statistic = (
        np.concatenate([getattr(rows, name) for rows in parts]) for name in ("series", "statistic")
    )
    shares = []
    for code in range(len(arranged.table)):
        known = np.sort(statistic[(series == code) & ~np.isnan(statistic)])
        above = np.searchsorted(known, np.concatenate([[0.0], KNOTS]), side="right")
        shares.append(1.0 - above / len(known))
    return np.mean(shares, axis=0)


def main(folder: Path) -> None:
    """Print the table."""
    real = pd.read_csv(folder / "traffic.csv.gz", parse_dates=["interval_start"])
    social = real[real["tenant_id"].str.startswith("social")].copy()
    social["interval_start"] = social["interval_start"].dt.floor("5min")
    social = social[social["interval_start"] < social["interval_start"].min() + pd.Timedelta(days=DAYS)]
    wild = synthetic.wild(DAYS, seed=SEED)
    traffic = [
        social.assign(application_id=None, contacts_peak=np.nan),
        synthetic.gridded({**synthetic.dense(10, DAYS, seed=SEED), **wild}),
        synthetic.gridded({f"{name}-sums": minutes for name, minutes in wild.items()}, with_peak=False),
    ]
    print("SURVIVAL =", [float(f"{share:.3g}") for share in survival(pd.concat(traffic, ignore_index=True))])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
