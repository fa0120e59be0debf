"""Signing in by an OpenID Connect provider: who is let in, whose roles follow, and what is refused."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from sqlalchemy import Engine, select

from cjp_fraud.audit.log import append
from cjp_fraud.operations import people
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import newcomer_faults, record_part
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from tests.integration.web.test_case_pages import FINDING
from tests.openid_providers import SECRET, ProviderUnderTest, provider_running
from tests.queue_pages import ROOT, QueueUnderTest, a_queue, send

SERVED_AT = "http://127.0.0.1:8471"
DONE = f"{SERVED_AT}/sign-in/provider/done"
"""As the provider knows it."""
DAY = timedelta(days=1)
PROVIDER = Path(__file__).resolve().parents[2] / "openid_provider_of_another_make"


@pytest.fixture
def provider() -> Iterator[ProviderUnderTest]:
    with provider_running() as running:
        yield running


def a_queue_of(engine: Engine, folder: Path, issuer: str, **settings: object) -> QueueUnderTest:
    """A queue whose staff sign in at ``issuer``; rita's account has been on record for a day."""
    queue = a_queue(
        engine,
        folder,
        oidc_issuer=issuer,
        oidc_client_secret=SecretStr(SECRET),
        oidc_redirect_url=DONE,
        **settings,
    )
    people.add_identity(queue.deployment, "ida", queue.deployment.now, "rita", "account:rita")
    queue.deployment.wait_until(queue.deployment.now + DAY + timedelta(minutes=1))
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path, provider: ProviderUnderTest) -> QueueUnderTest:
    return a_queue_of(
        sqlite_engine,
        tmp_path,
        provider.issuer,
        oidc_roles={"reviewers": ["reviewer"], "lawyers": ["counsel"]},
    )


def sent_to_provider(browser: TestClient, next_page: str = "/queue") -> str:
    """Follow the link of the sign-in page; return where the provider leads back, with its code."""
    begun = browser.get("/sign-in/provider", params={"next": next_page}, follow_redirects=False)
    assert begun.status_code == 303, begun.text
    back = httpx.get(begun.headers["location"], follow_redirects=False).headers["location"]
    return str(back).replace(SERVED_AT, ROOT)


def roles(queue: QueueUnderTest) -> frozenset[Role]:
    with reading(queue.engine) as session:
        return actor_named(session, "rita").roles


def test_whoever_the_provider_vouches_for_is_signed_in_and_led_where_they_wanted(
    queue: QueueUnderTest, provider: ProviderUnderTest
) -> None:
    provider.claims["groups"] = ["reviewers"]
    browser = queue.a_browser()
    assert "/sign-in/provider?next=" in browser.get("/sign-in").text
    shown = browser.get(sent_to_provider(browser, "/queue?state=open"))
    assert (shown.url.path, shown.status_code) == ("/queue", 200)
    assert "rita" in shown.text
    [asked] = provider.asked
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    [(_, _, content)] = queue.entries("sign_in.done")
    assert content["by_provider"] is True
    assert "sub" not in content


def test_roles_that_are_mapped_follow_the_provider_and_others_stay(
    queue: QueueUnderTest, provider: ProviderUnderTest
) -> None:
    assert roles(queue) == {Role.ANALYST, Role.REVIEWER}
    provider.claims["groups"] = ["lawyers", "others"]
    browser = queue.a_browser()
    browser.get(sent_to_provider(browser))
    assert roles(queue) == {Role.ANALYST, Role.COUNSEL}
    assert {actor for _, actor, _ in queue.entries("user.role_granted", "user.role_revoked")} == {
        "system:oidc"
    }


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        ({"aud": "another-client"}, "does not count"),
        ({"iss": "http://elsewhere.example"}, "does not count"),
        ({"nonce": "of another sign-in"}, "does not count"),
        ({"exp": 1_000_000_000}, "does not count"),
        ({"azp": "another-client"}, "another client"),
        ({"sub": "mallory"}, "nobody who may sign in"),
        ({"sub": "RITA"}, "nobody who may sign in"),
        ({"sub": "rita@"}, "nobody who may sign in|no account"),
        ({"sub": ["rita"]}, "no account|does not count"),
    ],
)
def test_a_token_that_is_not_for_us_or_of_nobody_on_record_is_refused(
    queue: QueueUnderTest, provider: ProviderUnderTest, instead: dict[str, object], why: str
) -> None:
    provider.instead = instead
    browser = queue.a_browser()
    refused = browser.get(sent_to_provider(browser))
    assert refused.status_code == 403
    assert re.search(why, refused.text)
    assert browser.get("/queue").url.path == "/sign-in"
    assert len(queue.entries("sign_in.refused")) == 1


