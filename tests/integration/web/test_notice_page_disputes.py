"""A dispute on the customer's notice page: who may write it, until when, how often, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.notices.letter_moments import moment
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.operations.notice_page_views import until_when
from cjp_fraud.people.model import Decision
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.dispute import decide_dispute
from cjp_fraud.review.model import CaseState, DisputeState
from cjp_fraud.storage.database import reading, transaction
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.notice_pages import DeploymentAt, NoticePageUnderTest, page_settings

SECOND = timedelta(seconds=1)
WORDS = "These calls are our own: <b>we</b> opened an office in Riga on that day."


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


class SuspendedCustomer:
    """A case whose measure is in force, and the page of its letter."""

    def __init__(self, engine: Engine, folder: Path, mail: MailServerUnderTest) -> None:
        self.staffed: StaffedDeployment = open_staffed(engine, folder, mail_to(mail))
        self.staffed.approved_case()
        assert self.staffed.enforce().state is CaseState.SUSPENDED
        self.deployment = DeploymentAt(page_settings(engine, folder, mail))
        self.deployment.wait_until(self.staffed.now)
        with reading(engine) as session:
            plan_id = session.scalars(select(NoticePlan.id)).one()
        self.page = NoticePageUnderTest(self.deployment, mail, plan_id)

    def wait_until(self, at: datetime) -> None:
        """Let both clocks show a moment."""
        self.staffed.now = at
        self.deployment.wait_until(at)

    def disputes(self) -> list[Dispute]:
        """All on record."""
        with reading(self.staffed.engine) as session:
            return list(session.scalars(select(Dispute).order_by(Dispute.id)))

    def until(self) -> datetime:
        """What the letter states, as the page enforces it."""
        with reading(self.staffed.engine) as session:
            until = until_when(session, self.page.notice)
        assert until is not None
        return until


@pytest.fixture
def customer(sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest) -> SuspendedCustomer:
    """A suspended customer on SQLite."""
    return SuspendedCustomer(sqlite_engine, tmp_path, mail)


@pytest.mark.both_databases
def test_a_customer_disputes_on_the_page_and_reads_the_decision_and_its_answer_there(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    customer = SuspendedCustomer(engine, tmp_path, mail)
    page, staffed = customer.page, customer.staffed
    page.opened()
    shown = page.post("dispute", words=WORDS)
    assert shown.status_code == 200
    assert "received, not decided yet" in shown.text
    assert "/dispute" not in shown.text, "one waits at a time"
    [dispute] = customer.disputes()
    assert dispute.answer_due_at == staffed.now + timedelta(minutes=60)
    assert dispute.decide_by == staffed.now + timedelta(hours=72), "what the letter promises"
    assert dispute.notice_id == page.notice.id
    assert moment(dispute.decide_by, "America/New_York", "en") in shown.text
    [entry] = page.entries("disputed")
    assert (entry["dispute_id"], entry["role"]) == (dispute.id, "notice")

    customer.wait_until(staffed.now + timedelta(minutes=20))
    with transaction(engine) as session:
        decision = Decision(session, staffed.people["carol"], staffed.now)
        decide_dispute(decision, dispute.id, upheld=True, reasons="the lease was shown")
    assert staffed.enforce().state is CaseState.REINSTATED
    seen = page.browser.get(page.path)
    assert "decided in your favour" in seen.text
    assert "Answer to your dispute" in seen.text
    assert 'name="words"' not in seen.text, "nothing is left to dispute"
    assert page.post("dispute", words="and again").status_code == 400
    assert "the lease was shown" not in seen.text, "the words of who decided stay with us"
    assert verify_log(engine).faults == ()


def test_a_form_that_is_sent_twice_is_one_dispute(customer: SuspendedCustomer) -> None:
    customer.page.opened()
    form = customer.page.browser.get(customer.page.path).text
    for _ in range(2):
        answer = customer.page.post("dispute", words=WORDS)
        assert answer.status_code == 200
    assert 'action="' in form
    assert len(customer.disputes()) == 1


def test_the_deadline_that_the_letter_states_is_the_one_that_is_enforced(customer: SuspendedCustomer) -> None:
    until = customer.until()
    page = customer.page
    assert moment(until, "America/New_York", "en").replace("\u00a0", " ") in page.opened().text.replace(
        "\u00a0", " "
    )
    customer.wait_until(until)
    page.opened()
    late = page.post("dispute", words=WORDS)
    assert (late.status_code, customer.disputes()) == (400, [])
    assert 'name="words"' not in late.text
    customer.wait_until(until - SECOND)
    assert page.post("dispute", words=WORDS).status_code == 200
    [dispute] = customer.disputes()
    assert dispute.opened_at == until - SECOND


def test_without_a_code_nothing_is_disputed_and_the_try_is_on_record(customer: SuspendedCustomer) -> None:
    answer = customer.page.post("dispute", words=WORDS)
    assert (answer.status_code, customer.disputes()) == (403, [])
    assert [each["why"] for each in customer.page.entries("denied")] == ["disputed without a code"]


@pytest.mark.parametrize("words", ["  ", "x" * 4001])
def test_words_that_are_none_or_too_many_are_refused_and_stay_in_the_form(
    customer: SuspendedCustomer, words: str
) -> None:
    customer.page.opened()
    answer = customer.page.post("dispute", words=words)
    assert (answer.status_code, customer.disputes()) == (400, [])
    assert f">{words}</textarea>" in answer.text
    assert 'role="alert"' in answer.text


def test_a_customer_may_dispute_again_once_the_first_is_decided_within_one_business_day(
    customer: SuspendedCustomer,
) -> None:
    page, staffed = customer.page, customer.staffed
    page.opened()
    page.post("dispute", words=WORDS)
    [first] = customer.disputes()
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people["carol"], staffed.now)
        decide_dispute(decision, first.id, upheld=False, reasons="no office was shown")
    answer = page.post("dispute", words="Here is the lease.")
    assert answer.status_code == 200
    [_, second] = customer.disputes()
    assert second.state is DisputeState.OPEN
    assert second.answer_due_at > staffed.now + timedelta(minutes=60)
