"""Approvers who are paged: the next on call after 5, 10 and 15 minutes, each once, by webhook and mail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.contracts.versions import enter_terms
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.operations import cases, paging, people, roster
from cjp_fraud.people.model import Role, TurnWanted, machine
from cjp_fraud.people.oncall_rules import DAYS
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import PageOutcome
from cjp_fraud.storage.database import reading, transaction
from tests.api_calls import calls_of
from tests.case_builders import START
from tests.chains import chain_faults
from tests.integration.web.test_case_pages import FINDING
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.queue_pages import QueueUnderTest, a_queue, send

MINUTE = timedelta(minutes=1)


class Pager:
    """What receives the webhooks of pages, and answers as told."""

    def __init__(self) -> None:
        self.status = 204
        self.taken: list[tuple[str, dict[str, object], str]] = []

    def __call__(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._take))

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.taken.append((str(request.url), json.loads(request.content), request.headers["webhook-id"]))
        return httpx.Response(self.status)

    @property
    def who(self) -> list[str]:
        return [url.rpartition("/")[2] for url, _, _ in self.taken]


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def pager() -> Pager:
    """What receives the webhooks."""
    return Pager()


def on_call(queue: QueueUnderTest, user: str, place: int, **how: str) -> roster.TurnView:
    ways = how or {"webhook": f"http://127.0.0.1:9/{user}"}
    wanted = TurnWanted(user, place, DAYS, "00:00", "00:00", "UTC", **ways)
    return roster.add_turn(queue.deployment, "ida", queue.deployment.now, wanted)


def determined(engine: Engine, folder: Path, mail: MailServerUnderTest) -> QueueUnderTest:
    """Return a queue in which both, a reviewer and approver, determined fraud just now."""
    queue = a_queue(
        engine,
        folder,
        lake=True,
        smtp_host=mail.host,
        smtp_port=mail.port,
        queue_url="https://queue.provider.example",
    )
    queue.flagged()
    both = queue.signed_in("both")
    send(both, "/cases/1", "/cases/1/claim")
    done = send(both, "/cases/1", "/cases/1/determine", **FINDING)
    assert done.status_code == 200, done.text
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest) -> QueueUnderTest:
    """A proposal that waits for approval since now."""
    return determined(sqlite_engine, tmp_path, mail)


def run(queue: QueueUnderTest, pager: Pager, after: float) -> int:
    queue.deployment.wait_until(START + after * MINUTE)
    return paging.page_due(queue.deployment, queue.deployment.now, client=pager)


def outcomes(queue: QueueUnderTest) -> list[tuple[int, str | None, PageOutcome]]:
    pages = roster.list_pages(queue.deployment)
    return [(page.step, page.user, page.outcome) for page in reversed(pages)]


@pytest.mark.both_databases
def test_the_next_on_call_is_paged_at_each_step_once_and_nobody_who_took_part(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest, pager: Pager
) -> None:
    queue = determined(engine, tmp_path, mail)
    for place, name in enumerate(("both", "adam", "bella"), 1):
        on_call(queue, name, place)
    version = queue.signed_in("adam").get("/cases/1").text
    for after in (0, 4.9, 5, 5, 6, 10, 11, 15, 16, 400):
        run(queue, pager, after)
    assert pager.who == ["adam", "bella", "adam"], "who determined may not approve"
    _, said, _ = pager.taken[0]
    assert said["data"] == {
        "case": 1,
        "step": 1,
        "url": "https://queue.provider.example/cases/1",
        "waiting_since": "2015-04-02T12:00:00.000000Z",
    }
    assert len(queue.entries("oncall.paging")) == len(queue.entries("oncall.paged")) == 3
    field = 'name="version" value="'
    still = queue.signed_in("adam").get("/cases/1").text
    assert still.partition(field)[2].partition('"')[0] == version.partition(field)[2].partition('"')[0]
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_a_page_by_mail_names_the_case_and_leads_to_it(
    queue: QueueUnderTest, mail: MailServerUnderTest, pager: Pager
) -> None:
    on_call(queue, "adam", 1, mail="adam@provider.example")
    assert run(queue, pager, 5) == 1
    [message] = mail.received
    assert message.recipient == "adam@provider.example"
    assert b"Subject: Case 1 waits for approval" in message.content
    assert b"https://queue.provider.example/cases/1" in message.content
    assert b"acme" not in message.content, "a page names no tenant"


def test_what_failed_is_tried_again_with_the_next_and_not_for_ever(
    queue: QueueUnderTest, pager: Pager
) -> None:
    on_call(queue, "adam", 1)
    on_call(queue, "bella", 2)
    pager.status = 500
    assert run(queue, pager, 5) == 0
    assert outcomes(queue) == [(1, "adam", PageOutcome.FAILED)]
    pager.status = 200
    assert run(queue, pager, 6) == 1
    assert pager.who == ["adam", "bella"]
    pager.status = 500
    for after in (15, 29, 30, 31):
        run(queue, pager, after)
    assert len(pager.taken) == 4, "after half an hour nothing is tried again"


def test_a_killed_run_is_finished_under_the_same_id(
    queue: QueueUnderTest, pager: Pager, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_call(queue, "adam", 1)
    on_call(queue, "bella", 2)

    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(paging, "record_page", killed)
        with pytest.raises(KeyboardInterrupt):
            run(queue, pager, 5)
    assert outcomes(queue) == [(1, "adam", PageOutcome.SENDING)]
    assert run(queue, pager, 6) == 1
    assert pager.who == ["adam", "adam"]
    assert len({page_id for _, _, page_id in pager.taken}) == 1
    assert run(queue, pager, 7) == 0


def test_where_nobody_is_on_call_it_is_said_once_and_who_comes_is_paged(
    queue: QueueUnderTest, pager: Pager
) -> None:
    for after in (5, 6, 7):
        run(queue, pager, after)
    assert outcomes(queue) == [(1, None, PageOutcome.NOBODY)]
    assert len(queue.entries("oncall.paging")) == 1
    on_call(queue, "adam", 1)
    assert run(queue, pager, 8) == 1


def test_an_approver_of_other_channels_is_not_paged(queue: QueueUnderTest, pager: Pager) -> None:
    on_call(queue, "adam", 1)
    on_call(queue, "bella", 2)
    now = queue.deployment.now
    people.grant_role(queue.deployment, "ida", now, "adam", Role.APPROVER, channels=["sms"])
    run(queue, pager, 5)
    assert pager.who == ["bella"]


def test_an_emergency_measure_pages_those_who_can_keep_it_from_its_order_on_until_it_is_approved(
    queue: QueueUnderTest, pager: Pager
) -> None:
    for place, name in enumerate(("both", "adam", "bella"), 1):
        on_call(queue, name, place)
    marked = ContractTerms(
        suspension=plain_terms(), without_notice=(GroundWithoutNotice("fraudulent use", tuple(Ground)),)
    )
    with transaction(queue.engine) as session:
        enter_terms(
            *(session, "acme", machine("contracts"), START),
            reference="Agreement 3",
            right=Right.CLAUSE_2_4,
            terms=marked,
        )
    both = queue.signed_in("both")
    send(both, "/cases/1", "/cases/1/return", reasons="the contract says more now")
    assert send(both, "/cases/1", "/cases/1/determine", **FINDING).status_code == 200
    assert run(queue, pager, 6) == 1
    ordered = send(both, "/cases/1", "/cases/1/emergency", reasons="it goes on")
    assert ordered.status_code == 200, ordered.text

    assert [run(queue, pager, after) for after in (10.9, 11, 12, 16, 20.9)] == [0, 1, 0, 1, 0]
    assert pager.who == ["adam", "bella", "adam"]
    assert {document["type"] for _, document, _ in pager.taken} == {"approval.waiting"}
    assert send(queue.signed_in("bella"), "/cases/1", "/cases/1/confirm").status_code == 200
    assert run(queue, pager, 21) == 0


def test_nobody_is_paged_about_what_was_returned(queue: QueueUnderTest, pager: Pager) -> None:
    on_call(queue, "adam", 1)
    cases.return_proposal(queue.deployment, "bella", queue.deployment.now, "1", reasons="which range?")
    assert run(queue, pager, 20) == 0
    assert pager.taken == []


def test_only_an_admin_changes_the_roster_and_only_approvers_and_counsel_are_on_it(
    queue: QueueUnderTest,
) -> None:
    now = queue.deployment.now
    wanted = TurnWanted("adam", 1, DAYS, "00:00", "00:00", "UTC", "http://127.0.0.1:9/adam")
    with pytest.raises(Refused, match="not an admin"):
        roster.add_turn(queue.deployment, "adam", now, wanted)
    with pytest.raises(Refused, match="no reviewer, no approver and not counsel"):
        on_call(queue, "ana", 1)
    with pytest.raises(BadInputError, match="https"):
        on_call(queue, "adam", 1, webhook="http://pager.example/adam")
    with pytest.raises(BadInputError, match="how they are paged"):
        roster.add_turn(queue.deployment, "ida", now, TurnWanted("adam", 1, DAYS, "00:00", "00:00", "UTC"))
    turn = on_call(queue, "adam", 1)
    with pytest.raises(Refused, match="not an admin"):
        roster.remove_turn(queue.deployment, "rita", now, turn.id)
    roster.remove_turn(queue.deployment, "ida", now, turn.id)
    assert roster.list_turns(queue.deployment, now) == ()


def test_the_api_keeps_the_roster(queue: QueueUnderTest) -> None:
    ida = calls_of(queue, "ida")
    body = {
        "user": "adam",
        "place": 1,
        "days": ["mon"],
        "begins": "08:00",
        "ends": "20:00",
        "time_zone": "Europe/Paris",
        "mail": "adam@provider.example",
    }
    made = ida.post("/roster", json=body)
    assert made.status_code == 201, made.text
    assert [turn["user"] for turn in ida.get("/roster").json()["items"]] == ["adam"]
    assert ida.post("/roster", json=body | {"time_zone": "Mars/Olympus"}).status_code == 422
    assert ida.delete(f"/roster/{made.json()['result']['id']}").status_code == 200
    assert ida.get("/roster").json()["items"] == []
    assert ida.get("/roster/pages").status_code == 200
    assert calls_of(queue, "rita").post("/roster", json=body).status_code == 403
