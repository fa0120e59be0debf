"""One id a series, the same wherever it is computed."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.traffic.columns import series_ids
from cjp_fraud.traffic.series_identity import series_id

KEYS = st.tuples(
    st.sampled_from(["a", "b", "日本"]),
    st.sampled_from(["voice", "sms"]),
    st.sampled_from(["inbound", "outbound"]),
    st.sampled_from([None, "", "bot"]),
    st.sampled_from([300, 600, 3600]),
)
NAMES = ("tenant_id", "channel", "direction", "application_id", "interval_seconds")


def table(keys: list[tuple[str, str, str, str | None, int]]) -> pa.Table:
    columns = list(zip(*keys, strict=True)) or [()] * 5
    kinds = [pa.string()] * 4 + [pa.int32()]
    return pa.table({n: pa.array(c, k) for n, c, k in zip(NAMES, columns, kinds, strict=True)})


def test_the_id_is_that_of_the_flags_recorded_so_far() -> None:
    assert series_id("acme", "voice", "outbound", None, 300) == "3d5ea2714780f50fc53a747577e4c853"
    assert series_id("acme", "voice", "outbound", "bot", 1800) == "e677406b5dff8ea72188e2edc8fb8045"


@given(st.lists(KEYS, max_size=30))
def test_a_table_gets_the_id_that_each_of_its_rows_would_get_alone(
    keys: list[tuple[str, str, str, str | None, int]],
) -> None:
    assert series_ids(table(keys)).to_pylist() == [series_id(*key) for key in keys]


def test_a_table_without_applications_has_the_ids_of_rows_without_one() -> None:
    rows = table([("a", "voice", "inbound", None, 300)])
    assert series_ids(rows.drop_columns(["application_id"])).equals(series_ids(rows))


def test_the_id_of_one_series_is_computed_without_loading_arrow() -> None:
    code = "import sys, cjp_fraud.traffic.series_identity; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
