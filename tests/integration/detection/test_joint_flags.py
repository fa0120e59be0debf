"""Many tenants that spike at once: detect, the staged run and a back-test mark the same flags, and hide none."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from cjp_fraud.detection.joint_quarters import country_of_zone
from cjp_fraud.review.joint_events import events_of
from cjp_fraud.review.tables import JointSpike
from cjp_fraud.storage.database import reading
from features.columns import INTERVAL_START, TENANT
from tests.integration.detection.cloud import BEGIN, BERLIN, END, JOINT, NOW
from tests.integration.detection.deployments import SmallDeployment

TOGETHER = BERLIN[:6]


def spikes(small: SmallDeployment) -> list[tuple[object, ...]]:
    with reading(small.engine) as session:
        rows = session.scalars(select(JointSpike).order_by(JointSpike.quarter_start))
        return [
            (
                *(row.quarter_start, row.begins_at, row.ends_at, row.group_kind, row.group_name),
                *(tuple(row.tenant_ids), row.with_traffic, row.usual, row.by_chance, row.superseded_at),
            )
            for row in rows
        ]


def test_stages_mark_what_one_detection_marks(detected: SmallDeployment, staged: SmallDeployment) -> None:
    found = spikes(detected)
    assert found == spikes(staged)
    assert (found[0][0], *found[0][3:5]) == (JOINT, "country", "DE")
    assert found[0][5:7] == (tuple(TOGETHER), 7)


def test_detecting_again_changes_nothing(detected: SmallDeployment, tmp_path: Path) -> None:
    again = detected.copy(tmp_path / "again")
    again.detect(JOINT - timedelta(hours=2), END, NOW)
    assert spikes(again) == spikes(detected)


def test_each_flag_stands_and_only_those_together_are_marked(detected: SmallDeployment) -> None:
    flagged = {flag.tenant_id for flag in detected.flags()}
    with reading(detected.engine) as session:
        (event,) = events_of(session, "berlin-0", JOINT, JOINT)
        assert events_of(session, "zenith", BEGIN, END) == ()
    assert {*TOGETHER, "zenith"} <= flagged
    assert (event.tenants, event.name) == (6, "DE")


def test_a_back_test_marks_the_same_flags(tested: pd.DataFrame) -> None:
    marked = tested[tested["others_flagged"].notna()]
    assert set(marked[TENANT]) == set(TOGETHER)
    assert (marked["flagged"] & (marked["others_flagged"] == 5)).all()
    assert pd.Timestamp(JOINT) in set(marked[INTERVAL_START])
    assert tested.loc[tested[TENANT] == "zenith", "flagged"].any()


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Europe/Berlin", "DE"),
        ("Asia/Calcutta", "IN"),
        ("US/Eastern", "US"),
        ("Etc/UTC", None),
    ],
)
def test_the_country_of_a_zone_is_that_of_cldr(zone: str, country: str | None) -> None:
    assert country_of_zone(zone) == country
