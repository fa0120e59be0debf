"""The rows that a case is decided on come from the lake: the flagged series alone, from a day before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from cjp_fraud.detection.evidence_rows import evidence_rows
from cjp_fraud.detection.lake_tables import DETECTION_TABLES
from cjp_fraud.digests import canonical_json
from cjp_fraud.review.evidence import RowsWanted
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from cjp_fraud.traffic.schema import TRAFFIC, TRAFFIC_TABLES
from cjp_fraud.traffic.series import series_id
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
    assert asked == ["traffic", "scores"]


def test_only_the_flagged_series_and_window_are_read(tmp_path: Path) -> None:
    found = evidence_rows(lake_with_rows(tmp_path))(WANTED)

    assert [(row["table"], row["interval_start"]) for row in found] == [
        ("traffic", START - timedelta(hours=2)),
        ("traffic", START),
    ]
    assert {row["channel"] for row in found} == {"voice"}
    assert canonical_json(found)
