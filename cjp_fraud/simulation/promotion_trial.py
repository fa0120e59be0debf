"""A simulated cloud on which a new model version is tried before it replaces the one in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from cjp_fraud.clock import day_of
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.trials import Event, KnownTruth, backtest_trial
from cjp_fraud.simulation.cloud import STEP_SECONDS, Cloud
from cjp_fraud.simulation.event_placement import WARM_DAYS
from cjp_fraud.simulation.generate import COUNTS_ONLY, simulate_tenants
from cjp_fraud.simulation.revenue_share_frauds import TEST_CALLS
from cjp_fraud.simulation.truth import TruthRow

SEED: Final = 4
"""Of the cloud: the same for all versions, and none of those that the published figures are measured on."""
WEEKS: Final = 5
FOUND_WITHIN: Final = 86_400
"""Seconds from the beginning of its cost in which a fraud is to be found: on one of weeks a false flag falls too."""
AFTER: Final = 900
"""Seconds after a fraud in which a flag still touches it."""


def simulated_trial(rules: DetectionRules, tenants: int) -> KnownTruth:
    """Simulate and score a fixed cloud: a fraud in each pair of tenants, and its benign twin.

    Each tenant has one series. Single test calls are left out: no flag has so small an excess.
    """
    cloud = Cloud(seed=SEED, weeks=WEEKS, one_series=True, event_share=1.0)
    made = simulate_tenants(cloud, range(tenants), columns=COUNTS_ONLY)
    return backtest_trial(
        f"simulated cloud of {tenants} tenants",
        made.traffic,
        made.zones,
        frauds_of(made.truth),
        rules,
        judged_from=day_of(cloud.start) + WARM_DAYS,
    )


def frauds_of(truth: Iterable[TruthRow]) -> list[Event]:
    """The frauds to be found, by tenant; an episode touches one up to 15 minutes after its end."""
    rows = sorted(
        (row for row in truth if not row.benign and row.part != TEST_CALLS),
        key=lambda row: (row.tenant_id, row.event_id, row.begin),
    )
    return [
        _event(tenant, list(parts))
        for (tenant, _), parts in groupby(rows, key=lambda row: (row.tenant_id, row.event_id))
    ]


def _event(tenant_id: str, parts: Sequence[TruthRow]) -> Event:
    begin = min(row.begin for row in parts)
    costs_from = min((row.begin for row in parts if row.cost_cents > 0), default=begin)
    last = int(max(row.end for row in parts).timestamp()) + AFTER
    until = int(costs_from.timestamp()) + FOUND_WITHIN
    return Event(tenant_id, int(begin.timestamp()) - STEP_SECONDS, last, min(last, until))
