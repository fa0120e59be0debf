"""The rows that a case is decided on come from the lake: the flagged series alone, from a day before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from cjp_fraud.detection.evidence_rows import evidence_rows
from cjp_fraud.detection.lake_tables import BASELINE, DETECTION_TABLES
from cjp_fraud.digests import canonical_json
from cjp_fraud.review.evidence import RowsWanted
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from cjp_fraud.traffic.schema import TRAFFIC, TRAFFIC_TABLES
from cjp_fraud.traffic.series_identity import series_id
from tests.case_builders import START


def lake_with_rows(folder: Path) -> Lake:
    lake = Lake(str(folder / "lake"))
    lake.create((*TRAFFIC_TABLES, *DETECTION_TABLES), buckets=4)
    bucket = int(lake.bucket_of(["acme"])[0])
    rows = [
        {
            "series_id": series_id("acme", channel, "outbound", None, 300),
            "tenant_id": "acme",
            "channel": channel,
            "direction": "outbound",
            "interval_seconds": 300,
            "interval_start": START + timedelta(hours=hours),
            "contacts_offered": 7,
            "seconds_covered": 300,
            "day": (START + timedelta(hours=hours)).date(),
            "bucket": bucket,
        }
        for channel in ("voice", "chat")
        for hours in (-30, -2, 0, 5)
    ]
    lake.replace(TRAFFIC, pa.Table.from_pylist(rows, schema=TRAFFIC.schema), where=Where(buckets=[bucket]))
    return lake


WANTED = RowsWanted(
    "acme",
    (series_id("acme", "voice", "outbound", None, 300),),
    START - timedelta(hours=24),
    START + timedelta(minutes=5),
)


def test_the_lake_tells_each_tables_version_once_however_many_rows_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, asked = lake_with_rows(tmp_path), list[str]()
    version = Lake.version

    def noted(of: Lake, table: LakeTable) -> int:
        asked.append(table.name)
        return version(of, table)

    monkeypatch.setattr(Lake, "version", noted)
    found = evidence_rows(lake)(WANTED)
    assert len(found) == 2
    assert asked == ["traffic", "scores", "clock_scores"]


def test_only_the_flagged_series_and_window_are_read(tmp_path: Path) -> None:
    found = evidence_rows(lake_with_rows(tmp_path))(WANTED)

    assert [(row["table"], row["interval_start"]) for row in found] == [
        ("traffic", START - timedelta(hours=2)),
        ("traffic", START),
    ]
    assert {row["channel"] for row in found} == {"voice"}
    assert canonical_json(found)


def snapshot(
    lake: Lake, day: date, location: list[float], application_id: str | None = None
) -> dict[str, object]:
    """Return a baseline row of acme's outbound voice, with what is usual in each of four slots of the day."""
    return {
        "series_id": series_id("acme", "voice", "outbound", application_id, 300),
        "tenant_id": "acme",
        "channel": "voice",
        "direction": "outbound",
        "application_id": application_id,
        "interval_seconds": 300,
        "count_location": location,
        "day": day,
        "bucket": int(lake.bucket_of(["acme"])[0]),
    }


def test_the_usual_level_of_every_series_of_a_wanted_stream_is_that_of_its_busiest_slot(
    tmp_path: Path,
) -> None:
    lake, today = lake_with_rows(tmp_path), START.date()
    rows = [
        snapshot(lake, today - timedelta(days=1), [90.0, 1.0, 1.0, 1.0]),
        snapshot(lake, today, [1.0, float("nan"), 10.0, 2.0]),
        snapshot(lake, today, [float("nan")] * 4, "cold"),
        snapshot(lake, today - timedelta(days=3), [4.0, 0.0, 0.0, 0.0], "bot"),
        snapshot(lake, today - timedelta(days=8), [4.0, 0.0, 0.0, 0.0], "long gone"),
        snapshot(lake, today, [5.0] * 4, "inbound") | {"direction": "inbound"},
        snapshot(lake, today, [5.0] * 4, "another tenant") | {"tenant_id": "other"},
    ]
    table = pa.Table.from_pylist(rows, schema=BASELINE.schema)
    lake.replace(BASELINE, table, where=Where(buckets=[int(lake.bucket_of(["acme"])[0])]))

    found = evidence_rows(lake)(replace(WANTED, streams=(("voice", "outbound"),)))

    levels = {
        row["application_id"]: row.get("usual_per_hour") for row in found if "interval_start" not in row
    }
    assert levels == {None: 120.0, "cold": None, "bot": 48.0}
    assert canonical_json(found)


def test_a_series_with_traffic_and_no_snapshot_has_no_known_level(tmp_path: Path) -> None:
    found = evidence_rows(lake_with_rows(tmp_path))(replace(WANTED, streams=(("chat", "outbound"),)))

    assert [row.get("usual_per_hour", "not known") for row in found if row["channel"] == "chat"] == [
        "not known"
    ]
