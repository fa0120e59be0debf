"""Which flags are one episode, and which case takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.review.episodes import CaseSpan, continues_shift, episode_id, grouped, joins
from cjp_fraud.review.model import CLOSED_STATES, CaseState

NOON = datetime(2015, 4, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

starts = st.lists(st.integers(0, 3000), min_size=1, max_size=40).map(
    lambda minutes: [NOON + minute * MINUTE for minute in sorted(minutes)]
)


def test_flags_an_hour_apart_are_one_episode_and_a_minute_more_makes_two() -> None:
    assert len(grouped([NOON, NOON + 60 * MINUTE])) == 1
    assert len(grouped([NOON, NOON + 61 * MINUTE])) == 2


def test_no_flags_are_no_episode() -> None:
    assert grouped([]) == []


def test_an_episode_does_not_cross_the_end_of_a_measure() -> None:
    flags = [NOON, NOON + 20 * MINUTE]

    assert grouped(flags, [NOON + 10 * MINUTE]) == [slice(0, 1), slice(1, 2)]
    assert grouped(flags, [NOON]) == [slice(0, 2)]


@given(starts)
def test_episodes_are_all_flags_in_order_with_gaps_over_an_hour_between(flags: list[datetime]) -> None:
    parts = grouped(flags)

    assert [flag for part in parts for flag in flags[part]] == flags
    for before, after in pairwise(parts):
        assert flags[after.start] - flags[before.stop - 1] > 60 * MINUTE
    for part in parts:
        inside = flags[part]
        assert all(b - a <= 60 * MINUTE for a, b in pairwise(inside))


def test_the_id_is_the_same_in_any_zone_and_differs_by_tenant() -> None:
    elsewhere = NOON.astimezone(datetime.strptime("+0900", "%z").tzinfo)

    assert episode_id("acme", NOON) == episode_id("acme", elsewhere)
    assert episode_id("acme", NOON) != episode_id("bcme", NOON)


@pytest.mark.parametrize("state", sorted(set(CaseState) - CLOSED_STATES))
def test_an_open_case_takes_every_episode(state: CaseState) -> None:
    case = CaseSpan("c", state, NOON, NOON)

    assert joins(NOON + timedelta(days=90), case)
    assert joins(NOON - timedelta(days=90), case)


@pytest.mark.parametrize("state", [CaseState.DISMISSED, CaseState.EXPIRED, CaseState.WITHDRAWN])
def test_a_closed_case_takes_what_begins_within_a_day_of_its_flags(state: CaseState) -> None:
    case = CaseSpan("c", state, NOON, NOON + 5 * MINUTE)

    assert joins(NOON + 5 * MINUTE + timedelta(hours=24), case)
    assert not joins(NOON + 6 * MINUTE + timedelta(hours=24), case)
    assert joins(NOON - timedelta(hours=24), case)


@pytest.mark.parametrize("state", [CaseState.REINSTATED, CaseState.LAPSED])
def test_what_is_flagged_after_a_measure_ended_needs_a_case_of_its_own(state: CaseState) -> None:
    assert not joins(NOON + MINUTE, CaseSpan("c", state, NOON, NOON))


def test_a_closed_case_takes_what_goes_on_at_its_level_for_four_days() -> None:
    case = CaseSpan("c", CaseState.DISMISSED, NOON, NOON + 5 * MINUTE)
    after = NOON + timedelta(days=4)

    assert continues_shift(after, 0.5, case)
    assert not continues_shift(after + MINUTE, 0.5, case)
    assert not continues_shift(NOON - MINUTE, 0.5, case)
    assert not continues_shift(after, 0.4, case)
    assert not continues_shift(after, None, case)


@pytest.mark.parametrize("state", [CaseState.REINSTATED, CaseState.LAPSED])
def test_what_goes_on_after_a_measure_ended_needs_a_case_of_its_own(state: CaseState) -> None:
    assert not continues_shift(NOON + MINUTE, 2.0, CaseSpan("c", state, NOON, NOON))
