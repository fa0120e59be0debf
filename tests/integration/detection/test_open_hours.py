"""Hours that are still open: scored and flagged as they come, the same as once they are closed but for the q-value."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select

from cjp_fraud.detection.open_hours import flag_open_hours, open_window
from cjp_fraud.detection.window import DetectionWindow, next_window
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import reading
from features.columns import INTERVAL_START
from features.local_grid import DAY
from tests.integration.detection.cloud import ATTACKED, BEGIN, DAYS, END, EVE, NOW
from tests.integration.detection.deployments import SmallDeployment, traffic

MINUTES = timedelta(minutes=1)
HOUR = ATTACKED.replace(minute=0)
BURST_IS_THERE = ATTACKED + 25 * MINUTES
MIDNIGHT = EVE + timedelta(days=1)


def flag_open(small: SmallDeployment, now: datetime) -> DetectionWindow | None:
    """Do what a scheduler does with the hours that are open; return them."""
    window = open_window(small.engine, now)
    if window is not None:
        small.score(window, now)
        flag_open_hours(small.detection(window.begin, window.end), window, now)
    return window


def some(window: DetectionWindow | None) -> DetectionWindow:
    assert window is not None
    return window


def of_the_hour(small: SmallDeployment, tenant: str = "acme") -> list[Flag]:
    return [
        flag
        for flag in small.flags()
        if flag.tenant_id == tenant and HOUR <= flag.interval_start < HOUR + timedelta(hours=1)
    ]


def numbers(flag: Flag) -> tuple[object, ...]:
    return flag.interval_start, flag.clock, flag.score, flag.p_value, flag.observed, flag.excess


@pytest.fixture(scope="module")
def morning(eve: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """All closed hours are detected; in the open one acme's burst has just come."""
    small = eve.copy(tmp_path_factory.mktemp("morning") / "home")
    small.run_stages(BURST_IS_THERE)
    assert not of_the_hour(small)
    return small


def test_a_burst_is_flagged_and_has_its_case_while_its_hour_is_open(
    morning: SmallDeployment, staged: SmallDeployment, tmp_path: Path
) -> None:
    small = morning.copy(tmp_path / "home")
    window = some(flag_open(small, BURST_IS_THERE))
    assert (window.begin, window.end) == (HOUR, HOUR + 60 * MINUTES)
    early = of_the_hour(small)
    assert {flag.q_value for flag in early} == {None}
    assert not any("is chance" in word for flag in early for word in flag.reasons["words"])
    assert {numbers(flag) for flag in early} <= {numbers(flag) for flag in of_the_hour(staged)}
    with reading(small.engine) as session:
        assert session.scalar(select(func.count()).select_from(Case).where(Case.tenant_id == "acme")) == 1


def test_when_its_hour_closes_a_flag_stays_and_gets_its_q_value(
    morning: SmallDeployment, staged: SmallDeployment, tmp_path: Path
) -> None:
    small = morning.copy(tmp_path / "home")
    flag_open(small, BURST_IS_THERE)
    early = {flag.id for flag in of_the_hour(small)}
    small.run_stages(HOUR + 70 * MINUTES)
    closed = of_the_hour(small)
    assert early <= {flag.id for flag in closed}
    assert [(numbers(flag), flag.q_value, flag.reasons) for flag in closed] == [
        (numbers(flag), flag.q_value, flag.reasons) for flag in of_the_hour(staged)
    ]


def test_open_hours_that_were_scored_wait_for_nothing_but_new_traffic(
    morning: SmallDeployment, tmp_path: Path
) -> None:
    small = morning.copy(tmp_path / "home")
    assert flag_open(small, BURST_IS_THERE) is not None
    assert flag_open(small, BURST_IS_THERE) is None
    late = traffic(DAYS, begin=BEGIN, tenants={"loo": "Etc/UTC"})
    late = late[late[INTERVAL_START] == HOUR].assign(contacts_offered=77)
    small.ingest(late, "late.parquet", now=BURST_IS_THERE)
    assert some(flag_open(small, BURST_IS_THERE)).begin == HOUR
    assert flag_open(small, BURST_IS_THERE) is None


def episodes(small: SmallDeployment) -> set[frozenset[tuple[object, ...]]]:
    """The flags of each episode; ids say only which flag was recorded first."""
    by_id: dict[str, set[tuple[object, ...]]] = {}
    for tenant, start, clock, score, episode in small.flag_keys():
        by_id.setdefault(episode, set()).add((tenant, start, clock, score))
    return set(map(frozenset, by_id.values()))


@pytest.mark.slow
def test_looking_at_open_hours_changes_nothing_in_the_end(
    eve: SmallDeployment, detected: SmallDeployment, tmp_path: Path
) -> None:
    small = eve.copy(tmp_path / "home")
    for now in (MIDNIGHT - 5 * MINUTES, MIDNIGHT + 5 * MINUTES, BURST_IS_THERE, ATTACKED + 3 * 60 * MINUTES):
        flag_open(small, now)
        small.run_stages(now)
    small.run_stages(NOW)
    for one, other in (
        (detected.scores(), small.scores()),
        (detected.clock_scores(), small.clock_scores()),
        (detected.calibrations(), small.calibrations()),
    ):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert episodes(detected) == episodes(small)


def test_in_the_first_minutes_of_a_day_p_is_taken_from_the_pool_that_is_whole(
    eve: SmallDeployment, tmp_path: Path
) -> None:
    small = eve.copy(tmp_path / "home")
    small.run_stages(MIDNIGHT + 5 * MINUTES)
    before = small.calibrations()
    window = some(flag_open(small, MIDNIGHT + 5 * MINUTES))
    assert window.end == MIDNIGHT, "what is left of the day before comes first"
    window = some(flag_open(small, MIDNIGHT + 5 * MINUTES))
    assert window.begin == MIDNIGHT
    assert window.pool_day == int(EVE.timestamp()) // DAY
    assert small.calibrations().equals(before), "no calibration is made of hours that are open"
    small.run_stages(MIDNIGHT + 10 * MINUTES)
    later = some(open_window(small.engine, MIDNIGHT + 70 * MINUTES))
    assert later.pool_day == int(MIDNIGHT.timestamp()) // DAY


def test_traffic_before_a_moment_can_be_left_alone(eve: SmallDeployment) -> None:
    since = EVE + timedelta(hours=30, minutes=20)
    assert some(next_window(eve.engine, END, since)).begin == since.replace(minute=0)
    assert next_window(eve.engine, END, END + timedelta(hours=1)) is None
    assert open_window(eve.engine, END, END + timedelta(hours=1)) is None


def test_no_hour_is_open_once_all_are_closed(eve: SmallDeployment) -> None:
    assert open_window(eve.engine, NOW) is None
