"""How long a case may be put aside, and when it is back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.errors import BadInputError
from cjp_fraud.review.claim_rules import LONGEST_WAIT, Awaited, Wait, require_moment_to_return

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_wait(awaited: Awaited = Awaited.MOMENT, ended_at: datetime | None = None) -> Wait:
    return Wait(NOW, NOW + 30 * MINUTE, awaited, NOW - 10 * MINUTE, ended_at)


def test_a_case_is_back_at_the_moment_and_not_before() -> None:
    wait = a_wait()
    assert wait.lasts(NOW + 29 * MINUTE, NOW)
    assert not wait.lasts(NOW + 30 * MINUTE, NOW)


def test_a_further_flag_brings_back_only_the_case_that_waits_for_one() -> None:
    for awaited, lasts in ((Awaited.FLAG, False), (Awaited.MOMENT, True), (Awaited.CUSTOMER, True)):
        assert a_wait(awaited).lasts(NOW + MINUTE, NOW) is lasts
        assert a_wait(awaited).lasts(NOW + MINUTE, NOW - 10 * MINUTE)


def test_who_takes_a_case_up_ends_its_wait() -> None:
    wait = a_wait(Awaited.CUSTOMER, ended_at=NOW + 5 * MINUTE)
    assert not wait.lasts(NOW + 6 * MINUTE, NOW)
    assert wait.over_at == NOW + 5 * MINUTE


@pytest.mark.parametrize(("minutes", "stopped"), [(5, 5), (15, 15), (16, 15), (14 * 24 * 60, 15)])
def test_whoever_waits_long_for_the_customer_does_not_stop_the_service_clock_so_long(
    minutes: int, stopped: int
) -> None:
    wait = replace(a_wait(Awaited.CUSTOMER), until=NOW + minutes * MINUTE)
    assert wait.clock_stop == (wait.begun_at, wait.begun_at + stopped * MINUTE)


@pytest.mark.parametrize("until", [NOW, NOW - MINUTE, NOW + LONGEST_WAIT + MINUTE])
def test_no_case_is_put_aside_until_the_past_or_for_ever(until: datetime) -> None:
    with pytest.raises(BadInputError, match="14 days"):
        require_moment_to_return(until, NOW)


def test_a_case_may_be_put_aside_for_the_longest_wait() -> None:
    require_moment_to_return(NOW + LONGEST_WAIT, NOW)
