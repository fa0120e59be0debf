"""Reviewers who are paged about new cases: at once, each case once, one message a person, by webhook and mail."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import cases, due_run, paging, people, sign_in
from cjp_fraud.people.model import Role
from cjp_fraud.review.model import PageOutcome
from cjp_fraud.review.new_case_pages import new_cases_wait
from cjp_fraud.storage.database import reading
from tests.case_builders import START, a_flag, flag
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.integration.suspension.test_paging import MINUTE, Pager, on_call, outcomes
from tests.mail_servers import smtp_server
from tests.queue_pages import QueueUnderTest, a_queue

TENANTS = ("acme", "northwind", "fabrikam")


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue of three tenants; nobody is flagged."""
    return three_tenants(sqlite_engine, tmp_path)


@pytest.fixture
def pager() -> Pager:
    """What receives the webhooks."""
    return Pager()


def three_tenants(engine: Engine, folder: Path, **settings: object) -> QueueUnderTest:
    rows = [a_row(tenant_id=name) for name in TENANTS]
    return a_queue(engine, folder, *rows, queue_url="https://queue.provider.example", **settings)


def run(queue: QueueUnderTest, pager: Pager, after: float = 0) -> int:
    queue.deployment.wait_until(START + after * MINUTE)
    return paging.page_new_cases(queue.deployment, queue.deployment.now, client=pager)


@pytest.mark.both_databases
def test_the_reviewer_on_call_is_paged_at_once_and_once_about_each_new_case(
    engine: Engine, tmp_path: Path, pager: Pager
) -> None:
    queue = three_tenants(engine, tmp_path)
    on_call(queue, "adam", 1)
    on_call(queue, "rita", 2)
    on_call(queue, "both", 3)
    queue.flagged()
    assert [run(queue, pager, after) for after in (0, 0, 1, 6, 40)] == [1, 0, 0, 0, 0]
    assert pager.who == ["rita"], "adam approves and reviews nothing"
    _, said, _ = pager.taken[0]
    assert said == {
        "type": "case.waiting",
        "text": "Case 1 waits for a reviewer since 2015-04-02 12:00Z. You are on call.",
        "data": {
            "cases": [1],
            "url": "https://queue.provider.example/cases/1",
            "waiting_since": "2015-04-02T12:00:00.000000Z",
        },
    }
    assert len(queue.entries("oncall.paging")) == len(queue.entries("oncall.paged")) == 1
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_many_new_cases_are_one_message(queue: QueueUnderTest, pager: Pager) -> None:
    on_call(queue, "rita", 1)
    flag(
        queue.engine,
        *(a_flag(START - 10 * MINUTE, name) for name in TENANTS),
        at=START,
        tenant_ids=set(TENANTS),
    )
    assert run(queue, pager) == 1
    [(_, said, _)] = pager.taken
    assert said["data"] == {
        "cases": [1, 2, 3],
        "url": "https://queue.provider.example/queue",
        "waiting_since": "2015-04-02T12:00:00.000000Z",
    }
    assert outcomes(queue) == [(0, "rita", PageOutcome.SENT)] * 3


def test_each_case_goes_to_a_reviewer_whose_roles_reach_it(queue: QueueUnderTest, pager: Pager) -> None:
    on_call(queue, "rita", 1)
    on_call(queue, "both", 2)
    people.grant_role(queue.deployment, "ida", queue.deployment.now, "rita", Role.REVIEWER, channels=["sms"])
    queue.flagged()
    queue.flagged("northwind", channel="sms")
    assert run(queue, pager) == 2
    assert {url.rpartition("/")[2]: said["data"]["cases"] for url, said, _ in pager.taken} == {  # type: ignore[index]
        "both": [1],
        "rita": [2],
    }


@pytest.mark.parametrize("why", ["claimed", "old traffic", "opened long ago"])
def test_nobody_is_woken_for_a_case_that_needs_nobody_now(
    queue: QueueUnderTest, pager: Pager, why: str
) -> None:
    on_call(queue, "rita", 1)
    if why == "old traffic":
        flag(queue.engine, a_flag(START - timedelta(hours=25)), at=START, tenant_ids={"acme"})
    else:
        queue.flagged()
    if why == "claimed":
        cases.claim(queue.deployment, "both", queue.deployment.now, "1")
    assert run(queue, pager, 30 if why == "opened long ago" else 1) == 0
    assert pager.taken == []


