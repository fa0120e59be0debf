"""Episodes and reasons: how flags are joined, named and explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from features.episodes import episode_id, episode_starts
from features.reasons import FlaggedInterval, FlaggedWeeks, Kind, chance, odds, reasons, week_reasons


def test_flags_within_an_hour_are_one_episode() -> None:
    tenants = np.array([0, 0, 0, 1])
    starts = np.array([0, 3600, 7201, 7300])
    assert episode_starts(tenants, starts).tolist() == [True, False, True, True]


def test_an_episode_is_named_by_its_tenant_and_first_flag() -> None:
    named = episode_id("acme", 1_700_000_100)
    assert named == episode_id("acme", 1_700_000_100)
    assert len(named) == 32
    assert named != episode_id("bcme", 1_700_000_100)
    assert named != episode_id("acme", 1_700_000_400)


def a_flag(**changed: float | Kind | None) -> FlaggedInterval:
    numbers = {"span_seconds": 300, "observed": 140.0, "baseline": 10.0, "score": 4.602} | changed
    return FlaggedInterval(datetime(2024, 3, 5, 2, 0, tzinfo=UTC), 300, **numbers)  # type: ignore[arg-type]


def test_a_reason_says_how_many_times_the_usual_in_the_tenants_own_time() -> None:
    said = reasons(a_flag(), "Europe/Berlin")
    assert said[0] == "14 × the usual Tuesday 03:00"
    assert "140 contacts from 03:00 to 03:05" in said[1]
    assert "130 too many" in said[1]
    assert said[2] == "so unusual an interval comes once in 40,000 such intervals"


def test_a_reason_names_the_busiest_minute_where_it_is_known() -> None:
    said = reasons(a_flag(peak=60.0, usual_peak=4.0, kind=Kind.PEAK, against_hour=9.0), "Etc/UTC")
    assert "60 in the busiest minute, usually 4" in said
    assert said[-1].startswith("what weighed most: the busiest minute against the hour before")


def test_a_flag_of_fifteen_minutes_tells_all_of_them() -> None:
    said = reasons(a_flag(span_seconds=900, kind=Kind.FIFTEEN, against_season=9.0), "Etc/UTC")
    assert said[0] == "14 × the usual Tuesday 01:50"
    assert "140 contacts from 01:50 to 02:05" in said[1]
    assert said[-1].startswith("what weighed most: the 15 minutes together against the season")


def test_what_is_known_beside_the_score_is_told() -> None:
    said = reasons(a_flag(q_value=0.1, own_bar=3.24, anomaly=0.71, seconds_covered=180.0), "Etc/UTC")
    assert "at most one in 10 of this hour's intervals that are as unusual is chance" in said
    assert "only 3 of 5 minutes were delivered; contacts are brought to the whole interval" in said
    assert "the series' own restless past is taken into account: divided by 3.2" in said
    assert "isolation forest: 0.71 (0.50 is ordinary); shown beside the score, not in it" in said


def test_an_hour_before_that_was_at_another_level_is_told() -> None:
    assert "the hour before was already 3.0 × its usual: something that goes on, or a new level" in reasons(
        a_flag(hour_before=2.0), "Etc/UTC"
    )
    assert reasons(a_flag(hour_before=0.4), "Etc/UTC") == reasons(a_flag(), "Etc/UTC")


def test_what_is_not_known_is_not_told() -> None:
    assert len(reasons(a_flag(), "Etc/UTC")) == 4


@pytest.mark.parametrize(
    ("q", "said"),
    [
        (0.9, "more than half"),
        (0.5, "at most one in 2"),
        (0.026, "at most one in 38"),
        (1e-300, "at most one in 1,000,000,000"),
    ],
)
def test_a_q_value_is_said_as_people_say_it(q: float, said: str) -> None:
    assert chance(q) == said


def test_nothing_usual_is_not_divided_by() -> None:
    assert reasons(a_flag(baseline=0.0), "Etc/UTC")[0] == "the usual Tuesday 02:00 has none"


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (0.0, "once in 1 "),
        (3.0, "once in 1,000 "),
        (4.602, "once in 40,000 "),
        (300.0, "less than once in a billion "),
    ],
)
def test_odds_are_said_as_people_say_them(score: float, said: str) -> None:
    assert odds(score).startswith(said)


def a_week(**changes: Any) -> FlaggedWeeks:
    week = FlaggedWeeks(
        end=datetime(2026, 3, 30, tzinfo=UTC),
        span_seconds=14 * 86_400,
        moved="to MV",
        observed=47.0,
        baseline=2.0,
        score=3.0,
        q_value=0.05,
        where=6.0,
        cost=3.0,
        growth=None,
    )
    return replace(week, **changes)


def test_a_week_says_where_more_contacts_go_and_that_they_cost_more() -> None:
    words = week_reasons(a_week())
    assert words[1] == "contacts to MV: 47 in the 14 days until 2026-03-30 00:00 UTC, usually 2: 45 too many"
    assert "the charge a contact" in words[2]
    assert "once in 1,000 such weeks" in words[3]


def test_a_week_says_where_nothing_is_known_of_the_cost() -> None:
    assert "not known" in week_reasons(a_week(cost=None))[2]


def test_a_week_of_growth_says_so() -> None:
    words = week_reasons(a_week(moved="", where=None, cost=None, growth=4.0))
    assert words[0].startswith("contacts grow week after week")
    assert not any("cost" in word for word in words)