def test_a_token_of_another_key_is_refused(queue: QueueUnderTest, provider: ProviderUnderTest) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    browser = queue.a_browser()
    assert browser.get(sent_to_provider(browser)).status_code == 403


def test_a_code_is_good_in_the_browser_that_asked_for_it_and_once(queue: QueueUnderTest) -> None:
    browser, another = queue.a_browser(), queue.a_browser()
    back = sent_to_provider(browser)
    assert another.get(back).status_code == 403
    sent_to_provider(another)
    assert another.get(back).status_code == 403, "its own sign-in has another state"
    assert browser.get(back).status_code == 200
    fresh = queue.a_browser()
    fresh.cookies = browser.cookies
    assert "does not take the code" in fresh.get(back).text


def test_an_account_counts_a_day_after_it_was_put_on_record(
    queue: QueueUnderTest, provider: ProviderUnderTest
) -> None:
    people.add_identity(queue.deployment, "ida", queue.deployment.now, "adam", "account:idas-other-one")
    provider.claims["sub"] = "idas-other-one"
    browser = queue.a_browser()
    refused = browser.get(sent_to_provider(browser))
    assert "less than 24 hours ago" in refused.text


@pytest.mark.parametrize("takes_part", [True, False])
def test_whose_account_an_admin_added_never_approves_in_a_case_of_that_admin(
    queue: QueueUnderTest, takes_part: bool
) -> None:
    """The admin could have an account of that name at the provider, and be the second person."""
    people.add_identity(queue.deployment, "ida", queue.deployment.now, "adam", "account:idas-other-one")
    queue.flagged()
    added_at = queue.deployment.now
    with transaction(queue.engine) as session:
        case = session.scalars(select(Case)).one()
        if takes_part:
            ida = actor_named(session, "ida")
            record_part(session, ida, Part.COMMENTED, "acme", added_at, case_id=case.id)
            append(Decision(session, ida, added_at), "case.commented", "cases", case.id, {}, case_id=case.id)
        adam = actor_named(session, "adam")
        assert newcomer_faults(session, adam, Role.APPROVER, case.id, added_at + DAY / 2)
        later = newcomer_faults(session, adam, Role.APPROVER, case.id, added_at + 2 * DAY)
    assert later == (
        (
            "adam's account idas-other-one was made by somebody who took part in the case, or goes back to them",
        )
        if takes_part
        else ()
    )


def test_a_disabled_user_is_refused(queue: QueueUnderTest) -> None:
    people.disable_user(queue.deployment, "ida", queue.deployment.now, "rita")
    browser = queue.a_browser()
    assert browser.get(sent_to_provider(browser)).status_code == 403


def test_an_authentication_class_that_is_asked_for_must_be_met(
    sqlite_engine: Engine, tmp_path: Path, provider: ProviderUnderTest
) -> None:
    queue = a_queue_of(sqlite_engine, tmp_path, provider.issuer, oidc_acr=["two-factors"])
    browser = queue.a_browser()
    assert "acr" in browser.get(sent_to_provider(browser)).text
    assert provider.asked[0]["acr_values"] == "two-factors"
    provider.claims["acr"] = "two-factors"
    assert browser.get(sent_to_provider(browser)).status_code == 200


def test_a_provider_that_is_away_or_not_set_is_said(sqlite_engine: Engine, tmp_path: Path) -> None:
    with provider_running() as gone:
        issuer = gone.issuer
    browser = a_queue_of(sqlite_engine, tmp_path, issuer).a_browser()
    assert browser.get("/sign-in/provider").status_code == 503


