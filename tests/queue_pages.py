"""The review queue with people, flagged tenants and browsers without a screen in which they are signed in."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx
import pyotp
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.config import PlatformMode, Settings
from cjp_fraud.operations import sign_in
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.people import passwords
from cjp_fraud.people.model import Role
from cjp_fraud.people.one_time_codes import STEP_SECONDS
from cjp_fraud.review.flags import FlagRow
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.web.application import queue_application
from tests.case_builders import PEOPLE, START, a_flag, flag
from tests.contract_builders import a_row, load_rows
from tests.notice_pages import DeploymentAt
from tests.people_builders import a_user
from tests.snapshots import brought_to, is_empty

passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # type: ignore[misc]
"""As the product's, at a cost that tests can bear."""

ROOT: Final = "http://testserver"
PASSWORD: Final = "four sparrows on a wire"
DAYS: Final = timedelta(days=60)


@dataclass
class QueueUnderTest:
    """A deployment with its staff, and one browser a person.

    Parameters
    ----------
    secrets : second factors by name.
    invitations : tokens by name, all made before anybody had a password, so that these count at once.
    """

    deployment: DeploymentAt
    secrets: dict[str, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    invitations: dict[str, str] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        """The database."""
        return self.deployment.engine

    def a_browser(self, **headers: str) -> TestClient:
        """Return a browser that keeps cookies, and in which nobody is signed in."""
        application = queue_application(self.deployment)
        return TestClient(application, base_url=ROOT, headers=headers, raise_server_exceptions=False)

    def set_up(self, name: str, browser: TestClient | None = None) -> TestClient:
        """Let a person accept an invitation and set up their second factor; return the browser, signed in."""
        user = browser or self.a_browser()
        token = self.invitation(name)
        self.secrets[name], self.steps[name] = let_in(user, f"/set-up/{token}")
        return user

    def invitation(self, name: str) -> str:
        """Return the token of a person's invitation: the one of the first hour, else a new one by ida, an admin."""
        if not self.invitations:
            self.invitations = {each: self.invited(None, each) for each in (*PEOPLE, "ida")}
        return self.invitations.pop(name, "") or self.invited("ida", name)

    def invited(self, admin: str | None, name: str) -> str:
        """Return the token of a new invitation."""
        return sign_in.invite_user(self.deployment, admin, self.deployment.now, name).token

    def code(self, name: str) -> str:
        """Return a code that the person has not used: of this half minute, or of the next one."""
        now = int(time.time()) // STEP_SECONDS
        step = max(self.steps.get(name, now - 1) + 1, now)
        self.steps[name] = step
        return pyotp.TOTP(self.secrets[name]).generate_otp(step)

    def signed_in(self, name: str) -> TestClient:
        """Return a browser in which a person is signed in."""
        if name not in self.secrets:
            return self.set_up(name)
        user = self.a_browser()
        asked = user.get("/sign-in")
        second = user.post("/sign-in", data=hidden_in(asked.text) | {"name": name, "password": PASSWORD})
        user.post("/second-factor", data=hidden_in(second.text) | {"code": self.code(name)})
        return user

    def entries(self, *actions: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Return action, actor and content of the entries of the log with these actions, in order."""
        with reading(self.engine) as session:
            rows = select(AuditEntry.action, AuditEntry.actor, AuditEntry.content)
            rows = rows.where(AuditEntry.action.in_(actions)).order_by(AuditEntry.sequence)
            return [tuple(row) for row in session.execute(rows)]

    def newest_entry(self) -> int:
        """Return the number of the newest entry of the log."""
        with reading(self.engine) as session:
            return session.scalar(select(func.max(AuditEntry.sequence))) or 0

    def flagged(self, tenant_id: str = "acme", *rows: FlagRow, **changes: Any) -> None:
        """Flag a tenant by these rows, or by one half an hour ago with some fields changed."""
        now = self.deployment.now
        given = rows or (a_flag(now - timedelta(minutes=30), tenant_id, **changes),)
        flag(self.engine, *given, at=now, tenant_ids={tenant_id})


def let_in(browser: TestClient, link: str) -> tuple[str, int]:
    """Choose a password and a second factor behind a link of an invitation; return the secret, and the step used."""
    chosen = {"password": PASSWORD, "again": PASSWORD}
    shown = browser.post(link, data=hidden_in(browser.get(link).text) | chosen)
    found = re.search(r'class="secret">(\w+)<', shown.text)
    assert found is not None, shown.text
    step = int(time.time()) // STEP_SECONDS
    code = pyotp.TOTP(found[1]).generate_otp(step)
    queue = browser.post("/second-factor", data=hidden_in(shown.text) | {"code": code})
    assert queue.status_code == 200, queue.text
    return found[1], step


def send(browser: TestClient, page: str, action: str, **fields: Any) -> httpx.Response:
    """Send the form of a page that leads to ``action``, with these fields filled in, and follow where it leads."""
    shown = browser.get(page)
    return browser.post(action, data=hidden_in(shown.text, action) | fields)


def hidden_in(page: str, action: str | None = None) -> dict[str, str]:
    """Return the hidden fields of the page's form that leads to ``action``; None: of its last form."""
    forms = re.findall(r'<form method="post" action="([^"]*)"[^>]*>(.*?)</form>', page, re.DOTALL)
    fitting = [body for leads_to, body in forms if action is None or leads_to == action]
    assert fitting, f"no form leads to {action}: {[leads_to for leads_to, _ in forms]}"
    hidden = r'<input type="hidden" name="(\w+)" value="([^"]*)"'
    return {name: unescape(value) for name, value in re.findall(hidden, fitting[-1])}


FINDING = {
    "ground": ["unusual_destinations", "unattended"],
    "part": "victim",
    "measure": "suspend_channel",
    "hours": "72",
    "reasons": "short calls to one foreign range, at night, no agent logged in",
}
"""What is filled in to find that the flagged calls are fraudulent."""


def suspend(queue: QueueUnderTest) -> None:
    """Flag acme, and have rita determine that it is fraud and adam approve it, on their pages."""
    queue.flagged()
    rita, adam = queue.signed_in("rita"), queue.signed_in("adam")
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    send(adam, "/cases/1", "/cases/1/approve")


def a_queue(
    engine: Engine,
    folder: Path,
    *rows: dict[str, str],
    mode: PlatformMode = PlatformMode.ACT,
    lake: bool = False,
    **settings: Any,
) -> QueueUnderTest:
    """Return a queue of tenants (or acme alone), with everybody of ``PEOPLE`` and ida, an admin, on record.

    Parameters
    ----------
    lake : whether the lake's tables are made; fraud is determined only where they are.
    """
    chosen: dict[str, Any] = {
        "home": folder / "home",
        "database_url": engine.url.render_as_string(hide_password=False),
        "mail_from": "notices@provider.example",
        "provider_name": "Example Cloud",
        "contact": "+1 555 0100",
        "platform_mode": mode,
    }
    deployment = DeploymentAt(Settings(**chosen | settings))
    deployment.wait_until(START)
    if lake:
        deployment.lake.create(LAKE_TABLES, buckets=2)
    tenants = rows or (a_row(),)
    if is_empty(engine):
        steps = ("a queue", tuple(tuple(row.items()) for row in tenants))
        brought_to(engine, steps, lambda: _put_on_record(engine, folder, tenants))
    else:
        _put_on_record(engine, folder, tenants)
    return QueueUnderTest(deployment)


def _put_on_record(engine: Engine, folder: Path, tenants: Sequence[dict[str, str]]) -> None:
    """Put the tenants and the people of a queue on record."""
    load_rows(engine, folder, *tenants, at=START - DAYS)
    with transaction(engine) as session:
        for name, roles in {**PEOPLE, "ida": (Role.ADMIN,)}.items():
            a_user(session, name, roles, START - DAYS)
