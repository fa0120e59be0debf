"""Who is too new to approve, without a database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from cjp_fraud.people.model import INIT
from cjp_fraud.people.newcomers import Grant, grant_faults

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(hours=24)


def faults(grant: Grant, took_part: Collection[str] = (), **makers: str) -> tuple[str, ...]:
    return grant_faults([grant], took_part, lambda people: {makers.get(each, INIT) for each in people}, NOW)


def test_a_role_counts_from_the_moment_on_at_which_it_is_a_day_old() -> None:
    assert not faults(Grant("the role", NOW - DAY, "ada"))
    assert faults(Grant("the role", NOW - DAY + timedelta(seconds=1), "ada")) == (
        "the role was made less than 24 hours before",
    )


def test_what_init_gave_counts_at_once() -> None:
    assert not faults(Grant("the role", NOW, INIT))


def test_a_role_does_not_count_in_a_case_of_whoever_made_its_maker() -> None:
    old = Grant("the role", NOW - 2 * DAY, "ada")
    assert not faults(old, {"rita"}, ada="otto")
    assert len(faults(old, {"rita"}, ada="otto", otto="rita")) == 1


def test_people_who_made_each_other_are_looked_at_once() -> None:
    assert not faults(Grant("the role", NOW - 2 * DAY, "ada"), {"rita"}, ada="otto", otto="ada")
