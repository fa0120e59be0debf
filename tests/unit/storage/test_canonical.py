from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.digests import canonical_json, digest, digits_needed
from cjp_fraud.errors import NaiveTimeError

DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_canonical_json_survives_a_round_trip(document: object) -> None:
    assert canonical_json(json.loads(canonical_json(document))) == canonical_json(document)


@given(DOCUMENTS)
def test_canonical_json_is_what_the_library_of_the_standard_writes(document: object) -> None:
    within = json.loads(json.dumps(document), parse_int=float)
    assert canonical_json(document) == rfc8785.dumps(within)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_never_changes_the_digest(document: dict[str, int]) -> None:
    assert digest(dict(reversed(document.items()))) == digest(document)


def test_the_same_moment_in_another_zone_has_the_same_digest() -> None:
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert digest({"at": at}) == digest({"at": at.astimezone(timezone(timedelta(hours=9)))})


def test_a_time_without_a_zone_has_no_canonical_form() -> None:
    with pytest.raises(NaiveTimeError):
        canonical_json({"at": datetime(2026, 1, 31)})  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no JSON form"):
        canonical_json([value])


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_in_appendix_b_of_rfc_8785(bits: str, written: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number) == written.encode()


@pytest.mark.parametrize(
    "text", ["\x00number:1e-7", 'a"\x00number:1e-7', "\x00number:", '\x00number:1e-7"', "\x00\x00number:x"]
)
def test_text_that_looks_like_a_number_on_its_way_stays_text(text: str) -> None:
    for document in (text, {text: 1}, {text: [1e-7, text]}, [1e-7, {text: 1e300}]):
        assert canonical_json(document) == rfc8785.dumps(json.loads(json.dumps(document)))


def test_a_set_is_sorted_by_its_values_whatever_their_form() -> None:
    assert canonical_json({2.5, 1e-7, 3.0, -1e20}) == b"[-100000000000000000000,1e-7,2.5,3]"


def test_keys_are_sorted_by_utf_16_units_as_in_section_3_2_3_of_rfc_8785() -> None:
    names = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(canonical_json(names)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_the_sample_of_section_3_2_2_of_rfc_8785_comes_out_as_there() -> None:
    sample = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical_json(sample).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_a_small_p_value_is_written_as_javascript_writes_it() -> None:
    assert canonical_json([3.2e-07, 1e16]) == b"[3.2e-7,10000000000000000]"


def test_a_large_double_is_the_same_when_it_comes_back_as_a_whole_number() -> None:
    assert canonical_json(10**300) == canonical_json(1e300) == b"1e+300"
    assert canonical_json(2**60) == b"1152921504606847000"


@pytest.mark.parametrize(
    ("identifiers", "digits"),
    [
        ([], 8),
        (["0123456789"], 8),
        (["0123456789", "0123456788"], 10),
        (["01234567-a", "01234567-b", "01234567-a"], 10),
        (["012", "01234"], 5),
    ],
)
def test_identifiers_are_cut_as_short_as_they_stay_different(identifiers: list[str], digits: int) -> None:
    assert digits_needed(identifiers) == digits
