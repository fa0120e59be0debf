"""The page Model: precision as people found, who may promote, and what is shown without a lake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from cjp_fraud.errors import Refused
from cjp_fraud.operations import model_versions
from tests.api_calls import calls_of
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in, send


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Two cases of which one was dismissed, and a lake without traffic."""
    queue = a_queue(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="beta"), lake=True)
    queue.flagged("acme")
    queue.flagged("beta")
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/dismiss", reasons="their launch, announced beforehand")
    return queue


def plain(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def test_precision_stands_beside_what_was_not_decided(queue: QueueUnderTest) -> None:
    text = plain(queue.signed_in("otto").get("/models").text)
    assert "last 28 days 0% 0% – 79.3% 0 1 0 1" in text
    assert "The initial threshold is in force" in text
    found = calls_of(queue, "otto").get("/model-quality").json()
    assert [each["unreviewed"] for each in found["precisions"]] == [1, 1, 1]


def test_without_a_lake_the_page_shows_the_rest(sqlite_engine: Engine, tmp_path: Path) -> None:
    shown = a_queue(sqlite_engine, tmp_path).signed_in("ida").get("/models")
    assert shown.status_code == 200
    assert "The traffic cannot be read now." in shown.text


def test_budgets_that_cannot_be_are_refused_with_what_was_typed(queue: QueueUnderTest) -> None:
    ana = queue.signed_in("ana")
    for cases in ("-1", "many", "nan"):
        refused = send(ana, "/models", "/models/what-if", cases=cases)
        assert refused.status_code == 400
        assert f'value="{cases}"' in refused.text
    none = send(ana, "/models", "/models/what-if", cases="5 10")
    assert "no whole UTC day of traffic" in none.text


def test_whoever_reads_the_page_tries_budgets_and_only_an_admin_promotes(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_versions, "promote_version", Promoted([]))
    for name, status in (("ana", 403), ("otto", 403), ("ida", 409)):
        person, caller = queue.signed_in(name), calls_of(queue, name)
        proof = hidden_in(person.get("/models").text, "/models/what-if")
        assert person.post("/models/what-if", data=proof | {"cases": "many"}).status_code == 400
        assert caller.post("/models/what-if", json={"cases_per_day": [0]}).status_code == 422
        sent = person.post("/models/2026-01-05/promote", data=proof)
        assert (sent.status_code == 403) is (name != "ida")
        assert caller.post("/models/2026-01-05/promotion", json={}).status_code == status


@dataclass
class Promoted:
    """Stands in for the trials of a promotion, which take minutes: keeps what it was asked."""

    asked: list[dict[str, Any]]

    def __call__(self, deployment: Any, by: str, now: Any, reference: str, **options: Any) -> None:
        self.asked.append({"by": by, "version": reference, **options})
        with deployment.deciding(by, now):
            if not options["anyway"]:
                raise Refused(["it finds 50% of the frauds"], action="promote a version")


def test_a_version_is_promoted_anyway_only_with_a_reason(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted = Promoted([])
    monkeypatch.setattr(model_versions, "promote_version", promoted)
    caller = calls_of(queue, "ida")
    refused = caller.post("/models/2026-01-05/promotion", json={})
    assert (refused.status_code, refused.json()["missing"]) == (409, ["it finds 50% of the frauds"])
    for replayed in (False, True):
        body = {"because": "one campaign"}
        done = caller.post("/models/2026-01-05/promotion", json=body, headers={"Idempotency-Key": "a"})
        assert done.json()["replayed"] is replayed
    assert promoted.asked[1] == {
        "by": "ida",
        "version": "2026-01-05",
        "anyway": True,
        "because": "one campaign",
    }
