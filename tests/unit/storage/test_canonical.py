from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.digests import canonical_json, digest
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
