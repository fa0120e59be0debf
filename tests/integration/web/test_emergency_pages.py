"""The emergency on the case's page and the API: offered only where it is allowed, counted down, approved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.contracts.versions import enter_terms
from cjp_fraud.errors import OutOfReach
from cjp_fraud.operations import cases, emergency, measures, people
from cjp_fraud.people.model import Role, machine
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from tests.api_calls import calls_of
from tests.case_builders import START
from tests.chains import chain_faults
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.queue_pages import QueueUnderTest, a_queue, send

FINDING = {
    "ground": ["unusual_destinations", "unattended"],
    "part": "victim",
    "measure": "suspend_channel",
    "hours": "72",
    "reasons": "short calls to one foreign range, at night, no agent logged in",
}
MARKED = ContractTerms(
    suspension=plain_terms(), without_notice=(GroundWithoutNotice("fraudulent use", tuple(Ground)),)
)
FORM = "/cases/1/emergency"


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest) -> QueueUnderTest:
    """A queue with one determined case."""
    queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
    queue.flagged()
    return queue


def marked(queue: QueueUnderTest) -> None:
    at, by = START, machine("contracts")
    with transaction(queue.engine) as session:
        enter_terms(session, "acme", by, at, reference="Agreement 3", right=Right.CLAUSE_2_4, terms=MARKED)


def state_of(queue: QueueUnderTest) -> str:
    with reading(queue.engine) as session:
        return str(session.scalars(select(Case.state)).one())


def test_it_is_ordered_on_the_page_counted_down_and_approved_by_somebody_else(
    queue: QueueUnderTest, mail: MailServerUnderTest
) -> None:
    marked(queue)
    rita, adam = queue.signed_in("rita"), queue.signed_in("adam")
    send(rita, "/cases/1", "/cases/1/claim")
    assert send(rita, "/cases/1", "/cases/1/determine", **FINDING).status_code == 200
    assert f'action="{FORM}"' not in adam.get("/cases/1").text  # an approver is no reviewer

    ordered = send(rita, "/cases/1", FORM, reasons="it goes on")

    assert (ordered.status_code, state_of(queue)) == (200, "suspended")
    assert len(mail.received) == 1
    assert 'data-until="1800"' in ordered.text
    assert "by an emergency order" in ordered.text
    assert "rita took part in the case" in ordered.text
    confirmed = send(adam, "/cases/1", "/cases/1/confirm")
    assert confirmed.status_code == 200, confirmed.text
    assert "data-until" not in confirmed.text
    queue.deployment.wait_until(queue.deployment.now + timedelta(hours=1))
    measures.resume_all(queue.deployment, queue.deployment.now)
    assert state_of(queue) == "suspended"
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_who_reaches_the_case_as_an_analyst_alone_neither_orders_nor_approves_it(
    queue: QueueUnderTest,
) -> None:
    marked(queue)
    for name, role in (("rolf", Role.REVIEWER), ("adam", Role.APPROVER)):
        people.grant_role(queue.deployment, "ida", queue.deployment.now, name, Role.ANALYST)
        people.grant_role(queue.deployment, "ida", queue.deployment.now, name, role, channels=["sms"])
    queue.deployment.wait_until(queue.deployment.now + timedelta(hours=25))
    queue.flagged()
    rita, rolf, adam = (queue.signed_in(name) for name in ("rita", "rolf", "adam"))
    send(rita, "/cases/1", "/cases/1/claim")
    assert send(rita, "/cases/1", "/cases/1/determine", **FINDING).status_code == 200
    for person, form in ((rolf, FORM), (adam, "/cases/1/approve")):
        assert f'action="{form}"' not in person.get("/cases/1").text
    with pytest.raises(OutOfReach):
        emergency.order_in_emergency(
            queue.deployment, "rolf", queue.deployment.now, "1", reasons="it goes on"
        )
    assert state_of(queue) == "determined"

    assert send(rita, "/cases/1", FORM, reasons="it goes on").status_code == 200
    assert 'action="/cases/1/confirm"' not in adam.get("/cases/1").text
    with pytest.raises(OutOfReach):
        cases.approve_and_carry_out(queue.deployment, "adam", queue.deployment.now, "1")
    assert queue.entries("case.emergency_approved") == []


def test_it_is_not_offered_where_counsel_marked_no_ground_and_a_forged_form_is_refused(
    queue: QueueUnderTest,
) -> None:
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    determined = send(rita, "/cases/1", "/cases/1/determine", **FINDING)

    assert f'action="{FORM}"' not in determined.text
    desk = calls_of(queue, "rita").get("/cases/1/desk").json()
    assert "emergency" not in [offered["act"] for offered in desk["acts"]]
    order = {"reasons": "it goes on", "proposal_sha256": desk["page"]["proposals"][-1]["sha256"]}
    refused = calls_of(queue, "rita").post(FORM, json=order)
    assert refused.status_code == 409
    assert "counsel has marked no ground without prior notice" in refused.text
    assert state_of(queue) == "determined"


def test_by_the_api_it_acts_once_and_ends_by_itself(queue: QueueUnderTest) -> None:
    marked(queue)
    rita = queue.signed_in("rita")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    caller = calls_of(queue, "rita", **{"Idempotency-Key": "key-1"})
    shown = caller.get("/cases/1").json()["proposals"][-1]["sha256"]
    order = {"reasons": "it goes on", "proposal_sha256": shown}

    first, second = (caller.post(FORM, json=order).json() for _ in range(2))

    assert (first["replayed"], second["replayed"]) == (False, True)
    measure = caller.get("/cases/1").json()["measures"][0]
    assert measure["basis"] == "emergency"
    assert measure["unless_approved_by"].startswith("2015-04-02T12:30")
    queue.deployment.wait_until(START + timedelta(minutes=31))
    measures.resume_all(queue.deployment, queue.deployment.now)
    assert state_of(queue) == "lapsed"
    assert len(queue.entries("case.emergency_ordered")) == 1
