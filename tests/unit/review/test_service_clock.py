"""The service clock runs while a case waits for us, and stands still while it waits for the customer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.review.service_clock import service_clock

OPENED = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def after(minutes: float) -> datetime:
    return OPENED + minutes * MINUTE


def test_it_runs_from_the_opening_and_says_when_it_ends() -> None:
    clock = service_clock(OPENED, HOUR, [], after(20))
    assert (clock.left, clock.due_at, clock.stopped_until, clock.late) == (
        40 * MINUTE,
        after(60),
        None,
        False,
    )


def test_what_was_waited_for_the_customer_is_added_to_its_end() -> None:
    clock = service_clock(OPENED, HOUR, [(after(10), after(25))], after(30))
    assert (clock.left, clock.due_at) == (45 * MINUTE, after(75))


def test_while_the_customer_is_waited_for_it_stands_still() -> None:
    for minutes in (10, 20, 24.9):
        clock = service_clock(OPENED, HOUR, [(after(10), after(25))], after(minutes))
        assert (clock.left, clock.due_at, clock.stopped_until) == (50 * MINUTE, None, after(25))


def test_late_is_late() -> None:
    assert service_clock(OPENED, HOUR, [], after(60)).late
    assert service_clock(OPENED, HOUR, [], after(75)).left == -15 * MINUTE


SPANS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 90)).map(lambda span: (after(span[0]), after(sum(span)))),
    max_size=6,
)


@given(SPANS, st.integers(0, 400))
def test_time_counts_once_however_waits_overlap(spans: list[tuple[datetime, datetime]], minutes: int) -> None:
    waiting = {minute for begin, end in spans for minute in range(minutes) if begin <= after(minute) < end}
    left = service_clock(OPENED, HOUR, spans, after(minutes)).left
    assert left == HOUR - (minutes - len(waiting)) * MINUTE
