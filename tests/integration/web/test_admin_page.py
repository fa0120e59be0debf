"""Administration: users are added, invited, given roles and disabled, the roster is kept, settings are shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.operations import people, roster
from tests.queue_pages import QueueUnderTest, a_queue, let_in, send


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue without cases, whose mail server has a password."""
    return a_queue(sqlite_engine, tmp_path, smtp_password="a secret of the mail server", smtp_user="us")


def test_an_admin_adds_a_user_invites_them_and_they_sign_in(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    assert ida.get("/").url.path == "/admin", "who reads no cases begins here"
    added = send(
        ida, "/admin", "/admin/users", name="nina", mail="nina@provider.example", role=["analyst", "reviewer"]
    )
    assert added.status_code == 200
    invited = send(ida, "/admin", "/admin/users/nina/invite")
    link = re.search(r'class="secret">(/set-up/[\w-]+)<', invited.text)
    assert link is not None, invited.text
    let_in(queue.a_browser(), link[1])
    assert link[1] not in ida.get("/admin").text


def test_roles_are_granted_and_taken_and_a_user_disabled(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    send(ida, "/admin", "/admin/users/ana/grant", role="reviewer")
    send(ida, "/admin", "/admin/users/ana/revoke", role="analyst")
    send(ida, "/admin", "/admin/users/rolf/disable")
    users = {user.name: user for user in people.list_users(queue.deployment)}
    assert users["ana"].roles == ("reviewer",)
    assert users["rolf"].disabled_at is not None


def test_what_is_refused_is_said_on_the_page_with_what_was_typed(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    refused = send(
        ida, "/admin", "/admin/users", name="Nina N.", mail="nina@provider.example", role="analyst"
    )
    assert refused.status_code == 400
    assert "cannot be a user&#39;s name" in refused.text
    assert 'value="Nina N."' in refused.text
    last = send(ida, "/admin", "/admin/users/ida/revoke", role="admin")
    assert last.status_code == 409
    assert "only admin" in last.text


def test_the_roster_is_kept_on_the_page(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    turn = {
        "user": "adam",
        "place": "1",
        "day": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "begins": "00:00",
        "ends": "00:00",
        "time_zone": "Europe/Paris",
        "mail": "adam@provider.example",
    }
    shown = send(ida, "/admin", "/admin/roster", **turn)
    assert "on call now" in shown.text
    [kept] = roster.list_turns(queue.deployment, queue.deployment.now)
    assert (kept.user, kept.time_zone) == ("adam", "Europe/Paris")
    refused = send(ida, "/admin", "/admin/roster", **turn | {"mail": "", "begins": "25:00"})
    assert refused.status_code == 400
    send(ida, "/admin", f"/admin/roster/{kept.id}/remove")
    assert roster.list_turns(queue.deployment, queue.deployment.now) == ()


def test_settings_are_shown_without_their_secrets(queue: QueueUnderTest) -> None:
    shown = queue.signed_in("ida").get("/admin").text
    assert "CJP_FRAUD_APPROVAL_CODE_MINUTES" in shown
    assert "a secret of the mail server" not in shown


def test_an_auditor_reads_and_changes_nothing_and_others_do_not_see_it(queue: QueueUnderTest) -> None:
    otto = queue.signed_in("otto")
    shown = otto.get("/admin")
    assert shown.status_code == 200
    assert 'action="/admin' not in shown.text
    rita = queue.signed_in("rita")
    assert rita.get("/admin").status_code == 403
    assert "/admin" not in rita.get("/queue").text
    assert queue.entries("access.denied")[-1][2]["why"] == "GET /admin: needs admin or auditor"
