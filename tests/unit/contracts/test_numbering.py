"""Beginnings of international numbers: whose they are, and how much of all numbers they cover."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.numbering import breadth, countries_of, lies_within

PREFIXES = st.from_regex(r"\+[1-9][0-9]{0,4}", fullmatch=True)


@pytest.mark.parametrize(
    ("prefix", "countries"),
    [
        ("+371", {"LV"}),
        ("+37120", {"LV"}),
        ("+1", {"CA", "US"}),
        ("+1212", {"CA", "US"}),
        ("+1876", {"JM"}),
        ("+7", {"RU"}),
        ("+77", {"KZ"}),
        ("+37", set()),
        ("+881", set()),
    ],
)
def test_the_longest_beginning_says_whose_a_number_is(prefix: str, countries: set[str]) -> None:
    assert countries_of(prefix) == countries


@pytest.mark.parametrize(
    ("prefix", "places", "within"),
    [
        ("+37120", ["lv"], True),
        ("+37120", ["371"], True),
        ("+37120", ["+371", "US"], True),
        ("+37", ["LV"], False),
        ("+37", ["371"], False),
        ("+1876", ["US"], False),
        ("+371", ["Latvia"], False),
        ("+371", [], False),
    ],
)
def test_a_prefix_lies_within_a_place_or_not(prefix: str, places: list[str], within: bool) -> None:
    assert lies_within(prefix, places) is within


@given(st.lists(PREFIXES, max_size=6), st.lists(PREFIXES, max_size=6))
def test_more_prefixes_never_cover_less_and_what_is_covered_counts_once(
    some: list[str], more: list[str]
) -> None:
    assert breadth(some) <= breadth(some + more) <= breadth(some) + breadth(more)
    assert breadth([f"{prefix}{digit}" for prefix in some for digit in range(10)]) == breadth(some)
    assert breadth(some + [f"{prefix}1" for prefix in some]) == breadth(some)


def test_all_numbers_are_nine_tenths() -> None:
    assert breadth(f"+{zone}" for zone in range(1, 10)) == Fraction(9, 10)
    assert breadth(["+", "112", "everything"]) == 0
