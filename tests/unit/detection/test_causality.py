"""Causality: nothing learns from the future, nothing depends on company, cuts or the clock's zone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.model_fit import LEAST_DAYS, MONDAY, eligible_mondays
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.run import DetectionRun
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.series import Arranged, arrange
from features.counting_clocks import Clock
from features.local_grid import DAY, HOUR
from tests.small_forests import small_forests
from tests.thoroughness import examples
from tests.traffic_builders import MONDAY as START
from tests.traffic_builders import in_zone, rows_of, some_traffic

RULES = DetectionRules()
DAYS = 20
TRAFFIC = some_traffic(tenants=4, days=DAYS)


def scores_of(traffic: pd.DataFrame, zone: str = "Etc/UTC", *, trains: bool = True) -> pd.DataFrame:
    store = MemoryStore(arranged(traffic, zone), RULES, trains=trains)
    tenants = store.arranged.table.keys["tenant_id"].to_numpy()
    with small_forests():
        return pd.concat([known_rows(rows, tenants) for rows in scored(store)], ignore_index=True)


def arranged(traffic: pd.DataFrame, zone: str) -> Arranged:
    return arrange(pa.Table.from_pandas(traffic), in_zone(traffic, zone))


def scored(store: MemoryStore) -> Iterator[ScoredRows]:
    """Known rows of the minute clock day by day."""
    begin, end = (int(day) * DAY for day in (store.arranged.days[0], store.arranged.days[-1] + 1))
    for _, parts in DetectionRun(store, RULES).days(begin, end):
        yield from (rows for rows in parts if rows.version is not None and rows.clock is Clock.MINUTE)


def known_rows(rows: ScoredRows, tenants: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tenant": tenants[rows.series],
            "start": rows.start,
            "baseline": rows.baseline,
            "statistic": rows.statistic,
            "score": rows.score,
            "flagged": rows.flagged,
        }
    )


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    """Scores of the traffic as it is; for reading only."""
    return scores_of(TRAFFIC)


def test_bursts_are_flagged_and_other_rows_no_more_often_than_by_chance(scores: pd.DataFrame) -> None:
    bursts = {
        (f"tenant-{number}", int(START.timestamp()) + ((DAYS - 2) * 288 + 50 * number + step) * 300)
        for number in range(4)
        for step in range(3)
    }
    flagged = {(row.tenant, row.start) for row in scores[scores["flagged"]].itertuples()}
    assert {tenant for tenant, _ in flagged & bursts} == {f"tenant-{number}" for number in range(4)}
    assert len(flagged - bursts) <= 10**-RULES.initial_threshold * scores["score"].notna().sum()
    tops = scores.loc[scores.groupby("tenant")["score"].idxmax()]
    assert set(zip(tops["tenant"], tops["start"], strict=True)) <= bursts


@pytest.mark.thorough
@settings(max_examples=examples(3, 12), deadline=None)
@given(at=st.integers(4 * 288, DAYS * 288 - 1), tenant=st.integers(0, 3), count=st.integers(0, 5000))
def test_changing_the_future_changes_no_past_score(
    scores: pd.DataFrame, at: int, tenant: int, count: int
) -> None:
    moment = START + pd.Timedelta(seconds=at * 300)
    changed = TRAFFIC.copy()
    row = (changed["tenant_id"] == f"tenant-{tenant}") & (changed["interval_start"] >= moment)
    changed.loc[row, ["contacts_offered", "contacts_peak"]] = float(count)
    second, scores_again = int(moment.timestamp()), scores_of(changed)
    for name, until in (("baseline", second), ("score", second), ("flagged", second // HOUR * HOUR)):
        before, after = (
            frame.loc[frame["start"] < until, name].to_numpy() for frame in (scores, scores_again)
        )
        assert before.tobytes() == after.tobytes(), name


@pytest.mark.thorough
@settings(max_examples=examples(3, 12), deadline=None)
@given(hours=st.integers(4 * 24, DAYS * 24 - 1))
def test_what_has_not_come_yet_changes_no_past_score(scores: pd.DataFrame, hours: int) -> None:
    end = START + pd.Timedelta(hours=hours)
    part = scores_of(TRAFFIC[TRAFFIC["interval_start"] < end])
    whole = scores[scores["start"] < int(end.timestamp())]
    for name in ("baseline", "score", "flagged"):
        order = ["tenant", "start"]
        one, other = (frame.sort_values(order)[name].to_numpy() for frame in (part, whole))
        assert one.tobytes() == other.tobytes(), name


@pytest.mark.parametrize("hours", [-9, -3, 4, 11])
def test_a_shift_of_the_zone_shifts_the_statistics_with_it(hours: int) -> None:
    # Etc/GMT+9 is nine hours behind UTC: the same wall clock comes nine hours later.
    zone = f"Etc/GMT{-hours:+d}"
    moved = TRAFFIC.assign(interval_start=TRAFFIC["interval_start"] - pd.Timedelta(hours=hours))
    here, there = scores_of(TRAFFIC, trains=False), scores_of(moved, zone, trains=False)
    there["start"] += hours * HOUR
    order = ["tenant", "start"]
    for name in ("baseline", "statistic"):
        one, other = (frame.sort_values(order)[name].to_numpy() for frame in (here, there))
        assert one.tobytes() == other.tobytes(), name


def test_the_order_of_the_rows_changes_nothing(scores: pd.DataFrame) -> None:
    shuffled = TRAFFIC.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(scores_of(shuffled), scores)


def test_the_clock_going_back_gives_every_interval_one_score() -> None:
    start = pd.Timestamp("2024-10-20", tz="UTC")
    traffic = some_traffic(tenants=1, days=12, start=start)
    rows = scores_of(traffic, "Europe/Berlin")
    assert len(rows) == len(traffic)
    # The first local day begins at 22:00 UTC of the day before: two folded days are there from 20:00 + 26 h
    # on.
    assert rows["score"].isna().sum() == (24 + 22) * 12


def test_of_two_resolutions_the_finer_is_scored() -> None:
    fine = some_traffic(tenants=1, days=8)
    coarse = rows_of("tenant-0", np.full(8 * 48, 120.0), seconds=1800)
    start = START + pd.Timedelta(days=6)
    fine = fine[(fine["interval_start"] < start) | (fine["interval_start"] >= start + pd.Timedelta(hours=5))]
    both = pd.concat([fine, coarse], ignore_index=True)
    store = MemoryStore(arranged(both, "Etc/UTC"), RULES)
    with_score = [
        (int(rows.table.seconds[series]), start)
        for rows in scored(store)
        for series, start, score in zip(rows.series, rows.start, rows.score, strict=True)
        if not np.isnan(score)
    ]
    first = int(start.timestamp())
    assert {at for seconds, at in with_score if seconds == 1800} == set(range(first, first + 5 * HOUR, 1800))


def test_mondays_with_too_few_days_before_them_are_left_out() -> None:
    first = MONDAY + 7 * 100 + 3
    days = np.arange(first, first + 20)
    mondays = eligible_mondays(days)
    assert ((mondays - MONDAY) % 7 == 0).all()
    late_enough = [day for day in range(first + LEAST_DAYS, first + 40) if (day - MONDAY) % 7 == 0]
    assert mondays[0] == late_enough[0]
    assert mondays[-1] < days[-1] + 29


def test_whether_a_monday_has_a_window_is_not_changed_by_later_days() -> None:
    days = np.arange(20_000, 20_060)
    for until in (20_015, 20_033, 20_050):
        known = eligible_mondays(days[days < until])
        assert known[known <= until].tolist() == [m for m in eligible_mondays(days).tolist() if m <= until]


def test_versions_count_from_their_monday() -> None:
    store = MemoryStore(arranged(TRAFFIC, "Etc/UTC"), RULES)
    with small_forests():
        valid_from = {
            int(rows.start[0]) // DAY: rows.version.valid_from for rows in scored(store) if rows.version
        }
    first = int(START.timestamp()) // DAY
    assert [version.valid_from for version in store.versions] == [first + 14]
    under_it = {day for day, monday in valid_from.items() if monday == first + 14}
    assert under_it == set(range(first + 14, first + DAYS))
