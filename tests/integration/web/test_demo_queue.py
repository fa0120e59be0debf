"""The queue that ``cjp-fraud serve --demo`` serves: what is in it, and who may sign in."""

from __future__ import annotations

import re
import socket
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.clock import machine_now
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.audit_log import verify_log
from cjp_fraud.operations.case_desk import look_at_case
from cjp_fraud.operations.case_queue import list_cases, list_disputes
from cjp_fraud.operations.consents import list_standing
from cjp_fraud.operations.demo_queue import DemoQueue, DemoSignIn, make_demo_queue
from cjp_fraud.people.model import Role
from cjp_fraud.review.model import CaseState, QueueFilter
from cjp_fraud.simulation.demo import demo_settings, prepare_home
from cjp_fraud.simulation.demo_cloud import DELIVERIES, Fate, planned_incidents
from cjp_fraud.simulation.mail_sink import running_mail_sink
from cjp_fraud.web.application import queue_application
from tests.english_in_pages import FIRST_PAGES, english_behind
from tests.queue_pages import ROOT, hidden_in


def test_the_cloud_has_30_tenants_with_one_incident_each_and_all_that_people_make_of_them() -> None:
    incidents = planned_incidents()
    assert len({each.tenant_id for each in incidents}) == len(incidents) == 30
    assert {each.fate for each in incidents} == set(Fate)
    assert all(each.begin < DELIVERIES[0 if each.earlier else -1] for each in incidents)


def test_the_codes_that_are_printed_are_those_of_the_half_minutes_beside_them() -> None:
    person = DemoSignIn("rosa", (Role.REVIEWER,), "a password", pyotp.random_base32())
    now = datetime(2026, 1, 31, 9, 0, 29, tzinfo=UTC)
    codes = person.codes(now)
    assert codes[0] == (
        datetime(2026, 1, 31, 9, 0, 30, tzinfo=UTC),
        pyotp.TOTP(person.secret).at(codes[0][0]),
    )
    assert len({code for _, code in codes}) == len(codes)


def test_an_earlier_demo_stays_where_something_listens_at_the_port_already(tmp_path: Path) -> None:
    home = tmp_path / "serve-demo"
    prepare_home(home)
    (home / "earlier").touch()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        done = CliRunner().invoke(app, ["--home", str(tmp_path), "serve", "--demo", "--port", port])
    assert isinstance(done.exception, BadInputError)
    assert "choose another --port" in str(done.exception)
    assert (home / "earlier").exists()


@pytest.mark.slow
def test_the_queue_has_30_cases_in_all_states_and_both_people_can_sign_in(tmp_path: Path) -> None:
    prepare_home(tmp_path / "home")
    with running_mail_sink() as sink, demo_settings(sink.port):
        queue = make_demo_queue(tmp_path / "home", lambda _: None)
        everything = QueueFilter(states=frozenset(CaseState))
        states = Counter(case.state for case in list_cases(queue.deployment, everything).cases)
        assert sum(states.values()) >= 30, "beside the incidents, detection may flag by chance"
        assert set(states) == set(CaseState) - {
            CaseState.APPROVED,
            CaseState.NOTICE_FAILED,
            CaseState.SUSPENDING,
            CaseState.LIFTING,
        }, "those that pass, or that only a failure leaves"
        assert len(list_disputes(queue.deployment)) == 1
        assert len(list_standing(queue.deployment, queue.deployment.now)) == 1
        look_at_what_people_added(queue)
        assert verify_log(queue.deployment).holds
        assert [person.name for person in queue.sign_ins] == ["rosa", "amir"]
        for person in queue.sign_ins:
            sign_in_and_look(queue, person)


def look_at_what_people_added(queue: DemoQueue) -> None:
    """Find one of each in the queue: a known event, an attachment, mentions of the two people, a similar case."""
    deployment = queue.deployment
    by_name = {
        person.name: list_cases(deployment, QueueFilter(states=frozenset(CaseState)), by=person.name).cases
        for person in queue.sign_ins
    }
    assert sum(bool(case.known_events) for case in by_name["rosa"]) == 1
    mentioning = {name: [case for case in listed if case.mentions_reader] for name, listed in by_name.items()}
    assert {name: len(listed) for name, listed in mentioning.items()} == {"rosa": 1, "amir": 1}
    desks = {
        name: look_at_case(deployment, name, deployment.now, str(listed[0].number))
        for name, listed in mentioning.items()
    }
    assert len([file for entry in desks["rosa"].timeline for file in entry.attachments]) == 1
    assert desks["amir"].similar


def sign_in_and_look(queue: DemoQueue, person: DemoSignIn) -> None:
    """Sign in with what is printed, open the queue and its first case, and walk all pages in French."""
    browser = TestClient(queue_application(queue.deployment), base_url=ROOT)
    asked = browser.get("/sign-in")
    typed = {"name": person.name, "password": person.password}
    second = browser.post("/sign-in", data=hidden_in(asked.text) | typed)
    code = person.codes(machine_now())[0][1]
    shown = browser.post("/second-factor", data=hidden_in(second.text) | {"code": code})
    assert shown.url.path == "/queue", shown.text
    case = re.search(r'href="(/cases/\d+)"', shown.text)
    assert case is not None
    assert browser.get(case[1]).status_code == 200
    browser.headers["accept-language"] = "fr"
    english, walked = english_behind(browser, *FIRST_PAGES)
    assert english == {}
    assert len([path for path in walked if path.endswith("/charts")]) >= 30
