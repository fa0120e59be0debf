"""Make the shipped calibration (``models/shipped.py``): survival of s″ under the shipped constants.

Pooled over the ten social series of the real traffic and wild synthetic ones (without peaks), and over dense
and wild synthetic series (with peaks); every series weighs the same. Prints the tables to paste. Run from the
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
    """Share of scored rows above each knot, over the series' first nine days: no own bar acts on them yet."""
    zones = dict.fromkeys(traffic["tenant_id"].unique(), "Etc/UTC")
    arranged = arrange(pa.Table.from_pandas(traffic), zones)
    run = DetectionRun(MemoryStore(arranged, DetectionRules(), trains=False), DetectionRules())
    ends = int(arranged.first.min()) // DAY_SECONDS * DAY_SECONDS, int(arranged.last.max()) + DAY_SECONDS
    statistic = np.concatenate([rows.statistic for _, parts in run.days(*ends) for rows in parts])
    known = np.sort(statistic[~np.isnan(statistic)])
    return 1.0 - np.searchsorted(known, np.concatenate([[0.0], KNOTS]), side="right") / len(known)


def main(folder: Path) -> None:
    """Print both tables."""
    real = pd.read_csv(folder / "traffic.csv.gz", parse_dates=["interval_start"])
    social = real[real["tenant_id"].str.startswith("social")].copy()
    social["interval_start"] = social["interval_start"].dt.floor("5min")
    social = social[social["interval_start"] < social["interval_start"].min() + pd.Timedelta(days=DAYS)]
    social = social.assign(application_id=None, contacts_peak=np.nan)
    wild = synthetic.wild(DAYS, seed=SEED)
    without = pd.concat([social, synthetic.gridded(wild, with_peak=False)], ignore_index=True)
    peaks = synthetic.gridded({**synthetic.dense(10, DAYS, seed=SEED), **wild})
    for name, traffic in (("WITHOUT_PEAK", without), ("WITH_PEAK", peaks)):
        print(name, "=", [float(f"{share:.2e}") for share in survival(traffic)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
