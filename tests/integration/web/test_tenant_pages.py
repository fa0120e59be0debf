"""A tenant's page: who reads it, what stands on it, and its claims view."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest
from pypdf import PdfReader
from sqlalchemy import Engine

from cjp_fraud.detection.lake_tables import DAILY_SUMS
from cjp_fraud.storage.lake import Where
from tests.api_calls import calls_of
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, send


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A lake, acme with a dismissed case, and beta that has none."""
    queue = a_queue(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="beta"), lake=True)
    queue.flagged("acme")
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/dismiss", reasons="their launch, announced beforehand")
    return queue


def used(queue: QueueUnderTest, tenant: str, contacts: list[int | None], **changes: object) -> None:
    """Put the daily sums of outbound voice on record, one a day up to yesterday."""
    today = queue.deployment.now.date()
    bucket = int(queue.deployment.lake.bucket_of([tenant])[0])
    rows = [
        {
            "series_id": tenant + str(changes.get("application_id")),
            "tenant_id": tenant,
            "channel": "voice",
            "direction": "outbound",
            "application_id": None,
            "interval_seconds": 300,
            "contacts": count,
            "charge": 10 * (count or 0),
            "traffic_files": "0",
            "day": today - timedelta(days=len(contacts) - number),
            "bucket": bucket,
        }
        | changes
        for number, count in enumerate(contacts)
    ]
    table = pa.Table.from_pylist(rows, schema=DAILY_SUMS.schema)
    partitions = [(row["day"], bucket) for row in rows]
    queue.deployment.lake.replace(DAILY_SUMS, table, where=Where(partitions=partitions))


def plain(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def test_the_page_shows_use_contract_cases_and_the_decision(queue: QueueUnderTest) -> None:
    used(queue, "acme", [100] * 7 + [300] * 7)
    shown = queue.signed_in("ana").get("/tenants/acme")
    text = plain(shown.text)
    assert "outbound voice contacts by day, the oldest first 2,800 2,100 700 280" in text
    assert "not fraudulent rita" in text
    assert "Governing document" in text
    assert 'href="/cases/1"' in shown.text


def test_the_contract_stands_beside_its_proof_with_agents_and_notice_terms(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path, a_row(agents_standard="12", agents_premium="3"))
    queue.flagged()
    for page in ("/tenants/acme", "/cases/1"):
        shown = plain(queue.signed_in("rita").get(page).text)
        assert "Proof of the term 2015-01-01, voice dms:PN-0001" in shown
        assert "Purchased agents 15" in shown
        assert "suspension, step 1, email" in shown


def test_a_day_that_one_series_does_not_know_is_not_known(queue: QueueUnderTest) -> None:
    used(queue, "acme", [100, None, 100])
    shown = calls_of(queue, "ana").get("/tenants/acme/history").json()
    [stream] = shown["usage"]
    assert stream["contacts"][-3:] == [100, None, 100]
    assert stream["contacts"][0] is None, "no traffic of that day was looked at"


def test_that_somebody_read_a_tenant_is_on_record_once_an_hour(queue: QueueUnderTest) -> None:
    ana = queue.signed_in("ana")
    ana.get("/tenants/acme")
    ana.get("/tenants/acme")
    assert len(queue.entries("tenant.read")) == 1
    queue.deployment.wait_until(queue.deployment.now + timedelta(hours=1, minutes=1))
    queue.signed_in("ana").get("/tenants/acme")
    assert len(queue.entries("tenant.read")) == 2


def test_a_tenant_that_is_not_on_record_is_not_found(queue: QueueUnderTest) -> None:
    assert queue.signed_in("ana").get("/tenants/acne").status_code == 404
    assert queue.entries("tenant.read") == []


def test_without_a_lake_the_page_says_so_and_shows_the_rest(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.flagged()
    text = plain(queue.signed_in("ana").get("/tenants/acme").text)
    assert "The traffic cannot be read now." in text
    assert "Awaits" not in text
    refused = queue.signed_in("ana").get("/tenants/acme/claims.pdf")
    assert refused.status_code == 503


def test_who_only_administers_reads_no_tenant(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    for path in ("/tenants", "/tenants/acme", "/tenants/acme/claims.pdf"):
        assert ida.get(path).status_code == 403


def test_the_claims_view_is_dated_names_no_staff_and_is_on_record(queue: QueueUnderTest) -> None:
    used(queue, "acme", [100] * 7)
    answer = queue.signed_in("carol").get("/tenants/acme/claims.pdf?first=2015-03-01&last=2015-04-02")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment")
    text = "".join(leaf.extract_text() for leaf in PdfReader(BytesIO(answer.content)).pages)
    assert "2015-03-01 to 2015-04-02" in text
    assert "not fraudulent" in text
    assert "700" in text
    assert "rita" not in text
    [(_, _, content)] = queue.entries("tenant.claims_view")
    assert content["first"] == "2015-03-01"


@pytest.mark.parametrize(
    "days",
    [
        "first=2015-04-02&last=2015-04-01",
        "last=2099-01-01",
        "first=tomorrow",
    ],
)
def test_days_that_cannot_be_are_refused(queue: QueueUnderTest, days: str) -> None:
    assert queue.signed_in("carol").get(f"/tenants/acme/claims.pdf?{days}").status_code == 400
    assert queue.entries("tenant.claims_view") == []


def test_the_newest_90_days_before_the_calendar_begins_are_those_there_are(queue: QueueUnderTest) -> None:
    assert queue.signed_in("carol").get("/tenants/acme/claims.pdf?last=0001-01-02").status_code == 200


@pytest.mark.both_databases
def test_tenants_are_found_by_a_part_of_their_ids_and_paged(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(engine, tmp_path, *(a_row(tenant_id=f"shop_{number:02}") for number in range(60)))
    ana = queue.signed_in("ana")
    first = ana.get("/tenants?text=SHOP").text
    assert "shop_49" in first
    assert "shop_50" not in first
    further = re.search(r'rel="next" href="([^"]+)"', first)
    assert further is not None
    second = ana.get(further[1].replace("&amp;", "&")).text
    assert "shop_50" in second
    assert "shop_49" not in second
    assert "No tenant fits" in ana.get("/tenants?text=%25").text, "it is no pattern"
