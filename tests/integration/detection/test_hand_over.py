"""From cold to young to settled a series is handed over without a jump in its flags, whatever day it begins on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.generate import COUNTS_ONLY, simulate_tenants
from features.columns import INTERVAL_START, TENANT
from features.local_grid import DAY, local_days

WEEKS = 3
HAND_OVER = range(2, 10)
"""Days of a series, counted from its first, on which it is handed over: first scores, own bar, whole week."""
ONE_HOUR = 12
"""Flags that a single tenant has in an hour: so much is chance."""


def flags_by_age(tenants: int, seed: int) -> NDArray[np.int64]:
    """Flags on each local day of a series, counted from its first; a seventh of the tenants begins on each weekday.

    Clean traffic, at a threshold of 2, so that there are settled flags to compare with.
    """
    cloud = Cloud(seed=seed, weeks=WEEKS, one_series=True, events=False)
    simulated = simulate_tenants(cloud, range(tenants), columns=COUNTS_ONLY)
    names = pa.array([profile.tenant_id for profile in simulated.tenants], pa.string())
    number = pc.index_in(simulated.traffic[TENANT].cast("string"), value_set=names).to_numpy()
    seconds = simulated.traffic[INTERVAL_START].cast("int64").to_numpy() // 1_000_000
    begun = seconds >= int(cloud.begin.timestamp()) + DAY * (number % 7)
    traffic = simulated.traffic.filter(pa.array(begun)).to_pandas()
    scores = backtest_rows(traffic, simulated.zones, DetectionRules(initial_threshold=2.0)).to_pandas()
    age = np.empty(len(scores), dtype=np.int64)
    for tenant, rows in scores.groupby(TENANT).indices.items():
        starts = scores[INTERVAL_START].iloc[rows].astype("int64").to_numpy()
        unit = scores[INTERVAL_START].dt.unit
        local = local_days(simulated.zones[str(tenant)], starts // {"us": 10**6, "ns": 10**9}[unit])
        age[rows] = local - local.min()
    return np.bincount(age[scores["flagged"]], minlength=7 * WEEKS)


@pytest.mark.parametrize("tenants", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_no_day_of_the_hand_over_has_twice_the_flags_of_its_neighbours(tenants: int) -> None:
    flags = flags_by_age(tenants, seed=1)
    assert flags.sum() > 0
    by_chance = ONE_HOUR if tenants < 500 else 0
    for day in HAND_OVER:
        assert flags[day] <= flags[day - 1] + flags[day + 1] + by_chance, (day, flags.tolist())
