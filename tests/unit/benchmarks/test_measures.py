"""Measures of the detection benchmark on cases that are small enough to be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.calibration_table import WEEK, worst_tenth
from benchmarks.detection.labels import DAY, Label
from benchmarks.detection.measures import (
    Marks,
    at_budgets,
    cases_of,
    delays,
    false_episodes,
    first_flags,
    money_lost,
    queued,
    recall,
    share_of_worst,
)

MINUTE = 60
HOUR = 60 * MINUTE
T = 1_000 * DAY
"""A midnight (UTC seconds)."""


def marks(*rows: tuple[int, int], score: list[float] | None = None) -> Marks:
    """Rows of (tenant, start), sorted."""
    tenant, start = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return Marks(tenant, start, np.array(score if score is not None else [3.0] * len(rows)))


def a_label(
    begin: int = T, end: int = T + HOUR, *, tenant: int = 0, benign: bool = False, cents_a_second: float = 1.0
) -> Label:
    return Label(
        event_id="event",
        scenario="mailing" if benign else "robocalling",
        benign=benign,
        tenant=tenant,
        begin=begin,
        end=end,
        parts=np.array([[begin, end, cents_a_second]]),
        contacts=10,
    )


def test_flags_up_to_an_hour_apart_are_one_episode() -> None:
    episodes = marks((0, T), (0, T + HOUR), (0, T + 2 * HOUR + 300), (1, T + HOUR)).episodes()
    assert episodes.tenant.tolist() == [0, 0, 1]
    assert (episodes.since - T).tolist() == [0, 2 * HOUR + 300, HOUR]
    assert (episodes.until - T).tolist() == [HOUR, 2 * HOUR + 300, HOUR]


@pytest.mark.parametrize(
    ("start", "false"),
    [
        (T - 6 * MINUTE, 1),
        (T - 5 * MINUTE, 0),
        (T + 30 * MINUTE, 0),
        (T + HOUR + 15 * MINUTE, 0),
        (T + HOUR + 16 * MINUTE, 1),
    ],
)
def test_an_episode_is_false_unless_it_comes_within_5_minutes_before_to_15_after(
    start: int, false: int
) -> None:
    assert len(false_episodes(marks((0, start)), [a_label()])) == false


def test_an_episode_that_spans_a_label_touches_it() -> None:
    around = marks((0, T - 30 * MINUTE), (0, T + 25 * MINUTE))
    assert len(false_episodes(around, [a_label(end=T + MINUTE)])) == 0


def test_an_episode_of_another_tenant_touches_nothing() -> None:
    assert len(false_episodes(marks((1, T), (2, T)), [a_label(tenant=1)])) == 1


def test_benign_events_are_labels_for_four_days_and_frauds_to_their_end() -> None:
    late = marks((0, T + 10 * DAY))
    assert len(false_episodes(late, [a_label(end=T + 30 * DAY, benign=True)])) == 1
    assert len(false_episodes(late, [a_label(end=T + 30 * DAY)])) == 0


def test_a_label_is_found_by_a_flag_inside_it_and_within_a_day() -> None:
    labels = [a_label(), a_label(end=T + 9 * DAY, tenant=1), a_label(tenant=2), a_label(tenant=3)]
    flags = marks((0, T + 10 * MINUTE), (0, T + 20 * MINUTE), (1, T + 2 * DAY), (3, T - 5 * MINUTE))
    ends = first_flags(flags, labels)
    assert ends[[0, 3]].tolist() == [T + 15 * MINUTE, T]
    assert np.isnan(ends[[1, 2]]).all()
    assert recall(flags, labels) == 0.5
    assert recall(flags, labels, within=3 * DAY) == 0.75


def test_delay_counts_from_the_beginning_of_the_cost_to_the_end_of_the_flagged_interval() -> None:
    label = Label(
        event_id="event",
        scenario="test",
        benign=False,
        tenant=0,
        begin=T,
        end=T + 2 * HOUR,
        parts=np.array([[T, T + HOUR, 0.0], [T + HOUR, T + 2 * HOUR, 1.0]]),
        contacts=10,
    )
    assert delays(np.array([T + HOUR + 600.0]), [label]).tolist() == [600.0]
    assert delays(np.array([T + 300.0]), [label]).tolist() == [0.0]


def test_money_lost_is_what_ran_up_until_the_flag_and_all_of_it_without_one() -> None:
    label = a_label(cents_a_second=2.0)
    moments = np.array([T + 600.0, T - 600.0, np.nan, T + 9 * HOUR])
    assert money_lost(moments, [label] * 4).tolist() == [1200.0, 0.0, 7200.0, 7200.0]


def test_flags_reach_the_queue_ten_minutes_after_their_hour() -> None:
    assert queued(np.array([T + 300.0, T + HOUR + 0.0])).tolist() == [T + HOUR + 600, T + HOUR + 600]


def test_the_threshold_of_a_budget_is_the_lowest_before_it_is_exceeded() -> None:
    # Two false rows of other tenants lie between the label's rows in score.
    rows = marks((0, T), (1, T), (2, T), (3, T), score=[9.0, 8.0, 7.0, 6.0])
    strict, loose = at_budgets(rows, [a_label()], series_weeks=1.0, rows=1_000, budgets=[1.0, 2.0])
    assert strict is not None
    assert (strict.threshold, strict.false) == (8.0, 1.0)
    assert loose is not None
    assert (loose.threshold, loose.false) == (7.0, 2.0)


def test_a_budget_that_the_highest_row_exceeds_has_no_threshold() -> None:
    rows = marks((1, T), score=[9.0])
    assert at_budgets(rows, [], series_weeks=10.0, rows=1_000, budgets=[0.05]) == [None]


def test_a_detector_that_flags_everything_does_not_get_away_with_one_long_episode() -> None:
    every = [(0, T + 300 * number) for number in range(1_000)]
    rows = marks(*every, score=[1.0] * 1_000)
    label = a_label(begin=T + DAY, end=T + DAY + HOUR)
    assert len(false_episodes(rows, [label])) == 0
    assert at_budgets(rows, [label], series_weeks=1.0, rows=1_000, budgets=[0.5]) == [None]


def test_cases_chain_flags_of_a_day_and_say_what_opened_them() -> None:
    labels = [a_label(), a_label(T + 3 * DAY, T + 3 * DAY + HOUR, benign=True)]
    flags = marks((0, T), (0, T + 20 * HOUR), (0, T + 43 * HOUR), (0, T + 3 * DAY), (1, T))
    cases = cases_of(flags, labels)
    assert cases.tenant.tolist() == [0, 0, 1]
    assert cases.cause.tolist() == ["robocalling", "mailing", "nothing"]
    assert (cases.opened - T).tolist() == [0, 3 * DAY, 0]


def test_a_case_that_a_fraud_and_a_twin_open_is_the_frauds() -> None:
    cases = cases_of(marks((0, T)), [a_label(), a_label(benign=True)])
    assert cases.cause.tolist() == ["robocalling"]


def test_share_of_the_worst_tenants() -> None:
    assert share_of_worst(np.array([7] * 8 + [1, 2]), number=40) == 0.9
    assert share_of_worst(np.array([7] * 8 + [1, 2]), number=20) == 0.8


def test_the_worst_tenth_is_chosen_on_odd_weeks_and_measured_on_even_ones() -> None:
    above = np.zeros((20, 2 * WEEK), dtype=bool)
    above[3, :100] = above[4, :50] = True  # the worst two of twenty in week 1
    above[3, WEEK : WEEK + 20] = True
    above[9, WEEK:] = True  # only in week 2: not chosen
    scored = np.ones_like(above)
    assert worst_tenth(above, scored) == pytest.approx(20 / (2 * WEEK))
