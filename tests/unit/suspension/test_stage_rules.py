"""Rules of a reinstatement in stages: narrowness, order, moments with the night on which clocks change, what is due."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.narrower_measure import Restriction, restricts_less
from cjp_fraud.suspension.stage_rules import (
    PlannedStage,
    StagePlan,
    StageStanding,
    StageTime,
    chain_of_plan_faults,
    due_number,
    is_held,
    moment_of,
    order_faults,
    stage_time,
    standings,
)

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANNEL = Restriction(MeasureKind.SUSPEND_CHANNEL, Scope(channels=("voice",)))


def a_rate(contacts_per_hour: int) -> Restriction:
    """Return a limit on the channel."""
    return Restriction(
        MeasureKind.LIMIT_RATE, Scope(channels=("voice",), contacts_per_hour=contacts_per_hour)
    )


def a_plan(*rates: int, lift_after: int | None = None) -> StagePlan:
    """Return a plan whose stages follow each other by four hours, and the full lift after them."""
    stages = tuple(PlannedStage(a_rate(rate), NOON + 4 * HOUR * number) for number, rate in enumerate(rates))
    return StagePlan(stages, NOON + HOUR * (lift_after if lift_after is not None else 4 * len(rates)))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("4h", StageTime(after=4 * HOUR)),
        ("4 hours", StageTime(after=4 * HOUR)),
        ("after 1 hour", StageTime(after=HOUR)),
        ("tomorrow  09:00", StageTime(tomorrow=time(9))),
        ("2026-03-29 02:30", StageTime(wall=datetime.fromisoformat("2026-03-29T02:30"))),
        ("2026-03-29T02:30", StageTime(wall=datetime.fromisoformat("2026-03-29T02:30"))),
    ],
)
def test_a_moment_is_read_as_people_write_it(said: str, meant: StageTime) -> None:
    assert stage_time(said) == meant


@pytest.mark.parametrize(
    "said", ["", "0h", "-1h", "now", "tomorrow", "tomorrow 25:00", "2026-02-30 09:00", "9"]
)
def test_what_is_no_moment_is_refused_with_how_one_is_written(said: str) -> None:
    with pytest.raises(BadInputError, match="tomorrow 09:00"):
        stage_time(said)


@pytest.mark.parametrize(
    ("ordered_at", "said", "zone", "moment"),
    [
        ("2026-03-28T12:00Z", "tomorrow 09:00", "Europe/Berlin", "2026-03-29T07:00Z"),  # summer time by then
        ("2026-03-28T12:00Z", "tomorrow 09:00", "Asia/Kolkata", "2026-03-29T03:30Z"),
        ("2026-03-28T12:00Z", "tomorrow 02:30", "Europe/Berlin", "2026-03-29T01:00Z"),  # left out: the change
        (
            "2026-10-24T12:00Z",
            "tomorrow 02:30",
            "Europe/Berlin",
            "2026-10-25T01:30Z",
        ),  # comes twice: the later
        ("2026-03-28T23:30Z", "tomorrow 09:00", "Europe/Berlin", "2026-03-30T07:00Z"),  # it is the 29th there
        ("2026-03-28T12:00Z", "24h", "Europe/Berlin", "2026-03-29T12:00Z"),
        ("2026-03-28T12:00Z", "2026-03-30 00:00", "America/St_Johns", "2026-03-30T02:30Z"),
    ],
)
def test_a_moment_is_meant_in_the_customers_zone(ordered_at: str, said: str, zone: str, moment: str) -> None:
    asked = moment_of(stage_time(said), datetime.fromisoformat(ordered_at), zone)
    assert asked == datetime.fromisoformat(moment)


def test_a_plan_is_the_same_when_it_is_read_back() -> None:
    plan = a_plan(300, 600)
    assert from_document(StagePlan, to_document(plan)) == plan


def test_stages_must_follow_each_other_and_each_must_be_narrower() -> None:
    assert chain_of_plan_faults(a_plan(300, 600, 900)) == []
    assert chain_of_plan_faults(a_plan(600, 300)) == ["stage 2 is not narrower than stage 1"]
    assert chain_of_plan_faults(a_plan(300, 300)) == ["stage 2 is not narrower than stage 1"]
    assert order_faults(a_plan(300, 600, lift_after=4)) == ["the full lift does not come after stage 2"]
    assert order_faults(a_plan(300, 600, lift_after=2)) == ["the full lift does not come after stage 2"]
    assert order_faults(StagePlan((), NOON)) == ["it has no stage; without one, lift the measure at once"]


def test_the_last_stage_that_is_due_comes_and_each_comes_once() -> None:
    plan = a_plan(300, 600)
    assert due_number(plan, CHANNEL, NOON) == 1
    assert due_number(plan, a_rate(300), NOON) is None, "it is in force"
    assert due_number(plan, a_rate(300), NOON + 4 * HOUR) == 2
    assert due_number(plan, CHANNEL, NOON + 5 * HOUR) == 2
    assert due_number(plan, a_rate(600), NOON + 8 * HOUR) == plan.lift_number == 3


@given(
    rates=st.lists(st.integers(1, 5_000), min_size=1, max_size=5, unique=True).map(sorted),
    standing=st.integers(1, 5_000),
    hours=st.integers(0, 30),
)
def test_no_stage_ever_widens_what_is_in_force(rates: list[int], standing: int, hours: int) -> None:
    plan = a_plan(*rates)
    number = due_number(plan, a_rate(standing), NOON + hours * HOUR)
    if number is not None and number != plan.lift_number:
        assert restricts_less(a_rate(standing), plan.stages[number - 1].restriction)
        assert plan.earliest_at(number) <= NOON + hours * HOUR


def test_a_hold_counts_until_it_is_released() -> None:
    holds = [(NOON, NOON + HOUR), (NOON + 3 * HOUR, None)]
    held = [is_held(holds, NOON + hours * HOUR) for hours in (-1, 0.5, 1, 2, 4, 400)]
    assert held == [False, True, False, False, True, True]


def test_how_far_each_stage_is() -> None:
    plan, after = a_plan(300, 600, 900), NOON + 9 * HOUR
    waiting, due = StageStanding.WAITING, StageStanding.DUE
    ordered, confirmed, skipped = StageStanding.ORDERED, StageStanding.CONFIRMED, StageStanding.SKIPPED
    assert standings(plan, [1], [], NOON, over=False) == (ordered, waiting, waiting, waiting)
    assert standings(plan, [1], [1], after, over=False) == (confirmed, due, due, waiting)
    assert standings(plan, [1, 3], [1, 3], after, over=False) == (confirmed, skipped, confirmed, waiting)
    assert standings(plan, [1, 4], [1, 4], after, over=True) == (confirmed, skipped, skipped, confirmed)
    assert standings(plan, [1], [1], after, over=True) == (confirmed, skipped, skipped, skipped)
