"""The lake on a local folder: partitions replaced in one commit, versions, buckets, erasure."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from cjp_fraud.errors import StorageError
from cjp_fraud.storage.lake import UTC_STAMP, Lake, LakeTable, Where
from tests.processes import FORKS

MONDAY = date(2026, 3, 2)
CALLS = LakeTable(
    "calls",
    pa.schema(
        [
            ("tenant_id", pa.string()),
            ("at", UTC_STAMP),
            ("contacts", pa.int64()),
            ("by_country", pa.map_(pa.string(), pa.int64())),
            ("day", pa.date32()),
            ("bucket", pa.int16()),
        ]
    ),
)


def calls(contacts: list[int], *, tenant: str = "acme", day: date = MONDAY, bucket: int = 3) -> pa.Table:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = [
        {
            "tenant_id": tenant,
            "at": midnight + timedelta(hours=hour),
            "contacts": count,
            "by_country": [("JP", count)] if count else None,
            "day": day,
            "bucket": bucket,
        }
        for hour, count in enumerate(contacts)
    ]
    return pa.Table.from_pylist(rows, schema=CALLS.schema)


def contacts(rows: pa.Table) -> list[int]:
    return sorted(rows["contacts"].to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    lake.create([CALLS], buckets=16)
    return lake


def test_making_the_lake_again_keeps_what_is_in_it(lake: Lake) -> None:
    lake.append(CALLS, calls([1, 2]))
    Lake(lake.url).create([CALLS], buckets=16)
    assert contacts(lake.read(CALLS)) == [1, 2]


def test_another_number_of_buckets_is_refused_with_both_numbers(lake: Lake) -> None:
    with pytest.raises(StorageError, match=r"has 16 buckets, the settings say 8"):
        Lake(lake.url, buckets=8).bucket_of(["acme"])
    with pytest.raises(StorageError, match=r"has 16 buckets"):
        Lake(lake.url).create([CALLS], buckets=8)


def test_a_lake_that_was_never_made_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cjp-fraud init"):
        Lake(str(tmp_path / "nowhere")).read(CALLS)


@pytest.mark.parametrize("url", ["s3:/x", "s3:x", "s3://", "s3://no bucket/x", "abc://x/y"])
def test_an_address_that_is_no_lake_is_named_with_its_setting(url: str) -> None:
    with pytest.raises(StorageError, match="CJP_FRAUD_LAKE_URL"):
        Lake(url).create([CALLS], buckets=4)
    with pytest.raises(StorageError, match="CJP_FRAUD_LAKE_URL"):
        Lake(url).read(CALLS)


def test_a_table_with_other_columns_is_refused(lake: Lake) -> None:
    changed = LakeTable("calls", CALLS.schema.append(pa.field("more", pa.int64())))
    with pytest.raises(StorageError, match="more"):
        lake.create([changed], buckets=16)


def test_a_bucket_is_the_crc_of_the_tenant_and_stays(lake: Lake) -> None:
    names = ["acme", "zürich-versicherung", "acme", "日本"]
    assert lake.bucket_of(names).tolist() == [zlib.crc32(name.encode()) % 16 for name in names]
    assert lake.bucket_of([]).tolist() == []


def test_replacing_touches_only_the_partitions_named(lake: Lake) -> None:
    tuesday = MONDAY + timedelta(days=1)
    lake.append(CALLS, pa.concat_tables([calls([1]), calls([2], day=tuesday), calls([3], bucket=4)]))
    lake.replace(CALLS, calls([7, 8]), where=Where(partitions=[(MONDAY, 3)]))
    assert contacts(lake.read(CALLS)) == [2, 3, 7, 8]
    assert contacts(lake.read(CALLS, days=(MONDAY, tuesday))) == [3, 7, 8]
    assert contacts(lake.read(CALLS, buckets=[4])) == [3]
    assert lake.read(CALLS, buckets=[]).num_rows == 0


def test_replacing_is_one_commit_whatever_the_number_of_partitions(lake: Lake) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(5)]
    before = lake.version(CALLS)
    rows = pa.concat_tables([calls([n], day=day, bucket=n) for n, day in enumerate(days)])
    after = lake.replace(CALLS, rows, where=Where(partitions=[(day, n) for n, day in enumerate(days)]))
    assert after == before + 1
    assert contacts(lake.read(CALLS, version=before)) == []


def test_replacing_with_nothing_empties_the_partition(lake: Lake) -> None:
    lake.append(CALLS, pa.concat_tables([calls([1]), calls([2], bucket=4)]))
    lake.replace(CALLS, CALLS.schema.empty_table(), where=Where(partitions=[(MONDAY, 3)]))
    assert contacts(lake.read(CALLS)) == [2]


def test_a_condition_that_can_mean_no_row_changes_nothing(lake: Lake) -> None:
    lake.append(CALLS, calls([1]))
    version = lake.version(CALLS)
    assert lake.replace(CALLS, CALLS.schema.empty_table(), where=Where(partitions=[])) == version
    assert lake.delete(CALLS, where=Where(equal={"tenant_id": []})) == version
    assert contacts(lake.read(CALLS)) == [1]


def test_rows_inside_a_partition_can_be_replaced_by_their_time(lake: Lake) -> None:
    lake.append(CALLS, calls([1, 2, 3, 4]))
    start = datetime(2026, 3, 2, 1, tzinfo=UTC)
    window = Where(partitions=[(MONDAY, 3)], between={"at": (start, start + timedelta(hours=2))})
    assert contacts(lake.read(CALLS, where=window)) == [2, 3]
    lake.replace(CALLS, calls([1, 20, 3, 4]).slice(1, 1), where=window)
    assert contacts(lake.read(CALLS)) == [1, 4, 20]


def test_a_stream_of_batches_is_written_like_a_table(lake: Lake) -> None:
    table = calls([5, 6])
    lake.replace(
        CALLS,
        lambda: pa.RecordBatchReader.from_batches(CALLS.schema, iter(table.to_batches())),
        where=Where(partitions=[(MONDAY, 3)]),
    )
    assert contacts(lake.read(CALLS)) == [5, 6]


def stream(rows: pa.Table) -> Callable[[], pa.RecordBatchReader]:
    return lambda: pa.RecordBatchReader.from_batches(CALLS.schema, iter(rows.to_batches()))


def test_a_stream_may_hold_any_number_of_partitions_in_any_order_and_only_those_named(lake: Lake) -> None:
    tuesday = MONDAY + timedelta(days=1)
    lake.append(CALLS, pa.concat_tables([calls([9]), calls([8], bucket=5)]))
    rows = pa.concat_tables([calls([1]), calls([2], day=tuesday), calls([3])])
    lake.replace(CALLS, stream(rows), where=Where(partitions=[(MONDAY, 3), (tuesday, 3)]))
    assert contacts(lake.read(CALLS)) == [1, 2, 3, 8]
    assert contacts(lake.read(CALLS, days=(tuesday, tuesday + timedelta(days=1)))) == [2]
    with pytest.raises(ValueError, match="outside the partitions"):
        lake.replace(CALLS, stream(rows), where=Where(partitions=[(MONDAY, 3)]))
    assert contacts(lake.read(CALLS)) == [1, 2, 3, 8]


def test_a_stream_that_breaks_off_leaves_no_file_behind(lake: Lake) -> None:
    lake.append(CALLS, calls([9]))
    before = sorted(path for path in Path(lake.url).rglob("*.parquet"))

    def breaking() -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            for bucket in range(40):
                yield from calls([1], bucket=bucket).to_batches()
            raise OSError(28, "No space left on device")

        return pa.RecordBatchReader.from_batches(CALLS.schema, batches())

    everywhere = Where(partitions=[(MONDAY, bucket) for bucket in range(40)])
    with pytest.raises(OSError, match="No space left"):
        lake.replace(CALLS, breaking, where=everywhere)
    assert sorted(path for path in Path(lake.url).rglob("*.parquet")) == before
    assert contacts(lake.read(CALLS)) == [9]


def test_a_stream_that_meets_another_writers_commit_tries_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.append(CALLS, calls([1]))
    here = Where(partitions=[(MONDAY, 3)])
    attempts = []

    def rows() -> pa.RecordBatchReader:
        if not attempts:
            Lake(lake.url).replace(CALLS, stream(calls([7])), where=here)
        attempts.append(1)
        return stream(calls([5]))()

    lake.replace(CALLS, rows, where=here)
    assert contacts(lake.read(CALLS)) == [5]
    assert len(attempts) == 2


def test_names_with_quotes_are_only_names(lake: Lake) -> None:
    lake.append(CALLS, pa.concat_tables([calls([1], tenant="o'hara"), calls([2])]))
    theirs = Where(equal={"tenant_id": ["o'hara", "x' OR '1'='1"]})
    assert contacts(lake.read(CALLS, where=theirs)) == [1]
    lake.delete(CALLS, where=theirs)
    assert contacts(lake.read(CALLS)) == [2]


def test_any_number_of_names_may_be_asked_for(lake: Lake) -> None:
    """The library that chooses files recurses into a list: the process died of some ten thousand names."""
    names = [f"tenant-{number:05d}" for number in range(100_000)]
    lake.append(CALLS, calls([1], tenant="tenant-00007"))
    lake.append(CALLS, calls([2], tenant="tenant-99999", bucket=4))
    lake.append(CALLS, calls([3], tenant="a-tenant", bucket=5))
    lake.append(CALLS, calls([4], tenant="tenant-00007x", bucket=6))
    days = (MONDAY, MONDAY + timedelta(days=1))
    assert contacts(lake.read(CALLS, days=days, where=Where(equal={"tenant_id": names}))) == [1, 2]
    assert lake.delete(CALLS, where=Where(equal={"tenant_id": names})) > 0
    assert contacts(lake.read(CALLS)) == [3, 4]


def test_types_and_the_order_of_columns_come_back_as_declared(lake: Lake) -> None:
    lake.append(CALLS, calls([0, 9]))
    rows = lake.read(CALLS)
    assert rows.schema.equals(CALLS.schema)
    assert lake.read(CALLS, columns=["contacts", "day"]).column_names == ["contacts", "day"]
    assert rows.sort_by("contacts")["by_country"].to_pylist() == [None, [("JP", 9)]]


def test_vacuum_erases_deleted_content_even_behind_a_checkpoint(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    schema = CALLS.schema.append(pa.field("note", pa.string()))
    secret = LakeTable("secret", schema, stats_columns=("at",))
    lake.create([secret], buckets=16)
    for tenant, note in (("gone", "xyzzy-content"), ("kept", "plain")):
        rows = calls([1], tenant=tenant)
        lake.append(secret, rows.append_column("note", pa.array([note])))
    lake.delete(secret, where=Where(equal={"tenant_id": ["gone"]}))
    DeltaTable(f"{lake.url}/secret").create_checkpoint()
    assert len(lake.vacuum(secret, keep=timedelta(0))) == 1
    assert lake.read(secret)["note"].to_pylist() == ["plain"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"xyzzy" in path.read_bytes()]


def _replace_over_and_over(url: str, bucket: int, count: int) -> None:
    lake = Lake(url)
    for number in range(count):
        lake.replace(CALLS, calls([number], bucket=bucket), where=Where(partitions=[(MONDAY, bucket)]))


@pytest.mark.parametrize("buckets", [(1, 2), (1, 1)], ids=["different", "the_same"])
def test_two_writers_at_once_leave_each_partition_with_one_writers_rows(
    lake: Lake, buckets: tuple[int, int]
) -> None:
    writers = [FORKS.Process(target=_replace_over_and_over, args=(lake.url, b, 3)) for b in buckets]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert contacts(lake.read(CALLS)) == [2] * len(set(buckets))
