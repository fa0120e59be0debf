"""Second readings: drawn once at random, read by who does not know the decision, and what follows from them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.config import PersonFigures
from cjp_fraud.operations import quality_draws
from cjp_fraud.review.quality import week_before
from tests.api_calls import calls_of
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, send

NEXT_WEEK = datetime(2015, 4, 7, 9, tzinfo=UTC)


def a_closed_case(engine: Engine, folder: Path) -> QueueUnderTest:
    """acme's case, dismissed by rita in the week before; beta and gamma were not flagged."""
    tenants = (a_row(), a_row(tenant_id="beta"), a_row(tenant_id="gamma"))
    queue = a_queue(
        engine,
        folder,
        *tenants,
        second_reading_share=1.0,
        control_tenants_per_week=1,
        figures_of_persons=PersonFigures.PSEUDONYMOUS,
    )
    queue.flagged("acme")
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/dismiss", reasons="their launch of the spring sale")
    for name in ("rolf", "ana"):
        queue.signed_in(name)
    queue.deployment.wait_until(NEXT_WEEK)
    quality_draws.draw_samples(queue.deployment, queue.deployment.now)
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    return a_closed_case(sqlite_engine, tmp_path)


def readings(browser: TestClient) -> list[str]:
    return re.findall(r'href="(/quality/readings/[^"]+)">(?=acme)', browser.get("/quality").text)


def test_the_newest_whole_week_begins_on_a_monday_before() -> None:
    assert week_before(NEXT_WEEK) == datetime(2015, 3, 30, tzinfo=UTC)
    assert week_before(datetime(2015, 4, 6, tzinfo=UTC)) == datetime(2015, 3, 30, tzinfo=UTC)


@pytest.mark.both_databases
def test_a_week_is_drawn_once(engine: Engine, tmp_path: Path) -> None:
    queue = a_closed_case(engine, tmp_path)
    assert quality_draws.draw_samples(queue.deployment, queue.deployment.now) == ()
    drawn = [
        (kind, content["population"], content["drawn"]) for _, kind, content in queue.entries("quality.drawn")
    ]
    assert sorted(drawn) == [("system:quality", 1, 1), ("system:quality", 2, 1)], (
        "acme, and one of the others"
    )


def test_a_second_reader_does_not_see_how_it_was_decided(queue: QueueUnderTest) -> None:
    rolf = queue.signed_in("rolf")
    [reading] = readings(rolf)
    shown = rolf.get(reading).text
    assert "14 × usual" in re.sub("<[^>]+>", "", shown)
    assert "spring sale" not in shown
    assert "dismiss" not in shown.lower()
    done = send(rolf, reading, reading, finding="fraudulent", reasons="two hundred premium numbers")
    assert done.url.path == "/quality"
    text = " ".join(re.sub("<[^>]+>", " ", done.text).split())
    assert "first and second reader 1 0%" in text
    assert "reader 1 1 0%" in text
    assert "rolf" not in re.sub(r"(?s)<header>.*?</header>", "", done.text), (
        "figures of persons bear no names"
    )
    assert rolf.get(reading).status_code == 404
    assert verify_log(queue.engine).faults == ()


def test_who_took_part_or_has_read_the_case_is_refused(queue: QueueUnderTest) -> None:
    rita, rolf = queue.signed_in("rita"), queue.signed_in("rolf")
    [reading] = readings(rolf)
    assert readings(rita) == []
    refused = send(rita, reading, reading, finding="not_fraudulent", reasons="a sale")
    assert refused.status_code == 409
    assert "rita took part in the case" in refused.text
    rolf.get("/cases/1")
    late = send(rolf, reading, reading, finding="not_fraudulent", reasons="a sale")
    assert "rolf has read the case or its" in late.text
    assert "a sale" in late.text, "what was typed is still there"
    assert queue.entries("quality.read") == []


def test_who_has_seen_the_finding_on_the_tenants_page_is_refused(queue: QueueUnderTest) -> None:
    rolf = queue.signed_in("rolf")
    [reading] = readings(rolf)
    assert (
        "spring sale" in rolf.get("/tenants/acme").text or "not fraudulent" in rolf.get("/tenants/acme").text
    )
    late = send(rolf, reading, reading, finding="not_fraudulent", reasons="a sale")
    assert "rolf has read the case or its tenant&#39;s page" in late.text
    assert queue.entries("quality.read") == []


def test_what_is_missed_is_estimated_from_tenants_that_were_not_flagged(queue: QueueUnderTest) -> None:
    caller = calls_of(queue, "rolf")
    waiting = caller.get("/quality").json()["waiting"]
    [control] = [each for each in waiting if each["kind"] == "not_flagged"]
    path = f"/quality/readings/{control['id']}"
    assert caller.get(path).json()["flags"] == []
    body = {"finding": "fraudulent", "reasons": "calls to one range all night"}
    for replayed in (False, True):
        done = caller.post(f"{path}/finding", json=body, headers={"Idempotency-Key": "k"})
        assert done.json()["replayed"] is replayed
    desk = caller.get("/quality").json()
    assert desk["missed"]["share"] == 1.0
    low, middle, high = desk["missed_a_week"]
    assert middle == high == 2.0, "of two tenants that were not flagged"
    assert 0 < low < 1
    assert caller.post(f"{path}/finding", json=body).status_code == 409


def test_figures_of_persons_are_off_by_default_and_analysts_do_not_read(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    queue.signed_in("ana")
    queue.deployment.wait_until(NEXT_WEEK + timedelta(days=7))
    quality_draws.draw_samples(queue.deployment, queue.deployment.now)
    ana = queue.signed_in("ana")
    assert "ana is not a reviewer" in ana.get("/quality").text
    assert calls_of(queue, "ana").get("/quality").json()["persons"] == []
    assert ana.get("/quality/readings/0198").status_code == 403
