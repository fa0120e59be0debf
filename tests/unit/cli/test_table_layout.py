"""Widths of columns: nothing that must be whole is cut while something else can give way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.cli.table_layout import EDGE, GAP, Widths, fit, fits

STAMP = Widths(17, 17, 17)
TEXT = Widths(40, 12, 6)
NAME = Widths(20, 20, 12)


def test_where_there_is_room_every_column_is_as_wide_as_it_wants() -> None:
    assert fit([STAMP, TEXT, NAME], 100) == [17, 40, 20]


def test_text_gives_way_before_names_and_stamps_and_numbers_never_do() -> None:
    assert fit([STAMP, TEXT, NAME], 60) == [17, 16, 20]
    assert fit([STAMP, TEXT, NAME], 54) == [17, 10, 20]
    assert fit([STAMP, TEXT, NAME], 45) == [17, 6, 15]
    assert fit([STAMP, STAMP], 20) == [17, 17]


def test_spare_columns_are_left_out_from_the_last_on_and_no_more_than_needed() -> None:
    spare = Widths(17, 17, 17, spare=True)
    assert fit([spare, STAMP, spare, STAMP], 80) == [17, 17, 17, 17]
    assert fit([spare, STAMP, spare, STAMP], 60) == [17, 17, None, 17]
    assert fit([spare, STAMP, spare, STAMP], 40) == [None, 17, None, 17]


@given(
    st.lists(
        st.builds(
            lambda lowest, more, most, spare: Widths(lowest + more + most, lowest + more, lowest, spare),
            *(st.integers(1, 20), st.integers(0, 20), st.integers(0, 60), st.booleans()),
        ),
        min_size=1,
        max_size=9,
    ),
    st.integers(20, 200),
)
def test_what_can_fit_does(columns: list[Widths], room: int) -> None:
    widths = fit(columns, room)
    shown = [(column, width) for column, width in zip(columns, widths, strict=True) if width is not None]
    assert all(column.lowest <= width <= column.wanted for column, width in shown)
    needed = [column for column in columns if not column.spare]
    if fits(needed, room):
        assert sum(width + GAP for _, width in shown) + EDGE <= room
        assert all(width >= column.least for column, width in shown)
