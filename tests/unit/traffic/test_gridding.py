"""Which interval a row belongs to, and what finer rows add up to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.errors import BadInputError
from cjp_fraud.traffic.grid import grid_interval, grid_rows, grid_table
from cjp_fraud.traffic.schema import DELIVERED


def delivered(
    *rows: tuple[str, int], seconds: int = 60, tenant: str = "acme", **columns: Any
) -> pd.DataFrame:
    """Rows of one series: (time of day on 2026-03-02, contacts offered)."""
    return pd.DataFrame(
        {
            "tenant_id": tenant,
            "channel": "voice",
            "direction": "outbound",
            "interval_start": pd.to_datetime([f"2026-03-02T{at}Z" for at, _ in rows]),
            "interval_seconds": seconds,
            "contacts_offered": [count for _, count in rows],
            **columns,
        }
    )


def starts(frame: pd.DataFrame) -> list[str]:
    return frame["interval_start"].dt.strftime("%H:%M").tolist()


@pytest.mark.parametrize(
    ("step", "grid", "interval"),
    [(60, 300, 300), (300, 300, 300), (120, 300, 600), (90, 300, 900), (900, 300, 900), (240, 300, 1200),
     (144, 300, 3600), (360, 300, 360), (60, 60, 60), (3600, 300, 3600)],
)  # fmt: skip
def test_the_grid_interval_is_the_step_or_the_smallest_multiple_of_both(
    step: int, grid: int, interval: int
) -> None:
    assert grid_interval(step, grid) == interval


def test_a_step_that_does_not_divide_an_hour_has_no_grid_interval() -> None:
    with pytest.raises(ValueError, match="420 s"):
        grid_interval(420)


def test_five_minutes_are_summed_and_the_busiest_is_the_peak() -> None:
    rows = delivered(("09:00", 1), ("09:01", 7), ("09:02", 0), ("09:03", 2), ("09:04", 3))
    (interval,) = grid_rows(rows).to_dict("records")
    assert (interval["contacts_offered"], interval["contacts_peak"], interval["seconds_covered"]) == (
        13,
        7,
        300,
    )
    assert interval["interval_seconds"] == 300


def test_stamps_off_the_grid_go_down_to_it_and_stay_one_row_an_interval() -> None:
    rows = delivered(("21:42:53", 104), ("21:47:53", 100), ("21:52:53", 99), seconds=300)
    gridded = grid_rows(rows)
    assert starts(gridded) == ["21:40", "21:45", "21:50"]
    assert gridded["contacts_offered"].tolist() == [104, 100, 99]
    assert gridded["seconds_covered"].tolist() == [300, 300, 300]


def test_a_peak_is_unknown_where_the_step_is_over_a_minute_and_none_was_given() -> None:
    assert grid_rows(delivered(("09:00", 9), seconds=300))["contacts_peak"].isna().all()
    given_peaks = delivered(("09:00", 9), ("09:02", 8), seconds=120, contacts_peak=[6, 7])
    assert grid_rows(given_peaks)["contacts_peak"].tolist() == [7]


def test_a_part_of_an_interval_says_how_much_of_it_is_known() -> None:
    assert grid_rows(delivered(("09:00", 1), ("09:02", 1)))["seconds_covered"].tolist() == [120]


def test_rows_of_several_principals_are_one_interval_and_one_minute() -> None:
    rows = delivered(("09:00", 2), ("09:00", 3), ("09:01", 4), principal_id=["a", "b", None])
    (interval,) = grid_rows(rows).to_dict("records")
    assert (interval["contacts_offered"], interval["contacts_peak"], interval["seconds_covered"]) == (
        9,
        5,
        120,
    )


def test_a_metric_that_one_row_lacks_is_unknown_never_zero() -> None:
    rows = delivered(("09:00", 2), ("09:01", 3), ("09:05", 3), contacts_failed=[1, None, 0])
    assert grid_rows(rows)["contacts_failed"].tolist()[1:] == [0]
    assert np.isnan(grid_rows(rows)["contacts_failed"][0])


def test_each_kind_of_metric_is_put_together_in_its_own_way() -> None:
    rows = delivered(
        ("09:00", 10), ("09:01", 30), seconds=60,
        connected_seconds=[1.5, 2.5], charge_cents=[7, 8], peak_concurrent=[4, 9], agents_active=[3, 2],
        distinct_destinations=[5, 6], new_destinations=[1, 2], top_destination_share=[1.0, 0.2],
        countries=[[("JP", 6), ("US", 4)], [("JP", 30)]],
    )  # fmt: skip
    (interval,) = grid_rows(rows).to_dict("records")
    assert interval["connected_seconds"] == 4.0
    assert interval["charge_cents"] == 15
    assert (interval["peak_concurrent"], interval["agents_active"], interval["distinct_destinations"]) == (
        9,
        3,
        6,
    )
    assert interval["new_destinations"] == 3
    assert interval["top_destination_share"] == pytest.approx((10 * 1.0 + 30 * 0.2) / 40)
    assert dict(interval["countries"]) == {"JP": 36, "US": 4}


def test_countries_are_unknown_where_one_row_has_none() -> None:
    rows = delivered(("09:00", 1), ("09:01", 1), ("09:05", 1), countries=[[("JP", 1)], None, []])
    assert [None if c is None else dict(c) for c in grid_rows(rows)["countries"]] == [None, {}]


def test_of_two_steps_in_one_interval_the_finest_that_covers_it_counts() -> None:
    minutes = delivered(*((f"09:0{m}", 2) for m in range(5)))
    whole = delivered(("09:00", 99), seconds=300)
    assert grid_rows(pd.concat([whole, minutes]))["contacts_offered"].tolist() == [10]
    assert grid_rows(pd.concat([whole, minutes[:3]]))["contacts_offered"].tolist() == [99]


def test_series_are_kept_apart_by_application_direction_and_length() -> None:
    rows = pd.concat(
        [
            delivered(("09:00", 1), application_id="bot"),
            delivered(("09:00", 2), application_id=None),
            delivered(("09:00", 4), seconds=1800, application_id=None),
            delivered(("09:00", 8), application_id=None).assign(direction="inbound"),
        ]
    )
    gridded = grid_rows(rows)
    assert sorted(gridded["contacts_offered"].tolist()) == [1, 2, 4, 8]


def test_a_complete_source_has_zeros_between_its_first_and_last_row_only() -> None:
    rows = delivered(("09:00", 5), ("09:20", 6), seconds=300, contacts_failed=[1, 1])
    gridded = grid_rows(rows, complete=True)
    assert starts(gridded) == ["09:00", "09:05", "09:10", "09:15", "09:20"]
    assert gridded["contacts_offered"].tolist() == [5, 0, 0, 0, 6]
    assert gridded["contacts_failed"].tolist() == [1, 0, 0, 0, 1]
    assert gridded["contacts_peak"].isna().all()


def test_a_complete_sources_intervals_are_full_inside_and_partial_at_its_ends() -> None:
    gridded = grid_rows(delivered(("09:03", 5), ("09:11", 6)), complete=True)
    assert gridded["seconds_covered"].tolist() == [120, 300, 120]
    assert gridded["contacts_offered"].tolist() == [5, 0, 6]


def test_a_complete_source_with_a_stray_stamp_is_refused_before_memory_runs_out() -> None:
    rows = delivered(("09:00", 5), ("09:01", 6))
    rows.loc[1, "interval_start"] = pd.Timestamp("1871-01-01T00:00Z")
    with pytest.raises(BadInputError, match="wrong stamp"):
        grid_rows(rows, complete=True)


def test_without_rows_there_is_no_grid() -> None:
    assert len(grid_table(DELIVERED.empty_table())) == 0
    assert len(grid_rows(delivered())) == 0


MINUTES = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 40), st.integers(0, 9)), max_size=60)


@given(MINUTES, st.randoms())
def test_contacts_are_never_lost_nor_doubled_and_the_order_of_rows_never_counts(
    minutes: list[tuple[str, int, int]], shuffle: Any
) -> None:
    unique = {(tenant, minute): count for tenant, minute, count in minutes}
    rows = [(tenant, minute, count) for (tenant, minute), count in unique.items()]
    shuffle.shuffle(rows)
    frame = pd.DataFrame(
        {
            "tenant_id": pd.Series([r[0] for r in rows], dtype="str"),
            "channel": "sms",
            "direction": "inbound",
            "interval_start": pd.Timestamp("2026-03-02T23:50Z")
            + pd.to_timedelta([r[1] for r in rows], unit="min"),
            "interval_seconds": 60,
            "contacts_offered": pd.Series([r[2] for r in rows], dtype="int64"),
        }
    )
    gridded = grid_rows(frame)
    assert gridded["contacts_offered"].sum() == sum(unique.values())
    assert gridded["seconds_covered"].sum() == 60 * len(unique)
    for row in gridded.to_dict("records"):
        first = (row["interval_start"] - pd.Timestamp("2026-03-02T23:50Z")).total_seconds() // 60
        members = [unique.get((row["tenant_id"], first + minute)) for minute in range(5)]
        known = [count for count in members if count is not None]
        assert (row["contacts_offered"], row["contacts_peak"]) == (sum(known), max(known))
    pd.testing.assert_frame_equal(gridded, grid_rows(frame.sample(frac=1, random_state=1)))


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40, unique=True))
def test_a_complete_source_covers_every_minute_of_its_span_once(minutes: list[int]) -> None:
    frame = pd.DataFrame(
        {
            "tenant_id": "acme",
            "channel": "chat",
            "direction": "inbound",
            "interval_start": pd.Timestamp("2026-03-01T22:00Z") + pd.to_timedelta(minutes, unit="min"),
            "interval_seconds": 60,
            "contacts_offered": 1,
        }
    )
    gridded = grid_rows(frame, complete=True)
    assert gridded["contacts_offered"].sum() == len(minutes)
    assert gridded["seconds_covered"].sum() == 60 * (max(minutes) - min(minutes) + 1)
    assert (gridded["interval_start"].diff().dropna() == pd.Timedelta(minutes=5)).all()


def test_gridding_rows_twice_as_parts_of_a_lake_keeps_integer_types() -> None:
    table = pa.Table.from_pandas(delivered(("09:00", 3)), preserve_index=False)
    assert grid_table(table).schema.field("contacts_offered").type == pa.int64()