def test_the_way_to_the_provider_and_back_is_limited(queue: QueueUnderTest) -> None:
    browser = queue.a_browser()
    statuses = [browser.get("/sign-in/provider/done?state=a&code=b").status_code for _ in range(31)]
    assert statuses == [403] * 30 + [429]


@pytest.mark.slow
def test_a_provider_of_another_make_signs_somebody_in(sqlite_engine: Engine, tmp_path: Path) -> None:
    """The npm package ``oidc-provider``, as scripts/system-parts installs it, knows nothing of our code."""
    if shutil.which("node") is None or not (PROVIDER / "node_modules").is_dir():
        pytest.skip("the npm package oidc-provider is not installed: run scripts/system-parts")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", "server.mjs", str(port), DONE]
    with subprocess.Popen(command, cwd=PROVIDER, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert "listening" in server.stdout.readline()
            queue = a_queue_of(sqlite_engine, tmp_path, f"http://127.0.0.1:{port}")
            browser = queue.a_browser()
            begun = browser.get("/sign-in/provider?next=/queue", follow_redirects=False)
            shown = browser.get(_through_its_forms(begun.headers["location"]).replace(SERVED_AT, ROOT))
            assert (shown.url.path, shown.status_code) == ("/queue", 200), shown.text
        finally:
            server.terminate()


def _through_its_forms(url: str) -> str:
    """Sign in as rita on the provider's own pages and consent; return where it leads back."""
    with httpx.Client() as browser:
        for _ in range(12):
            answer = browser.get(url)
            while answer.is_redirect:
                url = str(answer.next_request.url) if answer.next_request is not None else ""
                if url.startswith(DONE):
                    assert "code" in parse_qs(urlsplit(url).query), url
                    return url
                answer = browser.get(url)
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action is not None, answer.text
            hidden = dict(re.findall(r'name="(\w+)" value="(\w+)"', answer.text))
            sent = browser.post(
                str(answer.url.join(action[1])), data=hidden | {"login": "rita", "password": "any"}
            )
            url = str(sent.next_request.url) if sent.next_request is not None else str(sent.url)
            if url.startswith(DONE):
                return url
    raise AssertionError("the provider never led back")


@pytest.mark.parametrize("known", [{"auth_time": 1_420_070_400}, {}], ids=["long ago", "nobody says when"])
def test_whoever_signed_in_by_the_provider_long_ago_is_asked_to_do_so_again_before_an_approval(
    sqlite_engine: Engine, tmp_path: Path, provider: ProviderUnderTest, known: dict[str, int]
) -> None:
    queue = a_queue_of(sqlite_engine, tmp_path, provider.issuer, lake=True)
    deployment = queue.deployment
    people.add_identity(deployment, "ida", deployment.now, "adam", "account:adam")
    deployment.wait_until(deployment.now + DAY + timedelta(minutes=1))
    queue.flagged()
    rita, adam = queue.signed_in("rita"), queue.a_browser()
    send(rita, "/cases/1", "/cases/1/claim")
    send(rita, "/cases/1", "/cases/1/determine", **FINDING)
    provider.claims = {"sub": "adam", **known}
    shown = adam.get(sent_to_provider(adam, "/cases/1"))
    [link] = re.findall(r'href="(/sign-in/provider\?[^"]*again[^"]*)"', shown.text)
    assert 'name="code"' not in shown.text, "adam has no authenticator here"
    refused = send(adam, "/cases/1", "/cases/1/approve")
    assert refused.status_code == 409
    assert "sign in at your organisation again" in refused.text
    assert queue.entries("sign_in.refused", "case.approved") == []
    begun = adam.get(unescape(link), follow_redirects=False)
    back = httpx.get(begun.headers["location"], follow_redirects=False).headers["location"]
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")
    provider.claims["auth_time"] = time.time()
    again = adam.get(str(back).replace(SERVED_AT, ROOT))
    assert again.url.path == "/cases/1"
    assert "again=true" not in again.text
