"""Simulated tenants: always the same, each for itself, and coherent row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.detection.series import arrange
from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.event_placement import Injection
from cjp_fraud.simulation.generate import COUNTS_ONLY, SimulatedTraffic, simulate_tenants
from cjp_fraud.traffic.schema import COUNTS

CLOUD = Cloud(seed=11, weeks=5)


@pytest.fixture(scope="module")
def simulated() -> SimulatedTraffic:
    return simulate_tenants(CLOUD, range(24))


def test_the_same_seed_gives_the_same_rows_and_truth(simulated: SimulatedTraffic) -> None:
    again = simulate_tenants(Cloud(seed=11, weeks=5), range(24))
    assert again.traffic.equals(simulated.traffic)
    assert again.truth == simulated.truth
    assert np.array_equal(again.late_hours, simulated.late_hours)


def test_another_seed_gives_other_rows(simulated: SimulatedTraffic) -> None:
    other = simulate_tenants(Cloud(seed=12, weeks=5), range(24))
    assert not other.traffic.equals(simulated.traffic)


def test_a_tenant_does_not_depend_on_the_others(simulated: SimulatedTraffic) -> None:
    alone = simulate_tenants(CLOUD, [17])
    frame = simulated.traffic.drop_columns("countries").to_pandas()
    theirs = frame[frame["tenant_id"] == "sim-000017"]
    mine = alone.traffic.drop_columns("countries").to_pandas()
    keys = ["tenant_id", "channel", "direction"]
    pd.testing.assert_frame_equal(
        mine.astype(dict.fromkeys(keys, str)),
        theirs.reset_index(drop=True).astype(dict.fromkeys(keys, str)),
    )
    assert alone.truth == tuple(row for row in simulated.truth if row.tenant_id == "sim-000017")


def test_clean_traffic_is_the_same_where_no_event_is() -> None:
    clean = simulate_tenants(Cloud(seed=11, weeks=5, events=False), range(24), columns=COUNTS_ONLY)
    whole = simulate_tenants(CLOUD, range(24), columns=COUNTS_ONLY)
    more = whole.traffic["contacts_offered"].to_numpy() - clean.traffic["contacts_offered"].to_numpy()
    assert clean.truth == ()
    assert (more >= 0).all()
    assert 0 < (more > 0).mean() < 0.2


def test_the_columns_of_every_row_agree(simulated: SimulatedTraffic) -> None:
    rows = simulated.traffic.drop_columns("countries").to_pandas()
    offered, peak = rows["contacts_offered"], rows["contacts_peak"]
    assert (peak <= offered).all()
    assert (peak * 5 >= offered).all()
    for name in COUNTS:
        assert (rows[name].dropna() >= 0).all(), name
    lost = rows["contacts_connected"] + rows["contacts_abandoned"] + rows["contacts_failed"]
    assert (lost == offered).all()
    for part, whole in (
        ("contacts_short", "contacts_connected"),
        ("contacts_international", "contacts_offered"),
        ("contacts_high_risk", "contacts_international"),
        ("distinct_destinations", "contacts_offered"),
        ("new_destinations", "distinct_destinations"),
        ("invalid_destinations", "distinct_destinations"),
        ("distinct_origins", "contacts_offered"),
    ):
        known = rows[part].notna()
        assert (rows.loc[known, part] <= rows.loc[known, whole]).all(), part
    assert rows["top_destination_share"].dropna().between(0, 1).all()


def test_the_countries_of_a_row_add_up_to_its_contacts(simulated: SimulatedTraffic) -> None:
    rows = simulated.traffic.select(["contacts_offered", "countries"]).to_pandas()
    rows = rows[rows["countries"].notna()]
    sums = rows["countries"].map(lambda pairs: sum(count for _, count in pairs))
    assert len(rows)
    assert (sums == rows["contacts_offered"]).all()
    assert rows["countries"].map(lambda pairs: len(dict(pairs)) == len(pairs)).all()


def test_the_rows_of_a_series_are_in_order_and_none_stands_twice(simulated: SimulatedTraffic) -> None:
    rows = simulated.traffic.select(["tenant_id", "channel", "direction", "interval_start"]).to_pandas()
    keys = ["tenant_id", "channel", "direction"]
    steps = rows.groupby(keys, observed=True)["interval_start"].diff().dropna()
    assert (steps >= pd.Timedelta(minutes=5)).all()


def test_the_truth_says_what_was_added() -> None:
    at = CLOUD.at(20 * 1440 + 3 * 60)
    clean = Cloud(seed=11, weeks=5, events=False, gaps=False)
    tenant = next(
        profile.index
        for profile in simulate_tenants(clean, range(24), columns=()).tenants
        if ("voice", "outbound") in [kind.name for kind in profile.series]
    )
    burst = Injection(tenant, "revenue_share_burst", at)
    before = simulate_tenants(clean, [tenant]).traffic.to_pandas()
    after = simulate_tenants(clean, [tenant], inject=[burst])
    (row,) = after.truth
    added = after.traffic.to_pandas()
    for name in ("contacts_offered", "contacts_international", "charge_cents", "contacts_connected"):
        added[f"more_{name}"] = added[name].fillna(0) - before[name].fillna(0)
    assert added["more_contacts_offered"].sum() == row.contacts == 111
    assert added["more_contacts_international"].sum() == 111
    assert added["more_charge_cents"].sum() == row.cost_cents
    changed = added[added["more_contacts_offered"] > 0]
    assert changed["interval_start"].min() == pd.Timestamp(at)
    assert row.begin == at
    assert changed["interval_start"].max() < row.end


@given(seed=st.integers(0, 2**63), index=st.integers(0, 10**6), weeks=st.integers(1, 3), alone=st.booleans())
def test_any_tenant_of_any_cloud_is_coherent(seed: int, index: int, weeks: int, alone: bool) -> None:
    cloud = Cloud(seed=seed, weeks=weeks, one_series=alone, event_share=1.0)
    simulated = simulate_tenants(cloud, [index], columns=(*COUNTS_ONLY, "contacts_connected"))
    offered, peak, connected = (
        simulated.traffic[name].to_numpy()
        for name in ("contacts_offered", "contacts_peak", "contacts_connected")
    )
    assert ((peak <= offered) & (offered <= 5 * peak) & (connected >= 0) & (connected <= offered)).all()
    assert len(simulated.late_hours) == len(offered) <= cloud.intervals * len(simulated.tenants[0].series)
    for row in simulated.truth:
        assert cloud.begin <= row.begin < row.end <= cloud.end
        assert row.contacts > 0
        assert row.volume_factor > 1


def test_the_detection_takes_the_rows_as_they_are(simulated: SimulatedTraffic) -> None:
    arranged = arrange(simulated.traffic, simulated.zones)
    assert len(arranged.table) == sum(len(profile.series) for profile in simulated.tenants)
    assert sum(len(group.counts) for group in arranged.groups) == len(simulated.traffic)
