"""Deliveries into partitions: however rows are cut into files, the end is the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjp_fraud.traffic.merge import Merged, deduplicated, merge
from cjp_fraud.traffic.schema import INTAKE, TRAFFIC
from tests.thoroughness import examples

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
Row = tuple[str, int, int]
"""Tenant, minute of the day, contacts offered."""


def delivery(rows: list[Row], *, order: int = 0) -> pa.Table:
    table = pa.Table.from_pylist(
        [
            {
                "tenant_id": tenant,
                "channel": "voice",
                "direction": "inbound",
                "interval_seconds": 60,
                "interval_start": MIDNIGHT + timedelta(minutes=minute),
                "contacts_offered": count,
                "implied": False,
                "source": "a.csv",
                "line": line,
                "ingested_at": MIDNIGHT,
                "day": MIDNIGHT.date(),
                "bucket": 0,
            }
            for line, (tenant, minute, count) in enumerate(rows, start=2)
        ],
        schema=INTAKE.schema,
    )
    return table.append_column("source_order", pa.array(np.full(len(rows), order, np.int64)))


def widened(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), rows], promote_options="default").select(schema.names)


def delivered(*files: list[Row], start: Merged | None = None) -> list[Merged]:
    """Merge files one after the other, each into what the one before left."""
    done = [start] if start else []
    for rows in files:
        intake = widened(done[-1].intake, INTAKE.schema) if done else INTAKE.schema.empty_table()
        traffic = widened(done[-1].traffic, TRAFFIC.schema) if done else TRAFFIC.schema.empty_table()
        done.append(merge(delivery(rows), intake, traffic, grid_seconds=300, buckets=1))
    return done


def traffic(merged: Merged) -> list[tuple[object, ...]]:
    names = ["tenant_id", "interval_start", "contacts_offered", "contacts_peak", "seconds_covered"]
    return sorted(tuple(row.values()) for row in merged.traffic.select(names).to_pylist())


ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 25), st.integers(0, 9)),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:2],
)


@pytest.mark.thorough
@settings(max_examples=examples(25, 100))
@given(ROWS, st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_however_rows_are_cut_into_files_the_traffic_is_the_same(rows: list[Row], file_of: list[int]) -> None:
    cut = [[row for row, file in zip(rows, file_of, strict=False) if file == number] for number in range(4)]
    (whole,) = delivered(rows)
    parts = delivered(*cut)
    assert traffic(parts[-1]) == traffic(whole)
    assert sum(part.stored for part in parts) == whole.stored == len(rows)
    assert sum(part.replaced + part.unchanged for part in parts) == 0


@pytest.mark.thorough
@settings(max_examples=examples(25, 100))
@given(ROWS)
def test_a_file_delivered_again_changes_nothing(rows: list[Row]) -> None:
    first, again = delivered(rows, rows)
    assert (again.stored, again.replaced, again.unchanged) == (0, 0, len(rows))
    assert len(again.marks) == len(again.intake_changed) == len(again.traffic_changed) == 0
    assert traffic(again) == traffic(first)


@pytest.mark.thorough
@settings(max_examples=examples(25, 100))
@given(ROWS, ROWS)
def test_of_two_files_the_later_has_the_last_word(first: list[Row], second: list[Row]) -> None:
    expected = {row[:2]: row[2] for row in [*first, *second]}
    *_, last = delivered(first, second)
    (at_once,) = delivered([(*key, count) for key, count in expected.items()])
    assert traffic(last) == traffic(at_once)
    before = {row[:2]: row[2] for row in first}
    assert last.stored == sum(row[:2] not in before for row in second)
    assert last.replaced == sum(before.get(row[:2], row[2]) != row[2] for row in second)
    together = pa.concat_tables([delivery(first), delivery(second, order=1)])
    kept, clashing, unclear = deduplicated(together)
    assert len(clashing) == len(unclear) == 0
    assert {(r["tenant_id"], r["contacts_offered"]) for r in kept.to_pylist()} == {
        (tenant, count) for (tenant, _), count in expected.items()
    }


@pytest.mark.thorough
@settings(max_examples=examples(25, 100))
@given(ROWS, st.data())
def test_marks_name_every_interval_that_changed_and_no_other(rows: list[Row], data: st.DataObject) -> None:
    changed = [(*row[:2], data.draw(st.integers(0, 9))) for row in rows]
    first, second = delivered(rows, changed)
    marked = {(row["tenant_id"], row["interval_start"]) for row in second.marks.to_pylist()}
    differing = {row[:2] for row in set(traffic(first)) ^ set(traffic(second))}
    assert marked == differing


def test_rows_that_disagree_leave_what_was_there() -> None:
    _, second = delivered([("a", 0, 4)], [("a", 0, 5), ("a", 0, 6), ("a", 1, 7), ("a", 1, 7)])
    assert [row[2] for row in traffic(second)] == [11]
    assert len(second.disagreeing) == 2
    assert (second.stored, second.replaced, second.unchanged) == (1, 0, 1)