def test_what_failed_is_tried_again_with_the_next_and_not_for_ever(
    queue: QueueUnderTest, pager: Pager
) -> None:
    on_call(queue, "rita", 1)
    on_call(queue, "both", 2)
    queue.flagged()
    pager.status = 500
    assert run(queue, pager) == 0
    assert outcomes(queue) == [(0, "rita", PageOutcome.FAILED)]
    assert run(queue, pager, 29) == 0
    assert pager.who == ["rita", "both"]
    assert run(queue, pager, 30) == 0
    assert len(pager.taken) == 2, "after half an hour nothing is tried again"


def test_a_killed_run_is_finished_under_the_same_id(
    queue: QueueUnderTest, pager: Pager, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_call(queue, "rita", 1)
    on_call(queue, "both", 2)
    queue.flagged()

    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(paging, "record_new_case_pages", killed)
        with pytest.raises(KeyboardInterrupt):
            run(queue, pager)
    assert outcomes(queue) == [(0, "rita", PageOutcome.SENDING)]
    assert run(queue, pager, 1) == 1
    assert pager.who == ["rita", "rita"]
    assert len({message_id for _, _, message_id in pager.taken}) == 1
    assert run(queue, pager, 2) == 0


def test_where_no_reviewer_is_on_call_it_is_said_once_and_who_comes_is_paged(
    queue: QueueUnderTest, pager: Pager
) -> None:
    on_call(queue, "adam", 1)
    queue.flagged()
    assert [run(queue, pager, after) for after in (0, 1, 2)] == [0, 0, 0]
    assert outcomes(queue) == [(0, None, PageOutcome.NOBODY)]
    assert len(queue.entries("oncall.paging")) == 1
    on_call(queue, "rita", 2)
    assert run(queue, pager, 3) == 1


def test_with_nobody_on_the_roster_a_case_waits_for_no_page_until_somebody_is(
    queue: QueueUnderTest, pager: Pager
) -> None:
    queue.flagged()
    assert run(queue, pager) == 0
    assert outcomes(queue) == [(0, None, PageOutcome.NOBODY)]
    with reading(queue.engine) as session:
        assert not new_cases_wait(session, queue.deployment.now)
    on_call(queue, "rita", 1)
    with reading(queue.engine) as session:
        assert new_cases_wait(session, queue.deployment.now)
    assert run(queue, pager) == 1


def test_run_due_pages_by_mail_and_the_mail_names_no_tenant(sqlite_engine: Engine, tmp_path: Path) -> None:
    with smtp_server() as mail:
        queue = three_tenants(sqlite_engine, tmp_path, smtp_host=mail.host, smtp_port=mail.port)
        on_call(queue, "rita", 1, mail="rita@provider.example")
        queue.flagged()
        with pytest.raises(CjpFraudError, match="head of the audit log"):  # this home has no key
            due_run.run_due(queue.deployment, queue.deployment.now)
    [message] = mail.received
    assert message.recipient == "rita@provider.example"
    assert b"Subject: Case 1 waits for a reviewer" in message.content
    assert b"https://queue.provider.example/cases/1" in message.content
    assert b"acme" not in message.content


def test_a_page_by_mail_is_in_the_language_that_its_reader_chose_and_the_webhook_stays_english(
    sqlite_engine: Engine, tmp_path: Path, pager: Pager
) -> None:
    with smtp_server() as mail:
        queue = three_tenants(sqlite_engine, tmp_path, smtp_host=mail.host, smtp_port=mail.port)
        deployment = queue.deployment
        sign_in.choose_settings(deployment, "rita", deployment.now, language="fr", time_zone="Europe/Paris")
        on_call(queue, "rita", 1, mail="rita@provider.example", webhook="http://127.0.0.1:9/rita")
        queue.flagged()
        assert run(queue, pager) == 1
    [message] = mail.received
    read = message_from_bytes(message.content, policy=default)
    assert read["Subject"] == "Le dossier 1 attend un examinateur"
    assert read["Content-Language"] == "fr"
    body = read.get_body()
    assert body is not None
    assert "Vous êtes d’astreinte." in body.get_content()
    assert str(pager.taken[0][1]["text"]).endswith("You are on call.")
