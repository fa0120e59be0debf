"""Dispatch against a real SMTP server: exact bytes, kept dialogues, and what follows from each answer."""

from __future__ import annotations

import email
import os
import signal
import threading
from concurrent.futures import Future
from datetime import datetime, timedelta
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.audit.texts import erase_contents
from cjp_fraud.clock import StandingClock
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import DeliveryStatus, Right
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.digests import digest, sha256_hex
from cjp_fraud.errors import CjpFraudError, Refused
from cjp_fraud.notices.delivery_record import progress_at, record_event
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.model import DeliveryEvidence, NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans_on_record import cancel_plan, create_plan, plan_of, recipients_of, stated_end
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import make_engine, reading, transaction
from tests import processes
from tests.chains import chain_faults
from tests.contract_builders import NOON, a_row, load_rows
from tests.mail_servers import MailServerUnderTest, free_port
from tests.notice_builders import (
    a_letter,
    a_plain_plan,
    a_plan,
    attempts_of,
    by_email,
    events_of,
    methods_of,
    notices_of,
    smtp_of,
)
from tests.notice_progress import permits_measure
from tests.return_paths import KEY
from tests.tampering import unrecorded

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ADDRESS = "notices@acme.example"


def terms_of_counsel(engine: Engine, *steps: NoticeStep) -> None:
    with transaction(engine) as session:
        enter_terms(
            session,
            "acme",
            machine("test"),
            NOON,
            reference="Master agreement 7",
            right=Right.CLAUSE_2_4,
            terms=NoticeTerms(steps, "12.9"),
        )


def a_rule(*roles: str, basis: Basis = Basis.SENT) -> MethodRule:
    return MethodRule(EMAIL, basis, roles or ("notice",))


