"""The notice page of a case that went the whole way: reachable under every measure, and its codes on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.page_key import page_links
from cjp_fraud.notices.tables import Notice, NoticePlan, PageCode
from cjp_fraud.operations import notice_page
from cjp_fraud.operations.notice_page_views import Door
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.case_records import records_of_case
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.platform import Order
from tests.case_builders import StaffedDeployment, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.notice_pages import DeploymentAt, page_settings

ADDRESS = "notices@acme.example"
CLIENT = "192.0.2.7"


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


@pytest.fixture
def suspended(sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest) -> StaffedDeployment:
    """A deployment whose newest case is suspended."""
    staffed = open_staffed(sqlite_engine, tmp_path, mail_to(mail))
    staffed.approved_case()
    staffed.enforce()
    assert staffed.state is CaseState.SUSPENDED
    return staffed


def deployment_of(staffed: StaffedDeployment, folder: Path, mail: MailServerUnderTest) -> DeploymentAt:
    """Return the deployment that serves the page, at the staff's time."""
    deployment = DeploymentAt(page_settings(staffed.engine, folder, mail))
    deployment.wait_until(staffed.now)
    return deployment


def token_of(staffed: StaffedDeployment, deployment: DeploymentAt) -> str:
    """Return the token of the link to the case's first letter."""
    with reading(staffed.engine) as session:
        of_case = select(Notice.id).join(NoticePlan).where(NoticePlan.case_id == staffed.case().id)
        notice_id = session.scalars(of_case.order_by(Notice.id)).first()
    links = page_links(deployment.settings)
    assert links is not None
    assert notice_id is not None
    return links.link(notice_id, staffed.now).rpartition("/")[2]


def acknowledged(deployment: DeploymentAt, token: str) -> notice_page.Opened:
    """Go the whole way: ask for a code, have it mailed, open the page with it, acknowledge."""
    now = deployment.now
    asked = notice_page.ask_code(deployment, now, token, ADDRESS, CLIENT)
    assert asked.to_send is not None
    notice_page.send_code(deployment, now, asked.to_send)
    opened = notice_page.open_page(deployment, now, token, asked.to_send.code_id, asked.to_send.code, CLIENT)
    return notice_page.acknowledge(deployment, now, token, opened.session, CLIENT)


def test_the_page_is_reachable_under_all_measures_at_once(
    suspended: StaffedDeployment, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    platform = EmbeddedPlatform(suspended.engine)
    for kind in MeasureKind:
        order = Order(f"measure {kind}", "acme", kind, Scope(), suspended.now + timedelta(hours=72))
        assert "notice_page" in order.keeps
        platform.apply(order, f"key {kind}", suspended.now)
    assert suspended.restricted() == 1 + len(MeasureKind)
    deployment = deployment_of(suspended, tmp_path, mail)
    letters = len(mail.received)
    assert acknowledged(deployment, token_of(suspended, deployment)).door is Door.OPEN
    assert [each.recipient for each in mail.received[letters:]] == [ADDRESS]


def test_the_rows_of_codes_are_rows_of_the_case_and_an_edited_one_shows(
    suspended: StaffedDeployment, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    deployment = deployment_of(suspended, tmp_path, mail)
    token = token_of(suspended, deployment)
    acknowledged(deployment, token)
    notice_page.ask_code(deployment, suspended.now, token, "someone@else.example", CLIENT)
    with reading(suspended.engine) as session:
        codes = set(session.scalars(select(PageCode.id)))
        of_case = records_of_case(session, suspended.case().id)
    assert len(codes) == 2
    assert {record.id for record in of_case if record.table == "page_codes"} == codes
    assert verify_log(suspended.engine).faults == ()
    with suspended.engine.begin() as connection:
        connection.execute(update(PageCode).values(tries=4))
    assert any("page_codes" in str(fault) for fault in verify_log(suspended.engine).faults)


def test_the_page_stays_after_the_restriction_has_ended(
    suspended: StaffedDeployment, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    suspended.wait(hours=80)
    suspended.resume_all()
    assert suspended.state is CaseState.LAPSED
    deployment = deployment_of(suspended, tmp_path, mail)
    token = token_of(suspended, deployment)
    done = acknowledged(deployment, token)
    page = notice_page.look(deployment, deployment.now, token, done.session)
    assert page.letter is not None
    assert page.letter.standing == "ended"
