"""The shift: what it has before it, handed over by one lead and taken over by another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.errors import Refused
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.operations import cases, claims, shift
from cjp_fraud.review.claim import claim
from cjp_fraud.review.model import Awaited
from cjp_fraud.review.shift_rules import ShiftItem, ShiftKind
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.shift_items import shift_items
from tests.api_calls import calls_of
from tests.case_builders import START, a_flag, flag, open_staffed
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.notice_builders import by_email
from tests.queue_pages import QueueUnderTest, a_queue, send

HOUR = timedelta(hours=1)


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Two cases."""
    queue = a_queue(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="beta"))
    queue.flagged("acme")
    queue.flagged("beta")
    return queue


def kinds(items: tuple[ShiftItem, ...]) -> list[tuple[int, ShiftKind, str | None]]:
    return [(item.case, item.kind, item.who) for item in items]


def test_what_is_held_and_what_is_promised_is_listed_with_who_and_until_when(queue: QueueUnderTest) -> None:
    deployment, now = queue.deployment, queue.deployment.now
    assert shift.look_at_shift(deployment, now).items == ()
    cases.claim(deployment, "ana", now, "1")
    cases.claim(deployment, "rita", now, "2")
    claims.put_aside(deployment, "rita", now, "2", now + 3 * HOUR, Awaited.CUSTOMER)
    items = shift.look_at_shift(deployment, now).items
    assert kinds(items) == [(1, ShiftKind.LEASE_ENDS, "ana"), (2, ShiftKind.CASE_IS_BACK, "rita")]
    assert [item.at - now for item in items] == [timedelta(minutes=20), 3 * HOUR]
    later = shift.look_at_shift(deployment, now + 2 * HOUR).items
    assert kinds(later) == [(2, ShiftKind.CASE_IS_BACK, "rita")], "a lease that has ended is nobody's"
    claims.put_aside(deployment, "ana", now, "1", now + 13 * HOUR)
    assert kinds(shift.look_at_shift(deployment, now).items) == [(2, ShiftKind.CASE_IS_BACK, "rita")]


@pytest.mark.both_databases
def test_a_case_on_its_way_to_a_measure_and_back_is_listed_by_what_comes_next(
    engine: Engine, tmp_path: Path
) -> None:
    staffed = open_staffed(engine, tmp_path, by_email(MailServer(host="127.0.0.1", port=9)))
    fresh = staffed.policy.fresh

    def listed(after: timedelta) -> list[ShiftKind]:
        with reading(engine) as session:
            return [item.kind for item in shift_items(session, START + after, fresh)]

    flag(engine, a_flag(START - timedelta(minutes=30)))
    staffed.do(claim, "rita")
    staffed.determine()
    assert ShiftKind.PROPOSAL_EXPIRES in listed(staffed.policy.proposal_expires - 11 * HOUR)
    assert ShiftKind.PROPOSAL_EXPIRES not in listed(HOUR)
    staffed.approve()
    assert ShiftKind.APPROVAL_LAPSES in listed(fresh - 11 * HOUR)
    assert ShiftKind.APPROVAL_LAPSES not in listed(HOUR)


@pytest.mark.both_databases
def test_one_lead_hands_over_and_another_takes_it_over_once(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(engine, tmp_path)
    queue.flagged("acme")
    deployment, now = queue.deployment, queue.deployment.now
    cases.claim(deployment, "rita", now, "1")
    made = shift.hand_over(deployment, "rita", now)
    assert (made.items, made.acknowledged_by) == (1, None)
    with pytest.raises(Refused, match="the next lead takes it over"):
        shift.acknowledge(deployment, "rita", now, made.id)
    with pytest.raises(Refused, match="neither a reviewer nor an approver"):
        shift.acknowledge(deployment, "ana", now, made.id)
    for _ in range(2):
        assert shift.acknowledge(deployment, "rolf", now, made.id).acknowledged_by == "rolf"
    with pytest.raises(Refused, match="rolf took it over"):
        shift.acknowledge(deployment, "adam", now, made.id)
    assert len(queue.entries("shift.acknowledged")) == 1
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_an_analyst_hands_no_shift_over(queue: QueueUnderTest) -> None:
    with pytest.raises(Refused, match="neither a reviewer nor an approver"):
        shift.hand_over(queue.deployment, "ana", queue.deployment.now)


def test_the_page_lists_hands_over_and_is_acknowledged_by_the_next_lead(queue: QueueUnderTest) -> None:
    rita, rolf, ana = (queue.signed_in(name) for name in ("rita", "rolf", "ana"))
    send(ana, "/cases/1", "/cases/1/claim")
    shown = send(rita, "/shift", "/shift/hand-over")
    assert "a claim ends" in shown.text
    assert "1 thing was open then" in shown.text
    assert "I take it over" not in shown.text
    assert "hand-over" not in ana.get("/shift").text
    handover = shift.list_handovers(queue.deployment)[0]
    taken = send(rolf, "/shift", f"/shift/handovers/{handover.id}/acknowledge")
    assert "rolf took it over" in taken.text


def test_the_api_shows_and_hands_over(queue: QueueUnderTest) -> None:
    rita, rolf = calls_of(queue, "rita"), calls_of(queue, "rolf")
    rita.post("/cases/1/claim")
    assert [item["kind"] for item in rita.get("/shift").json()["items"]] == ["lease_ends"]
    made = rita.post("/shift/handovers")
    assert made.status_code == 201, made.text
    path = f"/shift/handovers/{made.json()['result']['id']}/acknowledgement"
    assert rita.post(path).status_code == 409
    assert rolf.post(path).json()["result"]["acknowledged_by"] == "rolf"
