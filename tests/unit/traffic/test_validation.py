"""Row by row: usable, rejected with a reason, or not to be looked at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.traffic.checks import Checked, check_batch
from cjp_fraud.traffic.model import Reason, TenantTraffic
from cjp_fraud.traffic.parsing import parse_maps, parse_numbers, parse_stamps
from cjp_fraud.traffic.quarantine import content_table
from cjp_fraud.traffic.schema import METRICS
from cjp_fraud.traffic.sources.model import BrokenLine, SourceBatch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TENANTS = {
    "acme": TenantTraffic("acme", "Asia/Tokyo", True),
    "onprem": TenantTraffic("onprem", "Etc/UTC", False),
}
GOOD: dict[str, Any] = {
    "tenant_id": "acme",
    "interval_start": "2026-03-02T09:00:00Z",
    "interval_seconds": "300",
    "channel": "voice",
    "direction": "inbound",
    "contacts_offered": "4",
}


def at(day: int, hour: int, microsecond: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, microsecond=microsecond, tzinfo=UTC)


def checked(*rows: dict[str, Any], broken: tuple[BrokenLine, ...] = ()) -> Checked:
    full = [GOOD | row for row in rows]
    names = list(dict.fromkeys(name for row in full for name in row))
    table = pa.table({name: pa.array([row.get(name) for row in full], pa.string()) for name in names})
    return check_batch(SourceBatch(table, np.arange(2, 2 + len(full)), broken), TENANTS, now=NOW)


def only_reason(**row: Any) -> tuple[Reason, str]:
    result = checked(row, {})
    assert len(result.accepted) == 1
    (rejection,) = result.rejected
    assert rejection.line == 2
    assert rejection.content == {**dict.fromkeys(row), **GOOD, **row}
    return rejection.reason, rejection.explanation


@pytest.mark.parametrize(
    ("row", "reason", "said"),
    [
        ({"tenant_id": "acmee"}, Reason.UNKNOWN_TENANT, "cjp-fraud tenants load"),
        ({"tenant_id": None}, Reason.MISSING_TENANT, "tenant_id is empty"),
        ({"channel": "fax"}, Reason.UNKNOWN_CHANNEL, "'fax'; it must be one of voice, chat"),
        ({"channel": None}, Reason.UNKNOWN_CHANNEL, "None"),
        ({"direction": "both"}, Reason.UNKNOWN_DIRECTION, "inbound, outbound"),
        ({"interval_start": "2026-03-02T09:00:00"}, Reason.NO_ZONE, "no time zone"),
        ({"interval_start": "2026-03-02"}, Reason.NO_ZONE, "no time zone"),
        ({"interval_start": "yesterday"}, Reason.BAD_STAMP, "yesterday"),
        ({"interval_start": "1772442000"}, Reason.BAD_STAMP, "not a time"),
        ({"interval_start": "2026-02-30T09:00:00Z"}, Reason.BAD_STAMP, "not a time"),
        ({"interval_start": None}, Reason.BAD_STAMP, "empty"),
        ({"interval_start": "2026-03-03T12:00:01Z"}, Reason.FUTURE, "over a day ahead"),
        ({"interval_start": "9999-12-31T23:59:59-10:00"}, Reason.FUTURE, "over a day ahead"),
        ({"interval_start": "1901-01-01T00:00:00Z"}, Reason.OUT_OF_RANGE, "before 1970"),
        ({"interval_seconds": "420"}, Reason.BAD_INTERVAL, "divide an hour"),
        ({"interval_seconds": "30"}, Reason.BAD_INTERVAL, "60 to 3600"),
        ({"interval_seconds": "0"}, Reason.BAD_INTERVAL, "60 to 3600"),
        ({"interval_seconds": None}, Reason.BAD_INTERVAL, "empty"),
        ({"interval_seconds": "5min"}, Reason.BAD_INTERVAL, "5min"),
        ({"contacts_offered": "-4"}, Reason.NEGATIVE, "contacts_offered is -4; it cannot be negative"),
        ({"contacts_offered": "4.5"}, Reason.FRACTIONAL, "whole number"),
        ({"contacts_offered": "four"}, Reason.NOT_A_NUMBER, "four"),
        ({"contacts_offered": "0x10"}, Reason.NOT_A_NUMBER, "0x10"),
        ({"contacts_offered": "1,000"}, Reason.NOT_A_NUMBER, "number"),
        ({"contacts_offered": "nan"}, Reason.NOT_A_NUMBER, "nan"),
        ({"contacts_offered": "1e400"}, Reason.NOT_A_NUMBER, "number"),
        ({"contacts_offered": None}, Reason.NOT_A_NUMBER, "a number is needed"),
        ({"contacts_offered": "99999999999999999999"}, Reason.OUT_OF_RANGE, "too large"),
        ({"contacts_failed": "-1"}, Reason.NEGATIVE, "contacts_failed"),
        ({"connected_seconds": "-0.5"}, Reason.NEGATIVE, "connected_seconds"),
        ({"top_destination_share": "1.2"}, Reason.OUT_OF_RANGE, "0 to 1"),
        ({"countries": '{"JP": -1}'}, Reason.NEGATIVE, "by country"),
        ({"countries": '{"JP": 0.5}'}, Reason.FRACTIONAL, "by country"),
        ({"countries": '["JP"]'}, Reason.NOT_A_NUMBER, "by country"),
        ({"countries": "JP=1"}, Reason.NOT_A_NUMBER, "by country"),
        ({"countries": "[" * 100_000}, Reason.NOT_A_NUMBER, "by country"),
        ({"countries": '{"JP": 1, "US": 1, "JP": 2}'}, Reason.COUNTRY_TWICE, "each country once"),
        ({"countries": '{"JP": 1, "JP": 1}'}, Reason.COUNTRY_TWICE, "each country once"),
        ({"countries": r'{"\ud800": 1}'}, Reason.BAD_TEXT, "cannot be stored"),
        ({"countries": r'{"JP": 1, "x\udfff": 1}'}, Reason.BAD_TEXT, "cannot be stored"),
        ({"countries": r'{"\u0000": 1}'}, Reason.BAD_TEXT, "cannot be stored"),
        ({"application_id": "a\0b"}, Reason.BAD_TEXT, "zero character"),
        ({"principal_id": "\0"}, Reason.BAD_TEXT, "zero character"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_says_why(row: dict[str, Any], reason: Reason, said: str) -> None:
    found, explanation = only_reason(**row)
    assert found is reason
    assert said in explanation


def test_all_that_is_wrong_with_a_row_is_said() -> None:
    _, explanation = only_reason(channel="fax", contacts_offered="-1", interval_seconds="7")
    assert all(word in explanation for word in ("fax", "negative", "divide an hour"))


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        ({"contacts_offered": "5.0"}, "contacts_offered", 5),
        ({"contacts_offered": "1e3"}, "contacts_offered", 1000),
        ({"contacts_offered": " 7 "}, "contacts_offered", 7),
        ({"contacts_failed": None}, "contacts_failed", None),
        ({"connected_seconds": "2.5"}, "connected_seconds", 2.5),
        ({"top_destination_share": "1"}, "top_destination_share", 1.0),
        ({"countries": '{"US": 1, "JP": 2}'}, "countries", [("JP", 2), ("US", 1)]),
        ({"tenant_id": " acme "}, "tenant_id", "acme"),
        ({"application_id": ""}, "application_id", None),
        ({"interval_start": "2026-03-02 18:00:00+09:00"}, "interval_start", datetime(2026, 3, 2, 9,
        tzinfo=UTC)), ({"interval_start": "2026-03-02T09:00:00.123456789Z"}, "interval_start",
         datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)),
        ({"interval_start": "2026-03-03T11:59:00Z"}, "interval_start", datetime(2026, 3, 3, 11, 59,
        tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_usable_row_is_taken_as_it_is_meant(row: dict[str, Any], name: str, value: Any) -> None:
    result = checked(row)
    assert result.rejected == ()
    assert result.accepted[name].to_pylist() == [value]


def test_nothing_of_an_excluded_deployment_is_kept_however_broken_its_row() -> None:
    broken = BrokenLine(9, "onprem,,x", ("onprem", "", "x"), "it has 3 cells, the header has 6")
    rows = ({"tenant_id": "onprem"}, {"tenant_id": " onprem", "channel": "fax"}, {})
    result = checked(*rows, broken=(broken,))
    assert (result.refused, len(result.accepted), result.rejected, result.read) == (3, 1, (), 4)


def test_a_broken_line_of_nobody_known_is_kept_with_its_text() -> None:
    broken = BrokenLine(9, "who,knows", ("who", "knows"), "it has 2 cells, the header has 6")
    (rejection,) = checked({}, broken=(broken,)).rejected
    assert (rejection.reason, rejection.line, rejection.content) == (
        Reason.MALFORMED,
        9,
        {"line": "who,knows"},
    )


def test_only_intervals_that_a_rejected_row_really_names_count_as_unusable() -> None:
    result = checked({"contacts_offered": "-1"}, {"interval_start": "??"}, {"channel": "fax"})
    assert result.unusable.num_rows == 1


@pytest.mark.parametrize(
    ("values", "whole", "parsed"),
    [
        (pa.array([1, None], pa.int8()), True, [1, None]),
        (pa.array([1.0, float("nan")]), True, [1, None]),
        (pa.array([1.5, 2.0]), True, [None, 2]),
        (pa.array([2**60], pa.uint64()), True, [None]),
        (pa.array([True, None]), True, [None, None]),
        (pa.array(["1", "2"]).dictionary_encode(), True, [1, 2]),
        (pa.array([None, None], pa.null()), False, [None, None]),
        (pa.array([float("inf"), 0.5]), False, [None, 0.5]),
    ],
)
def test_numbers_of_any_type_are_read_or_marked(values: pa.Array, whole: bool, parsed: list[Any]) -> None:
    assert parse_numbers(pa.chunked_array([values]), whole=whole).values.to_pylist() == parsed


def test_stamps_of_a_typed_column_need_a_zone() -> None:
    naive = parse_stamps(pa.chunked_array([pa.array([0, None], pa.timestamp("ns"))]))
    assert naive.faults[Reason.NO_ZONE][0].tolist() == [True, False]
    aware = parse_stamps(pa.chunked_array([pa.array([1_500_000_000], pa.timestamp("ns", "Asia/Tokyo"))]))
    assert aware.values.to_pylist() == [datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)]


def test_a_stamp_beyond_pythons_years_is_only_a_row_in_quarantine() -> None:
    stamps = pa.array([2**62], pa.timestamp("us", "UTC"))
    columns = {name: pa.array([value]) for name, value in GOOD.items()} | {"interval_start": stamps}
    result = check_batch(SourceBatch(pa.table(columns), np.array([1])), TENANTS, now=NOW)
    assert [rejection.reason for rejection in result.rejected] == [Reason.FUTURE]


def test_countries_come_as_maps_or_structs_too() -> None:
    maps = pa.array([[("JP", 1)], None], METRICS["countries"])
    structs = pa.array([{"JP": 1, "US": None}, None])
    assert parse_maps(pa.chunked_array([maps])).values.to_pylist() == [[("JP", 1)], None]
    assert parse_maps(pa.chunked_array([structs])).values.to_pylist() == [[("JP", 1)], None]


def test_a_map_that_names_a_country_twice_stays_rejected_when_it_is_submitted_again() -> None:
    twice = pa.array([[("JP", 1), ("JP", 2)]], METRICS["countries"])
    (rejected,) = parse_maps(pa.chunked_array([twice])).faults[Reason.COUNTRY_TWICE][0].tolist()
    assert rejected
    again = content_table([json.dumps({"countries": twice.to_pylist()[0]})])
    assert parse_maps(again["countries"]).faults[Reason.COUNTRY_TWICE][0].tolist() == [True]


@given(
    st.lists(
        st.one_of(st.text(max_size=12), st.integers().map(str), st.floats().map(str), st.none()), max_size=20
    )
)
def test_no_text_ever_breaks_the_parsers_and_what_is_read_is_a_count(texts: list[str | None]) -> None:
    column = pa.chunked_array([pa.array(texts, pa.string())])
    for whole in (True, False):
        parsed = parse_numbers(column, whole=whole)
        assert len(parsed.values) == len(texts)
    parse_stamps(column)
    parse_maps(column)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2026, 3, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_moment_is_the_same_in_whatever_zone_it_is_written(at: datetime, minutes: int) -> None:
    moment = at.replace(tzinfo=UTC)
    zone = timedelta(minutes=minutes)
    text = f"{(moment + zone).replace(tzinfo=None).isoformat()}{'-' if minutes < 0 else '+'}"
    text += f"{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    parsed = parse_stamps(pa.chunked_array([pa.array([text, "x"])]))
    assert parsed.values[0].as_py() == moment
