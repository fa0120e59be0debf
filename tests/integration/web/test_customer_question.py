""" "Was this you?": asked of a contact verified before, it stops the service clock and decides nothing."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.contracts.contract_entry import load_contract
from cjp_fraud.contracts.contract_file import read_contract_file
from cjp_fraud.operations import claims
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.people.model import Decision
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.database import transaction
from tests.api_calls import calls_of
from tests.case_builders import START
from tests.chains import chain_faults
from tests.queue_pages import DAYS, QueueUnderTest, a_queue, send

CONTACT = """
tenant = "acme"
[[addresses]]
role = "out_of_band"
method = "email"
address = "ceo@elsewhere.example"
verified_at = {verified_at}
verified_how = "called back"
"""


def a_case(engine: Engine, folder: Path, *, verified_at: str = "2015-01-15T09:00:00Z") -> QueueUnderTest:
    """Return a queue with one flagged case, whose contract has an out-of-band contact."""
    queue = a_queue(engine, folder)
    file = folder / "contact.toml"
    file.write_text(CONTACT.format(verified_at=verified_at), encoding="utf-8")
    with transaction(engine) as session:
        load_contract(
            Decision(session, actor_named(session, "carol"), START - DAYS), read_contract_file(file)
        )
    queue.flagged()
    return queue


@pytest.mark.both_databases
def test_the_answer_is_a_statement_and_brings_the_case_back(engine: Engine, tmp_path: Path) -> None:
    queue = a_case(engine, tmp_path)
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    address = re.search(r'name="contact" value="([^"]+)"', rita.get("/cases/1").text)
    assert address is not None
    asked = send(rita, "/cases/1", "/cases/1/ask-customer", text="Calls to Latvia: you?", contact=address[1])
    assert asked.status_code == 200, asked.text
    queue.deployment.wait_until(queue.deployment.now + timedelta(minutes=10))
    waiting = claims.stay(queue.deployment, "rita", queue.deployment.now, "1", used=False).holding
    assert waiting.holder is None
    assert waiting.clock is not None
    assert waiting.clock.stopped_until is not None
    assert waiting.clock.left == timedelta(minutes=60)

    send(rita, "/cases/1", "/cases/1/record-answer", text="yes, a campaign", answer="ours")
    back = claims.stay(queue.deployment, "rita", queue.deployment.now, "1", used=False).holding
    assert back.put_aside_until is None
    assert back.clock is not None
    assert back.clock.stopped_until is None
    shown = html.unescape(rita.get("/cases/1").text)
    assert "the customer's answer, a statement" in shown
    assert "yes, a campaign" in shown
    assert "In review" in shown
    [(_, _, content)] = queue.entries("case.customer_answered")
    assert (content["answer"], content["state"]) == ("ours", "in_review")
    with transaction(engine) as session:
        assert chain_faults(session) == []


def test_without_an_answer_the_case_is_back_after_fifteen_minutes(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    queue = a_case(sqlite_engine, tmp_path)
    caller = calls_of(queue, "rita", [ApiScope.CASES_READ, ApiScope.CASES_WRITE])
    caller.post("/cases/1/claim")
    assert caller.post("/cases/1/customer/question", json={"text": "you?"}).status_code == 200
    again = caller.post("/cases/1/customer/question", json={"text": "you?"})
    assert again.status_code == 409
    assert "was asked already" in again.json()["detail"]
    now = queue.deployment.now + timedelta(minutes=15)
    queue.deployment.wait_until(now)
    assert claims.tidy(queue.deployment, now).cases == 1
    assert claims.claim_next(queue.deployment, "rolf", now) is not None
    late = caller.post("/cases/1/customer/answer", json={"text": "no", "answer": "not_ours"})
    assert late.status_code == 200
    assert caller.post("/cases/1/customer/answer", json={"text": "no", "answer": "ours"}).status_code == 409
    [question] = caller.get("/cases/1/customer").json()["questions"]
    assert question["answer"] == "not_ours"


@pytest.mark.parametrize("verified_at", ["2015-04-02T11:45:00Z"])
def test_a_contact_verified_since_the_first_flag_is_not_offered(
    sqlite_engine: Engine, tmp_path: Path, verified_at: str
) -> None:
    queue = a_case(sqlite_engine, tmp_path, verified_at=verified_at)
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    shown = html.unescape(rita.get("/cases/1").text)
    assert "no out-of-band contact was on record and verified before the first flag" in shown
    assert "/cases/1/ask-customer" not in shown