def test_a_plain_notice_is_sent_and_counts_at_once(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(engine, tmp_path)
    done = dispatch_due(engine, methods_of(server), plan_id, StandingClock(NOON))
    assert done.complete_at == NOON
    assert permits_measure(done, NOON)
    (notice,) = notices_of(engine, plan_id)
    (received,) = server.received
    assert notice.state is NoticeState.SENT
    assert received.content == notice.message
    assert notice.message is not None
    assert notice.message_sha256 == sha256_hex(notice.message)
    message = email.message_from_bytes(received.content, policy=default)
    assert message["Message-ID"] == notice.reference
    assert message["Date"].datetime == NOON
    assert message["To"] == received.recipient == ADDRESS
    body = " ".join(message.get_content().split())
    assert "Date: 2 April 2015 at 08:00 (12:00 UTC) Customer: Acme Ltd." in body
    assert "not before 2 April 2015 at 08:00 (12:00 UTC)" in body
    assert "Until: 5 April 2015 at 08:00 (12:00 UTC) at the latest" in body
    assert notice.states_end_at == NOON + timedelta(hours=72)
    assert "$" not in body


def test_the_whole_dialogue_is_kept_with_its_times(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    (notice,) = notices_of(sqlite_engine, plan_id)
    (attempt,) = attempts_of(sqlite_engine, notice.id)
    smtp = smtp_of(sqlite_engine, attempt)
    assert (attempt.method, attempt.outcome, smtp.reply_code) == (EMAIL, Outcome.SENT, 250)
    assert attempt.message_sha256 == notice.message_sha256
    assert attempt.evidence is not None
    lines = attempt.evidence.splitlines()
    assert all(line.startswith("2015-04-02T12:00:0") for line in lines)
    assert any(f"C: MAIL FROM:<{smtp.envelope_from}> RET=HDRS ENVID={smtp.envid}" in line for line in lines)
    assert any("NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;notices@acme.example" in line for line in lines)
    assert any(f"content: {len(notice.message or b'')} bytes" in line for line in lines)
    assert any("S: 250 2.0.0 queued as 4711" in line for line in lines)
    (event,) = events_of(sqlite_engine, notice.id)
    assert (event.status, event.negative, event.authenticated) == (DeliveryStatus.SENT, False, True)


def test_the_return_path_is_of_the_attempt_alone_and_cannot_be_guessed(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    server.rcpt_replies[ADDRESS].append("451 come back")
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    for hour in range(2):
        dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON + hour * HOUR))
    (notice,) = notices_of(sqlite_engine, plan_id)
    first, second = (smtp_of(sqlite_engine, attempt) for attempt in attempts_of(sqlite_engine, notice.id))
    assert first.envelope_from != second.envelope_from
    local, _, domain = first.envelope_from.partition("@")
    assert domain == "provider.example"
    assert len(f"prvs=0123456789={local}") <= 64  # also with the tag of BATV
    paths = [KEY.read(smtp.envelope_from) for smtp in (first, second)]
    assert [path.attempt_id for path in paths if path] == [first.attempt_id, second.attempt_id]


def test_a_250_is_the_recipients_own_only_where_the_settings_say_so(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    mail = methods_of(server, recipient_domains=("ACME.example",))
    dispatch_due(sqlite_engine, mail, plan_id, StandingClock(NOON))
    (event,) = events_of(sqlite_engine, notices_of(sqlite_engine, plan_id)[0].id)
    assert event.status is DeliveryStatus.ACCEPTED


def test_dispatching_again_sends_nothing_again(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    for hour in range(3):
        dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON + hour * HOUR))
    assert len(server.received) == 1


@pytest.mark.both_databases
def test_two_dispatches_at_once_send_one_letter(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(engine, tmp_path)
    mail = methods_of(server)
    arguments = (engine, mail, plan_id, StandingClock(NOON))
    threads = [threading.Thread(target=dispatch_due, args=arguments) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.received) == 1
    with reading(engine) as session:
        assert chain_faults(session) == []


def test_a_temporary_refusal_is_tried_again_with_a_letter_of_its_own_date(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    server.data_replies.append("451 4.3.0 try later")
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    first = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    assert (first.step_complete, first.failed, first.gone_out) == (False, False, False)
    assert first.next_due_at == NOON
    assert (
        dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON + HOUR)).complete_at
        == NOON + HOUR
    )
    before, after = (email.message_from_bytes(taken.content, policy=default) for taken in server.received)
    assert (before["Date"], after["Date"]) == (
        "Thu, 02 Apr 2015 12:00:00 +0000",
        "Thu, 02 Apr 2015 13:00:00 +0000",
    )
    assert before["Message-ID"] == after["Message-ID"]
    [notice] = notices_of(sqlite_engine, plan_id)
    kept = [attempt.message for attempt in attempts_of(sqlite_engine, notice.id)]
    assert kept == [taken.content for taken in server.received], "each attempt's bytes are kept"
    assert notice.message == kept[-1]
    assert (notice.dispatched_at, len(set(kept))) == (NOON + HOUR, 2)


class SettableClock:
    """A clock that the test sets, while the server lets us wait."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.mark.parametrize(("waited", "dated"), [(4, "12:00:00"), (40, "12:00:40")])
def test_a_letter_that_waits_for_a_slow_server_is_dated_when_its_content_leaves(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, waited: int, dated: str
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    clock = SettableClock(NOON)
    server.on_recipient = lambda: setattr(clock, "at", NOON + timedelta(seconds=waited))

    dispatch_due(sqlite_engine, methods_of(server), plan_id, clock)

    [taken] = server.received
    assert (
        email.message_from_bytes(taken.content, policy=default)["Date"] == f"Thu, 02 Apr 2015 {dated} +0000"
    )
    [notice] = notices_of(sqlite_engine, plan_id)
    [attempt] = attempts_of(sqlite_engine, notice.id)
    assert notice.message == attempt.message == taken.content
    assert attempt.message_sha256 == sha256_hex(taken.content)
    assert f"{notice.dispatched_at:%H:%M:%S}" == dated
    assert f"SHA-256 {attempt.message_sha256}" in (attempt.evidence or "")
    with reading(sqlite_engine) as session:
        assert chain_faults(session) == []


def test_what_was_changed_while_the_server_let_us_wait_does_not_leave(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    clock = SettableClock(NOON)

    def change() -> None:
        clock.at = NOON + timedelta(seconds=40)
        with unrecorded(sqlite_engine) as session:
            session.execute(update(Tenant).values(name="Somebody Else Ltd"))

    server.on_recipient = change
    with pytest.raises(CjpFraudError, match="is not sent"):
        dispatch_due(sqlite_engine, methods_of(server), plan_id, clock)
    assert server.received == []


def test_a_letter_that_cannot_be_handed_over_in_time_has_failed(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    nobody = by_email(MailServer("127.0.0.1", free_port()), give_up_after=2 * DAY)
    first = dispatch_due(sqlite_engine, nobody, plan_id, StandingClock(NOON))
    assert not first.failed
    assert not first.gone_out
    (attempt,) = attempts_of(sqlite_engine, notices_of(sqlite_engine, plan_id)[0].id)
    assert (attempt.outcome, smtp_of(sqlite_engine, attempt).reply_code) == (Outcome.DEFERRED, None)
    assert "no connection" in (attempt.evidence or "")
    last = dispatch_due(sqlite_engine, nobody, plan_id, StandingClock(NOON + 2 * DAY))
    assert last.failed
    assert len(attempts_of(sqlite_engine, notices_of(sqlite_engine, plan_id)[0].id)) == 1


def test_a_final_refusal_fails_the_plan(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    server.rcpt_replies[ADDRESS].append("550 5.1.1 no such user")
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    done = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    assert done.failed
    assert not done.gone_out
    (notice,) = notices_of(sqlite_engine, plan_id)
    assert notice.state is NoticeState.FAILED
    (event,) = events_of(sqlite_engine, notice.id)
    assert event.negative
    assert "550 5.1.1 no such user" in event.raw


def test_a_final_refusal_falls_to_the_contracts_next_method_at_once(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    with transaction(sqlite_engine) as session:
        enter_address(session, "acme", "legal", ("law@acme.example",), machine("test"), NOON)
    step = NoticeStep(1, Combine.ANY_OF, (a_rule(), a_rule("legal")), Wait(0, WaitUnit.HOURS))
    terms_of_counsel(sqlite_engine, step)
    server.rcpt_replies[ADDRESS].append("550 no")
    plan_id = a_plan(sqlite_engine)
    done = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    assert done.complete_at == NOON
    assert [it.recipient for it in server.received] == ["law@acme.example"]
    assert [notice.state for notice in notices_of(sqlite_engine, plan_id)] == [
        NoticeState.FAILED,
        NoticeState.SENT,
    ]
    assert "12.9" in notices_of(sqlite_engine, plan_id)[0].clause


def test_an_all_of_notice_in_two_steps_to_two_addresses_is_complete_only_after_all_of_it(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    with transaction(sqlite_engine) as session:
        enter_address(session, "acme", "legal", ("law@acme.example",), machine("test"), NOON)
    terms_of_counsel(
        sqlite_engine,
        NoticeStep(1, Combine.ALL_OF, (a_rule("notice", "legal"),), Wait(14, WaitUnit.CALENDAR_DAYS)),
        NoticeStep(2, Combine.ALL_OF, (a_rule(), a_rule("legal")), Wait(24, WaitUnit.HOURS)),
    )
    plan_id = a_plan(sqlite_engine)
    mail = methods_of(server)
    first = dispatch_due(sqlite_engine, mail, plan_id, StandingClock(NOON))
    assert (first.current_step, first.step_complete, first.complete_at) == (1, True, None)
    assert first.next_due_at == NOON + 14 * DAY
    assert len(server.received) == 2
    assert dispatch_due(sqlite_engine, mail, plan_id, StandingClock(NOON + 13 * DAY)).current_step == 1
    assert len(server.received) == 2
    server.rcpt_replies["law@acme.example"].append("451 later")
    second = dispatch_due(sqlite_engine, mail, plan_id, StandingClock(NOON + 14 * DAY))
    assert (second.current_step, second.step_complete) == (2, False)
    third = dispatch_due(sqlite_engine, mail, plan_id, StandingClock(NOON + 14 * DAY + HOUR))
    assert third.complete_at == NOON + 15 * DAY + HOUR
    assert not permits_measure(third, NOON + 15 * DAY)
    assert permits_measure(third, NOON + 15 * DAY + HOUR)
    letters = [email.message_from_bytes(it.content, policy=default).get_content() for it in server.received]
    assert "not before 17 April 2015 at 08:00 (12:00 UTC)" in " ".join(letters[0].split())
    with reading(sqlite_engine) as session:
        assert stated_end(session, plan_id) == NOON + 18 * DAY, (
            "the first letters' end, not that of the late one"
        )
    assert len({it.content for it in server.received}) == 4


def test_a_notice_that_counts_when_delivered_waits_for_the_report(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    terms_of_counsel(
        sqlite_engine,
        NoticeStep(1, Combine.ANY_OF, (a_rule(basis=Basis.DELIVERED),), Wait(0, WaitUnit.HOURS)),
    )
    plan_id = a_plan(sqlite_engine)
    assert not dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON)).step_complete
    (notice,) = notices_of(sqlite_engine, plan_id)
    with transaction(sqlite_engine) as session:
        record_event(
            Decision(session, machine("test"), NOON + HOUR),
            notice.id,
            DeliveryEvidence(
                DeliveryStatus.ACKNOWLEDGED,
                negative=False,
                authenticated=True,
                source="signed link",
                raw="acknowledged",
            ),
        )
        assert progress_at(session, plan_id, NOON + HOUR).complete_at == NOON + HOUR


def test_old_and_new_address_are_served_after_a_change(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(notice_address="old@acme.example"), at=NOON - DAY)
    load_rows(sqlite_engine, tmp_path, a_row(), at=NOON)
    server.rcpt_replies["old@acme.example"].append("550 left the company")
    plan_id = a_plan(sqlite_engine, at=NOON)
    done = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    assert permits_measure(done, NOON)
    assert {notice.required: notice.state for notice in notices_of(sqlite_engine, plan_id)} == {
        True: NoticeState.SENT,
        False: NoticeState.FAILED,
    }


def test_a_line_that_breaks_after_the_content_leaves_an_unknown_outcome_and_the_same_bytes_again(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    server.data_replies.append(None)
    plan_id = a_plain_plan(engine, tmp_path)
    first = dispatch_due(engine, methods_of(server), plan_id, StandingClock(NOON))
    assert first.gone_out
    assert not first.step_complete
    second = dispatch_due(engine, methods_of(server), plan_id, StandingClock(NOON + HOUR))
    assert second.complete_at == NOON + HOUR
    (notice,) = notices_of(engine, plan_id)
    assert [it.outcome for it in attempts_of(engine, notice.id)] == [Outcome.UNKNOWN, Outcome.SENT]
    assert len({it.content for it in server.received}) == 1
    assert len(server.received) == 2


def dispatch(url: str, server_port: int, plan_id: str) -> None:
    methods = methods_of(MailServerUnderTest("127.0.0.1", server_port))
    dispatch_due(make_engine(url), methods, plan_id, StandingClock(NOON))


@pytest.mark.both_databases
def test_a_process_killed_while_the_content_is_taken_over_is_completed_by_the_next_run(
    engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(engine, tmp_path)
    url = engine.url.render_as_string(hide_password=False)
    pid: Future[int] = Future()
    server.on_data = lambda: os.kill(pid.result(), signal.SIGKILL)
    child = processes.Running(dispatch, url, server.port, plan_id)
    pid.set_result(child.pid)
    assert child.ended().exit_code == processes.KILLED
    server.on_data = None
    (notice,) = notices_of(engine, plan_id)
    (attempt,) = attempts_of(engine, notice.id)
    assert attempt.outcome is None
    with reading(engine) as session:
        assert progress_at(session, plan_id, NOON).gone_out
    done = dispatch_due(engine, methods_of(server), plan_id, StandingClock(NOON + HOUR))
    assert done.complete_at == NOON + HOUR
    first, second = server.received
    assert first.content == second.content
    assert [it.outcome for it in attempts_of(engine, notice.id)] == [Outcome.UNKNOWN, Outcome.SENT]
    with reading(engine) as session:
        assert chain_faults(session) == []


def test_in_observe_letters_are_built_and_nothing_leaves(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path, mode=PlatformMode.OBSERVE)
    for _ in range(2):
        done = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
        assert (done.step_complete, done.failed, done.gone_out) == (False, False, False)
        assert not permits_measure(done, NOON)
    (notice,) = notices_of(sqlite_engine, plan_id)
    assert notice.state is NoticeState.OBSERVED
    assert notice.message is not None
    assert not server.received
    assert not attempts_of(sqlite_engine, notice.id)


def test_what_was_approved_in_act_does_not_leave_while_the_settings_say_observe(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    with pytest.raises(Refused, match="nothing leaves"):
        dispatch_due(sqlite_engine, methods_of(server, PlatformMode.OBSERVE), plan_id, StandingClock(NOON))
    assert not server.received


def test_nothing_of_a_cancelled_plan_leaves(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    with transaction(sqlite_engine) as session:
        cancel_plan(Decision(session, machine("test"), NOON), plan_id)
        cancel_plan(Decision(session, machine("test"), NOON + HOUR), plan_id)
    assert dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON)).cancelled
    assert not server.received


def test_an_erased_or_exchanged_address_is_not_served(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    with unrecorded(sqlite_engine) as session:
        text = session.scalars(select(PersonalText).where(PersonalText.body == ADDRESS)).one()
        text.body = "fraudster@evil.example"
    assert dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON)).failed
    other = a_plan(sqlite_engine)
    with unrecorded(sqlite_engine) as session:
        erase_contents(session.scalars(select(PersonalText).where(PersonalText.id == text.id)).one(), NOON)
    assert dispatch_due(sqlite_engine, methods_of(server), other, StandingClock(NOON)).failed
    assert not server.received


def test_a_plan_is_made_once_and_holds_the_draft_byte_for_byte(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    proposal_id = new_id()
    first = a_plan(sqlite_engine, proposal_id=proposal_id)
    assert a_plan(sqlite_engine, proposal_id=proposal_id) == first
    with reading(sqlite_engine) as session:
        plan = plan_of(session, proposal_id)
        assert plan is not None
        assert digest(plan.document) == plan.sha256
        assert ADDRESS not in str(plan.document)


def test_a_withdrawal_goes_to_all_whom_the_notice_went_to_even_if_the_terms_are_gone(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    load_rows(sqlite_engine, tmp_path, a_row(governing_document=""), at=NOON + HOUR)
    with unrecorded(sqlite_engine) as session:
        plan = session.get_one(NoticePlan, plan_id)
        position = contract_at(session, "acme", NOON + HOUR)
        draft = draft_plan(position, recipients_of(plan), a_letter(NoticeKind.WITHDRAWAL))
        withdrawal = create_plan(
            Decision(session, machine("enforcement"), NOON + HOUR),
            draft,
            case_id=plan.case_id,
            proposal_id=plan.proposal_id,
            approved_at=plan.approved_at,
            mode=plan.mode,
        )
        withdrawal_id = withdrawal.id
    done = dispatch_due(sqlite_engine, methods_of(server), withdrawal_id, StandingClock(NOON + HOUR))
    assert done.step_complete
    message = email.message_from_bytes(server.received[1].content, policy=default)
    assert message["Subject"] == "Withdrawal of our notice, case 17"


def test_a_draft_names_all_that_is_missing(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(language="pt"))
    step = NoticeStep(1, Combine.ALL_OF, (a_rule("notice", "legal", "billing"),), Wait(0, WaitUnit.HOURS))
    terms_of_counsel(sqlite_engine, step)
    with reading(sqlite_engine) as session, pytest.raises(Refused) as caught:
        draft_plan(contract_at(session, "acme", NOON), (), a_letter())
    assert len(caught.value.missing) == 4
    assert "language is pt" in caught.value.missing[0]


def test_the_log_tells_of_every_step_and_names_no_address(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    with reading(sqlite_engine) as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.case_id.is_not(None)).order_by(AuditEntry.sequence)
        ).all()
        case_id = session.get_one(NoticePlan, plan_id).case_id
    assert [entry.action for entry in entries] == [
        "notice.planned",
        "notice.attempted",
        "notice.sent",
        "notice.event",
    ]
    assert {entry.case_id for entry in entries} == {case_id}
    assert "acme.example" not in str([entry.content for entry in entries])


def test_a_continuation_goes_once_to_everybody_who_was_served_and_announces_no_new_restriction(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(language="de"))
    plan_id = a_plan(sqlite_engine, kind=NoticeKind.REAFFIRMATION)
    done = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    assert done.step_complete
    (notice,) = notices_of(sqlite_engine, plan_id)
    (received,) = server.received
    assert (notice.kind, notice.template) == (NoticeKind.REAFFIRMATION, "reaffirmation.de")
    assert notice.states_end_at is None
    body = " ".join(email.message_from_bytes(received.content, policy=default).get_content().split())
    assert "bleibt bestehen" in body
    assert "Ende: spätestens am 7. April 2015 um 23:00 Uhr (8. April 2015, 03:00 UTC)." in body
    assert "bis zum 2. Mai 2015 um 08:00 Uhr (12:00 UTC) Einspruch erheben" in body
