"""Files into the lake: sums, replacements, late rows, counts, marks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from sqlalchemy import select

from cjp_fraud.storage.database import reading
from cjp_fraud.traffic.ingest import ingest_sources
from cjp_fraud.traffic.model import Reason
from cjp_fraud.traffic.quarantine import list_quarantine
from cjp_fraud.traffic.sample import sample_traffic_path
from cjp_fraud.traffic.schema import INTAKE, QUARANTINE, TRAFFIC
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.store import INTAKE_KEPT, expire_intake
from cjp_fraud.traffic.tables import TrafficChange
from tests.integration.traffic.conftest import NOW, Desk


def versions(desk: Desk) -> tuple[int, ...]:
    return tuple(desk.lake.version(table) for table in (INTAKE, TRAFFIC, QUARANTINE))


def marks(desk: Desk) -> list[tuple[str, str, str]]:
    with reading(desk.into.engine) as session:
        rows = session.scalars(select(TrafficChange).order_by(TrafficChange.id)).all()
        return [(r.tenant_id, f"{r.first_interval:%d %H:%M}", f"{r.last_interval:%d %H:%M}") for r in rows]


def test_minutes_become_grid_intervals(desk: Desk) -> None:
    result = desk.ingest(desk.minutes(1, 7, 0, 2, 3, 4))
    assert (result.read, result.stored, result.replaced, result.unchanged) == (6, 6, 0, 0)
    assert desk.traffic("contacts_peak", "seconds_covered") == [("09:00", 13, 7, 300), ("09:05", 4, 4, 60)]


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    path = desk.minutes(1, 2, 3)
    desk.ingest(path)
    before = versions(desk), marks(desk)
    again = desk.ingest(path)
    assert (again.stored, again.replaced, again.unchanged) == (0, 0, 3)
    assert (versions(desk), marks(desk)) == before


def test_an_interval_split_over_two_files_is_summed(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3))
    result = desk.ingest(desk.minutes(None, None, None, 4, 5))
    assert (result.stored, result.replaced) == (2, 0)
    assert desk.traffic("contacts_peak", "seconds_covered") == [("09:00", 15, 5, 300)]


def test_an_interval_of_years_ago_split_over_two_files_is_summed_too(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3, start="2015-03-02T09:00:00Z"))
    desk.ingest(
        desk.minutes(None, None, None, 4, 5, start="2015-03-02T09:00:00Z"), now=NOW + timedelta(days=3)
    )
    assert desk.traffic("seconds_covered") == [("09:00", 15, 300)]


def test_a_later_file_replaces_what_an_earlier_one_said(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3, 4, 5))
    result = desk.ingest(desk.minutes(1, 2, 30))
    assert (result.stored, result.replaced, result.unchanged) == (0, 1, 2)
    assert desk.traffic() == [("09:00", 42)]


def test_late_rows_of_an_earlier_day_are_taken(desk: Desk) -> None:
    desk.ingest(desk.minutes(1))
    desk.ingest(desk.minutes(9, start="2026-02-27T23:59:00Z"))
    assert desk.traffic() == [("23:55", 9), ("09:00", 1)]
    assert marks(desk) == [("acme", "02 09:00", "02 09:00"), ("acme", "27 23:55", "27 23:55")]


def test_marks_name_runs_of_days_that_changed_and_nothing_else(desk: Desk) -> None:
    stamps = ["2026-02-20T10:00Z", "2026-02-21T11:00Z", "2026-02-23T12:00Z"]
    desk.ingest(desk.file(*({"interval_start": at} for at in stamps)))
    assert marks(desk) == [("acme", "20 10:00", "21 11:00"), ("acme", "23 12:00", "23 12:00")]


def test_a_day_with_countries_takes_further_files(desk: Desk) -> None:
    desk.ingest(desk.file({"countries": '{"JP": 1}'}, {"interval_start": "2026-03-02T09:01Z"}, name="a.csv"))
    result = desk.ingest(desk.file({"interval_start": "2026-03-02T09:02Z"}, name="b.csv"))
    assert (result.stored, desk.traffic("countries")) == (1, [("09:00", 3, None)])
    again = desk.ingest(desk.file({"countries": '{"JP": 1}'}, name="c.csv"))
    changed = desk.ingest(desk.file({"countries": '{"KR": 1}'}, name="d.csv"))
    assert (again.unchanged, changed.replaced) == (1, 1)


def test_equal_rows_twice_in_one_file_are_one_row(desk: Desk) -> None:
    result = desk.ingest(desk.file({}, {}))
    assert (result.read, result.stored, result.unchanged, result.quarantined) == (2, 1, 1, 0)
    assert desk.traffic() == [("09:00", 1)]


def test_rows_that_disagree_are_both_in_quarantine(desk: Desk) -> None:
    result = desk.ingest(desk.file({}, {"contacts_offered": 2}, {"interval_start": "2026-03-02T09:01Z"}))
    assert (result.read, result.stored, result.quarantined) == (3, 1, 2)
    assert [(row.line, row.reason) for row in list_quarantine(desk.lake)] == [
        (2, Reason.DISAGREES),
        (3, Reason.DISAGREES),
    ]
    assert desk.traffic("seconds_covered") == [("09:00", 1, 60)]


def test_rows_of_different_principals_are_one_interval(desk: Desk) -> None:
    result = desk.ingest(desk.file({"principal_id": "k1"}, {"principal_id": "k2"}, {"principal_id": None}))
    assert result.stored == 3
    assert desk.traffic("contacts_peak", "seconds_covered") == [("09:00", 3, 3, 60)]


def test_a_complete_source_fills_with_zeros_even_whole_days(desk: Desk) -> None:
    path = desk.file(
        {"interval_start": "2026-02-26T23:50:00Z", "interval_seconds": 300},
        {"interval_start": "2026-02-28T00:05:00Z", "interval_seconds": 300},
    )
    result = desk.ingest(path, complete=True)
    assert (result.read, result.stored) == (2, 2)
    rows = desk.traffic("seconds_covered")
    assert len(rows) == 2 + 288 + 2
    assert sum(row[1] for row in rows) == 2
    assert {row[2] for row in rows} == {300}
    before = versions(desk)
    assert desk.ingest(path, complete=True).unchanged == 2
    assert versions(desk) == before


def test_what_a_rejected_row_speaks_of_is_unknown_even_from_a_complete_source(desk: Desk) -> None:
    path = desk.file(
        {"interval_start": "2026-03-02T09:00Z", "interval_seconds": 300},
        {"interval_start": "2026-03-02T09:05Z", "interval_seconds": 300, "contacts_offered": -1},
        {"interval_start": "2026-03-02T09:15Z", "interval_seconds": 300},
    )
    desk.ingest(path, complete=True)
    assert desk.traffic() == [("09:00", 1), ("09:10", 0), ("09:15", 1)]


def test_an_interval_older_than_the_intake_is_replaced_only_as_a_whole(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 1, 1, 1, 1))
    later = NOW + INTAKE_KEPT + timedelta(hours=1)
    part = desk.ingest(desk.minutes(5, name="part.csv"), now=later)
    assert (part.stored, part.replaced, part.reasons) == (0, 0, {"too_late": 1})
    assert desk.traffic() == [("09:00", 5)]
    same = desk.ingest(desk.minutes(1, 1, 1, 1, 1), now=later)
    assert (same.stored, same.replaced, same.unchanged) == (0, 0, 5)
    whole = desk.ingest(desk.minutes(2, 2, 2, 2, 2), now=later)
    assert (whole.stored, whole.replaced, whole.quarantined) == (0, 5, 0)
    assert desk.traffic("seconds_covered") == [("09:00", 10, 300)]


def test_expired_rows_leave_the_intake_and_their_traffic_stays(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2))
    assert expire_intake(desk.lake, desk.into.engine, now=NOW + INTAKE_KEPT) == 0
    assert expire_intake(desk.lake, desk.into.engine, now=NOW + INTAKE_KEPT + timedelta(seconds=1)) == 1
    assert desk.lake.read(INTAKE).num_rows == 0
    assert desk.traffic() == [("09:00", 3)]


def test_an_ingest_is_one_commit_a_table(desk: Desk) -> None:
    stamps = [f"2026-02-{day:02d}T10:00Z" for day in range(1, 25)]
    rows = [{"interval_start": at, "tenant_id": name} for at in stamps for name in ("acme", "beta", "who")]
    before = versions(desk)
    desk.ingest(desk.file(*rows))
    assert versions(desk) == tuple(version + 1 for version in before)


def test_excluded_deployments_are_counted_and_nothing_of_them_is_on_disk(
    desk: Desk, content_on_disk: Callable[[bytes], list[Path]]
) -> None:
    desk.know("acme", excluded=["onprem"])
    secret = {"tenant_id": "onprem", "principal_id": "xyzzy", "contacts_offered": -5}
    result = desk.ingest(desk.file({"principal_id": "plugh"}, secret, secret | {"channel": "fax"}))
    assert (result.read, result.stored, result.refused, result.quarantined) == (3, 1, 2, 0)
    assert content_on_disk(b"plugh")
    assert not content_on_disk(b"xyzzy")
    assert not content_on_disk(b"onprem")


def test_several_files_are_taken_in_order_and_counted_together(desk: Desk) -> None:
    first = desk.minutes(1, 2, name="a.csv")
    second = desk.minutes(5, name="b.csv")
    result = ingest_sources([FileSource(first), FileSource(second)], desk.into)
    assert (result.files, result.read, result.stored, result.replaced) == (("a.csv", "b.csv"), 3, 2, 1)
    assert desk.traffic() == [("09:00", 7)]


def test_parquet_is_taken_like_csv(desk: Desk) -> None:
    frame = pd.read_csv(desk.minutes(1, 2, 3), parse_dates=["interval_start"])
    path = desk.folder / "traffic.parquet"
    frame.to_parquet(path)
    assert desk.ingest(path).stored == 3
    assert desk.ingest(desk.minutes(1, 2, 3)).unchanged == 3


def test_a_mapped_column_is_taken_under_our_name(desk: Desk) -> None:
    path = desk.minutes(1, 2)
    path.write_text(path.read_text().replace("contacts_offered", "calls"))
    assert desk.ingest(path, mapping={"calls": "contacts_offered"}).stored == 2


def test_the_samples_off_grid_stamps_keep_every_count(desk: Desk) -> None:
    rows = pd.read_csv(sample_traffic_path(), parse_dates=["interval_start"])
    desk.know(*rows["tenant_id"].unique())
    assert desk.ingest(sample_traffic_path(), now=datetime(2026, 1, 1, tzinfo=UTC)).stored == len(rows)
    stored = desk.lake.read(
        TRAFFIC, columns=["tenant_id", "interval_start", "contacts_offered", "seconds_covered"]
    )
    frame = stored.to_pandas()
    assert (frame["seconds_covered"] == 300).all()
    rows["interval_start"] = rows["interval_start"].dt.floor("300s")
    keys = ["tenant_id", "interval_start"]
    pd.testing.assert_frame_equal(
        frame[[*keys, "contacts_offered"]].sort_values(keys, ignore_index=True),
        rows[[*keys, "contacts_offered"]].sort_values(keys, ignore_index=True),
        check_dtype=False,
    )


def test_the_real_sample_is_taken_whole_with_its_two_interval_lengths(desk: Desk, shared_data: Path) -> None:
    path = shared_data / "real" / "traffic.csv.gz"
    known = pd.read_csv(shared_data / "real" / "tenants.csv")["tenant_id"]
    desk.know(*known)
    rows = pd.read_csv(path)
    result = desk.ingest(path)
    assert (result.read, result.stored) == (len(rows), len(rows))
    stored = desk.lake.read(
        TRAFFIC, columns=["tenant_id", "interval_seconds", "contacts_offered"]
    ).to_pandas()
    assert stored["contacts_offered"].sum() == rows["contacts_offered"].sum()
    assert set(stored.loc[stored["tenant_id"] == "taxi-nyc", "interval_seconds"]) == {1800}
