"""Roles that are narrowed to channels and countries: lists, pages, the API and acts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.cli.cases import app as case_commands
from cjp_fraud.cli.evidence import app as evidence_commands
from cjp_fraud.cli.privacy import app as privacy_commands
from cjp_fraud.cli.tenants import app as tenant_commands
from cjp_fraud.errors import BadInputError, OutOfReach, Refused
from cjp_fraud.operations import case_desk, case_queue, cases, claims, people
from cjp_fraud.people.model import Role
from cjp_fraud.review.model import QueueFilter
from cjp_fraud.storage.database import reading
from tests.api_calls import calls_of
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, send


def a_queue_of_three(engine: Engine, folder: Path) -> QueueUnderTest:
    """Case 1: voice in the US; case 2: SMS in the US; case 3: voice in France."""
    rows = (a_row(), a_row(tenant_id="beta"), a_row(tenant_id="gamma", country="FR"))
    queue = a_queue(engine, folder, *rows)
    queue.flagged("acme")
    queue.flagged("beta", channel="sms")
    queue.flagged("gamma")
    return queue


def narrow(queue: QueueUnderTest, name: str, role: Role, **reach: list[str]) -> people.UserView:
    return people.grant_role(queue.deployment, "ida", queue.deployment.now, name, role, **reach)


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Three cases, and ana, an analyst, of whom only voice in the US is asked."""
    queue = a_queue_of_three(sqlite_engine, tmp_path)
    narrow(queue, "ana", Role.ANALYST, channels=["voice"], countries=["us"])
    return queue


def listed(text: str) -> list[str]:
    return re.findall(r'<th scope="row" class="n"><a href="/cases/(\d+)">', text)


