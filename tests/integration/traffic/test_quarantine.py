"""Rejected rows: listed with file and line, submitted again, erased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

from cjp_fraud.traffic.ingest import resubmit_quarantined
from cjp_fraud.traffic.model import Reason
from cjp_fraud.traffic.quarantine import (
    list_quarantine,
    purge_excluded,
    purge_quarantine,
)
from cjp_fraud.traffic.schema import QUARANTINE
from tests.integration.traffic.conftest import Desk

OnDisk = Callable[[bytes], list[Path]]


def test_a_rejected_row_is_listed_with_reason_file_line_and_content(desk: Desk) -> None:
    desk.ingest(desk.file({}, {"contacts_offered": -4, "interval_start": "2026-03-02T09:01:00Z"}))
    (row,) = list_quarantine(desk.lake)
    assert (row.source, row.line, row.reason, row.tenant_id) == ("traffic.csv", 3, Reason.NEGATIVE, "acme")
    assert row.explanation == "contacts_offered is -4; it cannot be negative"
    assert row.content["contacts_offered"] == "-4"
    assert desk.traffic() == [("09:00", 1)]


def test_rejected_rows_are_in_quarantine_once_however_often_their_file_comes(desk: Desk) -> None:
    path = desk.file({"channel": "fax"}, {"tenant_id": "who"}, {})
    assert [desk.ingest(path).quarantined for _ in range(3)] == [2, 2, 2]
    assert Counter(row.reason for row in list_quarantine(desk.lake)) == {
        Reason.UNKNOWN_CHANNEL: 1,
        Reason.UNKNOWN_TENANT: 1,
    }
    renamed = path.rename(path.with_name("copy.csv"))
    desk.ingest(renamed)
    assert len(list_quarantine(desk.lake)) == 2


def test_the_list_can_be_narrowed(desk: Desk) -> None:
    desk.ingest(desk.file({"channel": "fax"}, {"tenant_id": "who"}, {"tenant_id": "who", "channel": "fax"}))
    assert [row.line for row in list_quarantine(desk.lake, reason=Reason.UNKNOWN_CHANNEL)] == [2]
    assert [row.line for row in list_quarantine(desk.lake, tenant_id="who")] == [3, 4]
    assert [row.line for row in list_quarantine(desk.lake, limit=1)] == [2]
    one = list_quarantine(desk.lake)[1]
    assert [row.line for row in list_quarantine(desk.lake, ids=[one.quarantine_id])] == [3]


def test_rows_of_a_tenant_loaded_later_are_taken_when_submitted_again(desk: Desk) -> None:
    desk.ingest(desk.file({"tenant_id": "who", "countries": '{"JP": 1}'}, {"tenant_id": "nobody"}, {}))
    desk.know("acme", "who")
    result = resubmit_quarantined(desk.into)
    assert (result.read, result.stored, result.quarantined) == (2, 1, 1)
    assert [row.tenant_id for row in list_quarantine(desk.lake)] == ["nobody"]
    assert desk.traffic() == [("09:00", 1), ("09:00", 1)]
    assert resubmit_quarantined(desk.into).stored == 0


def test_of_rows_submitted_again_the_later_files_win(desk: Desk) -> None:
    desk.ingest(desk.file({"tenant_id": "who", "contacts_offered": 3}, name="a.csv"))
    desk.ingest(
        desk.file({"tenant_id": "who", "contacts_offered": 8}, name="b.csv"),
        now=desk.into.now.replace(hour=13),
    )
    desk.know("who")
    result = resubmit_quarantined(desk.into)
    assert (result.read, result.stored, result.unchanged) == (2, 1, 1)
    assert desk.traffic() == [("09:00", 8)]


def test_one_of_two_rows_that_disagree_can_be_chosen(desk: Desk) -> None:
    desk.ingest(desk.file({"contacts_offered": 3}, {"contacts_offered": 8}))
    assert resubmit_quarantined(desk.into).quarantined == 2
    chosen = list_quarantine(desk.lake)[1]
    assert resubmit_quarantined(desk.into, ids=[chosen.quarantine_id]).stored == 1
    assert desk.traffic() == [("09:00", 8)]
    assert [row.line for row in list_quarantine(desk.lake)] == [2]


def test_a_broken_line_stays_broken_when_submitted_again(desk: Desk) -> None:
    path = desk.file({})
    path.write_text(path.read_text() + "just,three,cells\n")
    desk.ingest(path)
    before = list_quarantine(desk.lake)
    resubmit_quarantined(desk.into)
    after = list_quarantine(desk.lake)
    assert [(row.line, row.reason, row.explanation) for row in after] == [
        (row.line, row.reason, row.explanation) for row in before
    ]


def test_purging_a_tenant_counts_its_rows_and_leaves_nothing_on_disk(
    desk: Desk, content_on_disk: OnDisk
) -> None:
    path = desk.file(
        {"tenant_id": "who", "principal_id": "xyzzy-1"},
        {"tenant_id": "who", "principal_id": "xyzzy-2", "channel": "fax"},
        {"tenant_id": "else", "principal_id": "plugh"},
        {"principal_id": None},
    )
    path.write_text(path.read_text() + "who,xyzzy-3\n")
    desk.ingest(path)
    DeltaTable(f"{desk.lake.url}/{QUARANTINE.name}").create_checkpoint()
    assert content_on_disk(b"xyzzy")
    assert purge_quarantine(desk.lake, desk.into.engine, ["who"]) == {"who": 3}
    assert not content_on_disk(b"xyzzy")
    assert [row.tenant_id for row in list_quarantine(desk.lake)] == ["else"]
    assert purge_quarantine(desk.lake, desk.into.engine, ["who"]) == {}


def test_a_purge_after_more_deliveries_leaves_nothing_of_any_version(
    desk: Desk, content_on_disk: OnDisk
) -> None:
    for number in range(3):
        desk.ingest(desk.file({"tenant_id": "who", "principal_id": f"xyzzy-{number}"}, name=f"{number}.csv"))
    resubmit_quarantined(desk.into)
    assert purge_quarantine(desk.lake, desk.into.engine, ["who"]) == {"who": 3}
    assert not content_on_disk(b"xyzzy")


def test_tenants_that_turn_out_to_be_excluded_are_purged(desk: Desk, content_on_disk: OnDisk) -> None:
    desk.ingest(desk.file({"tenant_id": "onprem", "principal_id": "xyzzy"}, {"tenant_id": "who"}))
    desk.know("acme", excluded=["onprem"])
    assert purge_excluded(desk.lake, desk.into.engine, desk.into.tenants) == {"onprem": 1}
    assert not content_on_disk(b"xyzzy")


def test_excluded_rows_submitted_again_are_refused_and_gone_from_the_quarantine(desk: Desk) -> None:
    desk.ingest(desk.file({"tenant_id": "onprem"}, {}))
    desk.know("acme", excluded=["onprem"])
    result = resubmit_quarantined(desk.into)
    assert (result.read, result.refused, result.stored, result.quarantined) == (1, 1, 0, 0)
    assert list_quarantine(desk.lake) == []


@pytest.mark.parametrize("column", ["content", "tenant_id"])
def test_the_quarantines_log_holds_no_content(desk: Desk, column: str) -> None:
    desk.ingest(desk.file({"tenant_id": "who", "principal_id": "xyzzy"}))
    log = (Path(desk.lake.url) / QUARANTINE.name / "_delta_log").glob("*.json")
    text = "".join(path.read_text() for path in log)
    assert f'\\"{column}\\":' not in text
    assert "xyzzy" not in text
