"""Deciding on a case's page: measures replayed on the traffic, why a wider one is needed, what the approver sees."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from cjp_fraud.detection.lake_tables import SCORES
from cjp_fraud.storage.lake import LakeTable, Where
from cjp_fraud.traffic.schema import TRAFFIC
from cjp_fraud.traffic.series_identity import series_id
from tests.queue_pages import QueueUnderTest, a_queue, send

FINDING = {
    "ground": ["unusual_destinations"],
    "part": "victim",
    "reasons": "one range, at night",
    "rests_on": ["destinations", "agents"],
}


def with_traffic(queue: QueueUnderTest) -> QueueUnderTest:
    """Put into the lake what is behind the flag of half an hour ago: 190 of 200 contacts too many went to Latvia."""
    lake, flagged_at = queue.deployment.lake, queue.deployment.now - timedelta(minutes=30)
    bucket = int(lake.bucket_of(["acme"])[0])
    key = {
        "series_id": series_id("acme", "voice", "outbound", None, 300),
        "tenant_id": "acme",
        "channel": "voice",
        "direction": "outbound",
        "interval_seconds": 300,
        "bucket": bucket,
    }
    rows: dict[LakeTable, list[dict[str, object]]] = {TRAFFIC: [], SCORES: []}
    for ago, countries in ((60, {"US": 9, "LV": 1}), (0, {"US": 9, "LV": 191, "CU": 10})):
        start = flagged_at - timedelta(minutes=ago)
        contacts = sum(countries.values())
        place = key | {"interval_start": start, "day": start.date()}
        traffic = {"contacts_offered": contacts, "countries": list(countries.items())}
        rows[TRAFFIC].append(place | traffic | {"seconds_covered": 300})
        rows[SCORES].append(place | {"observed": float(contacts), "baseline": 10.0})
    for table, of_table in rows.items():
        lake.replace(
            table, pa.Table.from_pylist(of_table, schema=table.schema), where=Where(buckets=[bucket])
        )
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with one flagged case and the traffic behind it."""
    queue = a_queue(sqlite_engine, tmp_path, lake=True)
    queue.flagged(observed=210.0, excess=200.0)
    return with_traffic(queue)


def words_of(browser: TestClient) -> str:
    """Return the words of the case's page."""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", browser.get("/cases/1").text)).split())


def offered(browser: TestClient) -> dict[str, str]:
    """Return the values of the measures that the page offers, by kind; of a kind the first."""
    page = html.unescape(browser.get("/cases/1").text)
    values = re.findall(r'name="offered" value="(\{.*?\})"(?: checked)?>', page)
    return {json.loads(value)["kind"]: value for value in reversed(values)}


def test_who_holds_the_case_sees_what_each_measure_would_have_done_and_chooses_one(
    queue: QueueUnderTest,
) -> None:
    rita, rolf = queue.signed_in("rita"), queue.signed_in("rolf")
    send(rita, "/cases/1", "/cases/1/claim")

    shown = words_of(rita)
    assert (
        "block destinations: voice outbound +371 . Stops 95 % of the excess, cuts 12 usual contacts" in shown
    )
    assert "Stops 100 % of the excess, cuts 120 usual contacts an hour wider than needed: say why" in shown
    assert offered(rolf) == {}
    send(rita, "/cases/1", "/cases/1/determine", **FINDING, offered=offered(rita)["block_destinations"])
    shown = words_of(queue.signed_in("adam"))
    assert "stops 95 % of the excess, cuts 12 usual contacts an hour" in shown
    assert "On what it rests other destinations, agents signed in or not" in shown
    assert "Calls in progress cut those to flagged destinations: +371" in shown
    assert "those to numbers that begin with +371 are ended; the others go on" in shown
    assert "Awaits approval" in shown


def test_a_wider_measure_than_needed_is_refused_without_a_reason_and_the_approver_reads_the_reason(
    queue: QueueUnderTest,
) -> None:
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    channel = offered(rita)["suspend_channel"]

    refused = send(rita, "/cases/1", "/cases/1/determine", **FINDING, offered=channel)
    assert refused.status_code == 409
    assert "suspend_channel is wider: say why suspend_channel is needed" in html.unescape(refused.text)
    for forged in ('{"kind": "none"}', "[" * 9_000):
        sent = send(rita, "/cases/1", "/cases/1/determine", **FINDING, offered=forged)
        assert sent.status_code == 400
    done = send(
        *(rita, "/cases/1", "/cases/1/determine"), **FINDING, offered=channel, why_wider="ranges change"
    )
    assert done.status_code == 200
    assert "Why nothing narrower ranges change" in words_of(queue.signed_in("adam"))


def test_a_lake_that_cannot_be_read_leaves_the_page_standing(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")

    assert "Determine fraud" in words_of(rita)
    assert offered(rita) == {}
