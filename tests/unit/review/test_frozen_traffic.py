"""What the frozen rows say of the flagged traffic: only rows of the flags' series and intervals count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from cjp_fraud.clock import utc_text
from cjp_fraud.review.frozen_traffic import (
    USUAL_LEVEL,
    destinations_seen,
    flagged_traffic,
    principals_seen,
    usual_levels,
)
from cjp_fraud.review.measure_fit import Carried, Stream, Usual
from cjp_fraud.review.model import Quantity

START = datetime(2015, 4, 2, 1, tzinfo=UTC)
VOICE_OUT = Stream("voice", "outbound")
FLAG: Any = SimpleNamespace(
    series_id="s1",
    channel="voice",
    direction="outbound",
    application_id=None,
    interval_seconds=300,
    interval_start=START,
    baseline=1.0,
    quantity=Quantity.CONTACTS,
)


def a_row(minutes: int = 0, series_id: str = "s1", **more: object) -> dict[str, Any]:
    """Return a frozen row that begins so many minutes after the flag."""
    return {"series_id": series_id, "interval_start": utc_text(START + timedelta(minutes=minutes))} | more


def a_level(application_id: str | None, usual: float | None = None, **more: object) -> dict[str, Any]:
    """Return a frozen row of the usual level of a series of outbound voice."""
    row = {"table": USUAL_LEVEL, "series_id": "s", "channel": "voice", "direction": "outbound"}
    known = {} if usual is None else {"usual_per_hour": usual}
    return row | {"application_id": application_id} | known | more


def test_countries_of_other_times_and_series_and_without_contacts_were_not_seen() -> None:
    rows = [
        a_row(0, countries=[["LV", 7], ["LT", 0]]),
        a_row(4, countries={"EE": 1}),
        a_row(5, countries=[["US", 9]]),
        a_row(-5, countries=[["US", 9]]),
        a_row(0, "s2", countries=[["US", 9]]),
        {"interval_start": utc_text(START), "countries": [["US", 9]]},
    ]

    assert destinations_seen(rows, [FLAG]) == {Carried(VOICE_OUT, "LV"), Carried(VOICE_OUT, "EE")}


def test_rows_that_name_no_countries_say_nothing_of_destinations() -> None:
    assert (
        destinations_seen([a_row(0), a_row(0, countries=[]), a_row(5, countries=[["US", 1]])], [FLAG]) is None
    )


def test_the_highest_level_of_a_series_counts_whatever_row_says_it() -> None:
    rows = [
        a_level(None, 60.0),
        a_level(None, 30.0),
        a_level("bot", 9.0),
        a_row(-60, baseline=10.0),
        a_row(-55, baseline=2.0),
        a_row(-60, "s2", baseline=99.0),
        a_row(-60, observed=1.0),
    ]

    assert usual_levels(rows, [FLAG]) == {Usual(VOICE_OUT, None, 120.0), Usual(VOICE_OUT, "bot", 9.0)}


def test_a_series_whose_level_no_row_knows_is_named_and_its_level_is_not_known() -> None:
    assert usual_levels([a_level("bot"), a_level(None, 3.0), a_level(None)], [FLAG]) == {
        Usual(VOICE_OUT, "bot", None),
        Usual(VOICE_OUT, None, 3.0),
    }
    assert usual_levels([a_row(0, observed=1.0)], [FLAG]) is None


def test_principals_with_contacts_in_the_flagged_intervals_were_seen() -> None:
    rows = [
        a_row(0, principal_id="key-1", contacts_offered=3),
        a_row(0, principal_id="idle", contacts_offered=0),
        a_row(9, principal_id="later", contacts_offered=3),
    ]

    assert principals_seen(rows, [FLAG]) == {Carried(VOICE_OUT, "key-1")}
    assert principals_seen([], [FLAG]) is None


def test_all_of_it_is_put_together() -> None:
    rows = [a_row(0, countries=[["LV", 7]]), a_level(None, 60.0)]
    flagged = flagged_traffic([FLAG], rows, [a_row(0, principal_id="key-1", contacts_offered=3)])

    assert flagged.usual == {Usual(VOICE_OUT, None, 12.0)}
    assert flagged.destinations == {Carried(VOICE_OUT, "LV")}
    assert flagged.levels == {Usual(VOICE_OUT, None, 60.0)}
    assert flagged.principals == {Carried(VOICE_OUT, "key-1")}
