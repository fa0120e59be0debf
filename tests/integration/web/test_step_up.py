"""A second factor that was given too long ago is asked for once more, at the approval itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from cjp_fraud.errors import Refused
from cjp_fraud.operations import cases, measures
from tests.integration.web.test_case_pages import FINDING
from tests.mail_servers import smtp_server
from tests.queue_pages import QueueUnderTest, a_queue, send

APPROVE = "/cases/1/approve"


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> Iterator[QueueUnderTest]:
    """A proposal that waits for approval."""
    with smtp_server() as mail:
        queue = a_queue(sqlite_engine, tmp_path, lake=True, smtp_host=mail.host, smtp_port=mail.port)
        queue.flagged()
        rita = queue.signed_in("rita")
        send(rita, "/cases/1", "/cases/1/claim")
        send(rita, "/cases/1", "/cases/1/determine", **FINDING)
        yield queue


def stay(queue: QueueUnderTest, browser: TestClient, minutes: int) -> None:
    """Let somebody use the pages for so long."""
    for _ in range(0, minutes, 30):
        browser.get("/settings")
        queue.deployment.wait_until(queue.deployment.now + timedelta(minutes=30))


def test_a_fresh_second_factor_is_not_asked_again(queue: QueueUnderTest) -> None:
    adam = queue.signed_in("adam")
    stay(queue, adam, 60)
    assert 'name="code"' not in adam.get("/cases/1").text
    assert send(adam, "/cases/1", APPROVE).status_code == 200
    assert queue.entries("case.suspended")


def test_an_old_one_is_asked_again_and_nothing_is_approved_without_it(queue: QueueUnderTest) -> None:
    adam = queue.signed_in("adam")
    stay(queue, adam, 90)
    assert 'name="code"' in adam.get("/cases/1").text
    missing = send(adam, "/cases/1", APPROVE)
    assert missing.status_code == 409
    assert "type the code of your authenticator" in missing.text
    wrong = send(adam, "/cases/1", APPROVE, code="000000")
    assert wrong.status_code == 409
    assert "does not fit" in wrong.text
    assert queue.entries("sign_in.refused")[-1][2]["why"] == "code: wrong"
    assert queue.entries("case.approved") == []
    done = send(adam, "/cases/1", APPROVE, code=queue.code("adam"))
    assert done.status_code == 200, done.text
    assert queue.entries("case.approved", "case.suspended")
    assert len(queue.entries("sign_in.code_again")) == 1
    assert 'name="code"' not in adam.get("/cases/1").text


def test_five_wrong_codes_at_an_approval_lock_further_tries(queue: QueueUnderTest) -> None:
    adam = queue.signed_in("adam")
    stay(queue, adam, 90)
    for _ in range(5):
        send(adam, "/cases/1", APPROVE, code="000000")
    assert send(adam, "/cases/1", APPROVE, code=queue.code("adam")).status_code == 409
    assert queue.entries("sign_in.refused")[-1][2]["why"] == "code: too many tries"


def test_whoever_may_not_approve_because_of_who_they_are_is_on_record(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    with pytest.raises(Refused):
        cases.approve_and_carry_out(deployment, "rita", deployment.now, "1")
    [(_, _, content)] = queue.entries("access.denied")
    assert content["why"].startswith("approve case 1")
    assert "rita is not an approver" in content["why"]
    assert "rita took part" in content["why"]
    assert queue.entries("case.approved") == []


def test_whoever_may_not_reinstate_because_of_who_they_are_is_on_record(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    with pytest.raises(Refused):
        measures.reinstate(deployment, "rita", deployment.now, "1", reasons="the calls were theirs")
    [(_, _, content)] = queue.entries("access.denied")
    assert "rita is not an approver" in content["why"]


def test_a_refusal_that_is_about_the_case_alone_is_not_on_record_as_denied(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    with pytest.raises(Refused, match="say why"):
        cases.return_proposal(deployment, "adam", deployment.now, "1", reasons=" ")
    assert queue.entries("access.denied") == []
