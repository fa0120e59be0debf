"""One cell that cannot be used sends its row to quarantine; the other rows of the file are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cjp_fraud.traffic.model import Reason
from cjp_fraud.traffic.parsing import LARGEST_INT64
from cjp_fraud.traffic.quarantine import list_quarantine
from cjp_fraud.traffic.schema import DELIVERED
from tests.integration.traffic.conftest import Desk

GOOD: dict[str, Any] = {
    "tenant_id": pa.array(["acme"] * 3),
    "interval_start": pa.array([1_772_442_000 + 300 * n for n in range(3)], pa.timestamp("s", "UTC")),
    "interval_seconds": pa.array([300] * 3),
    "channel": pa.array(["voice"] * 3),
    "direction": pa.array(["inbound"] * 3),
    "contacts_offered": pa.array([1, 2, 3]),
}
ODD_CELLS = (
    r'{"\ud800": 1}',
    r"\ud800",
    "\0",
    "\x1b[31m",
    "9" * 5000,
    "-" * 200_000,
    "1e999",
    "\u0663",
    "nan",
    "{}",
    "[]",
    '{"": 1}',
    '{"JP": 1e999}',
    '{"JP": NaN}',
    '{"JP": ' + "9" * 5000 + "}",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "+292277026596-12-04T15:30:08Z",
)


def a_parquet(desk: Desk, **columns: pa.Array) -> Path:
    path = desk.folder / "rows.parquet"
    pq.write_table(pa.table(GOOD | columns), path)
    return path


def broken_text(*cells: bytes) -> pa.Array:
    """Texts as some writers store them: bytes that nobody checked."""
    return pa.Array.from_buffers(pa.string(), len(cells), pa.array(list(cells)).buffers())


@pytest.mark.parametrize("column", DELIVERED.names)
def test_whatever_stands_in_a_cell_of_a_csv_the_other_rows_are_stored(desk: Desk, column: str) -> None:
    rows = [{column: cell, "interval_start": "2026-03-02T09:10:00Z"} | {column: cell} for cell in ODD_CELLS]
    result = desk.ingest(desk.file({}, *rows, {"interval_start": "2026-03-02T09:05:00Z"}))
    assert result.read == len(ODD_CELLS) + 2
    assert {("09:00", 1), ("09:05", 1)} <= set(desk.traffic())
    assert len(list_quarantine(desk.lake)) == result.quarantined > 0 or column.endswith("_id")


def test_a_country_that_no_text_can_hold_is_shown_as_it_came(desk: Desk) -> None:
    result = desk.ingest(desk.file({"countries": r'{"\ud800":1}'}, {"contacts_offered": 2} | LATER))
    assert (result.stored, result.reasons) == (1, {"bad_text": 1})
    (row,) = list_quarantine(desk.lake)
    assert row.content["countries"] == r'{"\ud800":1}'


LATER = {"interval_start": "2026-03-02T09:05:00Z"}


@pytest.mark.parametrize("column", ["tenant_id", "channel", "application_id", "principal_id", "countries"])
@pytest.mark.parametrize("kind", ["text", "bytes"])
def test_bytes_in_parquet_that_are_not_utf_8_break_their_row_alone(
    desk: Desk, column: str, kind: str
) -> None:
    good = b'{"JP": 1}' if column == "countries" else str(GOOD.get(column, ["app"])[0]).encode()
    cells = [good, b"\xff\xfe", good]
    texts = broken_text(*cells) if kind == "text" else pa.array(cells)
    result = desk.ingest(a_parquet(desk, **{column: texts}))
    assert (result.stored, result.reasons) == (2, {"malformed": 1})
    (row,) = list_quarantine(desk.lake)
    assert (row.reason, row.line) == (Reason.MALFORMED, 2)
    assert f"'{column}' is not UTF-8" in row.explanation


def test_texts_stored_as_categories_are_taken(desk: Desk) -> None:
    channels = pa.array(["voice", "chat", "fax"]).dictionary_encode()
    countries = pa.array(['{"JP": 1}', None, '{"JP": 1}']).dictionary_encode()
    result = desk.ingest(a_parquet(desk, channel=channels, countries=countries))
    assert (result.stored, result.reasons) == (2, {"unknown_channel": 1})


def test_a_country_in_a_parquet_map_that_is_not_utf_8_breaks_its_row_alone(desk: Desk) -> None:
    maps = pa.MapArray.from_arrays([0, 1, 2, 3], broken_text(b"JP", b"\xff", b"US"), pa.array([1, 2, 3]))
    result = desk.ingest(a_parquet(desk, countries=maps))
    assert (result.stored, result.reasons) == (2, {"malformed": 1})


def test_a_row_of_an_excluded_deployment_is_kept_nowhere_however_broken(desk: Desk) -> None:
    desk.know("acme", excluded=["beta"])
    tenants = pa.array(["acme", "beta", "acme"])
    result = desk.ingest(a_parquet(desk, tenant_id=tenants, channel=pa.array([b"voice", b"\xff", b"voice"])))
    assert (result.stored, result.refused, result.quarantined) == (2, 1, 0)


def test_a_struct_of_numbers_by_country_is_taken(desk: Desk) -> None:
    countries = pa.array([{"JP": 1, "US": None}, None, {"JP": None, "US": 3}])
    assert desk.ingest(a_parquet(desk, countries=countries)).stored == 3
    assert [row[-1] for row in desk.traffic("countries")] == [[("JP", 1)], None, [("US", 3)]]


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_a_stamp_beyond_all_calendars_is_out_of_range(desk: Desk, unit: str) -> None:
    stamps = GOOD["interval_start"].cast(pa.timestamp(unit, "UTC")).cast(pa.int64()).to_pylist()
    # So many seconds or milliseconds wrap around to a moment of the year 2026 if they are only multiplied.
    factor = 10**6 if unit == "s" else 1000
    wrapped = stamps[1] + 2**64 // factor
    assert stamps[1] < LARGEST_INT64 // factor < wrapped
    given = pa.array([stamps[0], wrapped, stamps[2]], pa.timestamp(unit, "UTC"))
    result = desk.ingest(a_parquet(desk, interval_start=given))
    assert (result.stored, result.reasons) == (2, {"out_of_range": 1})


@pytest.mark.parametrize("cells", [150_000, 300_000])
def test_a_long_cell_in_quotes_is_one_cell(desk: Desk, cells: int) -> None:
    countries = "{" + ", ".join(f'"{n:06d}": 1' for n in range(cells // 12)) + "}"
    assert desk.ingest(desk.file({"countries": countries}, LATER)).stored == 2


def test_columns_of_other_names_are_named_as_ignored(desk: Desk) -> None:
    result = desk.ingest(desk.file({"contact_peak": 4, "colour": 1}))
    assert (result.stored, result.ignored) == (1, ("contact_peak", "colour"))
    assert "contact_peak" in result.notes[0]
    both = result + desk.ingest(a_parquet(desk, lists=pa.array([[1]] * 3), contact_peak=pa.array([1] * 3)))
    assert both.ignored == ("contact_peak", "colour", "lists")
