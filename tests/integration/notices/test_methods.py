"""A method of serving is one file: a folder in the place of a mail server, known to this test alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import Clock, StandingClock
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts import methods as contract_methods
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep
from cjp_fraud.contracts.versions import enter_address
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, NotFoundError
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import Composition, Delivery, NoticeMethods, WrittenLetter
from cjp_fraud.notices.model import NoticeState, Outcome
from cjp_fraud.notices.notice_views import delivery_record
from cjp_fraud.notices.tables import NoticeAttempt, SmtpAttempt
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import reading, transaction
from tests.chains import chain_faults
from tests.contract_builders import NOON, a_row, load_rows
from tests.mail_servers import MailServerUnderTest
from tests.notice_builders import a_mail_server, a_plan_under, attempts_of, events_of, notices_of
from tests.return_paths import KEY

FOLDER = "folder"
DOOR = "Main Street 1, third door"


@dataclass(frozen=True, slots=True)
class FolderMethod:
    """Put the letter into a folder; a lid that is shut defers it."""

    folder: Path

    def compose(self, letter: WrittenLetter) -> Composition:
        text = f"{letter.address}\n{letter.dated:%Y-%m-%d}\n\n{letter.subject}\n\n{letter.body}"
        return Composition(f"folder/{letter.notice_id}", text.encode())

    def begin(self, session: Session, attempt: NoticeAttempt, address: str) -> Path:
        return self.folder / f"{attempt.notice_id}.txt"

    def deliver(self, prepared: Path, content: Callable[[], bytes], clock: Clock) -> Delivery:
        at = clock.now()
        if not self.folder.is_dir():
            return Delivery(Outcome.DEFERRED, DeliveryStatus.ATTEMPTED, "the folder", "the lid is shut", at)
        prepared.write_bytes(content())
        return Delivery(Outcome.SENT, DeliveryStatus.DELIVERED, "the folder", "the letter lies in it", at)

    def finish(self, session: Session, attempt: NoticeAttempt, delivered: Delivery) -> None:
        """Every attempt's columns are enough."""


@pytest.fixture(autouse=True)
def _served(monkeypatch: pytest.MonkeyPatch) -> None:
    def require_door(text: str) -> str:
        if "door" not in text:
            raise BadInputError(f"{text!r} names no door")
        return text

    monkeypatch.setitem(contract_methods.METHODS, FOLDER, require_door)


def a_plan_by(engine: Engine, folder: Path, *rules: MethodRule) -> str:
    """Put acme under terms whose one step takes any of ``rules``, and a plan of it, on record."""
    step = NoticeStep(1, Combine.ANY_OF, rules, Wait(0, WaitUnit.HOURS))
    return a_plan_under(engine, folder, step, "door", DOOR, FOLDER)


def by_folder() -> MethodRule:
    return MethodRule(FOLDER, Basis.DELIVERED, ("door",))


def test_a_new_method_serves_a_notice_from_the_contract_to_its_receipt(
    engine: Engine, tmp_path: Path
) -> None:
    plan_id = a_plan_by(engine, tmp_path, by_folder())
    methods = NoticeMethods(PlatformMode.ACT, {FOLDER: FolderMethod(tmp_path / "letters")})
    assert not dispatch_due(engine, methods, plan_id, StandingClock(NOON)).step_complete
    (tmp_path / "letters").mkdir()
    done = dispatch_due(engine, methods, plan_id, StandingClock(NOON + timedelta(hours=1)))
    assert done.complete_at == NOON + timedelta(hours=1)

    (notice,) = notices_of(engine, plan_id)
    (file,) = (tmp_path / "letters").iterdir()
    assert file.read_bytes() == notice.message
    assert file.read_text().startswith(f"{DOOR}\n2015-04-02\n\nNotice of a temporary restriction")
    assert (notice.method, notice.state, notice.reference) == (
        FOLDER,
        NoticeState.SENT,
        f"folder/{notice.id}",
    )
    deferred, sent = attempts_of(engine, notice.id)
    assert [it.outcome for it in (deferred, sent)] == [Outcome.DEFERRED, Outcome.SENT]
    assert (sent.method, sent.evidence) == (FOLDER, "the letter lies in it")
    assert sent.message_sha256 == sha256_hex(file.read_bytes())
    assert deferred.message_sha256 == sha256_hex(deferred.message) != sent.message_sha256, "dated anew"
    (event,) = events_of(engine, notice.id)
    assert (event.status, event.source, event.attempt_id) == (
        DeliveryStatus.DELIVERED,
        "the folder",
        sent.id,
    )
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(SmtpAttempt)) == 0
        assert chain_faults(session) == []
        record = delivery_record(session, notice.id, NOON + timedelta(hours=1))
    assert (record.address, record.method) == (DOOR, FOLDER)
    assert [attempt.smtp for attempt in record.attempts] == [None, None]


def test_a_letter_that_email_refused_falls_to_the_other_method(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    (tmp_path / "letters").mkdir()
    server.rcpt_replies["notices@acme.example"].append("550 no such user")
    by_email = MethodRule(EMAIL, Basis.SENT, ("notice",))
    plan_id = a_plan_by(sqlite_engine, tmp_path, by_email, by_folder())
    methods = NoticeMethods(
        PlatformMode.ACT,
        {EMAIL: EmailMethod(a_mail_server(server), KEY), FOLDER: FolderMethod(tmp_path / "letters")},
    )
    assert dispatch_due(sqlite_engine, methods, plan_id, StandingClock(NOON)).step_complete
    assert {notice.method: notice.state for notice in notices_of(sqlite_engine, plan_id)} == {
        EMAIL: NoticeState.FAILED,
        FOLDER: NoticeState.SENT,
    }


def test_a_method_that_the_deployment_does_not_serve_by_is_said_and_nothing_is_put_on_record(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    plan_id = a_plan_by(sqlite_engine, tmp_path, by_folder())
    with pytest.raises(NotFoundError, match="'folder', and this deployment serves by nothing"):
        dispatch_due(sqlite_engine, NoticeMethods(PlatformMode.ACT, {}), plan_id, StandingClock(NOON))
    (notice,) = notices_of(sqlite_engine, plan_id)
    assert notice.state is NoticeState.PLANNED
    assert not attempts_of(sqlite_engine, notice.id)


def test_an_address_is_checked_by_its_method(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    with transaction(sqlite_engine) as session:
        with pytest.raises(BadInputError, match="names no door"):
            enter_address(session, "acme", "door", ("a@b.example",), machine("test"), NOON, method=FOLDER)
        with pytest.raises(BadInputError, match=r"method 'pigeon' is not known; write email, .* or folder"):
            enter_address(session, "acme", "door", (DOOR,), machine("test"), NOON, method="pigeon")
