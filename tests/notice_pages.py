"""A notice page with one letter on it, a mail server that takes the codes, and a client that fills in its forms."""

from __future__ import annotations

import email
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.clock import StandingClock
from cjp_fraud.config import PlatformMode, Settings
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.methods import EMAIL, PUBLICATION
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.page_key import page_links
from cjp_fraud.notices.tables import DeliveryEvent, Notice
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.web.application import notice_application
from tests.contract_builders import NOON, a_row, load_rows
from tests.mail_servers import MailServerUnderTest
from tests.notice_builders import a_plan, notices_of

ADDRESS = "notices@acme.example"
PUBLIC_URL = "https://notices.provider.example"


class DeploymentAt(Deployment):
    """A deployment whose clock the test sets."""

    shown: datetime = NOON

    @property
    def now(self) -> datetime:
        """The moment that the test chose."""
        return self.shown

    def wait_until(self, at: datetime) -> None:
        """Let the clock show another moment."""
        object.__setattr__(self, "shown", at)


@dataclass
class NoticePageUnderTest:
    """A served letter, its link, and a browser that follows it."""

    deployment: DeploymentAt
    mail: MailServerUnderTest
    plan_id: str
    browser: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.a_browser()

    @property
    def engine(self) -> Engine:
        """The database."""
        return self.deployment.engine

    @property
    def notice(self) -> Notice:
        """The letter sent first."""
        return notices_of(self.engine, self.plan_id)[0]

    @property
    def path(self) -> str:
        """The path of the letter's link."""
        links = page_links(self.deployment.settings)
        assert links is not None
        return urlsplit(links.link(self.notice.id, NOON)).path

    def a_browser(self) -> TestClient:
        """Return a browser that keeps cookies, and that knows nothing yet."""
        return TestClient(notice_application(self.deployment), base_url=PUBLIC_URL)

    def post(self, step: str, browser: TestClient | None = None, **fields: str) -> httpx.Response:
        """Send the form of the page as it stands, with these fields filled in, and follow where it leads."""
        user = browser or self.browser
        page = user.get(self.path)
        return user.post(f"{self.path}/{step}", data=proof_in(page.text) | fields)

    def asked_code(self, address: str = ADDRESS) -> tuple[str, str]:
        """Ask for a code and return what it is typed for, and the code in the mail."""
        page = self.post("code", address=address)
        return code_id_in(page.text), self.mailed_code()

    def mailed_code(self) -> str:
        """The code in the newest mail."""
        message = email.message_from_bytes(self.mail.received[-1].content, policy=default)
        found = re.search(r"^\d{6}\r?$", message.get_content(), re.MULTILINE)
        assert found is not None
        return found[0].strip()

    def opened(self) -> httpx.Response:
        """Open the page by code."""
        code_id, code = self.asked_code()
        return self.post("open", code_id=code_id, code=code)

    def events(self) -> list[DeliveryEvent]:
        """What is on record of what contacts did with any letter of the plan."""
        with reading(self.engine) as session:
            events = select(DeliveryEvent).where(DeliveryEvent.source.like("notice page, %"))
            return list(session.scalars(events.order_by(DeliveryEvent.id)))

    def entries(self, action: str) -> list[dict[str, Any]]:
        """What the log says of an action."""
        with reading(self.engine) as session:
            rows = select(AuditEntry.content).where(AuditEntry.action == f"notice_page.{action}")
            return list(session.scalars(rows.order_by(AuditEntry.sequence)))


def proof_in(page: str) -> dict[str, str]:
    """Return the hidden field that a form of the page bears; empty where it has no form."""
    found = re.search(r'name="form_proof" value="(\w+)"', page)
    return {"form_proof": found[1]} if found else {}


def code_id_in(page: str) -> str:
    """Return which code the page asks for."""
    found = re.search(r'name="code_id" value="([0-9a-f-]+)"', page)
    assert found is not None, page
    return found[1]


def a_notice_page(
    engine: Engine,
    folder: Path,
    mail: MailServerUnderTest,
    *,
    published: bool = False,
    mode: PlatformMode = PlatformMode.ACT,
    changes: dict[str, str] | None = None,
    **settings: Any,
) -> NoticePageUnderTest:
    """Serve acme a letter by email, where ``published`` by publication too, and return its page."""
    deployment = DeploymentAt(page_settings(engine, folder, mail, platform_mode=mode, **settings))
    load_rows(engine, folder, a_row(**changes or {}))
    if published:
        _terms_with_publication(engine)
    plan_id = a_plan(engine, mode=mode)
    dispatch_due(engine, deployment.notice_methods, plan_id, StandingClock(NOON))
    return NoticePageUnderTest(deployment, mail, plan_id)


def page_settings(engine: Engine, folder: Path, mail: MailServerUnderTest, **changes: Any) -> Settings:
    """Return the settings of a deployment that serves a notice page."""
    chosen: dict[str, Any] = {
        "home": folder / "home",
        "database_url": engine.url.render_as_string(hide_password=False),
        "smtp_host": mail.host,
        "smtp_port": mail.port,
        "mail_from": "notices@provider.example",
        "provider_name": "Example Cloud",
        "contact": "+1 555 0100",
        "public_url": PUBLIC_URL,
        "platform_mode": PlatformMode.ACT,
    }
    return Settings(**chosen | changes)


def _terms_with_publication(engine: Engine) -> None:
    rules = (
        MethodRule(EMAIL, Basis.SENT, ("notice",)),
        MethodRule(PUBLICATION, Basis.ACKNOWLEDGED, ("page",)),
    )
    terms = NoticeTerms((NoticeStep(1, Combine.ALL_OF, rules, Wait(0, WaitUnit.HOURS)),), "12.9")
    with transaction(engine) as session:
        by = machine("test")
        enter_address(session, "acme", "page", ("acme",), by, NOON, method=PUBLICATION)
        enter_terms(session, "acme", by, NOON, reference="Agreement 7", right=Right.CLAUSE_2_4, terms=terms)
        assert contract_at(session, "acme", NOON).notice_terms == terms
