"""Many tenants that spike at once: detect, the staged run and a back-test mark the same flags, and hide none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import select

from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.joint_quarters import country_of_zone
from cjp_fraud.review.joint_events import events_of
from cjp_fraud.review.tables import Flag, JointSpike
from cjp_fraud.storage.database import make_engine, reading
from cjp_fraud.traffic.grid import grid_rows
from tests.integration.detection.deployments import DATABASE, RULES, START, SmallDeployment, traffic
from tests.integration.detection.test_stages import run_all

DAYS = 10
END = START + timedelta(days=DAYS)
NOW = END + timedelta(days=1)
BERLIN = {f"berlin-{number}": "Europe/Berlin" for number in range(7)}
ZONES = BERLIN | {f"tokyo-{number}": "Asia/Tokyo" for number in range(3)}
AT = START + timedelta(days=9, hours=10, minutes=30)
SECONDS = 900


def burst(tenant: str) -> list[tuple[int, int, int]]:
    """An outage in Germany for half an hour, and a burst of one tenant in Japan the day before."""
    first = int((AT - START).total_seconds()) // SECONDS
    if tenant in list(BERLIN)[:6]:
        return [(first, 2, 900)]
    return [(first - 96, 2, 900)] if tenant == "tokyo-1" else []


ROWS = traffic(DAYS, tenants=ZONES, seconds=SECONDS, burst=burst)


@dataclass
class Both:
    """The same traffic detected at once, and in stages."""

    at_once: SmallDeployment
    staged: SmallDeployment


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Both:
    home = tmp_path_factory.mktemp("joint")
    (home / DATABASE).write_bytes(sqlite_template)
    small = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), ZONES)
    small.ingest(ROWS)
    staged = small.copy(tmp_path_factory.mktemp("staged") / "home")
    small.detect(START, END, NOW)
    run_all(staged, NOW)
    return Both(small, staged)


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


def test_stages_mark_what_one_detection_marks(both: Both) -> None:
    found = spikes(both.at_once)
    assert found == spikes(both.staged)
    assert [row[:5] for row in found[:1]] == [(AT, AT, AT + timedelta(minutes=15), "country", "DE")]
    assert found[0][5:7] == (tuple(list(BERLIN)[:6]), 7)


def test_detecting_again_changes_nothing(both: Both) -> None:
    before = spikes(both.at_once)
    both.at_once.detect(AT - timedelta(hours=2), END, NOW)
    assert spikes(both.at_once) == before


def test_each_flag_stands_and_only_those_together_are_marked(both: Both) -> None:
    with reading(both.at_once.engine) as session:
        flagged = set(session.scalars(select(Flag.tenant_id).where(Flag.superseded_at.is_(None))))
        (event,) = events_of(session, "berlin-0", AT, AT)
        assert events_of(session, "tokyo-1", START, END) == ()
    assert set(list(BERLIN)[:6]) | {"tokyo-1"} <= flagged
    assert (event.tenants, event.name) == (6, "DE")


def test_a_back_test_marks_the_same_flags() -> None:
    gridded = grid_rows(ROWS.assign(application_id=None), grid_seconds=SECONDS)
    scores = backtest_rows(gridded, ZONES, RULES).to_pandas()
    marked = scores[scores["others_flagged"].notna()]
    assert set(marked["tenant_id"]) == set(list(BERLIN)[:6])
    assert (marked["flagged"] & (marked["others_flagged"] == 5)).all()
    assert pd.Timestamp(AT) in set(marked["interval_start"])
    assert scores.loc[scores["tenant_id"] == "tokyo-1", "flagged"].any()


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
