"""Delivery reports that come back: matched, counted once, trusted only with the return path's token."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.clock import StandingClock
from cjp_fraud.config import Settings, load_settings
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.errors import Refused
from cjp_fraud.notices import inbound_reports
from cjp_fraud.notices.delivery_record import progress_at, resolve_contradictions
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.inbound_folders import incoming_folder
from cjp_fraud.notices.inbound_reports import collect_delivery_events, unmatched_reports
from cjp_fraud.notices.progress import PlanProgress
from cjp_fraud.notices.tables import SmtpAttempt
from cjp_fraud.people.model import Actor, Decision, Role, machine
from cjp_fraud.storage.database import reading, transaction
from tests.contract_builders import NOON
from tests.delivery_reports import a_report
from tests.mail_servers import MailServerUnderTest
from tests.notice_builders import a_plain_plan, attempts_of, events_of, methods_of, notices_of, smtp_of
from tests.notice_progress import permits_measure
from tests.people_builders import a_user

LATER = NOON + timedelta(hours=6)
ADDRESS = "notices@acme.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


@pytest.fixture
def plan_id(sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> str:
    """A plan whose one letter was sent."""
    made = a_plain_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, methods_of(server), made, StandingClock(NOON))
    return made


def the_letter(engine: Engine, plan_id: str) -> tuple[str, SmtpAttempt]:
    (notice,) = notices_of(engine, plan_id)
    (attempt,) = attempts_of(engine, notice.id)
    return notice.id, smtp_of(engine, attempt)


def drop(settings: Settings, content: bytes, name: str = "report.eml") -> None:
    folder = incoming_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def progress_now(engine: Engine, plan_id: str) -> PlanProgress:
    with reading(engine) as session:
        return progress_at(session, plan_id, LATER)


def test_nothing_dropped_is_nothing_collected(sqlite_engine: Engine, settings: Settings) -> None:
    assert collect_delivery_events(sqlite_engine, settings, NOON) == 0


def test_a_delivered_report_on_the_return_path_is_proof(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "delivered", envid=smtp.envid, original=ADDRESS))
    assert collect_delivery_events(sqlite_engine, settings, LATER) == 1
    event = events_of(sqlite_engine, notice_id)[-1]
    assert (event.status, event.negative, event.authenticated) == (DeliveryStatus.DELIVERED, False, True)
    assert event.at == LATER
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


def test_a_late_bounce_shuts_the_gate_until_a_person_lets_the_notice_stand(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from.upper(), "failed"))
    collect_delivery_events(sqlite_engine, settings, LATER)
    shut = progress_now(sqlite_engine, plan_id)
    assert [it.notice_id for it in shut.contradictions] == [notice_id]
    assert not permits_measure(shut, LATER)
    with transaction(sqlite_engine) as session, pytest.raises(Refused):
        resolve_contradictions(Decision(session, machine("mend"), LATER), notice_id)
    with transaction(sqlite_engine) as session:
        user = a_user(session, "cora", [Role.COUNSEL], LATER)
        cora = Actor(user.name, user.id, frozenset({Role.COUNSEL}))
        assert resolve_contradictions(Decision(session, cora, LATER), notice_id) == 1
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


@pytest.mark.parametrize("action", ["failed", "delivered"])
def test_a_report_without_the_token_proves_nothing(
    sqlite_engine: Engine, settings: Settings, plan_id: str, action: str
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report("notices@provider.example", action, envid=smtp.envid))
    assert collect_delivery_events(sqlite_engine, settings, LATER) == 1
    event = events_of(sqlite_engine, notice_id)[-1]
    assert not event.authenticated
    assert permits_measure(progress_now(sqlite_engine, plan_id), LATER)


@pytest.mark.parametrize("contradicting", [{"envid": "another"}, {"original": "else@acme.example"}])
def test_a_report_that_names_something_else_is_not_authenticated(
    sqlite_engine: Engine, settings: Settings, plan_id: str, contradicting: dict[str, str]
) -> None:
    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "failed", **contradicting))  # type: ignore[arg-type]
    collect_delivery_events(sqlite_engine, settings, LATER)
    assert not events_of(sqlite_engine, notice_id)[-1].authenticated


def test_mail_that_is_of_no_attempt_is_moved_aside_and_counted(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    drop(settings, a_report("bounce+0000@provider.example", "failed"), "forged.eml")
    drop(settings, b"Subject: away\r\nAuto-Submitted: auto-replied\r\n\r\nI am away\r\n", "away.eml")
    drop(settings, b"x" * (inbound_reports.LARGEST_BYTES + 1), "huge.eml")
    assert collect_delivery_events(sqlite_engine, settings, LATER) == 0
    assert unmatched_reports(settings) == 3
    assert not list(incoming_folder(settings).iterdir())
    assert len(events_of(sqlite_engine, the_letter(sqlite_engine, plan_id)[0])) == 1


def test_a_report_counts_once_however_often_it_comes(
    sqlite_engine: Engine, settings: Settings, plan_id: str
) -> None:
    report = a_report(the_letter(sqlite_engine, plan_id)[1].envelope_from, "delivered")
    for name in ("one.eml", "two.eml"):
        drop(settings, report, name)
    assert collect_delivery_events(sqlite_engine, settings, LATER) == 1
    drop(settings, report)
    assert collect_delivery_events(sqlite_engine, settings, LATER) == 0
    assert unmatched_reports(settings) == 0


def test_a_kill_between_record_and_move_records_nothing_twice(
    sqlite_engine: Engine, settings: Settings, plan_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(file: Path, folder: Path) -> None:
        raise Killed

    notice_id, smtp = the_letter(sqlite_engine, plan_id)
    drop(settings, a_report(smtp.envelope_from, "delivered"))
    with monkeypatch.context() as patched:
        patched.setattr(inbound_reports, "_move", killed)
        with pytest.raises(Killed):
            collect_delivery_events(sqlite_engine, settings, LATER)
    assert collect_delivery_events(sqlite_engine, settings, LATER) == 0
    assert len(events_of(sqlite_engine, notice_id)) == 2
    assert not list(incoming_folder(settings).iterdir())