@pytest.mark.both_databases
def test_a_list_shows_and_the_next_case_is_one_that_a_role_reaches(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue_of_three(engine, tmp_path)
    narrow(queue, "ana", Role.ANALYST, channels=["voice"], countries=["us"])
    deployment, now = queue.deployment, queue.deployment.now
    page = case_queue.list_cases(deployment, by="ana")
    assert ([case.number for case in page.cases], dict(page.counts)) == ([1], {"open": 1})
    assert (
        sum(
            case_queue.look_at_queue(
                deployment, "ana", deployment.now, QueueFilter(), limit=10
            ).counts.ages.values()
        )
        == 1
    )
    assert len(case_queue.list_cases(deployment, by="rita").cases) == 3
    claimed = claims.claim_next(deployment, "ana", now)
    assert claimed is not None
    assert claimed.number == 1
    assert claims.claim_next(deployment, "ana", now) is None
    with pytest.raises(OutOfReach, match="lies outside of what ana"):
        cases.claim(deployment, "ana", now, "2")
    assert len(queue.entries("case.claimed")) == 1
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_pages_outside_of_it_are_refused_and_that_is_on_record(queue: QueueUnderTest) -> None:
    ana = queue.signed_in("ana")
    assert listed(ana.get("/queue").text) == ["1"]
    assert ana.get("/cases/1").status_code == 200
    for number in (2, 3):
        assert ana.get(f"/cases/{number}").status_code == 403
    why = [content["why"] for _, _, content in queue.entries("access.denied")]
    assert why[-1] == "case 3 (voice, FR) lies outside of what ana's roles are narrowed to"
    assert ana.get("/cases/99").status_code == 404


def test_commands_leave_the_same_record_once(queue: QueueUnderTest, tmp_path: Path) -> None:
    def typed(app: typer.Typer, *words: str | Path) -> None:
        shown = CliRunner().invoke(app, [str(word) for word in words], obj=queue.deployment)
        assert isinstance(shown.exception, OutOfReach), (words, shown.output, shown.exception)

    narrow(queue, "carol", Role.COUNSEL, countries=["us"])
    bundle = tmp_path / "bundle.zip"
    typed(case_commands, "claim", "2", "--as", "ana")
    typed(case_commands, "comment", "2", "look", "--as", "ana")
    typed(tenant_commands, "claims", "gamma", "--as", "ana", "--out", tmp_path / "claims.pdf")
    typed(evidence_commands, "export", "3", bundle, "--as", "carol")
    typed(privacy_commands, "erase", "gamma", "--as", "carol", "--reason", "asked for", "--dry-run")
    denied = [(actor, content["why"]) for _, actor, content in queue.entries("access.denied")]
    asked = ["case 2", "case 2", "tenant gamma", "case 3", "tenant gamma"]
    assert [why.split(" lies")[0].split(" (")[0] for _, why in denied] == asked
    assert len({actor for actor, _ in denied}) == 2


def test_the_api_is_checked_alike(queue: QueueUnderTest) -> None:
    ana = calls_of(queue, "ana")
    assert [case["number"] for case in ana.get("/cases").json()["cases"]] == [1]
    assert [each["tenant_id"] for each in ana.get("/tenants").json()["items"]] == ["acme", "beta"]
    for path in ("/cases/2", "/cases/3/desk", "/cases/2/earliest", "/tenants/gamma"):
        assert ana.get(path).status_code == 403, path
    assert ana.post("/cases/3/claim").status_code == 403
    assert len(queue.entries("access.denied")) == 5
    assert queue.entries("case.claimed") == []


def test_a_role_that_is_not_narrowed_does_not_widen_one_that_is(queue: QueueUnderTest) -> None:
    deployment, now = queue.deployment, queue.deployment.now
    narrow(queue, "rita", Role.REVIEWER, channels=["sms"])
    cases.claim(deployment, "rita", now, "1")  # as an analyst
    with pytest.raises(OutOfReach):
        cases.dismiss(deployment, "rita", now, "1", reasons="a campaign")
    cases.claim(deployment, "rita", now, "2")
    assert cases.dismiss(deployment, "rita", now, "2", reasons="a campaign").state == "dismissed"


def test_nobody_is_handed_a_case_that_they_do_not_reach(queue: QueueUnderTest) -> None:
    deployment, now = queue.deployment, queue.deployment.now
    cases.claim(deployment, "rita", now, "2")
    with pytest.raises(Refused, match="case 2 lies outside of what ana's roles are narrowed to"):
        claims.hand_over(deployment, "rita", now, "2", "ana")
    assert queue.entries("case.handed_over") == []
    cases.claim(deployment, "rita", now, "1")
    assert claims.hand_over(deployment, "rita", now, "1", "ana").number == 1


def test_only_those_are_offered_a_case_who_reach_it(queue: QueueUnderTest) -> None:
    offered = {
        number: case_desk.look_at_case(queue.deployment, "rita", queue.deployment.now, number).colleagues
        for number in ("1", "2", "3")
    }
    assert ["ana" in names for names in offered.values()] == [True, False, False]
    assert all("rita" in names for names in offered.values())


def test_another_reach_gives_the_role_anew_and_the_same_one_changes_nothing(queue: QueueUnderTest) -> None:
    before = queue.newest_entry()
    same = narrow(queue, "ana", Role.ANALYST, channels=["voice"], countries=["US"])
    assert same.narrowed == ("analyst: voice; US",)
    assert queue.newest_entry() == before
    whole = narrow(queue, "ana", Role.ANALYST)
    assert whole.narrowed == ()
    assert len(case_queue.list_cases(queue.deployment, by="ana").cases) == 3


def test_what_is_no_channel_or_country_and_an_admins_role_are_not_narrowed(queue: QueueUnderTest) -> None:
    with pytest.raises(BadInputError, match="channels are"):
        narrow(queue, "ana", Role.ANALYST, channels=["fax"])
    with pytest.raises(BadInputError, match="two letters"):
        narrow(queue, "ana", Role.ANALYST, countries=["France"])
    with pytest.raises(Refused, match="not narrowed"):
        narrow(queue, "ana", Role.ADMIN, channels=["voice"])


def test_an_admin_narrows_a_role_on_the_page(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    path = "/admin/users/rolf/grant"
    shown = send(ida, "/admin", path, role="reviewer", channel=["voice", "sms"], countries="fr, de")
    assert "reviewer: sms, voice; DE, FR" in shown.text
    wrong = send(ida, "/admin", path, role="reviewer", countries="France")
    assert wrong.status_code == 400
